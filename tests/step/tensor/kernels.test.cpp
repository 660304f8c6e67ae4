// SPDX-License-Identifier: MIT
// The float32 functions against double precision over the whole range, and equal bits from every instruction
// set.
#include "step/tensor/kernels.hpp"

#include "step/tensor/random_tensors.hpp"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace {

using namespace step::tensor;
using namespace step::tensor::testing;

struct Function {
  const char* name;
  Unary Kernels::*kernel;
  double (*exact)(double);
  double most; ///< units in the last place
};
const Function functions[] = {
    {"exp", &Kernels::exp, [](double x) { return std::exp(x); }, 0.9},
    {"log", &Kernels::log, [](double x) { return std::log(x); }, 0.9},
    {"sin", &Kernels::sin, [](double x) { return std::sin(x); }, 0.51},
    {"cos", &Kernels::cos, [](double x) { return std::cos(x); }, 0.51},
    {"tanh", &Kernels::tanh, [](double x) { return std::tanh(x); }, 1.5},
    {"sigmoid", &Kernels::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5},
    {"silu", &Kernels::silu, [](double x) { return x / (1 + std::exp(-x)); }, 2.5},
    {"erf", &Kernels::erf, [](double x) { return std::erf(x); }, 1.2},
    {"sqrt", &Kernels::sqrt, [](double x) { return std::sqrt(x); }, 0.5},
    {"rsqrt", &Kernels::rsqrt, [](double x) { return 1 / std::sqrt(x); }, 1.5},
    {"reciprocal", &Kernels::reciprocal, [](double x) { return 1 / x; }, 0.5},
};

/// The distance of y from w in units of the last place of a float near w.
double distance(float y, double w) {
  constexpr double none = 0, infinite = 1e300;
  if (std::isnan(w)) return std::isnan(y) ? none : infinite;
  const auto nearest = static_cast<float>(w);
  if (y == nearest || (std::isinf(nearest) && std::abs(y) == std::numeric_limits<float>::max())) return none;
  if (!std::isfinite(y) || std::isinf(nearest)) return infinite;
  int exponent = 0;
  (void)std::frexp(w, &exponent);
  return std::abs(static_cast<double>(y) - w) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

/// Floats of every exponent and sign, special values among them; a length that no vector divides.
std::vector<float> sweep() {
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32U; bits += 39916801) // about 100
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  for (std::uint32_t exponent = 0; exponent < 512; ++exponent)
    for (std::uint32_t fraction = 0; fraction < 1U << 23U; fraction += 81173) // about 100 each
      x.push_back(std::bit_cast<float>(exponent << 23U | fraction));
  for (const float near :
       {0.0F, 0.625F, 0.927734375F, 1.0F, 4.0F, 80.0F, 87.33F, 88.72F, 103.97F, 105.0F, 110.0F, 1.0e6F})
    for (int i = -20; i <= 20; ++i)
      for (const float sign : {1.0F, -1.0F})
        x.push_back(sign * std::bit_cast<float>(static_cast<std::uint32_t>(
                               std::max(static_cast<int>(std::bit_cast<std::uint32_t>(near)) + i, 0))));
  for (int i = -4000; i <= 4000; ++i) x.push_back(static_cast<float>(i) / 64.0F);
  return x;
}
Tile<2> row(std::size_t n) {
  Tile<2> t;
  t.length = static_cast<std::int64_t>(n);
  t.stride = {1, 1};
  return t;
}

} // namespace

TEST_CASE("functions are within their bounds from the smallest to the largest float") {
  const std::vector<float> x = sweep();
  std::vector<float> y(x.size());
  with_every_set([&](InstructionSet s) {
    for (const Function& f : functions) {
      (kernels().*f.kernel)(row(x.size()), y.data(), x.data());
      double worst = 0;
      float at = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        if (const double d = distance(y[i], f.exact(static_cast<double>(x[i]))); d > worst) {
          worst = d;
          at = x[i];
        }
      CAPTURE(name_of(s));
      CAPTURE(f.name);
      CAPTURE(at);
      CHECK(worst <= f.most);
    }
  });
}

TEST_CASE("every instruction set gives the same bits, wherever an element stands") {
  const std::vector<float> x = sweep();
  const auto run = [&x](Unary Kernels::*kernel, std::size_t from, std::size_t n) {
    std::vector<float> y(n);
    (kernels().*kernel)(row(n), y.data(), x.data() + from);
    return y;
  };
  for (const auto kernel :
       {&Kernels::exp, &Kernels::log, &Kernels::sin, &Kernels::cos, &Kernels::tanh, &Kernels::sigmoid,
        &Kernels::silu, &Kernels::erf, &Kernels::gelu, &Kernels::gelu_tanh, &Kernels::sqrt, &Kernels::rsqrt,
        &Kernels::reciprocal, &Kernels::absolute, &Kernels::negative, &Kernels::square, &Kernels::relu}) {
    const InstructionSet before = instruction_set();
    use_instruction_set(InstructionSet::baseline);
    const std::vector<float> expected = run(kernel, 0, x.size());
    use_instruction_set(before);
    with_every_set([&](InstructionSet s) {
      const std::vector<float> got = run(kernel, 0, x.size());
      std::size_t differing = 0;
      for (std::size_t i = 0; i < x.size(); ++i) differing += same(got[i], expected[i]) ? 0 : 1;
      for (std::size_t n = 1; n < 40; ++n) {
        const std::vector<float> part = run(kernel, n * 7, n);
        for (std::size_t i = 0; i < n; ++i) differing += same(part[i], expected[n * 7 + i]) ? 0 : 1;
      }
      CAPTURE(name_of(s));
      CHECK(differing == 0);
    });
  }
}

TEST_CASE("a result may take the place of an operand") {
  const std::vector<float> x = sweep();
  with_every_set([&](InstructionSet s) {
    CAPTURE(name_of(s));
    for (const auto kernel : {&Kernels::sin, &Kernels::exp, &Kernels::gelu}) {
      std::vector<float> apart(x.size()), in_place = x;
      (kernels().*kernel)(row(x.size()), apart.data(), x.data());
      (kernels().*kernel)(row(x.size()), in_place.data(), in_place.data());
      bool equal = true;
      for (std::size_t i = 0; i < x.size(); ++i) equal = equal && same(apart[i], in_place[i]);
      CHECK(equal);
    }
    Tile<3> t;
    t.length = 103;
    t.stride = {1, 1, 1};
    std::vector<float> sums(x.begin(), x.begin() + 103);
    kernels().subtract(t, sums.data(), x.data() + 500, sums.data());
    bool equal = true;
    for (std::size_t i = 0; i < 103; ++i) equal = equal && same(sums[i], x[500 + i] - x[i]);
    CHECK(equal);
  });
}

TEST_CASE("gelu is its definition, evaluated in float") {
  std::vector<float> x;
  for (int i = -6000; i <= 6000; ++i) x.push_back(static_cast<float>(i) / 500.0F);
  std::vector<float> y(x.size());
  kernels().gelu(row(x.size()), y.data(), x.data());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto a = static_cast<double>(x[i]);
    worst =
        std::max(worst, std::abs(static_cast<double>(y[i]) - 0.5 * a * (1 + std::erf(a / std::sqrt(2.0)))) /
                            std::max(std::abs(a), 1.0));
  }
  CHECK(worst < 1.5e-7);
}
