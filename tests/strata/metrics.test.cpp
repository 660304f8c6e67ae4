// SPDX-License-Identifier: MIT
// pass@k against direct counting and at sizes where binomials overflow; diversity on small examples.
#include "strata/metrics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

struct language {
  using task = int;
  using program = std::string;
};

/// Counts the k-subsets of n answers, of which the first c are correct, that hold a correct one.
double counted(std::size_t n, std::size_t c, std::size_t k) {
  double with = 0, all = 0;
  for (unsigned set = 0; set < 1U << n; ++set)
    if (static_cast<std::size_t>(__builtin_popcount(set)) == k) {
      ++all;
      with += (set & ((1U << c) - 1)) != 0;
    }
  return with / all;
}

} // namespace

TEST_CASE("pass@k is the share of subsets with a correct answer") {
  for (std::size_t n = 1; n <= 9; ++n)
    for (std::size_t c = 0; c <= n; ++c)
      for (std::size_t k = 1; k <= n; ++k) {
        CAPTURE(n);
        CAPTURE(c);
        CAPTURE(k);
        CHECK(strata::pass_at_k(n, c, k) == doctest::Approx(counted(n, c, k)));
      }
}

TEST_CASE("pass@k at sizes where binomials overflow") {
  CHECK(strata::pass_at_k(100'000, 0, 1000) == 0.0);
  CHECK(strata::pass_at_k(100'000, 1, 50'000) == doctest::Approx(0.5));
  CHECK(strata::pass_at_k(100'000, 10, 10'000) == doctest::Approx(1 - std::pow(0.9, 10)).epsilon(1e-3));
  CHECK(strata::pass_at_k(100'000, 100'000, 1) == 1.0);
  CHECK(strata::pass_at_k(10, 6, 5) == 1.0);
}

TEST_CASE("pass@k without meaning is misuse") {
  CHECK_THROWS_AS((void)strata::pass_at_k(3, 4, 1), std::invalid_argument);
  CHECK_THROWS_AS((void)strata::pass_at_k(3, 1, 0), std::invalid_argument);
  CHECK_THROWS_AS((void)strata::pass_at_k(3, 1, 4), std::invalid_argument);
  CHECK_THROWS_AS((void)strata::pass_at_k({}, 0), std::invalid_argument);
}

TEST_CASE("mean over tasks: Pass@1 is the mean rate, Pass@n the share solved, failed requests left out") {
  std::vector<strata::tally> t(4);
  t[0] = {.task = 0, .successes = 16, .samples = 64};
  t[1] = {.task = 1, .successes = 0, .samples = 64};
  t[2] = {.task = 2, .successes = 1, .samples = 2, .failed_requests = 62};
  t[3] = {.task = 3, .successes = 0, .samples = 0, .failed_requests = 64};
  CHECK(strata::pass_at_k(t, 1) == doctest::Approx((0.25 + 0.5) / 4));
  CHECK(strata::pass_at_k(t, 64) == 0.5);
  CHECK(strata::pass_at_k(std::span<const strata::tally>{}, 1) == 0.0);
}

TEST_CASE("diversity: classes over answers") {
  const std::vector<std::string> answers = {"a", "b", "a", "a"};
  CHECK(strata::diversity<language>(answers) == 0.5);
  CHECK(strata::diversity<language>(std::vector<std::string>{"a"}) == 1.0);
  CHECK(strata::diversity<language>({}) == 0.0);
}
