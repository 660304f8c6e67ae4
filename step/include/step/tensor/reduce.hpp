// SPDX-License-Identifier: MIT
// Reductions over any set of dimensions: sum, product, extrema, mean, variance, norms, any and all.
// float32 is accumulated in double, so that the order of summation hardly matters.
#pragma once

#include "step/tensor/binary.hpp"
#include "step/tensor/unary.hpp"

#include <cstdint>
#include <limits>

namespace step::tensor {

/// A set of element dimensions, bit d for dimension d.
using DimSet = std::uint32_t;
[[nodiscard]] inline DimSet all_dims(const Tensor& x) { return (1U << static_cast<unsigned>(x.rank())) - 1U; }

namespace detail {

[[nodiscard]] inline bool holds(DimSet dims, int d) { return ((dims >> static_cast<unsigned>(d)) & 1U) != 0; }

struct FoldContext {
  void* out;
  const void* in;
  const void* f;
};

/// The result, filled with `init`, after `visitor` saw every element; operand 0 is the result, operand 1 is
/// x.
[[nodiscard]] inline Tensor run_fold(const Tensor& operand, DimSet dims, bool keep, DType type,
                                     const Scalar& init, TileVisitor<2> visitor, const void* f) {
  const Tensor x = operand.distinct();
  Shape sizes = x.sizes(), kept;
  Shape steps(x.axes(), 0);
  for (int i = 0; i < x.lead(); ++i) kept.push_back(sizes[i]);
  for (int d = 0; d < x.rank(); ++d)
    if (!holds(dims, d)) kept.push_back(x.size(d));
  Tensor out = Tensor::full(kept, init, type, x.lead());
  for (int i = 0, k = 0; i < x.axes(); ++i)
    if (i < x.lead() || !holds(dims, i - x.lead())) steps[i] = out.strides()[k++];
  Meter::current().work(static_cast<std::uint64_t>(x.numel()));
  FoldContext context{out.write<std::byte>(), nullptr, f};
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) { context.in = x.data<T>(); });
  run_tiles<2>(sizes, {&steps, &x.strides()}, visitor, &context);
  if (keep)
    for (int d = 0; d < x.rank(); ++d)
      if (holds(dims, d)) out = out.inserted(x.lead() + d);
  return out.regrown(operand.lead_sizes());
}

/// acc = f(acc, element) over the reduced dimensions, starting from `init`.
template <class Acc, class T, class F>
[[nodiscard]] Tensor fold(const Tensor& x, DimSet dims, bool keep, Acc init, F f) {
  return run_fold(
      x, dims, keep, dtype_of<Acc>, Scalar(init),
      [](void* c, const Tile<2>& t) {
        const auto& context = *static_cast<const FoldContext*>(c);
        const F& g = *static_cast<const F*>(context.f);
        const std::int64_t n = t.length, so = t.stride[0], si = t.stride[1];
        for (std::int64_t r = 0; r < t.rows; ++r) {
          Acc* out = static_cast<Acc*>(context.out) + t.offset[0] + r * t.row_stride[0];
          const T* in = static_cast<const T*>(context.in) + t.offset[1] + r * t.row_stride[1];
          if (so != 0) {
            for (std::int64_t i = 0; i < n; ++i) out[i * so] = g(out[i * so], in[i * si]);
            continue;
          }
          Acc acc = *out;
          for (std::int64_t i = 0; i < n; ++i) acc = g(acc, in[i * si]);
          *out = acc;
        }
      },
      &f);
}

/// A sum of integers, which wraps.
template <class T> [[nodiscard]] Tensor sum_of_integers(const Tensor& x, DimSet dims, bool keep) {
  return fold<std::int64_t, T>(x, dims, keep, 0,
                               [](std::int64_t a, T v) { return wrapped(word(a) + static_cast<Word>(v)); });
}

/// x with the dimensions in `dims` behind the others, all in one piece, and these dimensions as a set.
[[nodiscard]] inline std::pair<Tensor, DimSet> with_last(const Tensor& x, DimSet dims) {
  int order[max_axes];
  for (int i = 0; i < x.lead(); ++i) order[i] = i;
  int at = x.lead();
  DimSet last = 0;
  for (const bool folds : {false, true})
    for (int d = 0; d < x.rank(); ++d) {
      if (holds(dims, d) != folds) continue;
      if (folds) last |= 1U << static_cast<unsigned>(at - x.lead());
      order[at++] = x.lead() + d;
    }
  return {x.permuted({order, static_cast<std::size_t>(at)}).contiguous(), last};
}

