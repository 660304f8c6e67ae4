// SPDX-License-Identifier: MIT
// Visits the elements of several tensors of one shape together, as tiles of the two innermost axes.
// Axes are merged where all operands allow it, so that contiguous operands become a single long row.
#pragma once

#include "step/tensor/shape.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

namespace step::tensor {

/// A tile: `rows` rows of `length` elements for N operands; offsets and strides in elements of each operand.
template <int N> struct Tile {
  std::array<std::int64_t, N> offset{};
  std::array<std::int64_t, N> row_stride{};
  std::array<std::int64_t, N> stride{};
  std::int64_t rows = 1;
  std::int64_t length = 1;
};

/// What visits a tile; `context` is whatever the caller of run_tiles passed.
template <int N> using TileVisitor = void (*)(void* context, const Tile<N>& tile);

/// Calls visitor(context, tile) until every element of `sizes` was visited once, in row-major order.
/// strides[k] are those of operand k; offsets start at 0. Nothing is called when a size is 0.
/// A function pointer, one call per tile, keeps this out of the code of every kernel.
template <int N>
void run_tiles(const Shape& sizes, const std::array<const Shape*, N>& strides, TileVisitor<N> visitor,
               void* context) {
  constexpr auto n = static_cast<std::size_t>(N);
  std::array<std::int64_t, max_axes> length; // of which `axes` have values
  std::array<std::array<std::int64_t, n>, max_axes> step;
  int axes = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return;
    if (sizes[i] == 1) continue;
    const auto at = static_cast<std::size_t>(axes);
    bool merge = axes > 0;
    for (std::size_t k = 0; k < n && merge; ++k) merge = step[at - 1][k] == (*strides[k])[i] * sizes[i];
    const std::size_t to = merge ? at - 1 : at;
    length[to] = merge ? length[to] * sizes[i] : sizes[i];
    for (std::size_t k = 0; k < n; ++k) step[to][k] = (*strides[k])[i];
    axes += merge ? 0 : 1;
  }
  Tile<N> tile;
  if (axes > 0) {
    tile.length = length[static_cast<std::size_t>(axes) - 1];
    tile.stride = step[static_cast<std::size_t>(axes) - 1];
  }
  if (axes > 1) {
    tile.rows = length[static_cast<std::size_t>(axes) - 2];
    tile.row_stride = step[static_cast<std::size_t>(axes) - 2];
  }
  if (axes <= 2) return visitor(context, tile);
  std::array<std::int64_t, max_axes> index{};
  for (;;) {
    visitor(context, tile);
    int axis = axes - 3;
    for (; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      for (std::size_t k = 0; k < n; ++k) tile.offset[k] += step[a][k];
      if (++index[a] < length[a]) break;
      for (std::size_t k = 0; k < n; ++k) tile.offset[k] -= step[a][k] * length[a];
      index[a] = 0;
    }
    if (axis < 0) return;
  }
}

/// The same for any callable body(const Tile<N>&).
template <int N, class Body>
void for_tiles(const Shape& sizes, const std::array<const Shape*, N>& strides, Body&& body) {
  using B = std::remove_reference_t<Body>;
  run_tiles<N>(
      sizes, strides, [](void* context, const Tile<N>& tile) { (*static_cast<B*>(context))(tile); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

namespace detail {

/// One loop: its length, and the strides of up to two operands and the result.
struct Loop {
  std::int64_t size = 1, a = 0, b = 0, c = 0;
};

/// Loops from the outermost to the innermost.
class Loops {
 public:
  /// Neighbours that everything steps through evenly become one.
  void add(const Loop& l) {
    if (count_ > 0) {
      Loop& last = loops_[static_cast<std::size_t>(count_) - 1];
      if (last.a == l.a * l.size && last.b == l.b * l.size && last.c == l.c * l.size) {
        last = {last.size * l.size, l.a, l.b, l.c};
        return;
      }
    }
    loops_[static_cast<std::size_t>(count_++)] = l;
  }
  [[nodiscard]] const Loop* begin() const { return loops_.data(); }
  [[nodiscard]] const Loop* end() const { return loops_.data() + count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool several() const { return count_ > 1; }
  /// Takes one out.
  Loop take(const Loop* at) {
    const Loop taken = *at;
    std::copy(at + 1, static_cast<const Loop*>(end()), loops_.data() + (at - begin()));
    --count_;
    return taken;
  }
  /// The longest one, or a loop of length 1 when there is none.
  Loop take_longest() {
    if (empty()) return {};
    return take(
        std::max_element(begin(), end(), [](const Loop& x, const Loop& y) { return x.size < y.size; }));
  }

 private:
  std::array<Loop, max_axes> loops_{};
  int count_ = 0;
};

} // namespace detail

} // namespace step::tensor
