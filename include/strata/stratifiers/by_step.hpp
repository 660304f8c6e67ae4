// SPDX-License-Identifier: MIT
// A stratifier by age: what was learnt last comes first, in at most `most` strata. What took longest to reach
// is hard in another sense than a low success rate; use it when rates are coarse, with few samples per task.
#pragma once

#include "strata/stratifiers/fixed_thresholds.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace strata {

/// The threshold of a stratum is the negated step of its oldest member. Experience beyond `most` different
/// steps shares the last stratum; within a stratum newest first, then hardest first.
struct by_step {
  std::size_t most = 3; ///< strata; 0 counts as 1

  template <Language L> [[nodiscard]] std::vector<stratum> stratify(std::span<const experience<L>> d) const {
    auto order = detail::by_difficulty<L>(d);
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return d[a].step > d[b].step; });
    std::vector<stratum> strata;
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::size_t step = d[order[k]].step;
      if (k == 0 || (d[order[k - 1]].step != step && strata.size() < std::max<std::size_t>(most, 1)))
        strata.emplace_back();
      strata.back().members.push_back(order[k]);
      strata.back().threshold = -static_cast<double>(step);
    }
    if (strata.empty()) strata.emplace_back();
    return strata;
  }
};

} // namespace strata
