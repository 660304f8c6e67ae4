// SPDX-License-Identifier: MIT
// Whether the array that a program computed is the expected one, and where it is not.
#pragma once

#include "step/interpreter/text.hpp"
#include "step/tensor/tensor.hpp"

#include <cmath>
#include <cstdint>
#include <string>

namespace step {

/// |got - want| <= absolute + relative * |want|.
struct Tolerance {
  double absolute = 0, relative = 0;
};

/// Of the prototype: single precision.
inline constexpr Tolerance published_tolerance{1e-5, 1.3e-6};

/// Of what is computed in double precision. A program whose rounding stays within the published tolerance in
/// single precision errs 2^29 times less here, below 1e-13; the margin is for other sizes. The published
/// tolerance would hide a constant of 1e-5 in a wrong place.
inline constexpr Tolerance double_tolerance{1e-10, 1e-9};

/// Empty when `got` equals `want` within the tolerance; otherwise what differs, to be put after a name. Both
/// contiguous and of one dtype. Infinities must be equal; a NaN is never right.
[[nodiscard]] inline std::string difference(const tensor::Tensor& got, const tensor::Tensor& want,
                                            Tolerance tolerance) {
  if (got.sizes() != want.sizes())
    return "has an array of shape " + tensor::text(got.sizes()) + ", expected " + tensor::text(want.sizes());
  return tensor::visit_float(got.dtype(), [&]<class T>(std::type_identity<T>) -> std::string {
    const auto *g = got.data<T>(), *w = want.data<T>();
    std::int64_t wrong = 0, first = -1;
    for (std::int64_t i = 0; i < got.numel(); ++i) {
      const double x = g[i], y = w[i];
      const bool close = std::isfinite(x) && std::isfinite(y)
                             ? std::fabs(x - y) <= tolerance.absolute + tolerance.relative * std::fabs(y)
                             : x == y;
      if (close) continue;
      if (first < 0) first = i;
      ++wrong;
    }
    if (wrong == 0) return {};
    std::string index;
    auto rest = first;
    for (int axis = got.axes() - 1; axis >= 0; --axis) {
      index = std::to_string(rest % got.sizes()[axis]) + (index.empty() ? "" : ", " + index);
      rest /= got.sizes()[axis];
    }
    return "differs from the reference in " + std::to_string(wrong) + " of " + std::to_string(got.numel()) +
           " values; the first at [" + index + "]: expected " + interp::real_text(w[first]) + ", got " +
           interp::real_text(g[first]);
  });
}

} // namespace step
