// SPDX-License-Identifier: MIT
// A stratifier that makes one stratum of everything: each step shows all experience, hardest first.
// The cheapest in steps and the dearest in tokens; the baseline for `quantile`, with which it agrees for m
// = 1.
#pragma once

#include "strata/stratifiers/fixed_thresholds.hpp"

#include <span>
#include <vector>

namespace strata {

struct single {
  template <Language L> [[nodiscard]] std::vector<stratum> stratify(std::span<const experience<L>> d) const {
    auto order = detail::by_difficulty<L>(d);
    const double top = order.empty() ? 0.0 : d[order.back()].success_rate;
    return {stratum{top, std::move(order)}};
  }
};

} // namespace strata
