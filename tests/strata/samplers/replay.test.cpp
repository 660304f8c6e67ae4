// SPDX-License-Identifier: MIT
// A recorded run replayed: the same report to the last bit; and what happens to jobs that were not recorded.
#include "strata/samplers/replay.hpp"

#include "../scripted.hpp"
#include "strata/samplers/from_function.hpp"

#include <doctest/doctest.h>

using namespace scripted;

namespace {

const strata::policies<language> plan{.sampling = {.samples = 3, .temperatures = {0.4, 1.0}}, .seed = 11};

strata::from_function model{[](const job<language>& j) -> draw<language> {
  auto random = j.random();
  if (random.chance(0.1)) return {.failure = "overloaded", .used = {5, 0, 0.001}};
  const double ease =
      0.2 * static_cast<double>(j.demonstrations().size() + 1) / static_cast<double>(j.task_index() + 1);
  return {.program = random.chance(ease) ? "+" : "-", .used = {10, 20, random.unit()}};
}};

} // namespace

TEST_CASE("a replayed run is the same run") {
  strata::recorder<language> first, second;
  const auto a = strata::improve<language>(tasks(12), model, verifier{}, plan, {}, first);
  REQUIRE(a.steps.size() > 3);
  REQUIRE(a.failed_requests > 0);
  auto shuffled = first.records;
  std::reverse(shuffled.begin(), shuffled.end());
  const auto b =
      strata::improve<language>(tasks(12), strata::replay<language>(shuffled), verifier{}, plan, {}, second);
  CHECK(text(a) == text(b));
  REQUIRE(first.records.size() == second.records.size());
  for (std::size_t i = 0; i < first.records.size(); ++i) {
    CHECK(first.records[i].key() == second.records[i].key());
    CHECK(first.records[i].draw.program == second.records[i].draw.program);
    CHECK(first.records[i].verdict == second.records[i].verdict);
  }
}

TEST_CASE("what was not recorded is a failed request") {
  strata::recorder<language> seen;
  (void)strata::improve<language>(tasks(12), model, verifier{}, plan, {.steps = 1}, seen);
  seen.records.resize(seen.records.size() / 2);
  const auto r = strata::improve<language>(tasks(12), strata::replay<language>(seen.records), verifier{},
                                           plan, {.steps = 1});
  CHECK(r.samples + r.failed_requests == 72);
  CHECK(r.failed_requests >= 36);
}
