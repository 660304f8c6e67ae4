// SPDX-License-Identifier: MIT
// What observers retain of a run agrees with its report: the recorder in full, the counters in numbers.
#include "strata/observers/recorder.hpp"

#include "../scripted.hpp"
#include "strata/observers/counters.hpp"

#include <doctest/doctest.h>

using namespace scripted;

TEST_CASE("the recorder has every draw, by step, task and sample") {
  sampler s{{{2, -1, 0}, {0, 0, 1}}};
  strata::recorder<language> seen;
  const auto r =
      strata::improve<language>(tasks(3), s, verifier{}, {.sampling = once(4)}, {.threads = 3}, seen);
  REQUIRE(seen.steps.size() == r.steps.size());
  for (std::size_t i = 0; i < r.steps.size(); ++i) CHECK(seen.steps[i].report == r.steps[i]);
  CHECK(seen.records.size() == r.samples + r.failed_requests);
  CHECK(std::ranges::is_sorted(seen.records, {}, &strata::record<language>::key));
  CHECK(std::ranges::adjacent_find(seen.records, {}, &strata::record<language>::key) == seen.records.end());
  std::size_t failed = 0;
  for (const auto& x : seen.records) {
    CHECK(x.verdict.has_value() == x.draw.program.has_value());
    CHECK(x.temperature == 0.7);
    failed += !x.verdict;
    if (x.verdict)
      CHECK(x.verdict->passed == x.draw.program->starts_with('+')); // correct programs are copied whole
  }
  CHECK(failed == r.failed_requests);
  CHECK(seen.steps[0].tallies.size() == 3);
}

TEST_CASE("the counters count") {
  sampler s{{{2, -1, 0}, {0, 0, 1}}};
  strata::counters n;
  const auto r = strata::improve<language>(tasks(3), s, verifier{}, {.sampling = once(4)}, {.threads = 3}, n);
  CHECK(n.steps == r.steps.size());
  CHECK(n.draws == r.samples + r.failed_requests);
  CHECK(n.verdicts == r.samples);
  CHECK(n.passed == 3);
  CHECK(n.failed_requests == 1);
  CHECK(n.solved == r.solved());
  CHECK(n.open == r.open.size());
  CHECK(n.input_tokens == r.used.input_tokens);
  CHECK(n.output_tokens == r.used.output_tokens);
  CHECK(n.cost_usd == doctest::Approx(r.used.cost_usd));
  CHECK(n.drawn_in_step == n.jobs);
}
