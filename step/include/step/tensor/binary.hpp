// SPDX-License-Identifier: MIT
// Element-wise operations of two operands with broadcasting and type promotion, as `+`, `<` or torch.maximum.
// Integers wrap; dividing them by zero is a Fault, as in Python.
#pragma once

#include "step/tensor/map.hpp"

#include <cmath>
#include <cstdint>

namespace step::tensor {

enum class BinaryOp : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  remainder,
  fmod,
  power,
  maximum,
  minimum,
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right,
  less,
  less_equal,
  equal,
  not_equal,
  logical_and,
  logical_or,
  logical_xor,
  atan2,
  hypot,
  logaddexp,
  logaddexp2,
  fmax,
  fmin,
  xlogy,
  copysign,
  heaviside,
};

namespace detail {

using Word = std::uint64_t;
[[nodiscard]] inline std::int64_t wrapped(Word w) { return static_cast<std::int64_t>(w); }
[[nodiscard]] inline Word word(std::int64_t i) { return static_cast<Word>(i); }

inline void nonzero(std::int64_t b) {
  if (b == 0) throw Fault(FaultKind::value, "integer division or modulo by zero");
}

template <class T> [[nodiscard]] T floor_divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    nonzero(b);
    if (b == -1) return wrapped(0 - word(a));
    return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
  } else {
    if (b == T{0}) return a / b;
    const T mod = std::fmod(a, b);
    T div = (a - mod) / b;
    if (mod != T{0} && (b < T{0}) != (mod < T{0})) div -= T{1};
    if (div == T{0}) return std::copysign(T{0}, a / b);
    const T floored = std::floor(div);
    return div - floored > T{0.5} ? floored + T{1} : floored;
  }
}
template <class T> [[nodiscard]] T remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    nonzero(b);
    if (b == -1) return 0;
    const T m = a % b;
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
  } else {
    const T m = std::fmod(a, b);
    return m != T{0} && (m < T{0}) != (b < T{0}) ? m + b : m;
  }
}
template <class T> [[nodiscard]] T fmod(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    nonzero(b);
    return b == -1 ? 0 : a % b;
  } else
    return std::fmod(a, b);
}
template <class T> [[nodiscard]] T power(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 != 0 ? -1 : 1) : 0;
    Word result = 1, base = word(a);
    for (Word e = word(b); e != 0; e >>= 1U) {
      if ((e & 1U) != 0) result *= base;
      base *= base;
    }
    return wrapped(result);
  } else
    return b == T{2} ? a * a : std::pow(a, b);
}
// NaN wins, as in torch.maximum.
template <class T> [[nodiscard]] T larger(T a, T b) { return a > b || a != a ? a : b; }
template <class T> [[nodiscard]] T smaller(T a, T b) { return a < b || a != a ? a : b; }
template <class T> [[nodiscard]] T logaddexp(T a, T b) {
  if (std::isinf(a) && a == b) return a;
  const T m = a > b ? a : b;
  return m + std::log1p(std::exp(-std::abs(a - b)));
}

/// The vectorised kernel for an operation on float32; null when there is none.
[[nodiscard]] inline Binary<float> arithmetic_kernel(BinaryOp op) {
  const Kernels& k = kernels();
  switch (op) {
  case BinaryOp::add:
    return k.add;
  case BinaryOp::subtract:
    return k.subtract;
  case BinaryOp::multiply:
    return k.multiply;
  case BinaryOp::divide:
    return k.divide;
  case BinaryOp::maximum:
    return k.maximum;
  case BinaryOp::minimum:
    return k.minimum;
  default:
    return nullptr;
  }
}
[[nodiscard]] inline Binary<bool> comparison_kernel(BinaryOp op) {
  const Kernels& k = kernels();
  switch (op) {
  case BinaryOp::less:
    return k.less;
  case BinaryOp::less_equal:
    return k.less_equal;
  case BinaryOp::equal:
    return k.equal;
  case BinaryOp::not_equal:
    return k.not_equal;
  default:
    return nullptr;
  }
}

