// SPDX-License-Identifier: MIT
// A selector that shows all experience in the order of the tasks, whatever the strata, as a fixed prompt
// would. Its order is stable from step to step, which suits prompt caches; with m strata a step is repeated m
// times.
#pragma once

#include "strata/experience.hpp"
#include "strata/random.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace strata {

struct all {
  template <Language L>
  [[nodiscard]] std::vector<std::size_t> select(std::span<const stratum>, std::span<const experience<L>> d,
                                                random_stream&) const {
    std::vector<std::size_t> chosen(d.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    std::ranges::stable_sort(chosen, {}, [&](std::size_t i) { return d[i].task; });
    return chosen;
  }
};

} // namespace strata
