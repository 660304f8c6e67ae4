// SPDX-License-Identifier: MIT
// The default filter, that of the paper: a random representative of every isomorphism class, and of these the
// shortest. Alternatives: `shortest` (no classes), `one_per_class` and `keep_all` (several per task).
#pragma once

#include "strata/filters/one_per_class.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace strata {

/// The representative hides how common a form is, its randomness keeps the choice from favouring one
/// temperature. Of equally short representatives the class that appeared first wins.
struct one_per_task {
  template <Language L>
  [[nodiscard]] std::vector<std::size_t> keep(const solved<L>& s, random_stream& random) const {
    const auto representatives = one_per_class{}.keep(s, random);
    const auto length = [&](std::size_t i) { return length_of<L>(s.candidates[i].program); };
    const auto best = std::ranges::min_element(representatives, {}, length);
    if (best == representatives.end()) return {};
    return {*best};
  }
};

} // namespace strata
