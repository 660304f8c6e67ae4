// SPDX-License-Identifier: MIT
// Matrix products with broadcasting over batches, for any strides, and the cases of torch.matmul.
// Products are accumulated in the element type in blocks short enough for the rounding of float32 not to
// build up.
#pragma once

#include "step/tensor/batch.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace step::tensor {

namespace detail {

template <class T> struct Matrix {
  const T* data;
  std::int64_t row, column; ///< strides
};

/// A sum of products; lanes that compilers vectorise, in blocks of which the totals are added.
template <class T>
[[nodiscard]] T inner_product(const T* a, std::int64_t sa, const T* b, std::int64_t sb, std::int64_t n) {
  if constexpr (std::is_integral_v<T>) {
    std::uint64_t total = 0;
    for (std::int64_t i = 0; i < n; ++i)
      total += static_cast<std::uint64_t>(a[i * sa]) * static_cast<std::uint64_t>(b[i * sb]);
    return static_cast<T>(total);
  } else {
    constexpr std::int64_t block = 128;
    double total = 0;
    for (std::int64_t at = 0; at < n; at += block) {
      const std::int64_t end = std::min(n, at + block);
      std::int64_t i = at;
      T lanes[8] = {};
      if (sa == 1 && sb == 1)
        for (; i + 8 <= end; i += 8)
          for (std::int64_t k = 0; k < 8; ++k) lanes[k] += a[i + k] * b[i + k];
      for (std::int64_t k = 0; i < end; ++i, k = (k + 1) & 7) lanes[k] += a[i * sa] * b[i * sb];
      total += static_cast<double>(((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
                                   ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])));
    }
    return static_cast<T>(total);
  }
}

/// Adds a (m x depth) times b (depth x width, rows contiguous) to a block of `out`, row by row. A width known
/// to the compiler keeps the sums in vector registers.
template <int width, class T>
void multiply_columns(T* out, std::int64_t stride, Matrix<T> a, Matrix<T> b, std::int64_t m,
                      std::int64_t depth) {
  using U = std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>;
  for (std::int64_t i = 0; i < m; ++i) {
    U sum[width];
    for (int c = 0; c < width; ++c) sum[c] = static_cast<U>(out[i * stride + c]);
    for (std::int64_t p = 0; p < depth; ++p) {
      const U x = static_cast<U>(a.data[i * a.row + p * a.column]);
      const T* q = b.data + p * b.row;
      for (int c = 0; c < width; ++c) sum[c] += x * static_cast<U>(q[c]);
    }
    for (int c = 0; c < width; ++c) out[i * stride + c] = static_cast<T>(sum[c]);
  }
}

/// out (m x n, row-major, leading dimension n) = a (m x k) times b (k x n, rows contiguous).
template <class T>
void multiply_rows(T* out, Matrix<T> a, Matrix<T> b, std::int64_t m, std::int64_t k, std::int64_t n) {
  constexpr std::int64_t depth = 128;
  std::vector<T> block(static_cast<std::size_t>(k > depth ? m * n : 0));
  for (std::int64_t k0 = 0; k0 < std::max<std::int64_t>(k, 1); k0 += depth) {
    const std::int64_t d = std::min(k - k0, depth);
    // Every block of products is summed on its own, so that rounding errors do not grow with k.
    T* to = k0 == 0 ? out : block.data();
    std::fill_n(to, m * n, T{});
    const Matrix<T> left{a.data + k0 * a.column, a.row, a.column};
    std::int64_t j = 0;
    const auto right = [&] { return Matrix<T>{b.data + k0 * b.row + j, b.row, 1}; };
    for (; j + 16 <= n; j += 16) multiply_columns<16>(to + j, n, left, right(), m, d);
    for (; j + 8 <= n; j += 8) multiply_columns<8>(to + j, n, left, right(), m, d);
    for (; j + 4 <= n; j += 4) multiply_columns<4>(to + j, n, left, right(), m, d);
    for (; j < n; ++j) multiply_columns<1>(to + j, n, left, right(), m, d);
    if (k0 > 0)
      for (std::int64_t i = 0; i < m * n; ++i) {
        if constexpr (std::is_integral_v<T>)
          out[i] = static_cast<T>(static_cast<std::uint64_t>(out[i]) + static_cast<std::uint64_t>(to[i]));
        else
          out[i] += to[i];
      }
  }
}

template <class T>
void multiply(T* out, Matrix<T> a, Matrix<T> b, std::int64_t m, std::int64_t k, std::int64_t n) {
  if (n < 4 || (m == 1 && b.column != 1)) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        out[i * n + j] = inner_product(a.data + i * a.row, a.column, b.data + j * b.column, b.row, k);
    return;
  }
  std::vector<T> packed;
  if (b.column != 1) { // worth one pass over b when several rows of a use it
    Meter::current().allocate(static_cast<std::uint64_t>(k * n));
    packed.resize(static_cast<std::size_t>(k * n));
    for (std::int64_t p = 0; p < k; ++p)
      for (std::int64_t j = 0; j < n; ++j)
        packed[static_cast<std::size_t>(p * n + j)] = b.data[p * b.row + j * b.column];
    b = {packed.data(), n, 1};
  }
  multiply_rows(out, a, b, m, k, n);
}

