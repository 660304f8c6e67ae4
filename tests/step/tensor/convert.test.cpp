// SPDX-License-Identifier: MIT
// Copies and conversions between tensors of any layouts, element by element.
#include "step/tensor/convert.hpp"

#include "step/tensor/random_tensors.hpp"

#include <doctest/doctest.h>

namespace {

using namespace step;
using namespace step::tensor;
using namespace step::tensor::testing;

Shape random_sizes(Random& random) {
  Shape sizes;
  const auto longest = random.below(5);
  for (std::int64_t rank = random.below(5); rank > 0; --rank)
    sizes.push_back(random.once_in(30) ? 0 : rank == longest ? 15 + random.below(40) : 1 + random.below(6));
  return sizes;
}
template <class To, class From> int wrong_copies(std::uint64_t seed, int rounds) {
  Random random(seed);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    const Shape sizes = random_sizes(random);
    const Tensor from = scattered<From>(random, sizes, 0, static_cast<std::uint32_t>(random.below(4)));
    Tensor to = scattered<To>(random, sizes);
    copy(to, from);
    bool right = true;
    for_indices(sizes, [&](const Shape& i) {
      right = right && same(element<To>(to, i), convert<To>(element<From>(from, i)));
    });
    if (!right) {
      ++wrong;
      MESSAGE(text(sizes) << " from strides " << text(from.strides()) << " to " << text(to.strides()));
    }
  }
  return wrong;
}

} // namespace

TEST_CASE("copies between any layouts and types") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    CHECK(wrong_copies<float, float>(1, 300) == 0);
    CHECK(wrong_copies<float, bool>(2, 200) == 0);
  });
  CHECK(wrong_copies<double, double>(3, 200) == 0);
  CHECK(wrong_copies<std::int64_t, std::int64_t>(4, 200) == 0);
  CHECK(wrong_copies<bool, bool>(5, 200) == 0);
  CHECK(wrong_copies<double, float>(6, 100) == 0);
  CHECK(wrong_copies<float, double>(7, 100) == 0);
  CHECK(wrong_copies<std::int64_t, float>(8, 100) == 0);
  CHECK(wrong_copies<bool, float>(9, 100) == 0);
  CHECK(wrong_copies<float, std::int64_t>(10, 100) == 0);
}

TEST_CASE("a large transposed tensor becomes contiguous") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(9);
    for (const auto& [rows, columns] :
         {std::pair{100, 130}, {3, 200}, {200, 3}, {64, 64}, {5, 4}, {17, 33}}) {
      const Tensor x = scattered<float>(random, {2, columns, rows}).contiguous().transposed(1, 2);
      const Tensor y = x.contiguous();
      CHECK(y.is_contiguous());
      CHECK(same_elements<float>(x, y));
    }
  });
}
