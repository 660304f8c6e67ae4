// SPDX-License-Identifier: MIT
// How many tokens a reply used, in one convention for all providers.
// Unknown is not zero: a reply without usage makes `known` false, also in sums.
#pragma once

#include <cstdint>
#include <optional>

namespace strata::llm {

/// Tokens of one or many replies.
struct token_usage {
  std::uint64_t input = 0;            ///< the whole prompt, whether cached or not
  std::uint64_t cached = 0;           ///< part of `input` that was read from the provider's cache
  std::uint64_t cache_write = 0;      ///< part of `input` that was written to it, for five minutes by default
  std::uint64_t cache_write_hour = 0; ///< part of `input` that was written to it for an hour
  std::uint64_t output = 0;           ///< everything written, hidden reasoning included, over all choices
  std::uint64_t reasoning = 0;        ///< part of `output` that was hidden
  bool known = true;                  ///< false: at least one reply did not say
  std::optional<double> cost_usd{};   ///< what the provider itself says it cost (OpenRouter)

  /// Part of the prompt billed at the full price.
  [[nodiscard]] constexpr std::uint64_t uncached() const noexcept {
    const std::uint64_t special = cached + cache_write + cache_write_hour;
    return input > special ? input - special : 0;
  }

  constexpr token_usage& operator+=(const token_usage& other) noexcept {
    input += other.input;
    cached += other.cached;
    cache_write += other.cache_write;
    cache_write_hour += other.cache_write_hour;
    output += other.output;
    reasoning += other.reasoning;
    known = known && other.known;
    if (other.cost_usd) cost_usd = cost_usd.value_or(0) + *other.cost_usd;
    return *this;
  }
  friend bool operator==(const token_usage&, const token_usage&) = default;
};

} // namespace strata::llm
