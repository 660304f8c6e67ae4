// SPDX-License-Identifier: MIT
// Copies between tensors of one shape and any two element types; the definitions behind clone(), to() and the
// like. Included by tensor.hpp.
#pragma once

#include "step/tensor/loop.hpp"
#include "step/tensor/tensor.hpp"

namespace step::tensor {

namespace detail {

template <class To, class From> void copy_elements(Tensor& to, const Tensor& from) {
  To* out = to.write<To>();
  const From* in = from.data<From>();
  for_tiles<2>(to.sizes(), {&to.strides(), &from.strides()}, [&](const Tile<2>& t) {
    for (std::int64_t r = 0; r < t.rows; ++r) {
      To* o = out + t.offset[0] + r * t.row_stride[0];
      const From* p = in + t.offset[1] + r * t.row_stride[1];
      if (t.stride[0] == 1 && t.stride[1] == 1) {
        if constexpr (std::is_same_v<To, From>)
          std::memmove(o, p, static_cast<std::size_t>(t.length) * sizeof(To));
        else
          for (std::int64_t i = 0; i < t.length; ++i) o[i] = convert<To>(p[i]);
      } else {
        for (std::int64_t i = 0; i < t.length; ++i) o[i * t.stride[0]] = convert<To>(p[i * t.stride[1]]);
      }
    }
  });
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
