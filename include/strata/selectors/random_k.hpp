// SPDX-License-Identifier: MIT
// A selector that shows at most `count` of the strata so far, chosen anew each step, every subset equally
// likely. Use it to bound the prompt: repeated steps then explore different demonstrations. The order stays
// hardest first.
#pragma once

#include "strata/selectors/cumulative.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace strata {

struct random_k {
  std::size_t count = 8;

  template <Language L>
  [[nodiscard]] std::vector<std::size_t>
  select(std::span<const stratum> so_far, std::span<const experience<L>> d, random_stream& random) const {
    const auto pool = cumulative{}.select(so_far, d, random);
    auto places = random.choose(count, pool.size());
    std::ranges::sort(places);
    std::vector<std::size_t> chosen;
    for (const std::size_t p : places) chosen.push_back(pool[p]);
    return chosen;
  }
};

} // namespace strata
