// SPDX-License-Identifier: MIT
// Operations along one dimension: softmax, running sums and arg-extrema; sorting is in sorting.hpp.
// Of equal elements the first counts; NaN counts as the largest value.
#pragma once

#include "step/tensor/line_loops.hpp"
#include "step/tensor/reduce.hpp"
#include "step/tensor/sorting.hpp"

#include <cmath>
#include <cstdint>
#include <utility>

namespace step::tensor {

namespace detail {

/// One line of softmax in double precision.
inline void softmax_line(const double* a, std::int64_t si, double* o, std::int64_t so, std::int64_t n,
                         bool logarithm) {
  double peak = a[0], total = 0;
  for (std::int64_t i = 1; i < n; ++i) peak = larger(peak, a[i * si]);
  for (std::int64_t i = 0; i < n; ++i) total += o[i * so] = std::exp(a[i * si] - peak);
  const double shift = logarithm ? peak + std::log(total) : 0, scale = 1 / total;
  for (std::int64_t i = 0; i < n; ++i) o[i * so] = logarithm ? a[i * si] - shift : o[i * so] * scale;
}

/// The first place of the extreme element of a line, and that element. Without branches on the elements.
template <class T>
[[nodiscard]] std::int64_t extreme_place(const T* in, std::int64_t step, std::int64_t n, bool largest,
                                         T& top) {
  std::int64_t best = 0;
  top = in[0];
  for (std::int64_t i = 1; i < n; ++i) {
    const T a = in[i * step];
    const bool better = largest ? above(a, top) : (a < top) | ((a != a) & (top == top));
    top = better ? a : top;
    best = better ? i : best;
  }
  return best;
}

} // namespace detail

/// exp(x) / sum(exp(x)) along a dimension, or its logarithm. Fault{type} for integers.
[[nodiscard]] inline Tensor softmax(const Tensor& x, int dim, bool logarithm, std::string_view function) {
  if (!is_floating(x.dtype()))
    fail(std::string(function) + "(): not defined for " + std::string(name_of(x.dtype())));
  Tensor held;
  const Tensor& source = detail::line_operand(x, held);
  const int axis = source.lead() + dim;
  Tensor out = Tensor::empty(source.sizes(), x.dtype(), source.lead());
  Meter::current().work(static_cast<std::uint64_t>(source.numel()) * 4);
  const std::int64_t n = source.sizes()[axis], si = source.strides()[axis], so = out.strides()[axis];
  if (n > 0)
    detail::for_line_rows(source, out, axis, [&](std::int64_t at, std::int64_t to, const detail::Loop& line) {
      if (x.dtype() == DType::float32)
        kernels().softmax({out.write<float>() + to, source.data<float>() + at, line.size, n, line.a, si},
                          line.c, so, logarithm);
      else
        for (std::int64_t i = 0; i < line.size; ++i)
          detail::softmax_line(source.data<double>() + at + i * line.a, si,
                               out.write<double>() + to + i * line.c, so, n, logarithm);
    });
  return detail::line_result(std::move(out), x);
}

/// Running sum or product along a dimension; bool and int64 give int64.
[[nodiscard]] inline Tensor running(const Tensor& operand, int dim, bool multiply) {
  const Tensor x = operand.dtype() == DType::boolean ? operand.to(DType::int64) : operand;
  Tensor held;
  const Tensor& source = detail::line_operand(x, held);
  const int axis = source.lead() + dim;
  Tensor out = Tensor::empty(source.sizes(), x.dtype(), source.lead());
  Meter::current().work(static_cast<std::uint64_t>(source.numel()));
  const std::int64_t n = source.sizes()[axis], si = source.strides()[axis], so = out.strides()[axis];
  visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    using Acc = std::conditional_t<std::is_integral_v<T>, detail::Word, double>;
    const T* in = source.data<T>();
    T* to = out.write<T>();
    detail::for_line_rows(source, out, axis, [&](std::int64_t at, std::int64_t o, const detail::Loop& lines) {
      for (std::int64_t k = 0; k < lines.size; ++k, at += lines.a, o += lines.c) {
        Acc acc = multiply ? Acc{1} : Acc{0};
        for (std::int64_t i = 0; i < n; ++i) {
          const Acc v = static_cast<Acc>(in[at + i * si]);
          acc = multiply ? acc * v : acc + v;
          to[o + i * so] = static_cast<T>(acc);
        }
      }
    });
  });
  return detail::line_result(std::move(out), x);
}

/// The extreme element of each line and where it first occurs. Fault{type} for an empty line.
[[nodiscard]] inline Indexed arg_extremum(const Tensor& operand, int dim, bool keep, bool largest,
                                          std::string_view function) {
  if (operand.dtype() == DType::boolean) {
    Indexed r = arg_extremum(operand.to(DType::int64), dim, keep, largest, function);
    r.values = r.values.to(DType::boolean);
    return r;
  }
  Tensor held;
  const Tensor& x = detail::line_operand(operand, held);
  const int axis = x.lead() + dim;
  const std::int64_t n = x.sizes()[axis], step = x.strides()[axis];
  if (n == 0)
    fail(std::string(function) + "(): cannot reduce an empty dimension of shape " + text(x.element_sizes()));
  Shape sizes = x.sizes();
  sizes[axis] = 1;
  Tensor values = Tensor::empty(sizes, x.dtype(), x.lead()),
         indices = Tensor::empty(sizes, DType::int64, x.lead());
  Meter::current().work(static_cast<std::uint64_t>(x.numel()));
  visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* in = x.data<T>();
    T* v = values.write<T>();
    auto* at = indices.write<std::int64_t>();
    detail::for_line_rows(x, values, axis,
                          [&](std::int64_t from, std::int64_t to, const detail::Loop& lines) {
                            for (std::int64_t k = 0; k < lines.size; ++k, from += lines.a, to += lines.c)
                              at[to] = detail::extreme_place(in + from, step, n, largest, v[to]);
                          });
  });
  const auto finish = [&](Tensor t) {
    return detail::line_result(keep && operand.rank() > 0 ? std::move(t) : std::move(t).removed(axis),
                               operand);
  };
  return {finish(std::move(values)), finish(std::move(indices))};
}

} // namespace step::tensor
