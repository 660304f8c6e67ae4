// SPDX-License-Identifier: MIT
// How many tokens a reply used, in one convention for all providers.
// Unknown is not zero: a reply without usage makes `known` false, also in sums. Sums stop at the largest
// number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace strata::llm {

/// More than this is nothing that a server has counted: beyond it JSON readers no longer keep every integer.
inline constexpr std::uint64_t largest_count = std::uint64_t{1} << 53U;

/// The sum, or the largest number if there is none.
[[nodiscard]] constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  return b > most - a ? most : a + b;
}

/// Tokens of one or many replies.
struct token_usage {
  std::uint64_t input = 0;            ///< the whole prompt, whether cached or not
  std::uint64_t cached = 0;           ///< part of `input` that was read from the provider's cache
  std::uint64_t cache_write = 0;      ///< part of `input` that was written to it, for five minutes by default
  std::uint64_t cache_write_hour = 0; ///< part of `input` that was written to it for an hour
  std::uint64_t output = 0;           ///< everything written, hidden reasoning included, over all choices
  std::uint64_t reasoning = 0;        ///< part of `output` that was hidden
  bool known = true;                  ///< false: at least one reply did not say, or cannot be believed
  std::optional<double> cost_usd{};   ///< dollars, if that is settled: the provider says so and is believed,
                                      ///< or it was stored when the reply arrived

  /// Part of the prompt billed at the full price.
  [[nodiscard]] constexpr std::uint64_t uncached() const noexcept {
    const std::uint64_t special = saturating_add(saturating_add(cached, cache_write), cache_write_hour);
    return input > special ? input - special : 0;
  }

  constexpr token_usage& operator+=(const token_usage& other) noexcept {
    input = saturating_add(input, other.input);
    cached = saturating_add(cached, other.cached);
    cache_write = saturating_add(cache_write, other.cache_write);
    cache_write_hour = saturating_add(cache_write_hour, other.cache_write_hour);
    output = saturating_add(output, other.output);
    reasoning = saturating_add(reasoning, other.reasoning);
    known = known && other.known;
    if (other.cost_usd) cost_usd = cost_usd.value_or(0) + *other.cost_usd;
    return *this;
  }
  /// Every count is the larger of both; what is known and what it cost stays.
  constexpr void raise_to(const token_usage& other) noexcept {
    input = std::max(input, other.input);
    cached = std::max(cached, other.cached);
    cache_write = std::max(cache_write, other.cache_write);
    cache_write_hour = std::max(cache_write_hour, other.cache_write_hour);
    output = std::max(output, other.output);
    reasoning = std::max(reasoning, other.reasoning);
  }
  friend bool operator==(const token_usage&, const token_usage&) = default;
};

} // namespace strata::llm
