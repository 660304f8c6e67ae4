// SPDX-License-Identifier: MIT
// A filter that keeps one random program of every isomorphism class: more demonstrations, and different ones.
// Use it while prompts are far from full; `one_per_task` keeps only the shortest of these.
#pragma once

#include "strata/experience.hpp"
#include "strata/isomorphism.hpp"
#include "strata/random.hpp"

#include <cstddef>
#include <vector>

namespace strata {

struct one_per_class {
  template <Language L>
  [[nodiscard]] std::vector<std::size_t> keep(const solved<L>& s, random_stream& random) const {
    std::vector<std::size_t> kept;
    for (const auto& members : isomorphism_classes<L>(s.candidates, &candidate<L>::program))
      kept.push_back(members[random.below(members.size())]);
    return kept;
  }
};

} // namespace strata
