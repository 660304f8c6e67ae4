// SPDX-License-Identifier: MIT
// Copies between tensors of one shape and any two element types; the definitions behind clone(), to() and the
// like. Included by tensor.hpp.
#pragma once

#include "step/tensor/kernels.hpp"
#include "step/tensor/loop.hpp"
#include "step/tensor/tensor.hpp"

namespace step::tensor {

namespace detail {

/// One tile of a copy.
template <class To, class From> void copy_tile(To* out, const From* in, const Tile<2>& t) {
  const std::int64_t so = t.stride[0], si = t.stride[1], ro = t.row_stride[0], ri = t.row_stride[1];
  out += t.offset[0];
  in += t.offset[1];
  if constexpr (std::is_same_v<To, From> && sizeof(To) == 4) {
    if (so == 1 && ri == 1 && t.rows > 1) return kernels().transpose(out, ro, in, si, t.rows, t.length);
    if (ro == 1 && si == 1 && t.rows > 1) return kernels().transpose(out, so, in, ri, t.length, t.rows);
  }
  for (std::int64_t r = 0; r < t.rows; ++r, out += ro, in += ri) {
    if (so == 1 && si == 1) {
      if constexpr (std::is_same_v<To, From>)
        std::memmove(out, in, static_cast<std::size_t>(t.length) * sizeof(To));
      else if constexpr (std::is_same_v<To, float> && std::is_same_v<From, bool>)
        kernels().from_flags(out, in, t.length);
      else
        for (std::int64_t i = 0; i < t.length; ++i) out[i] = convert<To>(in[i]);
    } else {
      for (std::int64_t i = 0; i < t.length; ++i) out[i * so] = convert<To>(in[i * si]);
    }
  }
}

template <class To, class From> void copy_elements(Tensor& to, const Tensor& from) {
  To* out = to.write<To>();
  const From* in = from.data<From>();
  for_tiles<2>(to.sizes(), {&to.strides(), &from.strides()},
               [&](const Tile<2>& t) { copy_tile(out, in, t); });
}

} // namespace detail

/// Writes `from` into `to`; both have the same sizes and do not overlap. O(numel).
inline void copy(Tensor& to, const Tensor& from) {
  Meter::current().work(static_cast<std::uint64_t>(to.numel()));
  visit(to.dtype(), [&]<class To>(std::type_identity<To>) {
    visit(from.dtype(),
          [&]<class From>(std::type_identity<From>) { detail::copy_elements<To, From>(to, from); });
  });
}

inline Tensor Tensor::copied(DType dtype) const {
  if (!is_distinct()) return distinct().copied(dtype).regrown(sizes_);
  Tensor out = empty(sizes_, dtype, lead_);
  copy(out, *this);
  return out;
}

inline Tensor Tensor::clone() const { return copied(dtype_); }
inline Tensor Tensor::packed() const { return is_row_major(lead_) ? *this : copied(dtype_); }
inline Tensor Tensor::to(DType dtype) const { return dtype == dtype_ ? *this : copied(dtype); }
inline Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  Tensor out = empty(sizes_, dtype_, lead_);
  copy(out, *this);
  return out;
}

} // namespace step::tensor
