// SPDX-License-Identifier: MIT
// Sums of products of two tensors over any of their axes, without making the products: what matmul and einsum
// are built on, and what a chain of repeat, multiply and sum can be replaced with.
#pragma once

#include "step/tensor/kernels.hpp"
#include "step/tensor/loop.hpp"
#include "step/tensor/tensor.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

namespace step::tensor {

/// A set of axes, batch axes included: bit i for axis i.
using AxisSet = std::uint32_t;

namespace detail {

[[nodiscard]] inline bool holds_axis(AxisSet set, int axis) {
  return (set >> static_cast<unsigned>(axis) & 1U) != 0;
}

/// Charges `calls` matrix products (m, k) times (k, n): 1/8 per multiplication, in whole vectors of results,
/// and what it costs to fetch the operands and to start, which is most of it where a product is narrow.
template <class T> void charge_products(double calls, std::int64_t m, std::int64_t k, std::int64_t n) {
  const auto rows = static_cast<double>(m), summands = static_cast<double>(k),
             columns = static_cast<double>(n);
  const double cost = std::is_floating_point_v<T> ? 4 + rows * columns + summands * (rows + columns) / 4 +
                                                        summands * 2 + rows * summands * (columns + 8) / 8
                                                  : 4 + rows * columns + rows * columns * summands / 2;
  const double all = calls * cost;
  Meter::current().work(all < 1e18 ? static_cast<std::uint64_t>(all) : std::uint64_t{1} << 60U);
}

/// The kernels for T; integers wrap and have a plain loop.
template <class T> void multiply(const Product<T>& s) {
  if constexpr (std::is_same_v<T, float>)
    kernels().product_f32(s);
  else if constexpr (std::is_same_v<T, double>)
    kernels().product_f64(s);
  else
    for (std::int64_t i = 0; i < s.m; ++i)
      for (std::int64_t j = 0; j < s.n; ++j) {
        T& to = s.c[i * s.c_row + j];
        std::uint64_t total = s.add ? static_cast<std::uint64_t>(to) : 0;
        for (std::int64_t p = 0; p < s.k; ++p)
          total += static_cast<std::uint64_t>(s.a[i * s.a_row + p * s.a_column]) *
                   static_cast<std::uint64_t>(s.b[p * s.b_row + j * s.b_column]);
        to = static_cast<T>(total);
      }
}
template <class T> void accumulate(const Accumulation<T>& s) {
  if constexpr (std::is_same_v<T, float>)
    kernels().accumulate_f32(s);
  else
    kernels().accumulate_f64(s);
}

/// The loops of a contraction by kind, with the result's strides.
struct Contraction {
  Loops matrices, rows, columns, summands;
  bool by_elements = false; ///< the innermost loop of `matrices` is contiguous in everything: sum whole lines
};

/// `c` holds zeros when there is more than one loop of summands.
template <class T> void run(Contraction x, T* c, const T* a, const T* b) {
  const auto innermost = [](Loops& l) { return l.empty() ? Loop{} : l.take(l.end() - 1); };
  const Loop line = x.by_elements ? innermost(x.matrices) : Loop{};
  const Loop row = x.by_elements ? Loop{} : x.rows.take_longest();
  const Loop column = x.by_elements ? Loop{} : innermost(x.columns);
  const Loop summand = x.summands.take_longest();
  const bool adds = !x.summands.empty();
  Shape sizes, sa, sb, sc;
  double calls = 1;
  for (const Loops* loops : {&x.matrices, &x.rows, &x.columns, &x.summands})
    for (const Loop& l : *loops) {
      calls *= static_cast<double>(l.size);
      sizes.push_back(l.size);
      sa.push_back(l.a);
      sb.push_back(l.b);
      sc.push_back(l.c);
    }
  if (x.by_elements)
    charge_products<T>(calls, 1, summand.size, line.size);
  else
    charge_products<T>(calls, row.size, summand.size, column.size);
  for_tiles<3>(sizes, {&sc, &sa, &sb}, [&](const Tile<3>& t) {
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t i = 0; i < t.length; ++i) {
        T* to = c + t.offset[0] + r * t.row_stride[0] + i * t.stride[0];
        const T* pa = a + t.offset[1] + r * t.row_stride[1] + i * t.stride[1];
        const T* pb = b + t.offset[2] + r * t.row_stride[2] + i * t.stride[2];
        if constexpr (std::is_floating_point_v<T>)
          if (x.by_elements) {
            accumulate<T>({to, pa, pb, summand.size, line.size, summand.a, summand.b, adds});
            continue;
          }
        multiply<T>({to, pa, pb, row.size, summand.size, column.size, row.c, row.a, summand.a, summand.b,
                     column.b, adds});
      }
  });
}

/// What varies along an axis of a contraction.
enum class Varies : std::uint8_t { both, first, second, none, summed };

} // namespace detail

