// SPDX-License-Identifier: MIT
#include "step/types/dim.hpp"
#include "step/types/dtype.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <optional>

using namespace step;

namespace {

const Dim m = Symbol::named("M"), n = Symbol::named("N"), k = Symbol::named("K"), d = Symbol::named("D");

Bindings bindings(std::int64_t a = 5, std::int64_t b = 7, std::int64_t c = 9, std::int64_t e = 16) {
  Bindings out;
  out.set(Symbol::named("M"), a);
  out.set(Symbol::named("N"), b);
  out.set(Symbol::named("K"), c);
  out.set(Symbol::named("D"), e);
  return out;
}

/// A random expression, together with its value under the default bindings.
std::pair<Dim, std::int64_t> random_dim(strata::random_stream& random, int depth) {
  if (depth == 0 || random.below(3) == 0) {
    const std::pair<Dim, std::int64_t> leaves[] = {{m, 5}, {n, 7}, {k, 9}, {d, 16}, {1, 1}, {2, 2}, {-3, -3}};
    return leaves[random.below(std::size(leaves))];
  }
  const auto [a, x] = random_dim(random, depth - 1);
  const auto [b, y] = random_dim(random, depth - 1);
  switch (random.below(3)) {
  case 0:
    return {a + b, x + y};
  case 1:
    return {a - b, x - y};
  default:
    return {a * b, x * y};
  }
}

} // namespace

TEST_CASE("dims are equal when their normal forms are") {
  CHECK(n * k == k * n);
  CHECK((n + k) * (n - k) == n * n - k * k);
  CHECK(n + 0 == n);
  CHECK(1 * n == n);
  CHECK(n - n == Dim(0));
  CHECK(2 * n - n == n);
  CHECK_FALSE(n == k);
  CHECK_FALSE(d == Dim(16)); // a symbol is not its size
  CHECK(Symbol::named("N") == Symbol::named("N"));
}

TEST_CASE("arithmetic on dims is arithmetic on sizes") {
  strata::random_stream random(strata::stream_key{7, 0, 0, 0});
  const auto sizes = bindings();
  for (int i = 0; i < 2000; ++i) {
    const auto [a, x] = random_dim(random, 3);
    const auto [b, y] = random_dim(random, 3);
    INFO(a.text() << " and " << b.text());
    CHECK(a.evaluate(sizes) == x);
    CHECK((a + b) == (b + a));
    CHECK((a * b) == (b * a));
    CHECK((a * b).evaluate(sizes) == x * y);
    CHECK((a - b) + b == a);
    if (y > 0 && !(b == Dim(0))) {
      const auto quotient = floor_divide(a, b).evaluate(sizes);
      CHECK(quotient * y <= x);
      CHECK(quotient * y > x - y);
      if (const auto exact = exact_divide(a, b)) CHECK(*exact * b == a);
    }
  }
}

TEST_CASE("floor division is exact where it can be") {
  CHECK(floor_divide(n * k, n) == k);
  CHECK(floor_divide(6 * n * k, 2 * k) == 3 * n);
  CHECK(floor_divide(n, n) == Dim(1));
  CHECK(floor_divide(-7, 2) == Dim(-4));
  CHECK(floor_divide(d, 4).text() == "D//4");
  CHECK(floor_divide(d, 4).evaluate(bindings()) == 4);
  CHECK_FALSE(floor_divide(d, 4) * 4 == d); // not known to be exact
  CHECK(floor_divide(n + 1, 2) == floor_divide(1 + n, 2));
  CHECK_THROWS_AS(floor_divide(n, 0), Fault);
}

TEST_CASE("dims print as a person writes them") {
  CHECK((2 * n + 1).text() == "2*N + 1");
  CHECK((n * k).text() == "K*N"); // by name, whatever was interned first
  CHECK((d * Symbol::named("Aa") + k * n - 2).text() == "Aa*D + K*N - 2");
  CHECK((m - n).text() == (-n + m).text());
  CHECK(text(Shape{n, m * k, 1}) == "[N, K*M, 1]");
  CHECK(Dim(Symbol::fresh(3)).text() == "P3");
}

