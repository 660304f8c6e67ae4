// SPDX-License-Identifier: MIT
// The default stratifier, that of the paper: m bins of as equal size as possible over the sorted success
// rates. Alternatives: `single` (always show everything), `fixed_thresholds` (given bounds), `by_step` (most
// recent first).
#pragma once

#include "strata/stratifiers/fixed_thresholds.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace strata {

/// Sorts D by ascending success rate, splits it into m bins of which the first |D| mod m are larger by one,
/// takes the largest rate of each bin as its threshold, and bins again by these. Equal rates thus always
/// share a stratum; they may repeat a threshold, whose stratum is empty and whose step re-samples with the
/// same demonstrations. With fewer than m entries every entry is a bin. O(n log n).
struct quantile {
  std::size_t granularity = 3; ///< m; 0 counts as 1

  template <Language L> [[nodiscard]] std::vector<stratum> stratify(std::span<const experience<L>> d) const {
    const auto order = detail::by_difficulty<L>(d);
    const std::size_t m = std::min(std::max<std::size_t>(granularity, 1), d.size());
    std::vector<double> thresholds;
    std::size_t end = 0;
    for (std::size_t b = 0; b < m; ++b) {
      end += d.size() / m + (b < d.size() % m ? 1 : 0);
      thresholds.push_back(d[order[end - 1]].success_rate);
    }
    return detail::bin<L>(d, order, thresholds);
  }
};

} // namespace strata
