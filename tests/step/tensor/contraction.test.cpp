// SPDX-License-Identifier: MIT
// Contractions against plain sums of products: any strides, any set of summed axes, every instruction set.
#include "step/tensor/contraction.hpp"

#include "step/tensor/random_tensors.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace {

using namespace step;
using namespace step::tensor;
using namespace step::tensor::testing;

/// The sizes of a * b.
Shape common_sizes(const Tensor& a, const Tensor& b) {
  Shape sizes = a.sizes();
  for (int i = 0; i < sizes.size(); ++i)
    if (sizes[i] == 1) sizes[i] = b.sizes()[i];
  return sizes;
}
bool summed_axis(AxisSet set, int i) { return (set >> static_cast<unsigned>(i) & 1U) != 0; }

/// Whether `got` is the contraction of a and b, up to rounding.
template <class T> bool is_contraction(const Tensor& got, const Tensor& a, const Tensor& b, AxisSet summed) {
  const Shape all = common_sizes(a, b);
  Shape kept;
  for (int i = 0; i < all.size(); ++i)
    if (!summed_axis(summed, i)) kept.push_back(all[i]);
  if (got.sizes() != kept) return false;
  const auto elements = static_cast<std::size_t>(count(kept));
  std::vector<long double> sums(elements), sizes(elements);
  std::vector<std::uint64_t> words(elements);
  const Shape steps = row_major(kept);
  for_indices(all, [&](const Shape& index) {
    std::int64_t at = 0;
    for (int i = 0, k = 0; i < all.size(); ++i)
      if (!summed_axis(summed, i)) at += index[i] * steps[k++];
    const T x = element<T>(a, index), y = element<T>(b, index);
    sums[static_cast<std::size_t>(at)] += static_cast<long double>(x) * static_cast<long double>(y);
    sizes[static_cast<std::size_t>(at)] +=
        std::abs(static_cast<long double>(x) * static_cast<long double>(y));
    if constexpr (std::is_integral_v<T>)
      words[static_cast<std::size_t>(at)] += static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(y);
  });
  bool right = true;
  std::size_t at = 0;
  for_indices(kept, [&](const Shape& index) {
    const T value = element<T>(got, index);
    if constexpr (std::is_integral_v<T>)
      right = right && static_cast<std::uint64_t>(value) == words[at];
    else
      right = right && std::abs(static_cast<long double>(value) - sums[at]) <=
                           8 * static_cast<long double>(std::numeric_limits<T>::epsilon()) * sizes[at];
    ++at;
  });
  return right;
}

template <class T> int wrong_random_contractions(std::uint64_t seed, int rounds) {
  Random random(seed);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    const int axes = static_cast<int>(random.below(6)), lead = static_cast<int>(random.below(axes + 1));
    Shape sa(axes, 1), sb(axes, 1);
    AxisSet summed = 0;
    std::uint32_t repeat_a = 0, repeat_b = 0;
    for (int i = 0; i < axes; ++i) {
      const std::int64_t n = random.once_in(30)  ? 0
                             : random.once_in(8) ? random.below(40)
                                                 : 1 + random.below(5);
      if (!random.once_in(5)) sa[i] = n;
      if (!random.once_in(5)) sb[i] = n;
      const unsigned bit = 1U << static_cast<unsigned>(i);
      if (random.once_in(3)) summed |= bit;
      if (random.once_in(4)) repeat_a |= bit;
      if (random.once_in(4)) repeat_b |= bit;
    }
    const Tensor a = scattered<T>(random, sa, lead, repeat_a), b = scattered<T>(random, sb, lead, repeat_b);
    const Tensor got = contract(a, b, summed);
    int kept_lead = 0;
    for (int i = 0; i < lead; ++i) kept_lead += summed_axis(summed, i) ? 0 : 1;
    if (got.lead() != kept_lead || !is_contraction<T>(got, a, b, summed)) {
      ++wrong;
      MESSAGE("round " << round << ": " << text(sa) << " and " << text(sb) << ", axes " << summed);
    }
  }
  return wrong;
}

} // namespace

TEST_CASE("random contractions are sums of products") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    CHECK(wrong_random_contractions<float>(1, 1500) == 0);
    CHECK(wrong_random_contractions<double>(2, 1000) == 0);
    CHECK(wrong_random_contractions<std::int64_t>(3, 500) == 0);
  });
}