TEST_CASE("unbounded symbols and sizes are faults") {
  Bindings none;
  CHECK_THROWS_AS((void)n.evaluate(none), Fault);
  CHECK_FALSE((n * k).is_bound(none));
  CHECK((n * k).is_bound(bindings()));
  CHECK_THROWS_AS((void)n.power(-1), Fault);
  CHECK_THROWS_AS((void)(n + k + m + d + 1).power(60), Fault); // too many terms
  CHECK_THROWS_AS((void)(Dim(std::int64_t{1} << 62) * 4), Fault);
  auto nested = n;
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 10000; ++i) nested = floor_divide(nested, 3) + k * nested;
      }(),
      Fault);
}

TEST_CASE("dtypes compare by kind, element and dims") {
  const Field scalar{}, vector{std::nullopt, {d}}, matrix{std::nullopt, {d, n}},
      hot{Dim(Symbol::named("E")), {}};
  CHECK(scalar == Field{});
  CHECK_FALSE(vector == scalar);
  CHECK_FALSE(vector == matrix);
  CHECK_FALSE(hot == scalar);
  CHECK(hot.is_multihot());
  CHECK(matrix.axes(bindings()) == std::vector<std::int64_t>{7, 16}); // outermost first
  CHECK(matrix.text() == "Buffer(fp32, [D, N])");
  CHECK(Field{Dim(Symbol::named("E")), {m}}.text() == "Buffer(Multihot(fp32, E), [M])");
  CHECK(DType{{scalar, vector}}.text() == "[fp32, Buffer(fp32, [D])]");
}

