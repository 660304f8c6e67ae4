// SPDX-License-Identifier: MIT
// "Did you mean": the name nearest to a misspelt one.
// Suggestions are only made when they are near.
#pragma once

#include "step/edit_distance.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// "unknown option '--sample'; did you mean --samples?"
[[nodiscard]] inline std::string unknown_name(std::string_view kind, std::string_view name,
                                              const std::vector<std::string>& known) {
  name = name.substr(0, 60);
  std::string out = "unknown " + std::string(kind) + " '" + std::string(name) + "'";
  const std::string* best = nullptr;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3);
  for (const auto& k : known)
    if (const auto d = step::edit_distance(name, k); d <= least && (best == nullptr || d < least)) {
      best = &k;
      least = d;
    }
  if (best != nullptr) out += "; did you mean " + *best + "?";
  return out;
}

} // namespace app
