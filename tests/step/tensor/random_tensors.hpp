// SPDX-License-Identifier: MIT
// Random tensors of any layout for property tests, and running a test with every instruction set.
// Reading is by index only, so that nothing under test takes part in it.
#pragma once

#include "step/tensor/instruction_set.hpp"
#include "step/tensor/tensor.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace step::tensor::testing {

/// A small reproducible generator.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t bits() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ ^ state_ >> 29U) * 0x9e3779b97f4a7c15ULL >> 16U;
  }
  /// From 0 to n - 1.
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(n));
  }
  bool once_in(std::int64_t n) { return below(n) == 0; }
  /// From -range to range, now and then 0, an integer or, with `odd`, not a usual number.
  double real(double range, bool odd = false) {
    using Limits = std::numeric_limits<float>;
    if (odd && once_in(12)) {
      constexpr float values[] = {Limits::quiet_NaN(),  Limits::infinity(), -Limits::infinity(), 0.0F, -0.0F,
                                  Limits::denorm_min(), Limits::max(),      -Limits::max()};
      return static_cast<double>(values[below(8)]);
    }
    if (once_in(8)) return static_cast<double>(below(5) - 2);
    return (static_cast<double>(bits() % 2000001) / 1000000.0 - 1.0) * range;
  }
  template <class T> T number(bool odd = false) {
    if constexpr (std::is_same_v<T, bool>)
      return once_in(2);
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(below(2001) - 1000);
    else
      return static_cast<T>(real(3.0, odd));
  }

 private:
  std::uint64_t state_;
};

/// A tensor of these sizes over fresh storage: axes in any order of memory, with gaps, and repeated (stride
/// 0) where `repeats` has a bit.
template <class T>
[[nodiscard]] Tensor scattered(Random& random, const Shape& sizes, int lead = 0, std::uint32_t repeats = 0,
                               bool odd = false) {
  std::vector<int> order;
  for (int i = 0; i < sizes.size(); ++i)
    order.insert(order.begin() + (random.once_in(2) ? 0 : random.below(i + 1)), i);
  if (random.once_in(2)) // mostly row-major
    for (int i = 0; i < sizes.size(); ++i) order[static_cast<std::size_t>(i)] = sizes.size() - 1 - i;
  Shape strides(sizes.size(), 0);
  std::int64_t extent = 1;
  for (const int axis : order) {
    if ((repeats >> static_cast<unsigned>(axis) & 1U) != 0) continue;
    if (random.once_in(8)) extent *= 2;
    strides[axis] = extent;
    extent *= std::max<std::int64_t>(sizes[axis], 1);
  }
  Tensor storage = Tensor::empty({extent}, dtype_of<T>);
  for (std::int64_t i = 0; i < extent; ++i) storage.write<T>()[i] = random.number<T>(odd);
  return storage.restrided(sizes, strides, lead);
}

/// Calls f(index) for every index of `sizes`, in row-major order.
template <class F> void for_indices(const Shape& sizes, F&& f) {
  if (count(sizes) == 0) return;
  Shape index(sizes.size(), 0);
  for (;;) {
    f(static_cast<const Shape&>(index));
    int axis = sizes.size() - 1;
    for (; axis >= 0; --axis) {
      if (++index[axis] < sizes[axis]) break;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/// The element at an index of the last index.size() axes, where axes of length 1 are repeated.
template <class T> [[nodiscard]] T element(const Tensor& t, const Shape& index) {
  std::int64_t offset = 0;
  for (int i = 0; i < t.axes(); ++i) {
    const int at = i + index.size() - t.axes();
    if (t.sizes()[i] != 1) offset += index[at] * t.strides()[i];
  }
  return t.data<T>()[offset];
}

/// Equal bits, or both not a number.
template <class T> [[nodiscard]] bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return (a == b && std::signbit(a) == std::signbit(b)) || (a != a && b != b);
  else
    return a == b;
}
/// Equal elements of tensors of equal sizes, whatever their strides.
template <class T> [[nodiscard]] bool same_elements(const Tensor& a, const Tensor& b) {
  bool equal = a.sizes() == b.sizes();
  if (equal)
    for_indices(a.sizes(),
                [&](const Shape& i) { equal = equal && same(element<T>(a, i), element<T>(b, i)); });
  return equal;
}

/// Calls f(set) with every instruction set of this machine in use, and goes back to the first choice.
template <class F> void with_every_set(F&& f) {
  const InstructionSet before = instruction_set();
  for (const auto s : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (!is_supported(s)) continue;
    use_instruction_set(s);
    f(s);
  }
  use_instruction_set(before);
}

} // namespace step::tensor::testing