namespace {

__extension__ using Wide = __int128;
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       most = std::numeric_limits<std::int64_t>::max();

/// Floor division as Python does it.
Wide floor_of(Wide a, Wide b) {
  const Wide q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/// An expression whose value may be far beyond 64 bits; nothing when the reference cannot hold it either.
struct Expression {
  std::optional<Dim> dim; ///< nothing when its arithmetic refused
  std::optional<Wide> value;
};

Expression extreme_dim(strata::random_stream& random, int depth) {
  if (depth == 0 || random.below(4) == 0) {
    static const std::int64_t numbers[] = {
        least, least + 1, -(1LL << 62), -(1LL << 53),    -7,       -2,   -1,       0, 1, 2, 3,
        7,     1LL << 31, 1LL << 53,    (1LL << 53) + 1, most - 1, most, 1LL << 62};
    static const std::pair<Dim, std::int64_t> symbols[] = {{m, 5}, {n, most}, {k, 1}, {d, 1LL << 32}};
    if (random.below(2) == 0) {
      const auto& [symbol, value] = symbols[random.below(std::size(symbols))];
      return {symbol, value};
    }
    const auto number = numbers[random.below(std::size(numbers))];
    return {Dim(number), number};
  }
  const auto a = extreme_dim(random, depth - 1), b = extreme_dim(random, depth - 1);
  const auto kind = random.below(4);
  Expression out;
  if (a.value && b.value) {
    Wide value = 0;
    const bool overflow = kind == 0   ? __builtin_add_overflow(*a.value, *b.value, &value)
                          : kind == 1 ? __builtin_sub_overflow(*a.value, *b.value, &value)
                          : kind == 2 ? __builtin_mul_overflow(*a.value, *b.value, &value)
                                      : *b.value == 0;
    if (kind == 3 && !overflow) value = floor_of(*a.value, *b.value);
    if (!overflow) out.value = value;
  }
  if (a.dim && b.dim && (kind != 3 || out.value)) // a divisor of value 0 is no division
    try {
      out.dim = kind == 0   ? *a.dim + *b.dim
                : kind == 1 ? *a.dim - *b.dim
                : kind == 2 ? *a.dim * *b.dim
                            : floor_divide(*a.dim, *b.dim);
    } catch (const Fault& fault) {
      CHECK(fault.kind == FaultKind::limit);
    }
  return out;
}

} // namespace

TEST_CASE("arithmetic on dims of extreme values is exact or refused, never wrapped") {
  strata::random_stream random(strata::stream_key{8, 0, 0, 0});
  const auto sizes = bindings(5, most, 1, 1LL << 32);
  int exact = 0, refused = 0;
  for (int i = 0; i < 60'000; ++i) {
    const auto e = extreme_dim(random, 3);
    if (!e.dim || !e.value) {
      refused += e.dim ? 0 : 1;
      continue;
    }
    try {
      const auto got = e.dim->evaluate(sizes);
      CAPTURE(e.dim->text());
      REQUIRE(Wide{got} == *e.value);
      ++exact;
    } catch (const Fault& fault) {
      CHECK(fault.kind == FaultKind::limit); // a part of it does not fit, although the whole may
    }
  }
  CHECK(exact > 15'000);
  CHECK(refused > 3'000);
}

TEST_CASE("dividing the least coefficient by -1 is refused, in every form it can take") {
  for (const auto& dividend : {n * Dim(least), n * k * Dim(least), n * Dim(-(1LL << 62)) * 2, Dim(least)})
    for (const auto& divisor : {Dim(-1), Dim(1) - Dim(2)}) {
      CHECK_THROWS_AS((void)floor_divide(dividend, divisor), Fault);
      CHECK_THROWS_AS((void)exact_divide(dividend, divisor), Fault);
    }
  CHECK_THROWS_AS((void)floor_divide(n * Dim(least), n * Dim(-1)), Fault);
  CHECK(floor_divide(n * Dim(least + 1), Dim(-1)) == n * Dim(most));
  CHECK(floor_divide(n * Dim(least), Dim(least)) == n);
  CHECK(Dim(-1).power(1'000'001) == Dim(-1));
}

TEST_CASE("large symbolic sizes are paid for in steps: arithmetic, comparison, evaluation and text") {
  Dim deep = floor_divide(n, 7);
  for (int i = 2; i < 500; ++i) deep = floor_divide(deep + i, 7);
  Dim same = floor_divide(n, 7); // equal, but shares nothing
  for (int i = 2; i < 500; ++i) same = floor_divide(same + i, 7);
  const auto sizes = bindings();
  const auto steps = [](auto f) {
    Meter meter;
    f();
    return meter.steps();
  };
  CHECK(steps([&] { CHECK(deep == same); }) >= 30);
  CHECK(steps([&] { (void)deep.evaluate(sizes); }) >= 30);
  CHECK(steps([&] { (void)deep.is_bound(sizes); }) >= 30);
  CHECK(steps([&] { (void)(deep * n); }) >= 100);
  CHECK(steps([&] { (void)(n * k); }) == 0); // what programs are made of costs nothing
  CHECK_THROWS_AS((void)deep.text(), Fault);
  Dim shorter = floor_divide(n, 7);
  for (int i = 2; i < 100; ++i) shorter = floor_divide(shorter + i, 7);
  CHECK(steps([&] { CHECK(shorter.text().size() > 500); }) >= 1000);
  Dim power = floor_divide(n, 7);
  CHECK_THROWS_AS(
      [&] {
        for (;;) power = floor_divide((power + 4).power(30), 5);
      }(),
      Fault);
}

TEST_CASE("the text of a dtype is bounded") {
  DType type;
  type.fields.assign(64, Field{std::nullopt, Shape(12, n * k + Dim(most) * d)});
  CHECK_THROWS_AS((void)type.text(), Fault);
  type.fields.resize(2);
  Meter meter;
  CHECK(type.text().size() > 500);
  CHECK(meter.steps() > 10);
}
