// SPDX-License-Identifier: MIT
// The default filter and its alternatives on the same candidates: classes, representatives, lengths, ties.
#include "strata/filters/one_per_task.hpp"

#include "strata/filters/keep_all.hpp"
#include "strata/filters/shortest.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace {

/// Isomorphic if the first letter is the same.
struct language {
  using task = int;
  using program = std::string;
  static char isomorphism_key(const program& p) { return p.empty() ? '\0' : p[0]; }
};
using indices = std::vector<std::size_t>;

template <class F>
indices keep(const F& filter, const std::vector<std::string>& programs, std::uint64_t seed = 0) {
  std::vector<strata::candidate<language>> candidates;
  for (std::size_t i = 0; i < programs.size(); ++i) candidates.push_back({programs[i], i, 0.7, 1.0});
  const int task = 0;
  strata::random_stream random({seed, 0, 0, strata::filter_stream});
  return filter.keep(strata::solved<language>{task, 0, 0.5, candidates}, random);
}

} // namespace

TEST_CASE("one_per_task: the shortest of the representatives, not of all programs") {
  // class a: "a" or "a long one"; class b: "b123". If the long a is drawn, b123 is the shortest
  // representative.
  std::map<std::size_t, int> chosen;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto k = keep(strata::one_per_task{}, {"a long one", "b123", "a"}, seed);
    REQUIRE(k.size() == 1);
    ++chosen[k[0]];
  }
  CHECK(chosen.size() == 2);
  CHECK(chosen[1] > 140); // about half, five standard deviations are 50
  CHECK(chosen[2] > 140);
}

TEST_CASE("one_per_task: comments and blank lines do not count") {
  CHECK(keep(strata::one_per_task{}, {"bbbb", "aaa # and a long comment\n\n\n"}) == indices{1});
}

TEST_CASE("one_per_task: of equal lengths the class that appeared first") {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    CHECK(keep(strata::one_per_task{}, {"c1", "b1", "a1"}, seed) == indices{0});
}

TEST_CASE("one_per_task: the same seed chooses the same") {
  const std::vector<std::string> programs(50, "a");
  CHECK(keep(strata::one_per_task{}, programs, 5) == keep(strata::one_per_task{}, programs, 5));
}

TEST_CASE("one_per_class: each class once, any member") {
  std::map<std::size_t, int> chosen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto k = keep(strata::one_per_class{}, {"a1", "b", "a2", "a3"}, seed);
    REQUIRE(k.size() == 2);
    CHECK(k[1] == 1);
    ++chosen[k[0]];
  }
  CHECK(chosen.size() == 3);
  for (const auto& [index, n] : chosen) CHECK(n > 60);
}

TEST_CASE("shortest: of all programs, the first of equals") {
  CHECK(keep(strata::shortest{}, {"aaa", "bb", "cc"}) == indices{1});
  CHECK(keep(strata::shortest{}, {"aaa", "b # comment"}) == indices{1});
}

TEST_CASE("keep_all keeps all") { CHECK(keep(strata::keep_all{}, {"a", "a", "b"}) == indices{0, 1, 2}); }

TEST_CASE("no candidates: nothing is kept") {
  CHECK(keep(strata::one_per_task{}, {}).empty());
  CHECK(keep(strata::one_per_class{}, {}).empty());
  CHECK(keep(strata::shortest{}, {}).empty());
  CHECK(keep(strata::keep_all{}, {}).empty());
}