/// Reduces lines with a kernel, which is called with a Lines<T>. Where the reduced dimensions are not evenly
/// spaced, they are first brought together by a copy.
template <class T, class Kernel>
[[nodiscard]] Tensor fold_lines(const Tensor& x, DimSet dims, bool keep, const Kernel& kernel) {
  if (!x.is_distinct()) return fold_lines<T>(x.distinct(), dims, keep, kernel).regrown(x.lead_sizes());
  Shape sizes(x.lead_sizes());
  Loops kept, reduced;
  std::int64_t count = 1; // elements per line
  for (int i = 0; i < x.axes(); ++i) {
    const std::int64_t n = x.sizes()[i];
    const bool folds = i >= x.lead() && holds(dims, i - x.lead());
    if (i >= x.lead() && (!folds || keep)) sizes.push_back(folds ? 1 : n);
    if (folds) count *= n;
    if (n != 1) (folds ? reduced : kept).add({n, x.strides()[i]});
  }
  if (reduced.several() && x.numel() > 0) {
    const auto [together, last] = with_last(x, dims);
    return fold_lines<T>(together, last, false, kernel).viewed(0, sizes)->with_lead(x.lead());
  }
  Tensor out = Tensor::empty(sizes, dtype_of<T>, x.lead());
  Meter::current().work(static_cast<std::uint64_t>(x.numel()));
  if (out.numel() == 0) return out;
  const Loop line = reduced.empty() ? Loop{} : *reduced.begin();
  const Loop next = kept.empty() ? Loop{} : kept.take(kept.end() - 1);
  Shape outer, from;
  for (const Loop& l : kept) {
    outer.push_back(l.size);
    from.push_back(l.a);
  }
  Shape into = row_major(outer);
  for (std::int64_t& step : into) step *= next.size;
  T* o = out.write<T>();
  const T* in = x.data<T>();
  for_tiles<2>(outer, {&into, &from}, [&](const Tile<2>& t) {
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t i = 0; i < t.length; ++i)
        kernel(Lines<T>{o + t.offset[0] + r * t.row_stride[0] + i * t.stride[0],
                        in + t.offset[1] + r * t.row_stride[1] + i * t.stride[1], next.size, count, next.a,
                        line.a});
  });
  return out;
}

/// A sum in double, over `divisor`.
[[nodiscard]] inline Tensor sum_of_reals(const Tensor& x, DimSet dims, bool keep, double divisor) {
  if (x.dtype() == DType::float32)
    return fold_lines<float>(x, dims, keep,
                             [divisor](const Lines<float>& l) { kernels().sum_f32(l, divisor); });
  return fold_lines<double>(x, dims, keep,
                            [divisor](const Lines<double>& l) { kernels().sum_f64(l, divisor); });
}

} // namespace detail

/// Sizes of x's dimensions in `dims`, multiplied.
[[nodiscard]] inline std::int64_t count_in(const Tensor& x, DimSet dims) {
  std::int64_t n = 1;
  for (int d = 0; d < x.rank(); ++d)
    if (detail::holds(dims, d)) n *= x.size(d);
  return n;
}

/// bool and int64 sum to int64.
[[nodiscard]] inline Tensor sum(const Tensor& x, DimSet dims, bool keep) {
  if (x.dtype() == DType::boolean) return detail::sum_of_integers<bool>(x, dims, keep);
  if (x.dtype() == DType::int64) return detail::sum_of_integers<std::int64_t>(x, dims, keep);
  return detail::sum_of_reals(x, dims, keep, 1.0);
}

[[nodiscard]] inline Tensor product(const Tensor& x, DimSet dims, bool keep) {
  using detail::word;
  if (!is_floating(x.dtype()))
    return detail::fold<std::int64_t, std::int64_t>(
        x.to(DType::int64), dims, keep, 1,
        [](std::int64_t a, std::int64_t v) { return detail::wrapped(word(a) * word(v)); });
  if (x.dtype() == DType::float32)
    return detail::fold<double, float>(x, dims, keep, 1.0,
                                       [](double a, float v) { return a * static_cast<double>(v); })
        .to(DType::float32);
  return detail::fold<double, double>(x, dims, keep, 1.0, [](double a, double v) { return a * v; });
}

/// Fault{type} for integers. An empty mean is NaN.
[[nodiscard]] inline Tensor mean(const Tensor& x, DimSet dims, bool keep,
                                 std::string_view function = "mean") {
  if (!is_floating(x.dtype()))
    fail(std::string(function) + "(): input dtype must be floating point, got " +
         std::string(name_of(x.dtype())));
  return detail::sum_of_reals(x, dims, keep, static_cast<double>(count_in(x, dims)));
}

