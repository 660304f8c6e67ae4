// SPDX-License-Identifier: MIT
// Money: exact sums, prices by model, and how they are written on the command line.
#include "strata/llm/mock/prices.hpp"

#include <doctest/doctest.h>

using namespace strata::llm;
using namespace strata::llm::mock;

TEST_CASE("every kind of token has its price") {
  tariff t;
  add_price(t, "input=2,cached=0.5,write=2.5,write-hour=4,output=8");
  token_usage u;
  u.input = 1000;
  u.cached = 400;
  u.cache_write = 100;
  u.cache_write_hour = 50;
  u.output = 10;
  CHECK(t.cost("any", u) ==
        (450 * 2'000'000LL + 400 * 500'000LL + 100 * 2'500'000LL + 50 * 4'000'000LL + 10 * 8'000'000LL));
  CHECK(dollars(t.cost("any", u)) == doctest::Approx((450 * 2 + 400 * 0.5 + 250 + 200 + 80) / 1e6));
}

TEST_CASE("a model's own price comes before the one for all") {
  tariff t;
  CHECK(t.cost("m", {.input = 10}) == 0);
  add_price(t, "input=1");
  add_price(t, "org/m:free:input=3,output=0.000001");
  CHECK(t.cost("m", {.input = 10}) == 10'000'000);
  CHECK(t.cost("org/m:free", {.input = 1, .output = 2}) == 3'000'002);
}

TEST_CASE("what is not given costs as much as input") {
  tariff t;
  add_price(t, "input=3,output=1");
  CHECK(t.cost("", {.input = 30, .cached = 10, .cache_write = 10, .cache_write_hour = 10}) == 90'000'000);
}

TEST_CASE("what is no price is refused, and absurd counts do not overflow") {
  tariff t;
  for (const char* bad :
       {"inputt=1", "input", "input=", "input=x", "input=-1", "input=1e9", "input=nan", "m:"})
    CHECK_THROWS_AS(add_price(t, bad), std::invalid_argument);
  add_price(t, "input=1000000,output=1000000");
  CHECK(t.cost("", {.input = ~std::uint64_t{0}, .output = 1'000'000'000}) >= 0);
}
