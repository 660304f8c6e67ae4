// SPDX-License-Identifier: MIT
// A selector of the same demonstrations as `cumulative` in the opposite order: the hardest come last in the
// prompt, next to the open task. Use it with models that weigh the end of a prompt most.
#pragma once

#include "strata/selectors/cumulative.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace strata {

struct easiest_first {
  template <Language L>
  [[nodiscard]] std::vector<std::size_t>
  select(std::span<const stratum> so_far, std::span<const experience<L>> d, random_stream& random) const {
    auto chosen = cumulative{}.select(so_far, d, random);
    std::ranges::reverse(chosen);
    return chosen;
  }
};

} // namespace strata