/// The largest or smallest element; NaN wins. Fault{type} when there is none.
[[nodiscard]] inline Tensor extremum(const Tensor& x, DimSet dims, bool keep, bool largest,
                                     std::string_view function) {
  if (count_in(x, dims) == 0 && (dims == all_dims(x) || x.numel() == 0))
    fail(std::string(function) + "(): cannot reduce an empty dimension of shape " + text(x.element_sizes()));
  if (x.dtype() == DType::boolean)
    return extremum(x.to(DType::int64), dims, keep, largest, function).to(DType::boolean);
  if (x.dtype() == DType::float32 && count_in(x, dims) > 0)
    return detail::fold_lines<float>(x, dims, keep, largest ? kernels().maximum_f32 : kernels().minimum_f32);
  return visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    using Limits = std::numeric_limits<T>;
    if (largest) {
      const T least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
      return detail::fold<T, T>(x, dims, keep, least, [](T a, T v) { return detail::larger(a, v); });
    }
    const T most = Limits::has_infinity ? Limits::infinity() : Limits::max();
    return detail::fold<T, T>(x, dims, keep, most, [](T a, T v) { return detail::smaller(a, v); });
  });
}

[[nodiscard]] inline Tensor any(const Tensor& x, DimSet dims, bool keep) {
  return detail::fold<bool, bool>(x.to(DType::boolean), dims, keep, false,
                                  [](bool a, bool v) { return a || v; });
}
[[nodiscard]] inline Tensor all(const Tensor& x, DimSet dims, bool keep) {
  return detail::fold<bool, bool>(x.to(DType::boolean), dims, keep, true,
                                  [](bool a, bool v) { return a && v; });
}

/// Sum of squared deviations over (n - correction), in two passes.
[[nodiscard]] inline Tensor variance(const Tensor& x, DimSet dims, bool keep, double correction,
                                     std::string_view function) {
  const Tensor centred = binary(BinaryOp::subtract, x, mean(x, dims, true, function), function);
  const double n = static_cast<double>(count_in(x, dims)) - correction;
  return detail::sum_of_reals(unary(UnaryOp::square, centred, function), dims, keep, n > 0 ? n : 0.0);
}

/// (sum |x|^p)^(1/p), with the usual limits for p = 0, inf and -inf.
[[nodiscard]] inline Tensor norm(const Tensor& x, double p, DimSet dims, bool keep,
                                 std::string_view function) {
  if (!is_floating(x.dtype()))
    fail(std::string(function) + "(): input dtype must be floating point, got " +
         std::string(name_of(x.dtype())));
  const Tensor size = unary(UnaryOp::absolute, x, function);
  if (std::isinf(p)) {
    if (x.numel() == 0 && p > 0 && dims == all_dims(x)) return sum(size, dims, keep);
    return extremum(size, dims, keep, p > 0, function);
  }
  if (p == 0) return sum(binary(BinaryOp::not_equal, x, 0.0, function), dims, keep).to(x.dtype());
  if (p == 1) return sum(size, dims, keep);
  const Tensor power =
      p == 2 ? unary(UnaryOp::square, x, function) : binary(BinaryOp::power, size, p, function);
  const Tensor total = sum(power, dims, keep);
  return p == 2 ? unary(UnaryOp::sqrt, total, function) : binary(BinaryOp::power, total, 1 / p, function);
}

[[nodiscard]] inline Tensor logsumexp(const Tensor& x, DimSet dims, bool keep) {
  if (!is_floating(x.dtype())) return logsumexp(x.to(default_float()), dims, keep);
  if (count_in(x, dims) == 0) return unary(UnaryOp::log, sum(x, dims, keep), "logsumexp");
  // Infinite maxima would give inf - inf.
  const auto finite = [](const Tensor& m) {
    return where(unary(UnaryOp::isfinite, m, "logsumexp"), m, Scalar(0));
  };
  const Tensor peak = finite(extremum(x, dims, true, true, "logsumexp"));
  const Tensor e = unary(UnaryOp::exp, binary(BinaryOp::subtract, x, peak, "logsumexp"), "logsumexp");
  const Tensor shift = keep ? peak : finite(extremum(x, dims, false, true, "logsumexp"));
  return binary(BinaryOp::add, unary(UnaryOp::log, sum(e, dims, keep), "logsumexp"), shift, "logsumexp");
}

} // namespace step::tensor
