// SPDX-License-Identifier: MIT
// Remembered verdicts: found again, told apart by key, bounded in number, right from many threads.
#include "strata/verifiers/cached.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct counting {
  std::atomic<int>* calls;
  [[nodiscard]] strata::verdict verify(int task, const std::string& program) const {
    ++*calls;
    if (program == "broken") throw std::runtime_error("no simulator");
    return {program == std::to_string(task), static_cast<double>(task), program};
  }
};
const auto key = [](int task, const std::string& program) { return std::to_string(task) + ' ' + program; };

} // namespace

TEST_CASE("a verdict is found once per key") {
  std::atomic<int> calls{0};
  const strata::cached v{counting{&calls}, key};
  for (int i = 0; i < 3; ++i) {
    CHECK(v.verify(1, "1") == strata::verdict{true, 1.0, "1"});
    CHECK(v.verify(2, "1") == strata::verdict{false, 2.0, "1"});
  }
  CHECK(calls == 2);
  CHECK(v.hits() == 4);
}

TEST_CASE("exceptions are passed on and not remembered") {
  std::atomic<int> calls{0};
  const strata::cached v{counting{&calls}, key};
  CHECK_THROWS_AS((void)v.verify(1, "broken"), std::runtime_error);
  CHECK_THROWS_AS((void)v.verify(1, "broken"), std::runtime_error);
  CHECK(calls == 2);
}

TEST_CASE("the number of entries is bounded, verdicts stay right") {
  std::atomic<int> calls{0};
  const strata::cached v{counting{&calls}, key, 16};
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 1000; ++i) CHECK(v.verify(i, "7").passed == (i == 7));
  CHECK(calls > 1900); // 32 entries at most are of little help here
}

TEST_CASE("many threads") {
  std::atomic<int> calls{0}, wrong{0};
  const strata::cached v{counting{&calls}, key};
  {
    std::vector<std::jthread> pool;
    for (int t = 0; t < 4; ++t)
      pool.emplace_back([&] {
        for (int i = 0; i < 2000; ++i)
          if (v.verify(i % 50, "9").passed != (i % 50 == 9)) ++wrong;
      });
  }
  CHECK(wrong == 0);
  CHECK(calls >= 50);
  CHECK(static_cast<std::size_t>(calls) + v.hits() == 8000);
}
