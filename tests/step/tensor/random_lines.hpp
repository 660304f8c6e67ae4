// SPDX-License-Identifier: MIT
// Random tensors with a dimension to work along, for tests of what is done to lines of elements.
#pragma once

#include "step/tensor/random_tensors.hpp"

#include <vector>

namespace step::tensor::testing {

struct Example {
  Tensor x;
  int dim = 0;
};
template <class T> Example random_example(Random& random, bool odd) {
  const int rank = 1 + static_cast<int>(random.below(3)), lead = static_cast<int>(random.below(3));
  Shape sizes;
  const auto longest = random.below(rank + lead + 1);
  for (int i = 0; i < rank + lead; ++i)
    sizes.push_back(i == longest ? 14 + random.below(50) : 1 + random.below(9));
  const auto repeats = random.once_in(3) ? static_cast<std::uint32_t>(random.below(8)) : 0;
  return {scattered<T>(random, sizes, lead, repeats, odd), static_cast<int>(random.below(rank))};
}
/// Calls f(values of the line, index of its first element) for every line.
template <class T, class F> void for_lines(const Example& e, F&& f) {
  const int axis = e.x.lead() + e.dim;
  Shape starts = e.x.sizes();
  starts[axis] = 1;
  for_indices(starts, [&](const Shape& start) {
    std::vector<T> line;
    Shape i = start;
    for (i[axis] = 0; i[axis] < e.x.sizes()[axis]; ++i[axis]) line.push_back(element<T>(e.x, i));
    f(line, start);
  });
}

} // namespace step::tensor::testing