TEST_CASE("matrix products of sizes around those of the blocks") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(7);
    const std::int64_t sizes[][3] = {{1, 40, 300}, {11, 127, 33}, {12, 128, 32}, {13, 129, 31}, {25, 7, 95},
                                     {40, 70, 1},  {9, 33, 2},    {30, 1100, 3}, {3, 1100, 17}, {2, 2100, 1},
                                     {16, 16, 64}, {50, 40, 5},   {1030, 5, 34}, {13, 260, 70}, {4, 19, 200}};
    for (const auto& [m, k, n] : sizes)
      for (int layout = 0; layout < 8; ++layout) {
        const bool gaps =
            (layout & 4) != 0; // neither rows nor columns contiguous, and rows that share cache lines
        const auto matrix = [&](std::int64_t rows, std::int64_t columns, bool turned) {
          const std::int64_t r = turned ? columns : rows, c = turned ? rows : columns;
          Tensor t = Tensor::empty({r, gaps ? 1024 : c}, DType::float32);
          for (std::int64_t i = 0; i < t.numel(); ++i) t.write<float>()[i] = random.number<float>();
          if (gaps) t = t.narrowed(1, 0, std::min<std::int64_t>(c, 500), c <= 500 ? 2 : 1);
          return turned ? t.transposed(0, 1) : t;
        };
        if (gaps && (m > 500 || k > 500 || n > 500)) continue;
        const Tensor a = matrix(m, k, (layout & 1) != 0), b = matrix(k, n, (layout & 2) != 0);
        const Tensor x = a.inserted(2), y = b.inserted(0);
        CAPTURE(m);
        CAPTURE(k);
        CAPTURE(n);
        CAPTURE(layout);
        CHECK(is_contraction<float>(contract(x, y, 2), x, y, 2));
        if (layout == 0 || layout == 3) {
          const Tensor u = x.to(DType::float64), v = y.to(DType::float64);
          CHECK(is_contraction<double>(contract(u, v, 2), u, v, 2));
        }
      }
  });
}

TEST_CASE("sums of whole lines, with summed axes that cannot be merged") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(11);
    for (const std::int64_t n : {8, 9, 31, 64, 67, 200})
      for (const std::int64_t k : {1, 2, 130, 300}) {
        const Tensor a = scattered<float>(random, {3, k, n}), b = scattered<float>(random, {3, k, n});
        CHECK(is_contraction<float>(contract(a, b, 2), a, b, 2));
        CHECK(is_contraction<float>(contract(a, b, 3), a, b, 3));
        CHECK(is_contraction<float>(contract(a, b, 5), a, b, 5));
      }
  });
}

TEST_CASE("values that are not finite come through, and axes without variation are not computed") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    const float inf = std::numeric_limits<float>::infinity();
    for (const std::int64_t n : {1, 5, 40}) {
      const Tensor a = Tensor::full({13, 20, 1}, 1.0, DType::float32);
      Tensor b = Tensor::full({1, 20, n}, 2.0, DType::float32);
      b.write<float>()[n - 1] = inf;
      const Tensor c = contract(a, b, 2);
      for (std::int64_t i = 0; i < 13; ++i) {
        CHECK(element<float>(c, {i, n - 1}) == inf);
        if (n > 1) CHECK(element<float>(c, {i, 0}) == 40.0F);
      }
    }
    const Tensor a = Tensor::full({1, 3}, 2.0, DType::float32).regrown({}).expanded(0, 1000000).with_lead(1);
    const Tensor c = contract(a, a, 2);
    CHECK(c.sizes() == Shape{1000000});
    CHECK(c.strides()[0] == 0);
    CHECK(c.lead() == 1);
    CHECK(c.data<float>()[0] == 12.0F);
  });
}

TEST_CASE("operands that do not fit, and work beyond the limit") {
  const auto kind = [](const Tensor& a, const Tensor& b) {
    try {
      (void)contract(a, b, 1);
    } catch (const Fault& f) {
      return f.kind;
    }
    return FaultKind::syntax;
  };
  const Tensor a = Tensor::zeros({3, 4}, DType::float32);
  CHECK(kind(a, Tensor::zeros({3, 5}, DType::float32)) == FaultKind::type);
  CHECK(kind(a, Tensor::zeros({3}, DType::float32)) == FaultKind::type);
  CHECK(kind(a, Tensor::zeros({3, 4}, DType::float64)) == FaultKind::type);
  CHECK(kind(a, Tensor::zeros({3, 4}, DType::float32, 1)) == FaultKind::type);
  const Tensor flags = Tensor::zeros({3, 4}, DType::boolean);
  CHECK(kind(flags, flags) == FaultKind::type);

  Meter meter({.work = 1000});
  const Tensor x = Tensor::scalar(1.0).inserted(0, 100000).inserted(1, 1), y = x.transposed(0, 1);
  CHECK(kind(x, y) == FaultKind::limit);
}
