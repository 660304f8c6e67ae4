// SPDX-License-Identifier: MIT
// Sorting and its first elements against std::stable_sort, for short and long lines of all types.
#include "step/tensor/sorting.hpp"

#include "step/tensor/random_lines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace {

using namespace step;
using namespace step::tensor;
using namespace step::tensor::testing;

} // namespace

TEST_CASE("sorting: stable, NaN last when ascending, all or the first few") {
  Random random(5);
  const auto check = [&]<class T>(std::type_identity<T>) {
    int wrong = 0;
    for (int round = 0; round < 200; ++round) {
      const Example e = random_example<T>(random, true);
      const bool descending = random.once_in(2);
      const std::int64_t n = e.x.size(e.dim), k = random.once_in(2) ? -1 : random.below(n + 1);
      const Indexed got = sorted(e.x, e.dim, descending, k, "test");
      bool right = got.values.size(e.dim) == (k < 0 ? n : k);
      for_lines<T>(e, [&](const std::vector<T>& line, Shape i) {
        std::vector<std::int64_t> order(line.size());
        for (std::size_t j = 0; j < order.size(); ++j) order[j] = static_cast<std::int64_t>(j);
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
          const T x = line[static_cast<std::size_t>(a)], y = line[static_cast<std::size_t>(b)];
          const bool above = x > y || (x != x && y == y), below = y > x || (y != y && x == x);
          return descending ? above : below;
        });
        for (std::int64_t j = 0; j < (k < 0 ? n : k); ++j, ++i[e.x.lead() + e.dim])
          right = right && element<std::int64_t>(got.indices, i) == order[static_cast<std::size_t>(j)] &&
                  same(element<T>(got.values, i),
                       line[static_cast<std::size_t>(order[static_cast<std::size_t>(j)])]);
      });
      wrong += right ? 0 : 1;
    }
    CHECK(wrong == 0);
  };
  check(std::type_identity<float>{});
  check(std::type_identity<double>{});
  check(std::type_identity<std::int64_t>{});
}
