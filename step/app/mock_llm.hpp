// SPDX-License-Identifier: MIT
// `strata mock-llm`: a server that speaks the protocols of providers, to rehearse runs and their cost for
// free. Its behaviour is the library's (strata/llm/mock); here is the command line.
#pragma once

#include "options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace app {

struct MockLlmCommand {
  DataOptions data;
  int port = 0;
  std::string address = "127.0.0.1";
  std::string answers = "proposer";
  std::string wrap = "varied";
  double careless = 0;
  std::uint64_t seed = 0;
  std::string fail;
  std::string latency = "0";
  double token_latency = 0;
  double requests_per_minute = 0;
  double tokens_per_minute = 0;
  std::string n = "yes";
  bool no_cache = false;
  bool cache_writes = false;
  std::optional<std::uint64_t> cache_minimum;
  std::optional<std::uint64_t> cache_ttl;
  std::string key;
  std::vector<std::string> models;
  std::vector<std::string> refuse;
  std::vector<std::string> prices;
  std::string tls_certificate;
  std::string tls_key;
  std::string log;
  bool json = false;
};

void add_mock_llm(CLI::App& root, MockLlmCommand& options);

/// Serves until Ctrl-C or SIGTERM, then prints what was served. Throws Failure.
int mock_llm(const MockLlmCommand& options);

} // namespace app
