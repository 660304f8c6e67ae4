// SPDX-License-Identifier: MIT
// Element-wise functions of one operand: mathematics, rounding, tests and activations.
// Those that only make sense for reals convert bool and int to the default float type first.
#pragma once

#include "step/tensor/map.hpp"

#include <cmath>
#include <cstdint>
#include <numbers>

namespace step::tensor {

enum class UnaryOp : std::uint8_t {
  // real results
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sqrt,
  rsqrt,
  reciprocal,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  sigmoid,
  erf,
  erfc,
  logit,
  lgamma,
  deg2rad,
  rad2deg,
  // activations, of real operands only
  gelu,
  gelu_tanh,
  silu,
  mish,
  softsign,
  logsigmoid,
  selu,
  hardswish,
  hardsigmoid,
  tanhshrink,
  // keep the type
  absolute,
  negative,
  sign,
  square,
  relu,
  relu6,
  floor,
  ceil,
  round,
  trunc,
  frac,
  // tests
  isnan,
  isinf,
  isfinite,
  logical_not,
  bit_not,
};

namespace detail {

template <class T> [[nodiscard]] T sigmoid(T x) { return T{1} / (T{1} + std::exp(-x)); }
template <class T> [[nodiscard]] T softplus(T x, T beta, T threshold) {
  return x * beta > threshold ? x : std::log1p(std::exp(x * beta)) / beta;
}

/// The vectorised kernel for an operation on float32; null when there is none.
[[nodiscard]] inline Unary unary_kernel(UnaryOp op) {
  const Kernels& k = kernels();
  switch (op) {
  case UnaryOp::exp:
    return k.exp;
  case UnaryOp::log:
    return k.log;
  case UnaryOp::sqrt:
    return k.sqrt;
  case UnaryOp::rsqrt:
    return k.rsqrt;
  case UnaryOp::reciprocal:
    return k.reciprocal;
  case UnaryOp::sin:
    return k.sin;
  case UnaryOp::cos:
    return k.cos;
  case UnaryOp::tanh:
    return k.tanh;
  case UnaryOp::sigmoid:
    return k.sigmoid;
  case UnaryOp::silu:
    return k.silu;
  case UnaryOp::erf:
    return k.erf;
  case UnaryOp::gelu:
    return k.gelu;
  case UnaryOp::gelu_tanh:
    return k.gelu_tanh;
  case UnaryOp::absolute:
    return k.absolute;
  case UnaryOp::negative:
    return k.negative;
  case UnaryOp::square:
    return k.square;
  case UnaryOp::relu:
    return k.relu;
  default:
    return nullptr;
  }
}

template <class T> Tensor real_function(UnaryOp op, const Tensor& x) {
  constexpr T one{1}, half{0.5};
  switch (op) {
  case UnaryOp::exp:
    return map1_slow<T, T>(x, [](T a) { return std::exp(a); });
  case UnaryOp::exp2:
    return map1_slow<T, T>(x, [](T a) { return std::exp2(a); });
  case UnaryOp::expm1:
    return map1_slow<T, T>(x, [](T a) { return std::expm1(a); });
  case UnaryOp::log:
    return map1_slow<T, T>(x, [](T a) { return std::log(a); });
  case UnaryOp::log2:
    return map1_slow<T, T>(x, [](T a) { return std::log2(a); });
  case UnaryOp::log10:
    return map1_slow<T, T>(x, [](T a) { return std::log10(a); });
  case UnaryOp::log1p:
    return map1_slow<T, T>(x, [](T a) { return std::log1p(a); });
  case UnaryOp::sqrt:
    return map1<T, T>(x, [](T a) { return std::sqrt(a); });
  case UnaryOp::rsqrt:
    return map1<T, T>(x, [](T a) { return one / std::sqrt(a); });
  case UnaryOp::reciprocal:
    return map1<T, T>(x, [](T a) { return one / a; });
  case UnaryOp::sin:
    return map1_slow<T, T>(x, [](T a) { return std::sin(a); });
  case UnaryOp::cos:
    return map1_slow<T, T>(x, [](T a) { return std::cos(a); });
  case UnaryOp::tan:
    return map1_slow<T, T>(x, [](T a) { return std::tan(a); });
  case UnaryOp::asin:
    return map1_slow<T, T>(x, [](T a) { return std::asin(a); });
  case UnaryOp::acos:
    return map1_slow<T, T>(x, [](T a) { return std::acos(a); });
  case UnaryOp::atan:
    return map1_slow<T, T>(x, [](T a) { return std::atan(a); });
  case UnaryOp::sinh:
    return map1_slow<T, T>(x, [](T a) { return std::sinh(a); });
  case UnaryOp::cosh:
    return map1_slow<T, T>(x, [](T a) { return std::cosh(a); });
  case UnaryOp::tanh:
    return map1_slow<T, T>(x, [](T a) { return std::tanh(a); });
  case UnaryOp::asinh:
    return map1_slow<T, T>(x, [](T a) { return std::asinh(a); });
  case UnaryOp::acosh:
    return map1_slow<T, T>(x, [](T a) { return std::acosh(a); });
  case UnaryOp::atanh:
    return map1_slow<T, T>(x, [](T a) { return std::atanh(a); });
  case UnaryOp::sigmoid:
    return map1_slow<T, T>(x, [](T a) { return sigmoid(a); });
  case UnaryOp::erf:
    return map1_slow<T, T>(x, [](T a) { return std::erf(a); });
  case UnaryOp::erfc:
    return map1_slow<T, T>(x, [](T a) { return std::erfc(a); });
  case UnaryOp::logit:
    return map1_slow<T, T>(x, [](T a) { return std::log(a / (one - a)); });
  case UnaryOp::lgamma:
    return map1_slow<T, T>(x, [](T a) { return std::lgamma(a); });
  case UnaryOp::deg2rad:
    return map1<T, T>(x, [](T a) { return a * (std::numbers::pi_v<T> / T{180}); });
  case UnaryOp::rad2deg:
    return map1<T, T>(x, [](T a) { return a * (T{180} / std::numbers::pi_v<T>); });
  case UnaryOp::gelu:
    return map1_slow<T, T>(
        x, [](T a) { return half * a * (one + std::erf(a * (one / std::numbers::sqrt2_v<T>))); });
  case UnaryOp::gelu_tanh:
    return map1_slow<T, T>(x, [](T a) {
      const T k = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T>; // sqrt(2 / pi)
      return half * a * (one + std::tanh(k * (a + T(0.044715) * a * a * a)));
    });
  case UnaryOp::silu:
    return map1_slow<T, T>(x, [](T a) { return a / (one + std::exp(-a)); });
  case UnaryOp::mish:
    return map1_slow<T, T>(x, [](T a) { return a * std::tanh(std::log1p(std::exp(a))); });
  case UnaryOp::softsign:
    return map1<T, T>(x, [](T a) { return a / (one + std::abs(a)); });
  case UnaryOp::logsigmoid:
    return map1_slow<T, T>(x, [](T a) { return std::min(a, T{0}) - std::log1p(std::exp(-std::abs(a))); });
  case UnaryOp::selu:
    return map1_slow<T, T>(x, [](T a) {
      constexpr T alpha = T(1.6732632423543772848170429916717), scale = T(1.0507009873554804934193349852946);
      return a > T{0} ? scale * a : scale * alpha * std::expm1(a);
    });
  case UnaryOp::hardswish:
    return map1<T, T>(x, [](T a) { return a * std::min(std::max(a + T{3}, T{0}), T{6}) / T{6}; });
  case UnaryOp::hardsigmoid:
    return map1<T, T>(x, [](T a) { return std::min(std::max(a + T{3}, T{0}), T{6}) / T{6}; });
  default:
    return map1_slow<T, T>(x, [](T a) { return a - std::tanh(a); });
  }
}

template <class T> Tensor same_type(UnaryOp op, const Tensor& x) {
  using U = std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>;
  constexpr bool integral = std::is_integral_v<T>;
  switch (op) {
  case UnaryOp::absolute:
    if constexpr (integral)
      return map1<T, T>(x, [](T a) { return a < 0 ? static_cast<T>(U{0} - static_cast<U>(a)) : a; });
    else
      return map1<T, T>(x, [](T a) { return std::abs(a); });
  case UnaryOp::negative:
    if constexpr (integral)
      return map1<T, T>(x, [](T a) { return static_cast<T>(U{0} - static_cast<U>(a)); });
    else
      return map1<T, T>(x, [](T a) { return -a; });
  case UnaryOp::sign:
    return map1<T, T>(
        x, [](T a) { return static_cast<T>(static_cast<int>(a > T{0}) - static_cast<int>(a < T{0})); });
  case UnaryOp::square:
    return map1<T, T>(x, [](T a) { return static_cast<T>(static_cast<U>(a) * static_cast<U>(a)); });
  case UnaryOp::relu:
    return map1<T, T>(x, [](T a) { return a <= T{0} ? T{0} : a; });
  case UnaryOp::relu6:
    return map1<T, T>(x, [](T a) { return a <= T{0} ? T{0} : a > T{6} ? T{6} : a; });
  default:
    break;
  }
  if constexpr (!integral) {
    switch (op) {
    case UnaryOp::floor:
      return map1<T, T>(x, [](T a) { return std::floor(a); });
    case UnaryOp::ceil:
      return map1<T, T>(x, [](T a) { return std::ceil(a); });
    case UnaryOp::round:
      return map1<T, T>(x, [](T a) { return std::nearbyint(a); });
    case UnaryOp::trunc:
      return map1<T, T>(x, [](T a) { return std::trunc(a); });
    default:
      return map1<T, T>(x, [](T a) { return a - std::trunc(a); });
    }
  }
  return x.clone(); // an integer is its own floor, ceil, round and trunc
}

} // namespace detail

/// `function` names the caller in messages. Fault{type} for a type the operation lacks. O(numel).
[[nodiscard]] inline Tensor unary(UnaryOp op, const Tensor& x, std::string_view function) {
  const auto refuse = [&]() {
    fail(std::string(function) + "(): not defined for " + std::string(name_of(x.dtype())));
  };
  if (x.dtype() == DType::float32)
    if (const Unary kernel = detail::unary_kernel(op)) return map1(x, kernel);
  if (op <= UnaryOp::tanhshrink) {
    DType type = x.dtype();
    if (!is_floating(type)) {
      const bool mixed =
          op == UnaryOp::softsign || op == UnaryOp::tanhshrink; // written with / and - by PyTorch
      if (op >= UnaryOp::gelu && (!mixed || type == DType::boolean)) refuse();
      type = default_float();
    }
    return visit_float(type, [&]<class T>(std::type_identity<T>) { return detail::real_function<T>(op, x); });
  }
  switch (op) {
  case UnaryOp::isnan:
  case UnaryOp::isinf:
  case UnaryOp::isfinite:
    return visit_float(x.dtype() == DType::float32 ? DType::float32 : DType::float64,
                       [&]<class T>(std::type_identity<T>) {
                         if (op == UnaryOp::isnan)
                           return map1_slow<bool, T>(x, [](T a) { return std::isnan(a); });
                         if (op == UnaryOp::isinf)
                           return map1_slow<bool, T>(x, [](T a) { return std::isinf(a); });
                         return map1_slow<bool, T>(x, [](T a) { return std::isfinite(a); });
                       });
  case UnaryOp::logical_not:
    return map1<bool, bool>(x, [](bool a) { return !a; });
  case UnaryOp::bit_not:
    if (x.dtype() == DType::boolean) return map1<bool, bool>(x, [](bool a) { return !a; });
    if (x.dtype() != DType::int64) refuse();
    return map1<std::int64_t, std::int64_t>(x, [](std::int64_t a) { return ~a; });
  default:
    break;
  }
  if (x.dtype() == DType::boolean) {
    if (op == UnaryOp::sign) return x.clone();
    if (op == UnaryOp::square) return x.to(DType::int64); // 0 and 1 are their own squares
    refuse();
  }
  if (op == UnaryOp::frac && x.dtype() == DType::int64) refuse();
  return visit_number(x.dtype(), [&]<class T>(std::type_identity<T>) { return detail::same_type<T>(op, x); });
}

/// Limits to [low, high], either of which may be absent; above wins when they cross. NaN stays.
[[nodiscard]] inline Tensor clamp(const Tensor& x, const Scalar* low, const Scalar* high) {
  Promotion p;
  p.add(x.dtype(), x.rank());
  if (low != nullptr) p.add(*low);
  if (high != nullptr) p.add(*high);
  if (p.result() == DType::boolean) fail("clamp(): not defined for torch.bool");
  return visit_number(p.result(), [&]<class T>(std::type_identity<T>) {
    const T lo = low != nullptr ? low->as<T>() : T{}, hi = high != nullptr ? high->as<T>() : T{};
    if (low != nullptr && high != nullptr)
      return map1<T, T>(x, [=](T a) { return a < lo ? (hi < lo ? hi : lo) : a > hi ? hi : a; });
    if (low != nullptr) return map1<T, T>(x, [=](T a) { return a < lo ? lo : a; });
    return map1<T, T>(x, [=](T a) { return a > hi ? hi : a; });
  });
}

[[nodiscard]] inline Tensor softplus(const Tensor& x, double beta, double threshold) {
  if (!is_floating(x.dtype())) fail("softplus(): not defined for " + std::string(name_of(x.dtype())));
  return visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T b = static_cast<T>(beta), t = static_cast<T>(threshold);
    return map1_slow<T, T>(x, [=](T a) { return detail::softplus(a, b, t); });
  });
}

/// x above 0; below, scale * (exp(x * rate) - 1).
[[nodiscard]] inline Tensor elu(const Tensor& x, double scale, double rate) {
  if (!is_floating(x.dtype())) fail("elu(): not defined for " + std::string(name_of(x.dtype())));
  return visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T s = static_cast<T>(scale), r = static_cast<T>(rate);
    return map1_slow<T, T>(x, [=](T a) { return a > T{0} ? a : s * std::expm1(a * r); });
  });
}

[[nodiscard]] inline Tensor leaky_relu(const Tensor& x, double slope) {
  if (!is_floating(x.dtype())) fail("leaky_relu(): not defined for " + std::string(name_of(x.dtype())));
  return visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T s = static_cast<T>(slope);
    return map1<T, T>(x, [=](T a) { return a > T{0} ? a : s * a; });
  });
}

} // namespace step::tensor
