// SPDX-License-Identifier: MIT
// A filter that keeps the shortest correct program of a task, whatever its form; of equal lengths the first
// sample. Use it when programs have no notion of isomorphism or prompts are tight; `one_per_task` is the
// default.
#pragma once

#include "strata/experience.hpp"
#include "strata/random.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace strata {

struct shortest {
  template <Language L>
  [[nodiscard]] std::vector<std::size_t> keep(const solved<L>& s, random_stream&) const {
    const auto best =
        std::ranges::min_element(s.candidates, {}, [](const auto& c) { return length_of<L>(c.program); });
    if (best == s.candidates.end()) return {};
    return {static_cast<std::size_t>(best - s.candidates.begin())};
  }
};

} // namespace strata
