// SPDX-License-Identifier: MIT
// Operations along one dimension: softmax, running sums, arg-extrema, sorting and top-k.
// Equal elements keep their order, lowest index first; NaN counts as the largest value.
#pragma once

#include "step/tensor/reduce.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace step::tensor {

namespace detail {

/// Calls body(offsets) once per line of x along `axis`, with the offset of its first element in each operand.
/// The operands have x's sizes except along `axis`.
template <int N, class Body>
void for_lines(const std::array<const Tensor*, N>& operands, int axis, Body&& body) {
  constexpr auto n = static_cast<std::size_t>(N);
  Shape sizes = operands[0]->sizes();
  sizes.erase(axis);
  std::array<Shape, n> steps;
  std::array<const Shape*, n> pointers{};
  for (std::size_t k = 0; k < n; ++k) {
    steps[k] = operands[k]->strides();
    steps[k].erase(axis);
    pointers[k] = &steps[k];
  }
  for_tiles<N>(sizes, pointers, [&](const Tile<N>& t) {
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t i = 0; i < t.length; ++i) {
        std::array<std::int64_t, n> offsets;
        for (std::size_t k = 0; k < n; ++k) offsets[k] = t.offset[k] + r * t.row_stride[k] + i * t.stride[k];
        body(static_cast<const std::array<std::int64_t, n>&>(offsets));
      }
  });
}

/// x without its repeated batch positions and with at least one dimension.
[[nodiscard]] inline Tensor line_operand(const Tensor& x) {
  const Tensor d = x.distinct();
  return d.rank() > 0 ? d : d.inserted(d.axes());
}
/// Undoes line_operand for a result.
[[nodiscard]] inline Tensor line_result(const Tensor& out, const Tensor& x) {
  return (x.rank() > 0 || out.rank() == 0 ? out : out.removed(out.axes() - 1)).regrown(x.lead_sizes());
}

template <class T> [[nodiscard]] bool above(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a > b || (a != a && b == b);
  else
    return a > b;
}

using One = std::integral_constant<std::int64_t, 1>;

/// One line of softmax; strides may be constants, for loops that compilers vectorise.
template <class T, class In, class Out>
void softmax_line(const T* a, In si, T* o, Out so, std::int64_t n, bool logarithm) {
  T peak = a[0];
  for (std::int64_t i = 1; i < n; ++i) peak = larger(peak, a[i * si]);
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    o[i * so] = std::exp(a[i * si] - peak);
    total += static_cast<double>(o[i * so]);
  }
  if (logarithm) {
    const T shift = peak + static_cast<T>(std::log(total));
    for (std::int64_t i = 0; i < n; ++i) o[i * so] = a[i * si] - shift;
  } else {
    const T scale = static_cast<T>(1 / total);
    for (std::int64_t i = 0; i < n; ++i) o[i * so] *= scale;
  }
}

} // namespace detail

/// exp(x) / sum(exp(x)) along a dimension, or its logarithm. Fault{type} for integers.
[[nodiscard]] inline Tensor softmax(const Tensor& x, int dim, bool logarithm, std::string_view function) {
  if (!is_floating(x.dtype()))
    fail(std::string(function) + "(): not defined for " + std::string(name_of(x.dtype())));
  const Tensor source = detail::line_operand(x);
  const int axis = source.lead() + dim;
  Tensor out = Tensor::empty(source.sizes(), x.dtype(), source.lead());
  Meter::current().work(static_cast<std::uint64_t>(source.numel()) * 2);
  const std::int64_t n = source.sizes()[axis], si = source.strides()[axis], so = out.strides()[axis];
  if (n == 0) return detail::line_result(out, x);
  visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* in = source.data<T>();
    T* to = out.write<T>();
    detail::for_lines<2>({&source, &out}, axis, [&](const std::array<std::int64_t, 2>& at) {
      if (si == 1 && so == 1)
        detail::softmax_line(in + at[0], detail::One{}, to + at[1], detail::One{}, n, logarithm);
      else
        detail::softmax_line(in + at[0], si, to + at[1], so, n, logarithm);
    });
  });
  return detail::line_result(out, x);
}