template <class R, class T>
Tensor arithmetic(BinaryOp op, const Operand& a, const Operand& b, std::string_view f) {
  constexpr bool integral = std::is_integral_v<T>;
  switch (op) {
  case BinaryOp::add:
    if constexpr (integral)
      return map2<R, T>(a, b, f, [](T x, T y) { return wrapped(word(x) + word(y)); });
    else
      return map2<R, T>(a, b, f, [](T x, T y) { return x + y; });
  case BinaryOp::subtract:
    if constexpr (integral)
      return map2<R, T>(a, b, f, [](T x, T y) { return wrapped(word(x) - word(y)); });
    else
      return map2<R, T>(a, b, f, [](T x, T y) { return x - y; });
  case BinaryOp::multiply:
    if constexpr (integral)
      return map2<R, T>(a, b, f, [](T x, T y) { return wrapped(word(x) * word(y)); });
    else
      return map2<R, T>(a, b, f, [](T x, T y) { return x * y; });
  case BinaryOp::floor_divide:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return floor_divide(x, y); });
  case BinaryOp::remainder:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return remainder(x, y); });
  case BinaryOp::fmod:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return fmod(x, y); });
  case BinaryOp::power:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return power(x, y); });
  case BinaryOp::maximum:
    return map2<R, T>(a, b, f, [](T x, T y) { return larger(x, y); });
  case BinaryOp::minimum:
    return map2<R, T>(a, b, f, [](T x, T y) { return smaller(x, y); });
  case BinaryOp::fmax:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return y != y ? x : x > y ? x : y; });
  case BinaryOp::fmin:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return y != y ? x : x < y ? x : y; });
  case BinaryOp::heaviside:
    return map2_slow<R, T>(a, b, f, [](T x, T y) { return x == T{0} ? y : x > T{0} ? T{1} : T{0}; });
  default:
    break;
  }
  if constexpr (!integral) {
    switch (op) {
    case BinaryOp::divide:
      return map2<R, T>(a, b, f, [](T x, T y) { return x / y; });
    case BinaryOp::atan2:
      return map2_slow<R, T>(a, b, f, [](T x, T y) { return std::atan2(x, y); });
    case BinaryOp::hypot:
      return map2_slow<R, T>(a, b, f, [](T x, T y) { return std::hypot(x, y); });
    case BinaryOp::copysign:
      return map2_slow<R, T>(a, b, f, [](T x, T y) { return std::copysign(x, y); });
    case BinaryOp::logaddexp:
      return map2_slow<R, T>(a, b, f, [](T x, T y) { return logaddexp(x, y); });
    case BinaryOp::logaddexp2:
      return map2_slow<R, T>(a, b, f, [](T x, T y) {
        const T ln2 = static_cast<T>(0.693147180559945309417);
        return logaddexp(x * ln2, y * ln2) / ln2;
      });
    case BinaryOp::xlogy:
      return map2_slow<R, T>(a, b, f, [](T x, T y) {
        return y != y ? y : x == T{0} ? T{0} : x * std::log(y);
      });
    default:
      break;
    }
  }
  fail(std::string(f) + "() is not defined for " + std::string(name_of(dtype_of<T>)));
}

template <class T> Tensor comparison(BinaryOp op, const Operand& a, const Operand& b, std::string_view f) {
  switch (op) {
  case BinaryOp::less:
    return map2<bool, T>(a, b, f, [](T x, T y) { return x < y; });
  case BinaryOp::less_equal:
    return map2<bool, T>(a, b, f, [](T x, T y) { return x <= y; });
  case BinaryOp::equal:
    return map2<bool, T>(a, b, f, [](T x, T y) { return x == y; });
  default:
    return map2<bool, T>(a, b, f, [](T x, T y) { return x != y; });
  }
}

template <class T> Tensor bits(BinaryOp op, const Operand& a, const Operand& b, std::string_view f) {
  constexpr auto as = [](auto x) { return static_cast<T>(x); };
  switch (op) {
  case BinaryOp::bit_and:
    return map2<T, T>(a, b, f, [as](T x, T y) { return as(x & y); });
  case BinaryOp::bit_or:
    return map2<T, T>(a, b, f, [as](T x, T y) { return as(x | y); });
  default:
    return map2<T, T>(a, b, f, [as](T x, T y) { return as(x ^ y); });
  }
}

inline Tensor shift(BinaryOp op, const Operand& a, const Operand& b, std::string_view f) {
  using I = std::int64_t;
  if (op == BinaryOp::shift_left)
    return map2_slow<I, I>(a, b, f,
                           [](I x, I y) { return y < 0 || y > 63 ? 0 : wrapped(word(x) << word(y)); });
  return map2_slow<I, I>(a, b, f, [](I x, I y) { return x >> (y < 0 || y > 63 ? 63 : y); });
}

} // namespace detail