/// The sum of a * b over the axes in `summed`, which the result lacks; its other axes keep their order.
///
/// a and b have the same dtype (float32, float64 or int64), the same axes, of which the first lead() are
/// batch axes, and equal sizes, where a length of 1 is repeated. Any axis of either may have stride 0, and
/// the cost does not depend on strides: with M, N, K and B the positions of the axes along which only a
/// varies, only b varies, of the summed axes, and of the other axes, it is O(B M N K) multiplications, at the
/// speed of a matrix product. An axis along which neither varies has stride 0 in the result. Sums are made in
/// the element type, in blocks of at most 128 products, with fused multiply-adds where the machine has them:
/// equal up to rounding to summing the products. Fault{type} for operands that do not fit.
[[nodiscard]] inline Tensor contract(const Tensor& a, const Tensor& b, AxisSet summed) {
  using detail::Varies;
  if (a.dtype() != b.dtype() || a.dtype() == DType::boolean)
    fail("contract(): expected two tensors of one numeric dtype, but got " + std::string(name_of(a.dtype())) +
         " and " + std::string(name_of(b.dtype())));
  bool fits = a.axes() == b.axes() && a.lead() == b.lead();
  for (int i = 0; fits && i < a.axes(); ++i)
    fits = a.sizes()[i] == b.sizes()[i] || a.sizes()[i] == 1 || b.sizes()[i] == 1;
  if (!fits) fail("contract(): shapes " + text(a.sizes()) + " and " + text(b.sizes()) + " do not fit");

  const auto stride = [](const Tensor& t, int i) { return t.sizes()[i] == 1 ? 0 : t.strides()[i]; };
  std::array<Varies, max_axes> kinds{};
  Shape lengths(a.axes(), 0);
  int lead = a.lead();
  Varies last = Varies::second;
  detail::Contraction loops;
  for (int i = 0; i < a.axes(); ++i) {
    lengths[i] = a.sizes()[i] == 1 ? b.sizes()[i] : a.sizes()[i];
    const std::int64_t in_a = stride(a, i), in_b = stride(b, i);
    Varies& kind = kinds[static_cast<std::size_t>(i)];
    kind = detail::holds_axis(summed, i) ? Varies::summed
           : in_a != 0 && in_b != 0      ? Varies::both
           : in_a != 0                   ? Varies::first
           : in_b != 0                   ? Varies::second
                                         : Varies::none;
    if (kind == Varies::first || kind == Varies::second) last = kind;
    if (kind == Varies::summed && i < a.lead()) --lead;
    if (kind == Varies::both) loops.by_elements = in_a == 1 && in_b == 1 && lengths[i] >= 8;
  }
  loops.by_elements = loops.by_elements && is_floating(a.dtype());
  // The operand that owns the result's last axis gives the columns of the products, which are innermost
  // there.
  const bool turned = last == Varies::first;
  const Tensor &x = turned ? b : a, &y = turned ? a : b;
  const Varies row = turned ? Varies::second : Varies::first,
               column = turned ? Varies::first : Varies::second;

  Shape sizes, order;
  const auto place = [&](Varies kind) {
    for (int i = 0; i < a.axes(); ++i)
      if (kinds[static_cast<std::size_t>(i)] == kind) {
        order.push_back(i);
        sizes.push_back(kind == Varies::none ? std::min<std::int64_t>(lengths[i], 1) : lengths[i]);
      }
  };
  if (!loops.by_elements) place(Varies::both);
  place(row);
  place(column);
  if (loops.by_elements) place(Varies::both);
  place(Varies::none);
  Tensor out = Tensor::empty(sizes, a.dtype());
  for (int k = 0; k < order.size(); ++k) {
    const int i = static_cast<int>(order[k]);
    const Varies kind = kinds[static_cast<std::size_t>(i)];
    if (sizes[k] == 1) continue;
    (kind == Varies::both ? loops.matrices
     : kind == row        ? loops.rows
                          : loops.columns)
        .add({sizes[k], stride(x, i), stride(y, i), out.strides()[k]});
  }
  std::int64_t products = out.numel();
  for (int i = 0; i < a.axes(); ++i)
    if (kinds[static_cast<std::size_t>(i)] == Varies::summed) {
      products = count(Shape{products, lengths[i]});
      if (lengths[i] != 1) loops.summands.add({lengths[i], stride(x, i), stride(y, i), 0});
    }
  if (out.numel() > 0)
    visit_number(a.dtype(), [&]<class T>(std::type_identity<T>) {
      T* to = out.write<T>();
      if (products == 0 || loops.summands.several()) std::fill_n(to, out.numel(), T{});
      if (products > 0) detail::run<T>(loops, to, x.data<T>(), y.data<T>());
    });

  // Back to the order of the operands' axes.
  Shape kept, steps;
  for (int i = 0; i < a.axes(); ++i) {
    if (kinds[static_cast<std::size_t>(i)] == Varies::summed) continue;
    const auto k = static_cast<int>(std::find(order.begin(), order.end(), i) - order.begin());
    kept.push_back(lengths[i]);
    steps.push_back(kinds[static_cast<std::size_t>(i)] == Varies::none ? 0 : out.strides()[k]);
  }
  return out.restrided(kept, steps, lead);
}

} // namespace step::tensor