/// Running sum or product along a dimension; bool and int64 give int64.
[[nodiscard]] inline Tensor running(const Tensor& operand, int dim, bool multiply) {
  const Tensor x = operand.dtype() == DType::boolean ? operand.to(DType::int64) : operand;
  const Tensor source = detail::line_operand(x);
  const int axis = source.lead() + dim;
  Tensor out = Tensor::empty(source.sizes(), x.dtype(), source.lead());
  Meter::current().work(static_cast<std::uint64_t>(source.numel()));
  const std::int64_t n = source.sizes()[axis], si = source.strides()[axis], so = out.strides()[axis];
  visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    using Acc = std::conditional_t<std::is_integral_v<T>, detail::Word, double>;
    const T* in = source.data<T>();
    T* to = out.write<T>();
    detail::for_lines<2>({&source, &out}, axis, [&](const std::array<std::int64_t, 2>& at) {
      Acc acc = multiply ? Acc{1} : Acc{0};
      for (std::int64_t i = 0; i < n; ++i) {
        const Acc v = static_cast<Acc>(in[at[0] + i * si]);
        acc = multiply ? acc * v : acc + v;
        to[at[1] + i * so] = static_cast<T>(acc);
      }
    });
  });
  return detail::line_result(out, x);
}

/// Values and their indices (int64).
struct Indexed {
  Tensor values;
  Tensor indices;
};

/// The extreme element of each line and where it first occurs. Fault{type} for an empty line.
[[nodiscard]] inline Indexed arg_extremum(const Tensor& operand, int dim, bool keep, bool largest,
                                          std::string_view function) {
  if (operand.dtype() == DType::boolean) {
    Indexed r = arg_extremum(operand.to(DType::int64), dim, keep, largest, function);
    r.values = r.values.to(DType::boolean);
    return r;
  }
  const Tensor x = detail::line_operand(operand);
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
    detail::for_lines<2>({&x, &values}, axis, [&](const std::array<std::int64_t, 2>& o) {
      std::int64_t best = 0;
      T top = in[o[0]];
      for (std::int64_t i = 1; i < n; ++i) {
        const T a = in[o[0] + i * step];
        if (largest ? detail::above(a, top) : (a < top || (a != a && top == top))) {
          top = a;
          best = i;
        }
      }
      v[o[1]] = top;
      at[o[1]] = best;
    });
  });
  const auto finish = [&](const Tensor& t) {
    return detail::line_result(keep && operand.rank() > 0 ? t : t.removed(axis), operand);
  };
  return {finish(values), finish(indices)};
}

/// The first `k` of each line in sorted order (all of it for k = -1), with their indices.
[[nodiscard]] inline Indexed sorted(const Tensor& operand, int dim, bool descending, std::int64_t k,
                                    std::string_view function) {
  if (operand.dtype() == DType::boolean) {
    Indexed r = sorted(operand.to(DType::int64), dim, descending, k, function);
    r.values = r.values.to(DType::boolean);
    return r;
  }
  const Tensor x = detail::line_operand(operand);
  const int axis = x.lead() + dim;
  const std::int64_t n = x.sizes()[axis], step = x.strides()[axis];
  if (k < -1 || k > n)
    fail(std::string(function) + "(): selected index k = " + std::to_string(k) +
         " out of range for dimension of size " + std::to_string(n));
  const std::int64_t m = k < 0 || operand.rank() == 0 ? n : k; // a scalar is its own top 0, as in PyTorch
  Shape sizes = x.sizes();
  sizes[axis] = m;
  Tensor values = Tensor::empty(sizes, x.dtype(), x.lead()),
         indices = Tensor::empty(sizes, DType::int64, x.lead());
  Meter::current().work(static_cast<std::uint64_t>(x.numel()) * 4);
  visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* in = x.data<T>();
    T* v = values.write<T>();
    auto* at = indices.write<std::int64_t>();
    const std::int64_t so = values.strides()[axis];
    std::vector<std::pair<T, std::int64_t>> line(static_cast<std::size_t>(n));
    detail::for_lines<2>({&x, &values}, axis, [&](const std::array<std::int64_t, 2>& o) {
      for (std::int64_t i = 0; i < n; ++i) line[static_cast<std::size_t>(i)] = {in[o[0] + i * step], i};
      const auto before = [descending](const auto& a, const auto& b) {
        if (descending ? detail::above(a.first, b.first) : detail::above(b.first, a.first)) return true;
        if (descending ? detail::above(b.first, a.first) : detail::above(a.first, b.first)) return false;
        return a.second < b.second;
      };
      if (m < n)
        std::partial_sort(line.begin(), line.begin() + m, line.end(), before);
      else
        std::sort(line.begin(), line.end(), before);
      for (std::int64_t i = 0; i < m; ++i) {
        v[o[1] + i * so] = line[static_cast<std::size_t>(i)].first;
        at[o[1] + i * so] = line[static_cast<std::size_t>(i)].second;
      }
    });
  });
  return {detail::line_result(values, operand), detail::line_result(indices, operand)};
}

} // namespace step::tensor
