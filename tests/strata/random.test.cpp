// SPDX-License-Identifier: MIT
// Random streams: the published vectors of Philox, independence of streams, and the fairness of what is built
// on them.
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using strata::random_stream;
using strata::stream_key;

static_assert(std::uniform_random_bit_generator<random_stream>);

TEST_CASE("Philox4x32-10 agrees with the published vectors") {
  using block = std::array<std::uint32_t, 4>;
  CHECK(strata::philox({0, 0, 0, 0}, {0, 0}) == block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(strata::philox({ones, ones, ones, ones}, {ones, ones}) ==
        block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(strata::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is its key") {
  random_stream a({1, 2, 3, 4}), b({1, 2, 3, 4});
  for (int i = 0; i < 9; ++i) CHECK(a() == b());
  std::set<std::uint64_t> first;
  for (std::uint32_t step = 0; step < 4; ++step)
    for (std::uint32_t task = 0; task < 4; ++task)
      for (std::uint32_t sample = 0; sample < 4; ++sample)
        for (std::uint64_t seed : {0ULL, 1ULL, 1ULL << 32U})
          first.insert(random_stream({seed, step, task, sample})());
  CHECK(first.size() == 4 * 4 * 4 * 3);
  CHECK(random_stream({})() ==
        0xe169c58d6627e8d5ULL); // pinned: results must not change from version to version
}

TEST_CASE("below is in range, unbiased, and defined for 0 and 1") {
  random_stream r({7, 0, 0, 0});
  CHECK(r.below(0) == 0);
  CHECK(r.below(1) == 0);
  std::array<int, 6> seen{};
  for (int i = 0; i < 60'000; ++i) ++seen.at(r.below(6));
  for (const int n : seen) CHECK(std::abs(n - 10'000) < 500); // more than five standard deviations
  for (int i = 0; i < 100; ++i) CHECK(r.below((1ULL << 63U) + 1) <= 1ULL << 63U);
}

TEST_CASE("unit is below 1 with mean a half, chance follows") {
  random_stream r({8, 0, 0, 0});
  double sum = 0;
  int yes = 0;
  for (int i = 0; i < 40'000; ++i) {
    const double u = r.unit();
    CHECK_FALSE(u < 0);
    CHECK(u < 1);
    sum += u;
    yes += r.chance(0.25);
  }
  CHECK(sum / 40'000 == doctest::Approx(0.5).epsilon(0.02));
  CHECK(yes / 40'000.0 == doctest::Approx(0.25).epsilon(0.05));
  CHECK_FALSE(r.chance(0));
  CHECK(r.chance(1));
}

TEST_CASE("shuffle makes every order equally likely") {
  random_stream r({9, 0, 0, 0});
  std::map<std::array<int, 3>, int> seen;
  for (int i = 0; i < 12'000; ++i) {
    std::array<int, 3> a{1, 2, 3};
    r.shuffle(std::span<int>(a));
    ++seen[a];
  }
  CHECK(seen.size() == 6);
  for (const auto& [order, n] : seen) CHECK(std::abs(n - 2000) < 250);
}

TEST_CASE("choose: different numbers, all if there are too few, every subset equally likely") {
  random_stream r({10, 0, 0, 0});
  std::map<std::set<std::size_t>, int> seen;
  for (int i = 0; i < 12'000; ++i) {
    const auto c = r.choose(2, 4);
    REQUIRE(c.size() == 2);
    ++seen[{c.begin(), c.end()}];
  }
  CHECK(seen.size() == 6);
  for (const auto& [subset, n] : seen) {
    CHECK(subset.size() == 2);
    CHECK(std::abs(n - 2000) < 250);
  }
  auto everything = r.choose(9, 3);
  std::ranges::sort(everything);
  CHECK(everything == std::vector<std::size_t>{0, 1, 2});
  CHECK(r.choose(3, 0).empty());
}
