// SPDX-License-Identifier: MIT
// "Did you mean": the name nearest to a misspelt one.
// Suggestions are only made when they are near.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// Insertions, deletions and substitutions from a to b. O(|a| |b|).
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

/// "unknown option '--sample'; did you mean --samples?"
[[nodiscard]] inline std::string unknown_name(std::string_view kind, std::string_view name,
                                              const std::vector<std::string>& known) {
  name = name.substr(0, 60);
  std::string out = "unknown " + std::string(kind) + " '" + std::string(name) + "'";
  const std::string* best = nullptr;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3);
  for (const auto& k : known)
    if (const auto d = edit_distance(name, k); d <= least && (best == nullptr || d < least)) {
      best = &k;
      least = d;
    }
  if (best != nullptr) out += "; did you mean " + *best + "?";
  return out;
}

} // namespace app
