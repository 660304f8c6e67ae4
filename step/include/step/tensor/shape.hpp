// SPDX-License-Identifier: MIT
// A short list of axis lengths (or strides) held in place, so that making a view allocates nothing.
// Products are checked: a tensor never claims more elements than an index can address.
#pragma once

#include "step/tensor/dtype.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace step::tensor {

/// Axes of a tensor in total, batch axes included.
inline constexpr int max_axes = 12;

class Shape {
 public:
  Shape() {}
  Shape(std::initializer_list<std::int64_t> v) : Shape(std::span(v.begin(), v.size())) {}
  /// Fault{limit} when there are more than max_axes.
  /*implicit*/ Shape(std::span<const std::int64_t> v) {
    check(v.size());
    take(v.data(), static_cast<int>(v.size()));
  }
  Shape(int n, std::int64_t value) {
    check(static_cast<std::size_t>(n));
    size_ = n;
    for (int i = 0; i < n; ++i) (*this)[i] = value;
  }
  Shape(const Shape& other) { take(other.begin(), other.size_); }
  Shape& operator=(const Shape& other) {
    take(other.begin(), other.size_);
    return *this;
  }
  ~Shape() = default;

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::int64_t operator[](int i) const { return items_[static_cast<std::size_t>(i)]; }
  std::int64_t& operator[](int i) { return items_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::int64_t* begin() const { return items_.data(); }
  [[nodiscard]] const std::int64_t* end() const { return items_.data() + size_; }
  std::int64_t* begin() { return items_.data(); }
  std::int64_t* end() { return items_.data() + size_; }
  [[nodiscard]] std::span<const std::int64_t> first(int n) const { return {begin(), begin() + n}; }
  [[nodiscard]] std::span<const std::int64_t> from(int n) const { return {begin() + n, end()}; }

  void push_back(std::int64_t v) {
    check(static_cast<std::size_t>(size_) + 1);
    (*this)[size_++] = v;
  }
  void append(std::span<const std::int64_t> v) {
    for (std::int64_t x : v) push_back(x);
  }
  void insert(int at, std::int64_t v) {
    check(static_cast<std::size_t>(size_) + 1);
    for (int i = size_++; i > at; --i) (*this)[i] = (*this)[i - 1];
    (*this)[at] = v;
  }
  void erase(int at) {
    --size_;
    for (int i = at; i < size_; ++i) (*this)[i] = (*this)[i + 1];
  }
  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.size_ != b.size_) return false;
    for (int i = 0; i < a.size_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  static void check(std::size_t n) {
    if (n > max_axes) refuse();
  }
  [[noreturn, gnu::cold]] static void refuse() {
    throw Fault(FaultKind::limit, "more than " + std::to_string(max_axes) + " axes");
  }
  /// One item after the other: wider moves would wait for the narrow stores that made the items.
  void take(const std::int64_t* from, int n) {
    size_ = n;
    for (int i = 0; i < n; ++i) {
      std::int64_t v = from[i];
#if defined(__GNUC__)
      __asm__("" : "+r"(v)); // keeps the loop from being vectorised
#endif
      items_[static_cast<std::size_t>(i)] = v;
    }
  }

  int size_ = 0;
  std::array<std::int64_t, max_axes> items_; ///< of which the first size_ have values
};

/// "[5, 7]"; of a long list only the beginning.
[[nodiscard]] inline std::string text(std::span<const std::int64_t> sizes) {
  constexpr std::size_t most = 2 * max_axes;
  std::string out = "[";
  for (std::size_t i = 0; i < sizes.size() && i < most; ++i)
    out += (i ? ", " : "") + std::to_string(sizes[i]);
  return out + (sizes.size() > most ? ", ..]" : "]");
}

namespace detail {
inline constexpr std::int64_t most_elements_in_shape = std::int64_t{1} << 40;
/// Of the other axes beside one of length 0: they cost no memory, but loops go along them.
inline constexpr std::int64_t most_beside_zero = std::int64_t{1} << 20;
[[noreturn, gnu::cold]] inline void refuse_shape(std::span<const std::int64_t> sizes) {
  for (std::int64_t s : sizes)
    if (s < 0) fail("negative dimension " + std::to_string(s) + " in shape " + text(sizes));
  throw Fault(FaultKind::limit, "too many elements in shape " + text(sizes));
}
} // namespace detail

/// The product; Fault{type} for a negative length, Fault{limit} when the lengths that are not 0 give more
/// than 2^40, or than 2^20 beside one that is 0.
[[nodiscard]] inline std::int64_t count(std::span<const std::int64_t> sizes) {
  std::int64_t n = 1;
  bool zero = false;
  for (std::int64_t s : sizes) {
    zero = zero || s == 0;
    if (s == 0) continue;
    if (s < 0 || __builtin_mul_overflow(n, s, &n) || n > detail::most_elements_in_shape)
      detail::refuse_shape(sizes);
  }
  if (zero && n > detail::most_beside_zero) detail::refuse_shape(sizes);
  return zero ? 0 : n;
}

/// Row-major strides.
[[nodiscard]] inline Shape row_major(std::span<const std::int64_t> sizes) {
  Shape out(static_cast<int>(sizes.size()), 1);
  std::int64_t step = 1;
  for (int i = out.size() - 1; i >= 0; --i) {
    out[i] = step;
    step *= std::max<std::int64_t>(sizes[static_cast<std::size_t>(i)], 1);
  }
  return out;
}

} // namespace step::tensor
