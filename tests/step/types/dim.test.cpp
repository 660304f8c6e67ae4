// SPDX-License-Identifier: MIT
#include "step/types/dim.hpp"
#include "step/types/dtype.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

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
