// SPDX-License-Identifier: MIT
#include "step/tasks/inputs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

namespace {

using namespace step;

Bindings sizes(std::int64_t n) {
  Bindings b;
  b.set(Symbol::named("N"), n);
  b.set(Symbol::named("E"), 4);
  return b;
}

Input input(Generator generator, std::int64_t min = 1, std::int64_t max = 1) {
  Input i;
  i.name = "E0";
  i.type.shape = {Symbol::named("N"), Dim(3)};
  i.generator = generator;
  i.min = min;
  i.max = max;
  if (generator == Generator::multihot) i.type.dtype.fields[0].experts = Dim(Symbol::named("E"));
  return i;
}

std::vector<double> values(const tensor::Tensor& t) {
  const auto* data = t.data<double>();
  return {data, data + t.numel()};
}

std::vector<double> drawn(Generator generator, std::int64_t n = 20'000, std::uint64_t seed = 42) {
  return values(generate(input(generator), sizes(n), seed, 0, tensor::DType::float64));
}

double mean(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

double variance(const std::vector<double>& v) {
  const double m = mean(v);
  double sum = 0;
  for (const double x : v) sum += (x - m) * (x - m);
  return sum / static_cast<double>(v.size());
}

} // namespace

TEST_CASE("axes are the dims reversed, then those of the dtype") {
  Input i = input(Generator::uniform);
  i.type.dtype.fields[0].buffer = {Dim(5), Dim(6)};
  i.type.dtype.fields[0].experts = Dim(Symbol::named("E"));
  const auto t = generate(i, sizes(2), 1, 0, tensor::DType::float32);
  CHECK(t.sizes() == tensor::Shape{3, 2, 6, 5, 4});
  CHECK(t.lead() == 0);
}

TEST_CASE("distributions have the moments they should have") {
  const auto uniform = drawn(Generator::uniform);
  CHECK(mean(uniform) == doctest::Approx(0.5).epsilon(0.01));
  CHECK(variance(uniform) == doctest::Approx(1.0 / 12).epsilon(0.02));
  CHECK(*std::min_element(uniform.begin(), uniform.end()) >= 0);
  CHECK(*std::max_element(uniform.begin(), uniform.end()) < 1);
  const auto normal = drawn(Generator::normal);
  CHECK(std::fabs(mean(normal)) < 0.01);
  CHECK(variance(normal) == doctest::Approx(1).epsilon(0.02));
  double cube = 0, fourth = 0;
  for (const double x : normal) cube += x * x * x, fourth += x * x * x * x;
  CHECK(std::fabs(cube / 60'000) < 0.05);
  CHECK(fourth / 60'000 == doctest::Approx(3).epsilon(0.05));
  const auto binary = drawn(Generator::binary);
  CHECK(mean(binary) == doctest::Approx(0.5).epsilon(0.02));
  CHECK(std::set<double>(binary.begin(), binary.end()) == std::set<double>{0, 1});
  for (const double x : drawn(Generator::ones, 10)) CHECK(x == 1);
  for (const double x : drawn(Generator::zeros, 10)) CHECK(x == 0);
}

TEST_CASE("the normal quantile function is accurate") {
  CHECK(detail::normal_quantile(0.5) == 0);
  CHECK(detail::normal_quantile(0.975) == doctest::Approx(1.959963984540054).epsilon(1e-14));
  CHECK(detail::normal_quantile(0.001) == doctest::Approx(-3.090232306167813).epsilon(1e-14));
  CHECK(detail::normal_quantile(1e-10) == doctest::Approx(-6.361340902404056).epsilon(1e-14));
  CHECK(detail::normal_quantile(1e-16) == doctest::Approx(-8.222082216130435).epsilon(1e-14));
  for (const double x : {1e-300, 1e-9, 0.3, 0.9999, 1.0, 2.5})
    CHECK(detail::portable_log(x) == doctest::Approx(std::log(x)).epsilon(1e-14));
}

TEST_CASE("a multihot has min..max ones at places all equally likely") {
  const auto all =
      values(generate(input(Generator::multihot, 1, 3), sizes(10'000), 7, 1, tensor::DType::float64));
  REQUIRE(all.size() == 120'000);
  std::vector<double> counts(5), places(4);
  for (std::size_t v = 0; v < all.size(); v += 4) {
    double ones = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK((all[v + i] == 0 || all[v + i] == 1));
      ones += all[v + i];
      places[i] += all[v + i];
    }
    ++counts[static_cast<std::size_t>(ones)];
  }
  CHECK(counts[0] == 0);
  CHECK(counts[4] == 0);
  for (std::size_t c = 1; c <= 3; ++c) CHECK(counts[c] == doctest::Approx(10'000).epsilon(0.04));
  for (const double p : places) CHECK(p == doctest::Approx(15'000).epsilon(0.04));
  const auto none =
      values(generate(input(Generator::multihot, 0, 0), sizes(5), 7, 1, tensor::DType::float64));
  CHECK(std::count(none.begin(), none.end(), 0.0) == 60);
  const auto full =
      values(generate(input(Generator::multihot, 4, 4), sizes(5), 7, 1, tensor::DType::float64));
  CHECK(std::count(full.begin(), full.end(), 1.0) == 60);
}

TEST_CASE("equal seeds give equal values, and float32 is float64 rounded") {
  for (const auto generator :
       {Generator::uniform, Generator::normal, Generator::binary, Generator::multihot}) {
    const auto i = input(generator, 1, 2);
    const auto a = generate(i, sizes(50), 42, 3, tensor::DType::float64);
    const auto b = generate(i, sizes(50), 42, 3, tensor::DType::float64);
    const auto c = generate(i, sizes(50), 42, 3, tensor::DType::float32);
    CHECK(values(a) == values(b));
    for (std::int64_t k = 0; k < a.numel(); ++k)
      CHECK(static_cast<float>(a.data<double>()[k]) == c.data<float>()[k]);
    CHECK(values(a) != values(generate(i, sizes(50), 43, 3, tensor::DType::float64)));
    CHECK(values(a) !=
          values(generate(i, sizes(50), 42 + (std::uint64_t{1} << 32U), 3, tensor::DType::float64)));
    CHECK(values(a) != values(generate(i, sizes(50), 42, 4, tensor::DType::float64)));
  }
}

// The values themselves are part of the contract: verdicts must not change with the compiler or the machine.
TEST_CASE("values are pinned") {
  const auto uniform = drawn(Generator::uniform, 1);
  const auto normal = drawn(Generator::normal, 1);
  CHECK(uniform == std::vector<double>{0x1.dfd524p-2, 0x1.4ee9bp-2, 0x1.510ebap-1});
  CHECK(normal == std::vector<double>{-0x1.42dc65ce0ff81p-4, -0x1.caca1d20ed483p-2, 0x1.a1a8bc2f2eb53p-2});
}

TEST_CASE("impossible sizes are faults") {
  CHECK_THROWS_AS((void)generate(input(Generator::uniform), {}, 1, 0, tensor::DType::float32), Fault);
  CHECK_THROWS_AS((void)generate(input(Generator::uniform), sizes(0), 1, 0, tensor::DType::float32), Fault);
  CHECK_THROWS_AS((void)generate(input(Generator::uniform), sizes(-3), 1, 0, tensor::DType::float32), Fault);
  CHECK_THROWS_AS((void)generate(input(Generator::multihot, 1, 5), sizes(3), 1, 0, tensor::DType::float32),
                  Fault);
  CHECK_THROWS_AS((void)generate(input(Generator::uniform), sizes(std::numeric_limits<std::int64_t>::max()),
                                 1, 0, tensor::DType::float32),
                  Fault);
}
