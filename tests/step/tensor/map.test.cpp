// SPDX-License-Identifier: MIT
// Element-wise operations against plain loops: random shapes, layouts, broadcasts and batch axes, with every
// instruction set.
#include "step/tensor/map.hpp"

#include "step/tensor/binary.hpp"
#include "step/tensor/random_tensors.hpp"
#include "step/tensor/unary.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace {

using namespace step;
using namespace step::tensor;
using namespace step::tensor::testing;

/// Operands of one operation that broadcast, and the sizes of the result.
struct Operands {
  Shape sizes;
  int lead = 0;
  std::vector<Shape> each;
  std::vector<int> leads;
  std::vector<std::uint32_t> repeats;
};
Operands random_operands(Random& random, int n) {
  Operands o;
  const int rank = static_cast<int>(random.below(4));
  o.lead = random.once_in(2) ? static_cast<int>(random.below(3)) : 0;
  const auto axes = o.lead + rank;
  const auto longest = random.below(axes + 1);
  for (int i = 0; i < axes; ++i)
    o.sizes.push_back(random.once_in(40) ? 0 : i == longest ? 16 + random.below(60) : 1 + random.below(5));
  const auto batched = random.below(n); // at least this one
  for (int k = 0; k < n; ++k) {
    const int lead = k == batched || random.once_in(2) ? o.lead : 0;
    const int own = k == 0 ? rank : static_cast<int>(random.below(rank + 1));
    Shape sizes(o.sizes.first(lead));
    std::uint32_t repeats = 0;
    for (int i = 0; i < own; ++i)
      sizes.push_back(k > 0 && random.once_in(4) ? 1 : o.sizes[o.sizes.size() - own + i]);
    for (int i = 0; i < sizes.size(); ++i)
      if (random.once_in(5)) repeats |= 1U << static_cast<unsigned>(i);
    o.each.push_back(sizes);
    o.leads.push_back(lead);
    o.repeats.push_back(repeats);
  }
  return o;
}
/// The element of operand t for an index of the result.
template <class T> T operand_at(const Tensor& t, const Shape& index, int lead) {
  Shape own;
  for (int i = 0; i < t.lead(); ++i) own.push_back(index[i]);
  for (int i = 0; i < t.rank(); ++i)
    own.push_back(t.size(i) == 1 ? 0 : index[lead + (index.size() - lead - t.rank()) + i]);
  std::int64_t offset = 0;
  for (int i = 0; i < own.size(); ++i) offset += own[i] * t.strides()[i];
  return t.data<T>()[offset];
}

template <class R, class T, class F> int wrong_pairs(std::uint64_t seed, int rounds, BinaryOp op, F f) {
  Random random(seed);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    const Operands o = random_operands(random, 2);
    const Tensor a = scattered<T>(random, o.each[0], o.leads[0], o.repeats[0], true),
                 b = scattered<T>(random, o.each[1], o.leads[1], o.repeats[1], true);
    const Tensor got = binary(op, a, b, "test");
    bool right = got.sizes() == o.sizes && got.lead() == o.lead && got.dtype() == dtype_of<R>;
    if (right)
      for_indices(o.sizes, [&](const Shape& index) {
        right = right && same(element<R>(got, index), static_cast<R>(f(operand_at<T>(a, index, o.lead),
                                                                       operand_at<T>(b, index, o.lead))));
      });
    if (!right) {
      ++wrong;
      MESSAGE("round " << round << ": " << text(o.each[0]) << " strides " << text(a.strides()) << " and "
                       << text(o.each[1]) << " strides " << text(b.strides()));
    }
  }
  return wrong;
}
} // namespace

