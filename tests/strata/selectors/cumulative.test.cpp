// SPDX-License-Identifier: MIT
// The default selector and its alternatives on the same strata: what is shown, in which order, how many.
#include "strata/selectors/cumulative.hpp"

#include "strata/selectors/all.hpp"
#include "strata/selectors/easiest_first.hpp"
#include "strata/selectors/hardest_k.hpp"
#include "strata/selectors/random_k.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

namespace {

struct language {
  using task = int;
  using program = int;
};
using indices = std::vector<std::size_t>;
using strata_t = std::vector<strata::stratum>;

const strata_t two = {{0.1, {4, 2}}, {0.5, {0}}};

template <class S> indices select(const S& s, const strata_t& e, std::uint64_t seed = 0) {
  std::vector<strata::experience<language>> d(6);
  for (std::size_t i = 0; i < d.size(); ++i) d[i].task = 10 - i;
  strata::random_stream random({seed, 0, 0, strata::selector_stream});
  return s.select(std::span<const strata::stratum>(e), std::span<const strata::experience<language>>(d),
                  random);
}

} // namespace

TEST_CASE("cumulative: the union of the strata so far, hardest first") {
  CHECK(select(strata::cumulative{}, two) == indices{4, 2, 0});
  CHECK(select(strata::cumulative{}, {two[0]}) == indices{4, 2});
  CHECK(select(strata::cumulative{}, {{0.1, {}}, {0.1, {}}}).empty());
}

TEST_CASE("cumulative: overlapping strata show an entry once, where it comes first") {
  CHECK(select(strata::cumulative{}, {{0.1, {3, 1}}, {0.2, {1, 3, 5}}}) == indices{3, 1, 5});
  CHECK_THROWS_AS(select(strata::cumulative{}, {{0.1, {6}}}), std::out_of_range);
}

TEST_CASE("easiest_first: the same, turned round") {
  CHECK(select(strata::easiest_first{}, two) == indices{0, 2, 4});
}

TEST_CASE("hardest_k: at most so many") {
  CHECK(select(strata::hardest_k{2}, two) == indices{4, 2});
  CHECK(select(strata::hardest_k{9}, two) == indices{4, 2, 0});
  CHECK(select(strata::hardest_k{0}, two).empty());
}

TEST_CASE("random_k: every subset equally likely, order kept") {
  std::map<indices, int> seen;
  for (std::uint64_t seed = 0; seed < 600; ++seed) ++seen[select(strata::random_k{2}, two, seed)];
  CHECK(seen.size() == 3);
  for (const auto& wanted : {indices{4, 2}, indices{4, 0}, indices{2, 0}}) CHECK(seen[wanted] > 140);
  CHECK(select(strata::random_k{9}, two) == indices{4, 2, 0});
}

TEST_CASE("all: everything by task, whatever the strata") {
  CHECK(select(strata::all{}, two) == indices{5, 4, 3, 2, 1, 0});
  CHECK(select(strata::all{}, {}) == indices{5, 4, 3, 2, 1, 0});
}