/// `function` names the caller in messages. Fault{type} for shapes that do not broadcast and for types the
/// operation lacks, Fault{value} for an integer division by zero.
[[nodiscard]] inline Tensor binary(BinaryOp op, const Operand& a, const Operand& b,
                                   std::string_view function) {
  Promotion promotion;
  a.promote(promotion);
  b.promote(promotion);
  DType type = promotion.result();
  const bool of_bool = a.dtype() == DType::boolean || b.dtype() == DType::boolean;
  if (type == DType::float32 && !(op == BinaryOp::subtract && of_bool)) {
    if (const Binary<float> kernel = detail::arithmetic_kernel(op)) return map2(a, b, function, kernel);
    if (const Binary<bool> kernel = detail::comparison_kernel(op)) return map2(a, b, function, kernel);
  }
  switch (op) {
  case BinaryOp::less:
  case BinaryOp::less_equal:
  case BinaryOp::equal:
  case BinaryOp::not_equal:
    return visit_number(promote(type, DType::int64), [&]<class T>(std::type_identity<T>) {
      return detail::comparison<T>(op, a, b, function);
    });
  case BinaryOp::logical_and:
    return detail::bits<bool>(BinaryOp::bit_and, a, b, function);
  case BinaryOp::logical_or:
    return detail::bits<bool>(BinaryOp::bit_or, a, b, function);
  case BinaryOp::logical_xor:
    return detail::bits<bool>(BinaryOp::bit_xor, a, b, function);
  case BinaryOp::bit_and:
  case BinaryOp::bit_or:
  case BinaryOp::bit_xor:
    if (type == DType::boolean) return detail::bits<bool>(op, a, b, function);
    if (type == DType::int64) return detail::bits<std::int64_t>(op, a, b, function);
    fail(std::string(function) + "(): not defined for " + std::string(name_of(type)));
  case BinaryOp::shift_left:
  case BinaryOp::shift_right:
    if (type == DType::int64) return detail::shift(op, a, b, function);
    fail(std::string(function) + "(): not defined for " + std::string(name_of(type)));
  case BinaryOp::subtract:
    if (of_bool)
      fail(std::string(function) +
           "(): subtraction with a bool tensor is not supported; use ~, ^ or logical_xor");
    break;
  case BinaryOp::hypot:
  case BinaryOp::logaddexp:
  case BinaryOp::logaddexp2:
    if (!is_floating(type)) fail(std::string(function) + "(): not defined for " + std::string(name_of(type)));
    break;
  case BinaryOp::divide:
  case BinaryOp::atan2:
  case BinaryOp::copysign:
  case BinaryOp::xlogy:
    if (!is_floating(type)) type = default_float();
    break;
  case BinaryOp::floor_divide:
  case BinaryOp::remainder:
  case BinaryOp::fmod:
  case BinaryOp::power:
    if (type == DType::boolean) fail(std::string(function) + "(): not defined for torch.bool");
    break;
  default:
    break;
  }
  if (type == DType::boolean) {
    if (op == BinaryOp::multiply || op == BinaryOp::minimum || op == BinaryOp::fmin)
      return detail::bits<bool>(BinaryOp::bit_and, a, b, function);
    if (op == BinaryOp::add || op == BinaryOp::maximum || op == BinaryOp::fmax)
      return detail::bits<bool>(BinaryOp::bit_or, a, b, function);
    return detail::arithmetic<std::int64_t, std::int64_t>(op, a, b, function).to(DType::boolean);
  }
  return visit_number(
      type, [&]<class T>(std::type_identity<T>) { return detail::arithmetic<T, T>(op, a, b, function); });
}

/// condition ? a : b, the condition being boolean.
[[nodiscard]] inline Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  Promotion promotion;
  a.promote(promotion);
  b.promote(promotion);
  if (promotion.result() == DType::float32)
    return detail::run3(
        DType::float32, DType::boolean, condition, a, b, "where",
        [](const void*, const std::array<const void*, 3>& bases, void* result, const Tile<4>& t) {
          kernels().select(t, static_cast<float*>(result), static_cast<const bool*>(bases[0]),
                           static_cast<const float*>(bases[1]), static_cast<const float*>(bases[2]));
        },
        nullptr);
  return visit(promotion.result(), [&]<class T>(std::type_identity<T>) {
    return map3<T, bool>(condition, a, b, "where", [](bool c, T x, T y) { return c ? x : y; });
  });
}

} // namespace step::tensor