TEST_CASE("operations of two operands, element by element") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    const int n = 150;
    CHECK(wrong_pairs<float, float>(1, n, BinaryOp::add, [](float a, float b) { return a + b; }) == 0);
    CHECK(wrong_pairs<float, float>(2, n, BinaryOp::subtract, [](float a, float b) { return a - b; }) == 0);
    CHECK(wrong_pairs<float, float>(3, n, BinaryOp::multiply, [](float a, float b) { return a * b; }) == 0);
    CHECK(wrong_pairs<float, float>(4, n, BinaryOp::divide, [](float a, float b) { return a / b; }) == 0);
    const auto larger = [](auto a, auto b) { return a != a ? a : b != b ? b : a > b ? a : b; };
    const auto smaller = [](auto a, auto b) { return a != a ? a : b != b ? b : a < b ? a : b; };
    CHECK(wrong_pairs<float, float>(5, n, BinaryOp::maximum, larger) == 0);
    CHECK(wrong_pairs<float, float>(6, n, BinaryOp::minimum, smaller) == 0);
    CHECK(wrong_pairs<bool, float>(7, n, BinaryOp::less, [](float a, float b) { return a < b; }) == 0);
    CHECK(wrong_pairs<bool, float>(8, n, BinaryOp::less_equal, [](float a, float b) { return a <= b; }) == 0);
    CHECK(wrong_pairs<bool, float>(9, n, BinaryOp::equal, [](float a, float b) { return a == b; }) == 0);
    CHECK(wrong_pairs<bool, float>(10, n, BinaryOp::not_equal, [](float a, float b) { return a != b; }) == 0);
  });
  CHECK(wrong_pairs<double, double>(11, 150, BinaryOp::add, [](double a, double b) { return a + b; }) == 0);
  CHECK(wrong_pairs<std::int64_t, std::int64_t>(12, 150, BinaryOp::multiply,
                                                [](std::int64_t a, std::int64_t b) { return a * b; }) == 0);
  CHECK(wrong_pairs<bool, std::int64_t>(13, 150, BinaryOp::less,
                                        [](std::int64_t a, std::int64_t b) { return a < b; }) == 0);
}

TEST_CASE("numbers as operands, on either side") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(3);
    for (int round = 0; round < 60; ++round) {
      const Tensor x = scattered<float>(random, random_operands(random, 1).each[0]);
      const auto c = static_cast<float>(random.real(2));
      const Tensor left = binary(BinaryOp::subtract, static_cast<double>(c), x, "-"),
                   right = binary(BinaryOp::divide, x, static_cast<double>(c), "/"),
                   flags = binary(BinaryOp::less, x, static_cast<double>(c), "<");
      bool all = true;
      for_indices(x.sizes(), [&](const Shape& i) {
        const float v = element<float>(x, i);
        all = all && same(element<float>(left, i), c - v) && same(element<float>(right, i), v / c) &&
              element<bool>(flags, i) == (v < c);
      });
      CHECK(all);
    }
  });
}

TEST_CASE("where chooses, element by element") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(21);
    for (int round = 0; round < 150; ++round) {
      const Operands o = random_operands(random, 3);
      const Tensor c = scattered<bool>(random, o.each[0], o.leads[0], o.repeats[0]),
                   a = scattered<float>(random, o.each[1], o.leads[1], o.repeats[1], true),
                   b = scattered<float>(random, o.each[2], o.leads[2], o.repeats[2], true);
      const Tensor got = where(c, a, b);
      bool right = got.sizes() == o.sizes;
      for_indices(o.sizes, [&](const Shape& i) {
        right = right && same(element<float>(got, i), operand_at<bool>(c, i, o.lead)
                                                          ? operand_at<float>(a, i, o.lead)
                                                          : operand_at<float>(b, i, o.lead));
      });
      CHECK(right);
    }
  });
}

TEST_CASE("a function of one operand gives the same for every layout") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(5);
    for (const UnaryOp op :
         {UnaryOp::exp, UnaryOp::log, UnaryOp::sin, UnaryOp::gelu, UnaryOp::sigmoid, UnaryOp::sqrt,
          UnaryOp::negative, UnaryOp::relu, UnaryOp::absolute, UnaryOp::square})
      for (int round = 0; round < 25; ++round) {
        const Operands o = random_operands(random, 1);
        const Tensor x = scattered<float>(random, o.each[0], o.leads[0], o.repeats[0], true);
        Tensor packed = Tensor::empty(x.sizes(), DType::float32, x.lead());
        float* to = packed.write<float>();
        for_indices(x.sizes(), [&](const Shape& i) { *to++ = element<float>(x, i); });
        CHECK(same_elements<float>(unary(op, x, "test"), unary(op, packed, "test")));
      }
    const float values[] = {-2.5F, -0.0F, 0.0F, 3.0F, std::numeric_limits<float>::quiet_NaN()};
    const Tensor x = Tensor::of<float>(values, {5});
    const auto at = [&](UnaryOp op, std::int64_t i) { return element<float>(unary(op, x, "test"), {i}); };
    CHECK(same(at(UnaryOp::negative, 1), 0.0F));
    CHECK(same(at(UnaryOp::negative, 2), -0.0F));
    CHECK(same(at(UnaryOp::absolute, 1), 0.0F));
    CHECK(same(at(UnaryOp::square, 0), 6.25F));
    CHECK(same(at(UnaryOp::relu, 0), 0.0F));
    CHECK(std::isnan(at(UnaryOp::relu, 4)));
    CHECK(std::isnan(at(UnaryOp::sqrt, 0)));
  });
}