/// (.., m, k) times (.., k, n): all axes before the last two are equal and count as batch, whatever lead()
/// says.
[[nodiscard]] inline Tensor batched_product(const Tensor& a, const Tensor& b) {
  const int r = a.axes();
  const std::int64_t m = a.sizes()[r - 2], k = a.sizes()[r - 1], n = b.sizes()[r - 1];
  Shape sizes = a.sizes();
  sizes[r - 1] = n;
  Tensor out = Tensor::empty(sizes, a.dtype(), a.lead());
  const std::int64_t products = out.numel();
  Meter::current().work(static_cast<std::uint64_t>(products) +
                        static_cast<std::uint64_t>(products) * static_cast<std::uint64_t>(k) / 8);
  if (products == 0) return out;
  const Shape outer(a.sizes().first(r - 2)), sa(a.strides().first(r - 2)), sb(b.strides().first(r - 2)),
      so(out.strides().first(r - 2));
  visit_number(a.dtype(), [&]<class T>(std::type_identity<T>) {
    T* to = out.write<T>();
    const Matrix<T> ma{a.data<T>(), a.strides()[r - 2], a.strides()[r - 1]};
    const Matrix<T> mb{b.data<T>(), b.strides()[r - 2], b.strides()[r - 1]};
    for_tiles<3>(outer, {&so, &sa, &sb}, [&](const Tile<3>& t) {
      for (std::int64_t row = 0; row < t.rows; ++row) {
        T* o = to + t.offset[0] + row * t.row_stride[0];
        const T* pa = ma.data + t.offset[1] + row * t.row_stride[1];
        const T* pb = mb.data + t.offset[2] + row * t.row_stride[2];
        // One right-hand side for all vectors or for evenly spaced matrices: a single taller product.
        const bool tall = t.stride[2] == 0 && t.stride[0] == m * n && (m == 1 || t.stride[1] == m * ma.row);
        if (tall) {
          multiply<T>(o, {pa, m == 1 ? t.stride[1] : ma.row, ma.column}, {pb, mb.row, mb.column},
                      m * t.length, k, n);
          continue;
        }
        for (std::int64_t i = 0; i < t.length; ++i)
          multiply<T>(o + i * t.stride[0], {pa + i * t.stride[1], ma.row, ma.column},
                      {pb + i * t.stride[2], mb.row, mb.column}, m, k, n);
      }
    });
  });
  return out;
}

} // namespace detail

/// torch.matmul: vectors, matrices, and batches of matrices with broadcasting. Fault{type} for differing
/// dtypes, bool operands or shapes that do not fit. O(m k n) per matrix.
[[nodiscard]] inline Tensor matmul(const Tensor& x, const Tensor& y, std::string_view function = "matmul") {
  const std::string name(function);
  if (x.rank() == 0 || y.rank() == 0)
    fail(name + "(): both arguments need to be at least 1D, but they are " + std::to_string(x.rank()) +
         "D and " + std::to_string(y.rank()) + "D");
  if (x.dtype() != y.dtype())
    fail(name + "(): expected operands of the same dtype, but got " + std::string(name_of(x.dtype())) +
         " and " + std::string(name_of(y.dtype())));
  if (x.dtype() == DType::boolean) fail(name + "(): not defined for torch.bool");
  Tensor ops[2] = {x, y};
  const Shape lead = align(ops);
  Tensor a = ops[0], b = ops[1];
  const int l = a.lead();
  const bool row = a.rank() == 1, column = b.rank() == 1;
  if (row) a = a.inserted(l);
  if (column) b = b.inserted(b.axes());
  if (a.size(a.rank() - 1) != b.size(b.rank() - 2))
    fail(name + "(): shapes " + text(x.element_sizes()) + " and " + text(y.element_sizes()) +
         " cannot be multiplied (inner dimensions " + std::to_string(a.size(a.rank() - 1)) + " and " +
         std::to_string(b.size(b.rank() - 2)) + " differ)");
  if (a.rank() > 2 || b.rank() > 2) {
    const Shape batch =
        broadcast_sizes(a.element_sizes().first(static_cast<std::size_t>(a.rank() - 2)),
                        b.element_sizes().first(static_cast<std::size_t>(b.rank() - 2)), function);
    for (Tensor* t : {&a, &b}) {
      Shape want = batch;
      want.push_back(t->size(t->rank() - 2));
      want.push_back(t->size(t->rank() - 1));
      *t = broadcast_to(*t, want, function);
    }
  }
  // Equal matrices for a batch of vectors: the batch becomes the rows (the tall product) only when it is
  // innermost.
  Tensor out = detail::batched_product(a, b);
  if (column) out = out.removed(out.axes() - 1);
  if (row) out = out.removed(out.axes() - (column ? 1 : 2));
  return out.regrown(lead);
}

} // namespace step::tensor
