// SPDX-License-Identifier: MIT
// A stratifier with given bounds of the success rate, for instance {0.1, 0.5}: strata (0, 0.1], (0.1, 0.5],
// (0.5, 1]. Use it when rates mean the same from run to run; `quantile` adapts the bounds to what was solved.
#pragma once

#include "strata/experience.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace strata {

namespace detail {

/// Indices of D by ascending success rate, equal rates by task and then by place, so that no order of arrival
/// shows.
template <Language L> [[nodiscard]] std::vector<std::size_t> by_difficulty(std::span<const experience<L>> d) {
  std::vector<std::size_t> order(d.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return d[a].success_rate != d[b].success_rate ? d[a].success_rate < d[b].success_rate
                                                  : d[a].task < d[b].task;
  });
  return order;
}

/// One stratum per threshold, with what is above the one before and not above this one. Thresholds ascend.
template <Language L>
[[nodiscard]] std::vector<stratum> bin(std::span<const experience<L>> d, std::span<const std::size_t> order,
                                       std::span<const double> thresholds) {
  std::vector<stratum> strata;
  std::size_t next = 0;
  for (const double t : thresholds) {
    stratum& s = strata.emplace_back(stratum{t, {}});
    for (; next < order.size() && d[order[next]].success_rate <= t; ++next) s.members.push_back(order[next]);
  }
  return strata;
}

} // namespace detail

/// Strata without members are left out, because showing nothing more than before would only repeat a step.
struct fixed_thresholds {
  std::vector<double> thresholds = {0.1,
                                    0.5}; ///< in any order; what is above all of them is the last stratum

  template <Language L> [[nodiscard]] std::vector<stratum> stratify(std::span<const experience<L>> d) const {
    auto bounds = thresholds;
    std::ranges::sort(bounds);
    const auto order = detail::by_difficulty<L>(d);
    if (!order.empty() && (bounds.empty() || d[order.back()].success_rate > bounds.back()))
      bounds.push_back(d[order.back()].success_rate);
    auto strata = detail::bin<L>(d, order, bounds);
    std::erase_if(strata, [](const stratum& s) { return s.members.empty(); });
    return strata;
  }
};

} // namespace strata
