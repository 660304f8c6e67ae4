// SPDX-License-Identifier: MIT
// How far apart two names are: the number of insertions, deletions and substitutions that turn one into the
// other. For suggesting the nearest known name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace step {

/// O(|a| |b|); only the first 80 characters of `a`, which may be hostile, are looked at.
template <class Equal = std::equal_to<>>
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b, Equal same = {}) {
  a = a.substr(0, 80);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto substituted = diagonal + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

} // namespace step
