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

/// The sum of `n` elements in eight lanes, which compilers vectorise.
template <class Acc, class T> [[nodiscard]] Acc lane_sum(const T* in, std::int64_t n) {
  Acc lanes[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::int64_t k = 0; k < 8; ++k) lanes[k] += static_cast<Acc>(in[i + k]);
  for (; i < n; ++i) lanes[0] += static_cast<Acc>(in[i]);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/// A sum in Acc. Integers wrap.
template <class Acc, class T> [[nodiscard]] Tensor sum_as(const Tensor& x, DimSet dims, bool keep) {
  if constexpr (std::is_integral_v<Acc>)
    return fold<Acc, T>(x, dims, keep, Acc{},
                        [](Acc a, T v) { return wrapped(word(a) + static_cast<Word>(v)); });
  else
    return run_fold(
        x, dims, keep, dtype_of<Acc>, Scalar(0.0),
        [](void* c, const Tile<2>& t) {
          const auto& context = *static_cast<const FoldContext*>(c);
          const std::int64_t n = t.length, so = t.stride[0], si = t.stride[1];
          for (std::int64_t r = 0; r < t.rows; ++r) {
            Acc* out = static_cast<Acc*>(context.out) + t.offset[0] + r * t.row_stride[0];
            const T* in = static_cast<const T*>(context.in) + t.offset[1] + r * t.row_stride[1];
            if (so == 0 && si == 1) {
              *out += lane_sum<Acc>(in, n);
            } else if (so == 1 && si == 1) {
              for (std::int64_t i = 0; i < n; ++i) out[i] += static_cast<Acc>(in[i]);
            } else {
              for (std::int64_t i = 0; i < n; ++i) out[i * so] += static_cast<Acc>(in[i * si]);
            }
          }
        },
        nullptr);
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
  switch (x.dtype()) {
  case DType::boolean:
    return detail::sum_as<std::int64_t, bool>(x, dims, keep);
  case DType::int64:
    return detail::sum_as<std::int64_t, std::int64_t>(x, dims, keep);
  case DType::float32:
    return detail::sum_as<double, float>(x, dims, keep).to(DType::float32);
  default:
    return detail::sum_as<double, double>(x, dims, keep);
  }
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
  const auto n = static_cast<double>(count_in(x, dims));
  return visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const Tensor total = detail::sum_as<double, T>(x, dims, keep);
    return map1<T, double>(total, [n](double s) { return static_cast<T>(s / n); });
  });
}

/// The largest or smallest element; NaN wins. Fault{type} when there is none.
[[nodiscard]] inline Tensor extremum(const Tensor& x, DimSet dims, bool keep, bool largest,
                                     std::string_view function) {
  if (count_in(x, dims) == 0 && (dims == all_dims(x) || x.numel() == 0))
    fail(std::string(function) + "(): cannot reduce an empty dimension of shape " + text(x.element_sizes()));
  if (x.dtype() == DType::boolean)
    return extremum(x.to(DType::int64), dims, keep, largest, function).to(DType::boolean);
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
  return visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const Tensor total = detail::sum_as<double, T>(unary(UnaryOp::square, centred, function), dims, keep);
    return map1<T, double>(total, [n](double s) { return static_cast<T>(s / (n > 0 ? n : 0.0)); });
  });
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
