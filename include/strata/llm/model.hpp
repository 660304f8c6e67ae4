// SPDX-License-Identifier: MIT
// Everything that is known about a model and the server that runs it: which protocol, which parameters it
// takes, what it costs. Plain data, usually from the catalogue; no key is part of it, so it may be printed.
#pragma once

#include "strata/llm/request.hpp"
#include "strata/llm/token_usage.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// What is spoken on the wire.
enum class protocol : std::uint8_t { anthropic_messages, openai_chat };

/// How a provider caches prompts.
enum class caching : std::uint8_t {
  none,      ///< not at all, or nothing is known
  automatic, ///< by itself; a request finds what an earlier one left
  marked,    ///< where `message::shared_prefix` says so
};

/// How a model is told how much to think.
enum class reasoning_control : std::uint8_t {
  none,            ///< it does not think, or cannot be told
  effort_field,    ///< OpenAI: `reasoning_effort`
  adaptive,        ///< Anthropic: `thinking: adaptive` with `output_config.effort`
  thinking_switch, ///< DeepSeek: `thinking: enabled | disabled` and `reasoning_effort`
};

/// Which parameters a model takes. What it does not take is not sent.
struct capabilities {
  std::uint32_t max_n = 1; ///< choices per request; 1: the parameter `n` is not sent
  bool temperature = true;
  double max_temperature = 2; ///< higher ones are lowered to it
  double min_temperature = 0; ///< lower ones are raised to it
  bool top_p = true;
  bool seed = false;
  bool stop = true;
  bool temperature_with_n = true; ///< n > 1 also at temperature 0
  std::string max_tokens_field = "max_tokens";
  std::uint32_t max_output_tokens = 0; ///< 0: not known; more are not asked for
  std::string system_role = "system";  ///< "system", "developer", or "user" for models that know neither
  caching cache = caching::none;
  bool cache_key = false; ///< takes `prompt_cache_key`
  reasoning_control reasoning = reasoning_control::none;
  std::vector<effort> efforts{}; ///< it accepts; empty: all. Others become the nearest accepted one
  std::string extra_body{};      ///< members to add to the request, as JSON without the outer braces
  bool stream_usage = true;      ///< takes `stream_options.include_usage`
  bool states_cost = false;      ///< the `usage.cost` of its replies is what it bills. That of others can
                                 ///< only raise what the prices say

  friend bool operator==(const capabilities&, const capabilities&) = default;
};

/// Dollars per million tokens from a day on, for prompts of more than `above` tokens.
struct price {
  std::chrono::sys_days from{};
  std::uint64_t above = 0;
  double input = 0;
  double cached = 0;
  double cache_write = 0;
  double cache_write_hour = 0;
  double output = 0;
  std::string source{};

  friend bool operator==(const price&, const price&) = default;
};

/// Hours of the working week (UTC) at which prices are multiplied.
struct peak_hours {
  double factor = 1;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> hours{}; ///< [from, to) on Monday to Friday

  friend bool operator==(const peak_hours&, const peak_hours&) = default;
};

/// A model on a server.
struct model_profile {
  std::string provider{}; ///< "anthropic", .., or the host and port of a server given by its address
  std::string name{};     ///< as the server wants it
  std::string spec{};     ///< what the user wrote, for reports
  protocol speaks = protocol::openai_chat;
  std::string base_url{}; ///< without a slash at its end; the protocol's path is appended
  capabilities takes{};
  std::vector<price> prices{}; ///< by day, then by `above`, both ascending
  peak_hours peak{};
  std::vector<std::string> key_variables{}; ///< of the environment, the first that is set counts
  bool key_required = true;
  std::string note{}; ///< for the user, for instance that the model is retired

  /// Dollars for one reply, or nothing if the price or the usage is not known. What is settled already
  /// (`cost_usd`) takes precedence. O(prices).
  [[nodiscard]] std::optional<double> cost(const token_usage& used,
                                           std::chrono::system_clock::time_point when) const;
  /// The row that holds at that time for a prompt of that many tokens; null if none does.
  [[nodiscard]] const price* price_at(std::chrono::system_clock::time_point when,
                                      std::uint64_t prompt_tokens) const noexcept;
  /// The factor of the hour.
  [[nodiscard]] double factor_at(std::chrono::system_clock::time_point when) const noexcept;
};

inline const price* model_profile::price_at(std::chrono::system_clock::time_point when,
                                            std::uint64_t prompt_tokens) const noexcept {
  const price* found = nullptr;
  for (const price& p : prices) // a later day replaces all earlier rows, a higher threshold the lower one
    if (p.from <= when && (p.above == 0 || prompt_tokens > p.above)) found = &p;
  return found;
}

inline double model_profile::factor_at(std::chrono::system_clock::time_point when) const noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::weekday weekday{day};
  if (weekday == std::chrono::Saturday || weekday == std::chrono::Sunday) return 1;
  const auto hour = static_cast<std::uint32_t>(std::chrono::floor<std::chrono::hours>(when - day).count());
  for (const auto& [from, to] : peak.hours)
    if (hour >= from && hour < to) return peak.factor;
  return 1;
}

inline std::optional<double> model_profile::cost(const token_usage& used,
                                                 std::chrono::system_clock::time_point when) const {
  if (used.cost_usd) return used.cost_usd;
  if (!used.known) return std::nullopt;
  const price* p = price_at(when, used.input);
  if (p == nullptr) return std::nullopt;
  const auto dollars = [](std::uint64_t tokens, double per_million) {
    return static_cast<double>(tokens) * per_million / 1e6;
  };
  return factor_at(when) *
         (dollars(used.uncached(), p->input) + dollars(used.cached, p->cached) +
          dollars(used.cache_write, p->cache_write) + dollars(used.cache_write_hour, p->cache_write_hour) +
          dollars(used.output, p->output));
}

} // namespace strata::llm
