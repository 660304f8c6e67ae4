// SPDX-License-Identifier: MIT
// Visits the lines of a tensor along one dimension, as rows of evenly spaced lines.
// What softmax, running sums, arg-extrema and sorting have in common.
#pragma once

#include "step/tensor/loop.hpp"
#include "step/tensor/tensor.hpp"

#include <cstdint>
#include <utility>

namespace step::tensor::detail {

/// x without its repeated batch positions and with at least one dimension; in `held` when that is another
/// tensor.
[[nodiscard]] inline const Tensor& line_operand(const Tensor& x, Tensor& held) {
  if (x.is_distinct() && x.rank() > 0) return x;
  held = x.distinct();
  if (x.rank() == 0) held = held.inserted(held.axes());
  return held;
}
/// Undoes line_operand for a result.
[[nodiscard]] inline Tensor line_result(Tensor out, const Tensor& x) {
  if (x.rank() == 0 && out.rank() > 0) out = std::move(out).removed(out.axes() - 1);
  return std::move(out).regrown(x.lead_sizes());
}

/// Calls body(offset in x, offset in out, lines) for every row of neighbouring lines along `axis`: lines.size
/// of them, lines.a apart in x and lines.c in `out`, which has x's sizes except along `axis`.
/// Nothing is called when x or `out` is empty.
template <class Body> void for_line_rows(const Tensor& x, const Tensor& out, int axis, Body&& body) {
  if (x.numel() == 0 || out.numel() == 0) return;
  Loops loops;
  for (int i = 0; i < x.axes(); ++i) {
    if (i == axis) continue;
    if (x.sizes()[i] != 1) loops.add({x.sizes()[i], x.strides()[i], 0, out.strides()[i]});
  }
  const Loop lines = loops.empty() ? Loop{} : loops.take(loops.end() - 1);
  Shape sizes, from, to;
  for (const Loop& l : loops) {
    sizes.push_back(l.size);
    from.push_back(l.a);
    to.push_back(l.c);
  }
  for_tiles<2>(sizes, {&from, &to}, [&](const Tile<2>& t) {
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t i = 0; i < t.length; ++i)
        body(t.offset[0] + r * t.row_stride[0] + i * t.stride[0],
             t.offset[1] + r * t.row_stride[1] + i * t.stride[1], lines);
  });
}

} // namespace step::tensor::detail
