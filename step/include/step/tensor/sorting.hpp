// SPDX-License-Identifier: MIT
// Sorting along one dimension: all of a line or its first elements, with their indices.
// Equal elements keep their order, lowest index first; NaN counts as the largest value.
#pragma once

#include "step/tensor/line_loops.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace step::tensor {

/// Values and their indices (int64).
struct Indexed {
  Tensor values;
  Tensor indices;
};

namespace detail {

template <class T> [[nodiscard]] bool above(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return (a > b) | ((a != a) & (b == b));
  else
    return a > b;
}

/// One line: `m` of `n` elements are wanted.
template <class T> struct SortedLine {
  const T* in;
  std::int64_t step, n;
  T* values;
  std::int64_t* indices;
  std::int64_t out_step, m;
};

/// The number of elements that come before each one is its place: quadratic, but without branches.
inline constexpr std::int64_t most_ranked = 8;
/// `known` is the number of elements, or 0 when the compiler does not know it.
template <bool descending, int known, class T> void sort_by_rank(const SortedLine<T>& l) {
  const int n = known > 0 ? known : static_cast<int>(l.n);
  T v[most_ranked];
  int place[most_ranked] = {};
  for (int i = 0; i < n; ++i) {
    v[i] = l.in[i * l.step];
    for (int j = 0; j < i; ++j) {
      const int first = (descending ? above(v[i], v[j]) : above(v[j], v[i])) ? 1 : 0;
      place[j] += first;
      place[i] += 1 - first;
    }
  }
  for (int i = 0; i < n; ++i) {
    if (place[i] >= l.m) continue;
    l.values[place[i] * l.out_step] = v[i];
    l.indices[place[i] * l.out_step] = i;
  }
}

/// float32 as an unsigned number of the same order; all NaNs are equal, and so are 0 and -0.
[[nodiscard]] inline std::uint32_t ordered(float x) {
  if (x != x) return 0xffffffffU;
  if (x == 0.0F) return 0x80000000U;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return (bits >> 31U) != 0 ? ~bits : bits | 0x80000000U;
}

/// Sorts (key, index) pairs in single words.
template <bool descending> void sort_by_key(const SortedLine<float>& l, std::vector<std::uint64_t>& keys) {
  keys.resize(static_cast<std::size_t>(l.n));
  for (std::int64_t i = 0; i < l.n; ++i) {
    const std::uint32_t key = ordered(l.in[i * l.step]);
    keys[static_cast<std::size_t>(i)] =
        static_cast<std::uint64_t>(descending ? ~key : key) << 32U | static_cast<std::uint64_t>(i);
  }
  if (l.m < l.n)
    std::partial_sort(keys.begin(), keys.begin() + l.m, keys.end());
  else
    std::sort(keys.begin(), keys.end());
  for (std::int64_t i = 0; i < l.m; ++i) {
    const auto at = static_cast<std::int64_t>(keys[static_cast<std::size_t>(i)] & 0xffffffffU);
    l.values[i * l.out_step] = l.in[at * l.step];
    l.indices[i * l.out_step] = at;
  }
}

template <bool descending, class T>
void sort_by_value(const SortedLine<T>& l, std::vector<std::pair<T, std::int64_t>>& line) {
  line.resize(static_cast<std::size_t>(l.n));
  for (std::int64_t i = 0; i < l.n; ++i) line[static_cast<std::size_t>(i)] = {l.in[i * l.step], i};
  const auto before = [](const auto& a, const auto& b) {
    if (descending ? above(a.first, b.first) : above(b.first, a.first)) return true;
    if (descending ? above(b.first, a.first) : above(a.first, b.first)) return false;
    return a.second < b.second;
  };
  if (l.m < l.n)
    std::partial_sort(line.begin(), line.begin() + l.m, line.end(), before);
  else
    std::sort(line.begin(), line.end(), before);
  for (std::int64_t i = 0; i < l.m; ++i) {
    l.values[i * l.out_step] = line[static_cast<std::size_t>(i)].first;
    l.indices[i * l.out_step] = line[static_cast<std::size_t>(i)].second;
  }
}

} // namespace detail

/// The first `k` of each line in sorted order (all of it for k = -1), with their indices.
/// O(n log n) per line of n elements.
[[nodiscard]] inline Indexed sorted(const Tensor& operand, int dim, bool descending, std::int64_t k,
                                    std::string_view function) {
  if (operand.dtype() == DType::boolean) {
    Indexed r = sorted(operand.to(DType::int64), dim, descending, k, function);
    r.values = r.values.to(DType::boolean);
    return r;
  }
  Tensor held;
  const Tensor& x = detail::line_operand(operand, held);
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
  const auto length = static_cast<std::uint64_t>(n);
  Meter::current().work(static_cast<std::uint64_t>(x.numel()) *
                        (4 + static_cast<std::uint64_t>(std::bit_width(static_cast<std::uint64_t>(m)))));
  if (n > detail::most_ranked && x.numel() > 0) Meter::current().allocate(length); // a line beside its order
  auto* at = indices.write<std::int64_t>();
  const std::int64_t out_step = values.strides()[axis];
  visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* in = x.data<T>();
    T* v = values.write<T>();
    std::vector<std::conditional_t<std::is_same_v<T, float>, std::uint64_t, std::pair<T, std::int64_t>>> line;
    detail::for_line_rows(
        x, values, axis, [&](std::int64_t from, std::int64_t to, const detail::Loop& lines) {
          for (std::int64_t i = 0; i < lines.size; ++i, from += lines.a, to += lines.c) {
            const detail::SortedLine<T> l{in + from, step, n, v + to, at + to, out_step, m};
            if (n == 3) // the usual number of experts
              descending ? detail::sort_by_rank<true, 3>(l) : detail::sort_by_rank<false, 3>(l);
            else if (n <= detail::most_ranked)
              descending ? detail::sort_by_rank<true, 0>(l) : detail::sort_by_rank<false, 0>(l);
            else if constexpr (std::is_same_v<T, float>)
              descending ? detail::sort_by_key<true>(l, line) : detail::sort_by_key<false>(l, line);
            else
              descending ? detail::sort_by_value<true>(l, line) : detail::sort_by_value<false>(l, line);
          }
        });
  });
  return {detail::line_result(std::move(values), operand), detail::line_result(std::move(indices), operand)};
}

} // namespace step::tensor
