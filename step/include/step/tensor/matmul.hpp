// SPDX-License-Identifier: MIT
// The cases of torch.matmul: products of vectors, matrices and batches of them, as contractions.
// See contraction.hpp for how sums are made.
#pragma once

#include "step/tensor/batch.hpp"
#include "step/tensor/contraction.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace step::tensor {

namespace detail {

/// (m, k) times (k, n), without batch axes.
[[nodiscard]] inline Tensor matrix_product(const Tensor& a, const Tensor& b) {
  const std::int64_t m = a.sizes()[0], k = a.sizes()[1], n = b.sizes()[1];
  Tensor out = Tensor::empty({m, n}, a.dtype());
  visit_number(a.dtype(), [&]<class T>(std::type_identity<T>) {
    charge_products<T>(1, m, k, n);
    multiply<T>({out.write<T>(), a.data<T>(), b.data<T>(), m, k, n, n, a.strides()[0], a.strides()[1],
                 b.strides()[0], b.strides()[1]});
  });
  return out;
}

/// (.., m, k) times (.., k, n), with equal numbers of axes.
[[nodiscard]] inline Tensor batched_product(const Tensor& a, const Tensor& b) {
  const int r = a.axes();
  if (r == 2 && a.lead() == 0) return matrix_product(a, b);
  return contract(a.inserted(r), b.inserted(r - 2), AxisSet{1} << static_cast<unsigned>(r - 1));
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
  if (x.axes() == 2 && y.axes() == 2 && x.rank() == 2 && y.rank() == 2 && x.sizes()[1] == y.sizes()[0])
    return detail::matrix_product(x, y);
  Tensor ops[2] = {x, y};
  const Shape lead = align(ops);
  Tensor &a = ops[0], &b = ops[1];
  const int l = a.lead();
  const bool row = a.rank() == 1, column = b.rank() == 1;
  if (row) a = std::move(a).inserted(l);
  if (column) b = std::move(b).inserted(b.axes());
  if (a.size(a.rank() - 1) != b.size(b.rank() - 2))
    fail(name + "(): shapes " + text(x.element_sizes()) + " and " + text(y.element_sizes()) +
         " cannot be multiplied (inner dimensions " + std::to_string(a.size(a.rank() - 1)) + " and " +
         std::to_string(b.size(b.rank() - 2)) + " differ)");
  if (a.rank() > 2 || b.rank() > 2) {
    (void)broadcast_sizes(a.element_sizes().first(static_cast<std::size_t>(a.rank() - 2)),
                          b.element_sizes().first(static_cast<std::size_t>(b.rank() - 2)), function);
    while (a.rank() < b.rank()) a = std::move(a).inserted(l);
    while (b.rank() < a.rank()) b = std::move(b).inserted(l);
  }
  Tensor out = detail::batched_product(a, b);
  if (column) out = std::move(out).removed(out.axes() - 1);
  if (row) out = std::move(out).removed(out.axes() - (column ? 1 : 2));
  return std::move(out).regrown(lead);
}

} // namespace step::tensor
