// SPDX-License-Identifier: MIT
// The four element types of a tensor, Python scalars, and PyTorch's rules for the type of a result.
// The default float type is a per-thread setting, so that one evaluation can be repeated in double precision.
#pragma once

#include "step/fault.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace step::tensor {

/// Ordered by category: bool < int < float.
enum class DType : std::uint8_t { boolean, int64, float32, float64 };

[[nodiscard]] constexpr std::size_t size_of(DType d) {
  return d == DType::boolean ? 1U : d == DType::float32 ? 4U : 8U;
}
[[nodiscard]] constexpr bool is_floating(DType d) { return d >= DType::float32; }
/// The name PyTorch prints, e.g. "torch.float32".
[[nodiscard]] constexpr std::string_view name_of(DType d) {
  constexpr std::string_view names[] = {"torch.bool", "torch.int64", "torch.float32", "torch.float64"};
  return names[static_cast<int>(d)];
}

template <class T> inline constexpr DType dtype_of = DType::boolean;
template <> inline constexpr DType dtype_of<std::int64_t> = DType::int64;
template <> inline constexpr DType dtype_of<float> = DType::float32;
template <> inline constexpr DType dtype_of<double> = DType::float64;

namespace detail {
inline DType& default_float_slot() {
  static thread_local DType current = DType::float32;
  return current;
}
} // namespace detail

/// The type of float constants, `.float()` and integers divided: float32 unless a FloatPrecision is alive.
[[nodiscard]] inline DType default_float() { return detail::default_float_slot(); }

/// Sets the default float type of this thread for its own lifetime.
class FloatPrecision {
 public:
  explicit FloatPrecision(DType d) : previous_(std::exchange(detail::default_float_slot(), d)) {}
  ~FloatPrecision() { detail::default_float_slot() = previous_; }
  FloatPrecision(const FloatPrecision&) = delete;
  FloatPrecision& operator=(const FloatPrecision&) = delete;

 private:
  DType previous_;
};

/// A broken precondition, reported as Python would raise it.
[[noreturn]] inline void fail(std::string message) { throw Fault(FaultKind::type, std::move(message)); }
/// An operation that has no batched form: the caller evaluates position by position instead.
[[noreturn]] inline void need_positions(const char* what) {
  throw Fault(FaultKind::per_position, std::string(what) + " depends on data that differ per position");
}

/// Truncates as Python's int(), and saturates where C++ would be undefined; NaN gives the least integer, as
/// on x86.
[[nodiscard]] inline std::int64_t to_int64(double d) {
  if (!(d > -9223372036854775808.0 && d < 9223372036854775808.0))
    return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(d);
}

/// Converts between element types without undefined behaviour.
template <class To, class From> [[nodiscard]] To convert(From x) {
  if constexpr (std::is_same_v<To, bool>)
    return x != From{};
  else if constexpr (std::is_same_v<To, std::int64_t> && std::is_floating_point_v<From>)
    return to_int64(static_cast<double>(x));
  else
    return static_cast<To>(x);
}

/// A Python number: bool, int or float. Weak in type promotion.
class Scalar {
 public:
  /*implicit*/ Scalar(bool b) : kind_(DType::boolean), integer_(b) {}
  /*implicit*/ Scalar(std::int64_t i) : kind_(DType::int64), integer_(i) {}
  /*implicit*/ Scalar(int i) : Scalar(std::int64_t{i}) {}
  /*implicit*/ Scalar(double d) : kind_(DType::float64), real_(d) {}

  [[nodiscard]] bool is_real() const { return kind_ == DType::float64; }
  [[nodiscard]] bool is_bool() const { return kind_ == DType::boolean; }
  /// boolean, int64, or the default float type.
  [[nodiscard]] DType dtype() const { return is_real() ? default_float() : kind_; }
  [[nodiscard]] double real() const { return is_real() ? real_ : static_cast<double>(integer_); }
  [[nodiscard]] std::int64_t integer() const { return is_real() ? to_int64(real_) : integer_; }
  template <class T> [[nodiscard]] T as() const {
    return is_real() ? convert<T>(real_) : convert<T>(integer_);
  }

 private:
  DType kind_;
  union {
    std::int64_t integer_;
    double real_;
  };
};

[[nodiscard]] constexpr DType promote(DType a, DType b) { return a < b ? b : a; }

/// Collects operands and yields PyTorch's result type: tensors with axes outrank scalar tensors, which
/// outrank Python numbers, unless the weaker operand is of a higher category.
class Promotion {
 public:
  void add(DType d, int rank) { merge(rank > 0 ? 0 : 1, d); }
  void add(const Scalar& s) { merge(2, s.dtype()); }
  [[nodiscard]] DType result() const {
    return static_cast<DType>(combine(level_[0], combine(level_[1], level_[2])));
  }

 private:
  static constexpr int absent = -1;
  static constexpr int first_float = static_cast<int>(DType::float32);
  void merge(int level, DType d) {
    if (int v = static_cast<int>(d); v > level_[level]) level_[level] = v;
  }
  static int combine(int higher, int lower) {
    if (higher >= first_float || lower == absent) return higher;
    if (higher == absent || higher == 0 || lower >= first_float) return lower > higher ? lower : higher;
    return higher;
  }
  int level_[3] = {absent, absent, absent};
};

/// Calls f(std::type_identity<T>{}) with the C++ type of `d`.
template <class F> decltype(auto) visit(DType d, F&& f) {
  switch (d) {
  case DType::boolean:
    return f(std::type_identity<bool>{});
  case DType::int64:
    return f(std::type_identity<std::int64_t>{});
  case DType::float32:
    return f(std::type_identity<float>{});
  default:
    return f(std::type_identity<double>{});
  }
}
/// As visit, for dtypes other than boolean.
template <class F> decltype(auto) visit_number(DType d, F&& f) {
  switch (d) {
  case DType::int64:
    return f(std::type_identity<std::int64_t>{});
  case DType::float32:
    return f(std::type_identity<float>{});
  default:
    return f(std::type_identity<double>{});
  }
}
/// As visit, for floating dtypes.
template <class F> decltype(auto) visit_float(DType d, F&& f) {
  if (d == DType::float32) return f(std::type_identity<float>{});
  return f(std::type_identity<double>{});
}

} // namespace step::tensor
