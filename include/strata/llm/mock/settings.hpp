// SPDX-License-Identifier: MIT
// How the scripted server behaves. Every default is the friendliest: it answers at once, without limits, to
// any key.
#pragma once

#include "strata/llm/mock/failures.hpp"
#include "strata/llm/mock/prices.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace strata::llm::mock {

/// Drawn uniformly from [least, most], milliseconds.
struct latency_range {
  double least = 0;
  double most = 0;
};

/// How prompts are cached. Counts are tokens.
struct cache_settings {
  bool enabled = true;
  std::uint64_t minimum = 1024;  ///< shorter prefixes are not cached
  std::uint64_t step = 128;      ///< of the automatic cache; marked prefixes have any length
  std::chrono::seconds ttl{300}; ///< since the last use; entries marked "1h" live twelve times as long
  bool writes_counted = false;   ///< OpenAI: report `cache_write_tokens`, as from gpt-5.6 on
  std::size_t most_entries = 1U << 20U;
};

struct settings {
  std::uint16_t port = 0;            ///< 0: one that is free
  std::string address = "127.0.0.1"; ///< where to listen; anything but loopback is open to others
  std::uint64_t seed = 0;
  std::string key{};                 ///< required from clients; empty: any that is not empty
  std::vector<std::string> models{}; ///< known ones; empty: all
  latency_range latency{};           ///< before the first byte
  double token_ms = 0;               ///< per output token: spread over a stream, before the body otherwise
  std::uint32_t event_tokens = 8;    ///< tokens per event of a stream
  failure_plan failures{};
  double requests_per_minute = 0;     ///< per model; 0: no limit and no headers about it
  double tokens_per_minute = 0;       ///< per model; Anthropic: so many input and so many output tokens
  bool supports_n = true;             ///< false: more than one choice is refused as llama.cpp does
  bool ignores_n = false;             ///< true: one choice whatever is asked, as Ollama
  std::vector<std::string> refused{}; ///< parameters that the models do not take: 400
  cache_settings cache{};
  tariff prices{};
  std::string log{}; ///< a file that gets a line per request for text, see request_log.hpp; empty: none

  std::size_t most_body = std::size_t{32} << 20U;    ///< bytes of one request; more: 413
  std::size_t most_bodies = std::size_t{512} << 20U; ///< bytes of all requests being read; more: 503
  std::size_t most_connections = 16384;              ///< further ones wait to be accepted
  std::chrono::milliseconds request_within{60'000};  ///< from its first byte to its last
  std::chrono::milliseconds idle_for{120'000};       ///< a kept connection without a request
  std::chrono::milliseconds silence_for{5'000};      ///< failures `silence` and `drip`
  std::chrono::milliseconds grace{2'000};            ///< for replies in progress when it is stopped
  std::string tls_certificate{};                     ///< files in PEM; both empty: no TLS
  std::string tls_key{};
};

} // namespace strata::llm::mock
