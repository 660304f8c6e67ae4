// SPDX-License-Identifier: MIT
// Money as an integer, in units of 1e-12 dollars, so that sums do not depend on the order of arrival and
// parts add up to the whole. A token costs some 1e5 units, and 64 bits hold nine million dollars.
#pragma once

#include <cmath>
#include <cstdint>

namespace strata::agents {

/// An amount in 1e-12 dollars.
using picodollars = std::int64_t;

/// The nearest amount; what is negative or no number is 0, what is too large the largest.
[[nodiscard]] inline picodollars to_picodollars(double usd) noexcept {
  if (!(usd > 0)) return 0;
  return usd >= 9.2233720368e6 ? INT64_MAX : static_cast<picodollars>(std::llround(usd * 1e12));
}
[[nodiscard]] inline double to_dollars(picodollars amount) noexcept {
  return static_cast<double>(amount) / 1e12;
}
/// The sum; the largest amount if there is none.
[[nodiscard]] constexpr picodollars add(picodollars a, picodollars b) noexcept {
  return b > INT64_MAX - (a > 0 ? a : 0) ? INT64_MAX : a + b;
}
/// Part `i` of `parts`, so that all parts together are exactly the whole. The first ones get the rest.
[[nodiscard]] constexpr picodollars share(picodollars whole, std::uint32_t i, std::uint32_t parts) noexcept {
  return parts <= 1 ? whole : whole / parts + (i < whole % parts ? 1 : 0);
}

} // namespace strata::agents
