// SPDX-License-Identifier: MIT
#include "strata/agents/money.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <limits>

using namespace strata::agents;

TEST_CASE("money is exact") {
  CHECK(to_picodollars(0.000003) == 3'000'000);
  CHECK(to_picodollars(-1) == 0);
  CHECK(to_picodollars(std::numeric_limits<double>::quiet_NaN()) == 0);
  CHECK(to_picodollars(std::numeric_limits<double>::infinity()) > to_picodollars(9e6));
  CHECK(to_dollars(to_picodollars(12.34)) == 12.34);
  CHECK(add(INT64_MAX - 1, 5) == INT64_MAX);
  for (const picodollars whole : {0L, 1L, 7L, 1'000'000'007L})
    for (const std::uint32_t parts : {1U, 2U, 3U, 8U, 64U}) {
      picodollars sum = 0;
      for (std::uint32_t i = 0; i < parts; ++i) sum += share(whole, i, parts);
      CHECK(sum == whole);
    }
}
