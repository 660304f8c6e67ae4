// SPDX-License-Identifier: MIT
// A selector that shows at most `count` of the strata so far, the hardest. Use it to bound the prompt
// when easy demonstrations teach little; `random_k` keeps a mixture.
#pragma once

#include "strata/selectors/cumulative.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace strata {

struct hardest_k {
  std::size_t count = 8;

  template <Language L>
  [[nodiscard]] std::vector<std::size_t>
  select(std::span<const stratum> so_far, std::span<const experience<L>> d, random_stream& random) const {
    auto chosen = cumulative{}.select(so_far, d, random);
    if (chosen.size() > count) chosen.resize(count);
    return chosen;
  }
};

} // namespace strata
