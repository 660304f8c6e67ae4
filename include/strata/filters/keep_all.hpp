// SPDX-License-Identifier: MIT
// A filter that keeps every correct program. Use it to collect a corpus, for instance for fine-tuning;
// as demonstrations they soon fill a prompt, so combine it with `random_k` or `hardest_k`.
#pragma once

#include "strata/experience.hpp"
#include "strata/random.hpp"

#include <cstddef>
#include <numeric>
#include <vector>

namespace strata {

struct keep_all {
  template <Language L>
  [[nodiscard]] std::vector<std::size_t> keep(const solved<L>& s, random_stream&) const {
    std::vector<std::size_t> kept(s.candidates.size());
    std::iota(kept.begin(), kept.end(), std::size_t{0});
    return kept;
  }
};

} // namespace strata
