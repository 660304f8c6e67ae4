// SPDX-License-Identifier: MIT
// Softmax, running sums and arg-extrema along every dimension, against plain loops.
#include "step/tensor/lines.hpp"

#include "step/tensor/random_lines.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace step;
using namespace step::tensor;
using namespace step::tensor::testing;

} // namespace

TEST_CASE("softmax and its logarithm along any dimension") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    Random random(1);
    int wrong = 0;
    for (int round = 0; round < 250; ++round) {
      const Example e = random_example<float>(random, false);
      const bool logarithm = random.once_in(2);
      const Tensor got = softmax(e.x, e.dim, logarithm, "test");
      bool right = got.sizes() == e.x.sizes() && got.lead() == e.x.lead();
      for_lines<float>(e, [&](const std::vector<float>& line, Shape i) {
        double peak = -1e300, total = 0;
        for (const float v : line) peak = std::max(peak, static_cast<double>(v));
        for (const float v : line) total += std::exp(static_cast<double>(v) - peak);
        for (const float v : line) {
          const double shifted = static_cast<double>(v) - peak;
          const double wanted = logarithm ? shifted - std::log(total) : std::exp(shifted) / total;
          right = right && std::abs(static_cast<double>(element<float>(got, i)) - wanted) <=
                               1e-6 * (1 + std::abs(wanted));
          ++i[e.x.lead() + e.dim];
        }
      });
      wrong += right ? 0 : 1;
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("softmax has the same bits with every instruction set") {
  Random random(2);
  for (int round = 0; round < 150; ++round) {
    const Example e = random_example<float>(random, false);
    const InstructionSet before = instruction_set();
    use_instruction_set(InstructionSet::baseline);
    const Tensor expected = softmax(e.x, e.dim, round % 2 == 0, "test");
    use_instruction_set(before);
    with_every_set([&](InstructionSet) {
      CHECK(same_elements<float>(softmax(e.x, e.dim, round % 2 == 0, "test"), expected));
    });
  }
}

TEST_CASE("softmax of lines with infinities and NaN") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  with_every_set([&](InstructionSet s) {
    CAPTURE(name_of(s));
    for (const std::int64_t n : {3, 8, 16, 40})
      for (const std::int64_t lines : {1, 20}) {
        Tensor x = Tensor::zeros({lines, n}, DType::float32);
        x.write<float>()[1] = -inf;
        Tensor y = softmax(x, 1, false, "test");
        CHECK(element<float>(y, {0, 1}) == 0.0F);
        CHECK(element<float>(y, {0, 0}) == doctest::Approx(1.0 / static_cast<double>(n - 1)));
        x.write<float>()[2] = nan;
        y = softmax(x, 1, false, "test");
        for (std::int64_t i = 0; i < n; ++i) CHECK(std::isnan(element<float>(y, {0, i})));
        if (lines > 1) CHECK(element<float>(y, {1, 0}) == doctest::Approx(1.0 / static_cast<double>(n)));
      }
  });
}

TEST_CASE("running sums and products") {
  Random random(3);
  for (int round = 0; round < 100; ++round) {
    const Example e = random_example<float>(random, false);
    const Tensor sums = running(e.x, e.dim, false), products = running(e.x, e.dim, true);
    bool right = true;
    for_lines<float>(e, [&](const std::vector<float>& line, Shape i) {
      double total = 0, product = 1;
      for (const float v : line) {
        total += static_cast<double>(v);
        product *= static_cast<double>(v);
        right = right && same(element<float>(sums, i), static_cast<float>(total)) &&
                same(element<float>(products, i), static_cast<float>(product));
        ++i[e.x.lead() + e.dim];
      }
    });
    CHECK(right);
  }
}

TEST_CASE("the first of the extreme elements, NaN is extreme both ways") {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const Example e = random_example<float>(random, true);
    const bool largest = random.once_in(2);
    const Indexed got = arg_extremum(e.x, e.dim, true, largest, "test");
    bool right = true;
    for_lines<float>(e, [&](const std::vector<float>& line, const Shape& i) {
      std::size_t best = 0;
      for (std::size_t k = 1; k < line.size(); ++k) {
        const float a = line[k], b = line[best];
        if (b == b && (a != a || (largest ? a > b : a < b))) best = k;
      }
      right = right && same(element<float>(got.values, i), line[best]) &&
              element<std::int64_t>(got.indices, i) == static_cast<std::int64_t>(best);
    });
    CHECK(right);
  }
}
