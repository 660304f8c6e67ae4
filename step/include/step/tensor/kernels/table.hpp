// SPDX-License-Identifier: MIT
// What the kernels compute and with which arguments: plain pointers, and strides in elements.
// Tensors, batches and types are the callers' concern.
#pragma once

#include "step/tensor/loop.hpp"

#include <cstdint>

namespace step::tensor {

/// c[i, j] = sum over p of a[i, p] * b[p, j], added to what c holds when `add`. Columns of c are adjacent.
/// Sums are made in T, in blocks: no partial sum has more than 128 products.
template <class T> struct Product {
  T* c;
  const T* a;
  const T* b;
  std::int64_t m, k, n;
  std::int64_t c_row, a_row, a_column, b_row, b_column;
  bool add = false;
};

/// c[j] = sum over p of a[p, j] * b[p, j], added to what c holds when `add`; rounding as in Product.
template <class T> struct Accumulation {
  T* c;
  const T* a;
  const T* b;
  std::int64_t k, n;
  std::int64_t a_step, b_step; ///< from p to p + 1
  bool add = false;
};

/// `count` lines of `length` elements; the results of reductions are contiguous.
template <class T> struct Lines {
  T* out;
  const T* in;
  std::int64_t count, length;
  std::int64_t next, step; ///< strides of `in` from line to line and along a line
};

/// out = f(in) and out = f(a, b) over the elements of a tile, whose operand 0 is the result. The result may
/// take the place of an operand of equal type and strides.
using Unary = void (*)(const Tile<2>& tile, float* out, const float* in);
template <class R> using Binary = void (*)(const Tile<3>& tile, R* out, const float* a, const float* b);

/// out = s * x + t * y over rows, rounded after every operation. Elements of a row are adjacent; those of s
/// and t may also be one number repeated (step 0 instead of 1). out may be one of the operands whose elements
/// are adjacent.
struct Blend {
  float* out;
  const float *s, *x, *t, *y;
  std::int64_t rows, length;
  std::int64_t out_row, s_row, x_row, t_row, y_row;
  std::int64_t s_step, t_step;
};

struct Kernels {
  Unary exp, log, sin, cos, tanh, sigmoid, silu, erf, gelu, gelu_tanh, sqrt, rsqrt, reciprocal, absolute,
      negative, square, relu;
  Binary<float> add, subtract, multiply, divide, maximum, minimum;
  Binary<bool> less, less_equal, equal, not_equal;
  void (*blend)(const Blend&);
  void (*select)(const Tile<4>& tile, float* out, const bool* condition, const float* a, const float* b);
  void (*from_flags)(float* out, const bool* in, std::int64_t n);
  /// to[i, j] = from[j, i], of contiguous rows.
  void (*transpose)(float* to, std::int64_t to_row, const float* from, std::int64_t from_row,
                    std::int64_t rows, std::int64_t columns);
  /// Sums in double, divided by `divisor`.
  void (*sum_f32)(const Lines<float>&, double divisor);
  void (*sum_f64)(const Lines<double>&, double divisor);
  void (*maximum_f32)(const Lines<float>&);
  void (*minimum_f32)(const Lines<float>&);
  void (*softmax)(const Lines<float>&, std::int64_t out_next, std::int64_t out_step, bool logarithm);
  void (*product_f32)(const Product<float>&);
  void (*product_f64)(const Product<double>&);
  void (*accumulate_f32)(const Accumulation<float>&);
  void (*accumulate_f64)(const Accumulation<double>&);
};

} // namespace step::tensor
