// SPDX-License-Identifier: MIT
// All kernels, for the instruction set that kernels/all_sets.hpp is at, and the table of them.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

#include "step/tensor/kernels/vector.hpp"

#include "step/tensor/kernels/functions.hpp"

#include "step/tensor/kernels/copies.hpp"

#include "step/tensor/kernels/elementwise.hpp"

#include "step/tensor/kernels/lines.hpp"

#include "step/tensor/kernels/product.hpp"

inline constexpr Kernels table = {
    .exp = unary<Exp>,
    .log = unary<Log>,
    .sin = unary<Sin>,
    .cos = unary<Cos>,
    .tanh = unary<Tanh>,
    .sigmoid = unary<Sigmoid>,
    .silu = unary<Silu>,
    .erf = unary<Erf>,
    .gelu = unary<Gelu>,
    .gelu_tanh = unary<GeluTanh>,
    .sqrt = unary<Sqrt>,
    .rsqrt = unary<ReciprocalSqrt>,
    .reciprocal = unary<Reciprocal>,
    .absolute = unary<Absolute>,
    .negative = unary<Negative>,
    .square = unary<Square>,
    .relu = unary<Relu>,
    .add = binary<Add, float>,
    .subtract = binary<Subtract, float>,
    .multiply = binary<Multiply, float>,
    .divide = binary<Divide, float>,
    .maximum = binary<Maximum, float>,
    .minimum = binary<Minimum, float>,
    .less = binary<Less, bool>,
    .less_equal = binary<LessEqual, bool>,
    .equal = binary<Equal, bool>,
    .not_equal = binary<NotEqual, bool>,
    .blend = blend,
    .select = select,
    .from_flags = from_flags,
    .transpose = transpose,
    .sum_f32 = sum_lines<float>,
    .sum_f64 = sum_lines<double>,
    .maximum_f32 = maximum_lines<float>,
    .minimum_f32 = minimum_lines<float>,
    .softmax = softmax_lines,
    .product_f32 = product<float>,
    .product_f64 = product<double>,
    .accumulate_f32 = accumulate<float>,
    .accumulate_f64 = accumulate<double>,
};

#endif
