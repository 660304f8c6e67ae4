// SPDX-License-Identifier: MIT
// The default selector, that of the paper: the union of the strata so far, hardest first.
// Alternatives: `easiest_first` (other order), `hardest_k` and `random_k` (bounded prompts), `all` (ignores
// strata).
#pragma once

#include "strata/experience.hpp"
#include "strata/random.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace strata {

struct cumulative {
  /// O(|D|); an entry that is in several strata counts where it comes first.
  template <Language L>
  [[nodiscard]] std::vector<std::size_t> select(std::span<const stratum> so_far,
                                                std::span<const experience<L>> d, random_stream&) const {
    std::vector<bool> seen(d.size());
    std::vector<std::size_t> chosen;
    for (const stratum& s : so_far)
      for (const std::size_t i : s.members)
        if (!seen.at(i)) {
          seen[i] = true;
          chosen.push_back(i);
        }
    return chosen;
  }
};

} // namespace strata
