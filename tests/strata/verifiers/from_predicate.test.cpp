// SPDX-License-Identifier: MIT
// Verifiers made of functions that say yes or no, or give a verdict.
#include "strata/verifiers/from_predicate.hpp"

#include <doctest/doctest.h>

TEST_CASE("yes and no become verdicts") {
  const strata::from_predicate even{[](int task, int program) { return task + program == 2; }};
  CHECK(even.verify(1, 1) == strata::verdict{true, 1.0, ""});
  CHECK(even.verify(1, 2) == strata::verdict{false, 0.0, ""});
}

TEST_CASE("a verdict is passed on") {
  const strata::from_predicate v{[](int, int p) { return strata::verdict{p > 1, p / 2.0, "too small"}; }};
  CHECK(v.verify(0, 1) == strata::verdict{false, 0.5, "too small"});
}
