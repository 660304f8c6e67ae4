// SPDX-License-Identifier: MIT
// The default stratifier on the paper's example and on ties, short experience and odd settings; its
// alternatives.
#include "strata/stratifiers/quantile.hpp"

#include "strata/random.hpp"
#include "strata/stratifiers/by_step.hpp"
#include "strata/stratifiers/single.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace {

struct language {
  using task = int;
  using program = int;
};
using strata::stratum;
using strata_t = std::vector<stratum>;
using entries = std::vector<strata::experience<language>>;

entries with_rates(const std::vector<double>& rates) {
  entries d;
  for (std::size_t i = 0; i < rates.size(); ++i)
    d.push_back({.task = i, .program = 0, .success_rate = rates[i]});
  return d;
}

template <class S> strata_t stratify(const S& s, const entries& d) {
  return s.stratify(std::span<const strata::experience<language>>(d));
}

} // namespace

TEST_CASE("quantile: the paper's example") {
  CHECK(stratify(strata::quantile{3}, with_rates({2, 9, 7})) == strata_t{{2, {0}}, {7, {2}}, {9, {1}}});
  // 2 3 7 9 splits into {2, 3}, {7}, {9}
  CHECK(stratify(strata::quantile{3}, with_rates({2, 3, 9, 7})) == strata_t{{3, {0, 1}}, {7, {3}}, {9, {2}}});
}

TEST_CASE("quantile: ties share the first stratum that reaches them, and later ones stay empty") {
  CHECK(stratify(strata::quantile{3}, with_rates({5, 5, 5})) == strata_t{{5, {0, 1, 2}}, {5, {}}, {5, {}}});
  CHECK(stratify(strata::quantile{3}, with_rates({1, 5, 5, 5, 5, 9})) ==
        strata_t{{5, {0, 1, 2, 3, 4}}, {5, {}}, {9, {5}}});
}

TEST_CASE("quantile: fewer entries than m, m of 0 and 1, no entries") {
  CHECK(stratify(strata::quantile{9}, with_rates({4, 2})) == strata_t{{2, {1}}, {4, {0}}});
  CHECK(stratify(strata::quantile{1}, with_rates({4, 2})) == strata_t{{4, {1, 0}}});
  CHECK(stratify(strata::quantile{0}, with_rates({4, 2})) == strata_t{{4, {1, 0}}});
  CHECK(stratify(strata::quantile{3}, {}).empty());
}

TEST_CASE("quantile: equal rates come by task, whatever their place in the experience") {
  entries d = with_rates({0.5, 0.5, 0.5});
  d[0].task = 2;
  d[2].task = 0;
  CHECK(stratify(strata::quantile{1}, d) == strata_t{{0.5, {2, 1, 0}}});
}

TEST_CASE("quantile: every entry is in exactly one stratum, thresholds ascend and bound their members") {
  strata::random_stream random({1, 2, 3, 4});
  for (int round = 0; round < 300; ++round) {
    std::vector<double> rates(random.below(20) + 1);
    for (double& r : rates) r = static_cast<double>(random.below(6) + 1) / 6;
    const std::size_t m = random.below(8) + 1;
    const auto strata = stratify(strata::quantile{m}, with_rates(rates));
    CHECK(strata.size() == std::min(m, rates.size()));
    std::vector<std::size_t> all;
    double below = 0;
    for (const stratum& s : strata) {
      CHECK(s.threshold >= below);
      for (const std::size_t i : s.members) {
        CHECK(rates[i] > below);
        CHECK(rates[i] <= s.threshold);
        all.push_back(i);
      }
      below = s.threshold;
    }
    CHECK(std::ranges::is_sorted(all, {}, [&](std::size_t i) { return rates[i]; }));
    std::ranges::sort(all);
    for (std::size_t i = 0; i < rates.size(); ++i) CHECK(all.at(i) == i);
  }
}

TEST_CASE("single: one stratum, hardest first") {
  CHECK(stratify(strata::single{}, with_rates({3, 1, 2})) == strata_t{{3, {1, 2, 0}}});
  CHECK(stratify(strata::single{}, with_rates({3, 1, 2})) ==
        stratify(strata::quantile{1}, with_rates({3, 1, 2})));
  CHECK(stratify(strata::single{}, {}) == strata_t{{0, {}}});
}

TEST_CASE("fixed_thresholds: given bounds, the rest above them, empty strata left out") {
  const strata::fixed_thresholds f{{0.5, 0.1}};
  CHECK(stratify(f, with_rates({0.1, 1.0, 0.3, 0.05})) == strata_t{{0.1, {3, 0}}, {0.5, {2}}, {1.0, {1}}});
  CHECK(stratify(f, with_rates({0.9, 0.2})) == strata_t{{0.5, {1}}, {0.9, {0}}});
  CHECK(stratify(f, with_rates({0.2})) == strata_t{{0.5, {0}}});
  CHECK(stratify(strata::fixed_thresholds{{}}, with_rates({0.2, 0.4})) == strata_t{{0.4, {0, 1}}});
}

TEST_CASE("by_step: newest first, the oldest share the last stratum") {
  entries d = with_rates({0.1, 0.9, 0.2, 0.5, 0.4});
  for (std::size_t i = 0; i < d.size(); ++i) d[i].step = std::vector<std::size_t>{0, 4, 4, 2, 1}[i];
  CHECK(stratify(strata::by_step{3}, d) == strata_t{{-4, {2, 1}}, {-2, {3}}, {0, {4, 0}}});
  CHECK(stratify(strata::by_step{9}, d).size() == 4);
  CHECK(stratify(strata::by_step{0}, d) == strata_t{{0, {2, 1, 3, 4, 0}}});
}
