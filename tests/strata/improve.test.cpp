// SPDX-License-Identifier: MIT
// The algorithm step by step: the worked example of the paper, and every edge case that pseudo-code leaves
// open.
#include "strata/improve.hpp"

#include "scripted.hpp"
#include "strata/filters/keep_all.hpp"
#include "strata/observers/recorder.hpp"
#include "strata/selectors/random_k.hpp"
#include "strata/stratifiers/single.hpp"

#include <doctest/doctest.h>

using namespace scripted;
using strata::ended;
using strata::improve;
using indices = std::vector<std::size_t>;

namespace {

template <class F> struct stratifier_of {
  F f;
  [[nodiscard]] std::vector<strata::stratum> stratify(std::span<const strata::experience<language>> d) const {
    return f(d);
  }
};
template <class F> stratifier_of(F) -> stratifier_of<F>;

template <class F> struct selector_of {
  F f;
  [[nodiscard]] indices select(std::span<const strata::stratum> e,
                               std::span<const strata::experience<language>>, strata::random_stream&) const {
    return f(e);
  }
};
template <class F> selector_of(F) -> selector_of<F>;

struct filter_of {
  indices kept;
  [[nodiscard]] indices keep(const strata::solved<language>&, strata::random_stream&) const { return kept; }
};

} // namespace

TEST_CASE("the paper's step-by-step example") {
  sampler s{{{2, 0, 9, 7, 0}, {}, {0, 3, 0, 0, 0}, {}, {}, {0, 0, 0, 0, 1}}};
  for (auto& row : s.script) row.resize(5);
  strata::recorder<language> seen;
  const auto r = improve<language>(tasks(5), s, verifier{}, {.sampling = once(64)}, {}, seen);

  CHECK(r.why == ended::solved_all);
  CHECK(r.solved() == 5);
  REQUIRE(seen.steps.size() == 6);
  const std::vector<indices> shown = {{}, {0}, {0, 3}, {0, 1}, {0, 1, 3}, {0, 1, 3, 2}};
  const std::vector<indices> solved = {{0, 2, 3}, {}, {1}, {}, {}, {4}};
  const indices strata = {0, 0, 1, 0, 1, 2};
  const indices open = {5, 2, 2, 1, 1, 1};
  for (std::size_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    CHECK(seen.steps[i].shown == shown[i]);
    CHECK(r.steps[i].newly_solved == solved[i]);
    CHECK(r.steps[i].stratum == strata[i]);
    CHECK(r.steps[i].open == open[i]);
    CHECK(r.steps[i].demonstrations == shown[i].size());
    CHECK(r.steps[i].step == i);
    CHECK(r.steps[i].samples == 64 * open[i]);
    CHECK(r.steps[i].used.input_tokens == 640 * open[i]);
  }
  CHECK(r.steps[0].thresholds.empty());
  CHECK(r.steps[1].thresholds == std::vector{2.0 / 64, 7.0 / 64, 9.0 / 64});
  CHECK(r.steps[3].thresholds == std::vector{3.0 / 64, 7.0 / 64, 9.0 / 64});
  CHECK(r.samples == 64 * (5 + 2 + 2 + 1 + 1 + 1));
  CHECK(r.used.cost_usd == doctest::Approx(0.001 * static_cast<double>(r.samples)));
  REQUIRE(r.experience.size() == 5);
  CHECK(r.experience[3].task == 1); // D grows in the order of solving
  CHECK(r.experience[3].success_rate == 3.0 / 64);
  CHECK(r.experience[3].successes == 3);
  CHECK(r.experience[3].samples == 64);
  CHECK(r.experience[3].step == 2);
}

TEST_CASE("nothing solved at first: there is nothing to show, so one step ends the run") {
  sampler s;
  const auto r = improve<language>(tasks(3), s, verifier{}, {.sampling = once(4)});
  CHECK(r.why == ended::exhausted);
  CHECK(s.calls == 1);
  REQUIRE(r.steps.size() == 1);
  CHECK(r.steps[0].stratum == 0);
  CHECK(r.steps[0].demonstrations == 0);
  CHECK(r.open == indices{0, 1, 2});
  CHECK(r.experience.empty());
}

TEST_CASE("all solved at first") {
  sampler s{{{1, 4, 2}}};
  const auto r = improve<language>(tasks(3), s, verifier{}, {.sampling = once(4)});
  CHECK(r.why == ended::solved_all);
  CHECK(s.calls == 1);
  CHECK(r.open.empty());
  CHECK(r.steps.at(0).newly_solved == indices{0, 1, 2});
  CHECK(r.steps[0].solved_total == 3);
}

TEST_CASE("no tasks: nothing is drawn") {
  sampler s;
  const auto r = improve<language>({}, s, verifier{});
  CHECK(r.why == ended::solved_all);
  CHECK(s.calls == 0);
  CHECK(r.steps.empty());
  CHECK(r.solved() == 0);
}

TEST_CASE("fewer successes than m: as many strata as successes, all of them tried before giving up") {
  sampler s{{{1, 0, 3}}};
  strata::recorder<language> seen;
  const auto r = improve<language>(tasks(3), s, verifier{},
                                   {.stratifier = strata::quantile{7}, .sampling = once(4)}, {}, seen);
  CHECK(r.why == ended::exhausted);
  REQUIRE(seen.steps.size() == 3);
  CHECK(seen.steps[1].shown == indices{0});
  CHECK(seen.steps[2].shown == indices{0, 2});
}

TEST_CASE("ties repeat a threshold, and the step re-samples with the same demonstrations") {
  sampler s{{{2, 2, 2, 0}, {0, 0, 0, 0}, {0, 0, 0, 1}}};
  strata::recorder<language> seen;
  const auto r = improve<language>(tasks(4), s, verifier{}, {.sampling = once(4)}, {}, seen);
  CHECK(r.why == ended::solved_all);
  REQUIRE(seen.steps.size() == 3); // the second of three equal steps is lucky
  CHECK(seen.steps[1].shown == indices{0, 1, 2});
  CHECK(seen.steps[2].shown == indices{0, 1, 2});
  CHECK(r.steps[2].thresholds == std::vector{0.5, 0.5, 0.5});
  CHECK(r.steps[2].stratum == 1);
}

TEST_CASE("after progress the loop starts again at the hardest stratum") {
  sampler s{{{1, 2, 3, 0, 0}, {}, {0, 0, 0, 4, 0}, {}, {}, {}}};
  for (auto& row : s.script) row.resize(5);
  const auto r = improve<language>(tasks(5), s, verifier{}, {.sampling = once(4)});
  CHECK(r.why == ended::exhausted);
  indices strata;
  for (const auto& p : r.steps) strata.push_back(p.stratum);
  CHECK(strata == indices{0, 0, 1, 0, 1, 2});
}

TEST_CASE("a failed request is neither a success nor a failure") {
  // task 0: 3 of 4 requests fail, the last answer is wrong; task 1: all fail; task 2: 2 of 4 fail, 2 wrong
  sampler s{{{-3, -4, -2}}};
  strata::recorder<language> seen;
  const auto r = improve<language>(tasks(3), s, verifier{}, {.sampling = once(4)}, {}, seen);
  CHECK(r.why == ended::exhausted);
  CHECK(r.failed_requests == 9);
  CHECK(r.samples == 3);
  CHECK(r.used.input_tokens == 120); // failed requests may cost, too
  CHECK(seen.steps.at(0).tallies.at(0).samples == 1);
  CHECK(seen.steps[0].tallies[1].samples == 0);
  CHECK(seen.steps[0].tallies[1].success_rate() == 0);

  struct half_failing {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      for (const auto& j : jobs)
        if (j.sample() % 2 == 0)
          out(j, {.failure = "timeout"});
        else
          out(j, {.program = j.sample() == 1 ? "+" : "-"});
    }
  };
  const auto half = improve<language>(tasks(1), half_failing{}, verifier{}, {.sampling = once(8)});
  CHECK(half.experience.at(0).success_rate == 0.25); // 1 of the 4 that were answered
}

TEST_CASE("jobs that the sampler forgets count as failed requests") {
  struct forgetful {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      for (const auto& j : jobs)
        if (j.sample() == 0) out(j, {.program = "+"});
    }
  };
  const auto r = improve<language>(tasks(2), forgetful{}, verifier{}, {.sampling = once(3)});
  CHECK(r.why == ended::solved_all);
  CHECK(r.failed_requests == 4);
  CHECK(r.experience.at(0).success_rate == 1.0);
  CHECK(r.steps.at(0).undrawn == 0);
}

TEST_CASE("several temperatures: the best one's count is the success rate, B holds the programs of all") {
  // right answers by (task, temperature): task 0: 1 at 0.4, 2 at 1.0; task 1: one each, so the lowest wins
  struct by_temperature {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      for (const auto& j : jobs) {
        const std::size_t nth = j.sample() / 3; // temperatures alternate
        const bool right = j.task_index() == 0
                               ? (j.temperature() == 0.4 && nth < 1) || (j.temperature() == 1.0 && nth < 2)
                               : nth == 0;
        out(j, {.program = (right ? "+" : "-") + std::to_string(j.temperature_index())});
      }
    }
  };
  strata::recorder<language> seen;
  const auto r = improve<language>(
      tasks(2), by_temperature{}, verifier{},
      {.filter = strata::keep_all{}, .sampling = {.samples = 4, .temperatures = {1.0, 0.4, 0.7}}}, {}, seen);
  CHECK(r.samples == 24);
  const auto& t = seen.steps.at(0).tallies;
  CHECK(t.at(0) == strata::tally{0, 2, 4, 1.0, 3, 12, 0});
  CHECK(t.at(1) == strata::tally{1, 1, 4, 0.4, 3, 12, 0});
  REQUIRE(r.experience.size() == 6);
  CHECK(r.experience[0].success_rate == 0.5);
  CHECK(r.experience[5].success_rate == 0.25);
  CHECK(r.experience[3].program == "+0"); // candidates come by sample
  CHECK(r.experience[5].program == "+2");
}

TEST_CASE("a filter that keeps nothing solves the task without experience") {
  sampler s{{{1, 0}}};
  const auto r = improve<language>(tasks(2), s, verifier{}, {.filter = filter_of{}, .sampling = once(2)});
  CHECK(r.why == ended::exhausted);
  CHECK(r.solved() == 1);
  CHECK(r.experience.empty());
  CHECK(r.steps.size() == 2); // progress, so once more, now with one empty stratum again
}

TEST_CASE("a filter that names a candidate twice keeps it once") {
  sampler s{{{2}}};
  const auto r =
      improve<language>(tasks(1), s, verifier{}, {.filter = filter_of{{1, 1, 0}}, .sampling = once(2)});
  REQUIRE(r.experience.size() == 2);
  CHECK(r.experience[0].program == "+1");
  CHECK(r.experience[1].program == "+0");
}

TEST_CASE("a selector that never shows everything still comes to an end") {
  sampler s{{{1, 1, 0}}};
  const auto r = improve<language>(
      tasks(3), s, verifier{},
      {.stratifier = strata::single{}, .selector = strata::random_k{1}, .sampling = once(2)});
  CHECK(r.why == ended::exhausted);
  CHECK(r.steps.size() == 2);
  CHECK(r.steps[1].demonstrations == 1);
}

TEST_CASE("experience of an earlier run") {
  sampler s{{{}, {}, {}, {0, 0, 1}}};
  for (auto& row : s.script) row.resize(3);
  strata::recorder<language> seen;
  strata::policies<language> how{.sampling = once(2)};
  how.experience = {
      {.task = 1, .program = "+old", .success_rate = 0.5, .successes = 1, .samples = 2, .step = 0}};
  how.first_step = 3;
  const auto r = improve<language>(tasks(3), s, verifier{}, how, {.steps = 1}, seen);
  CHECK(seen.steps.at(0).shown == indices{1});
  CHECK(r.steps.at(0).step == 3);
  CHECK(r.steps[0].open == 2);
  CHECK(r.steps[0].solved_total == 2);
  CHECK(r.open == indices{0});
  CHECK(r.experience.size() == 2);
  CHECK(r.experience[1].step == 3);

  how.experience[0].task = 3;
  CHECK_THROWS_WITH_AS((void)improve<language>(tasks(3), s, verifier{}, how),
                       "strata: the given experience names a task that does not exist", std::out_of_range);
}

TEST_CASE("policies that answer nonsense are told so") {
  sampler s{{{1, 0}}};
  const auto run = [&](strata::policies<language> how) {
    how.sampling = once(2);
    s.calls = 0;
    (void)improve<language>(tasks(2), s, verifier{}, std::move(how));
  };
  CHECK_THROWS_AS(run({.filter = filter_of{{2}}}), std::out_of_range);
  CHECK_THROWS_AS(run({.selector = selector_of{[](auto) { return indices{7}; }}}), std::out_of_range);
  CHECK_THROWS_AS(run({.stratifier = stratifier_of{[](auto) { return std::vector<strata::stratum>{}; }}}),
                  std::logic_error);
  CHECK_THROWS_AS(run({.stratifier = stratifier_of{[](auto) {
                         return std::vector{strata::stratum{1, {9}}};
                       }}}),
                  std::out_of_range);
  CHECK_THROWS_AS((void)improve<language>(tasks(1), s, verifier{}, {.sampling = once(0)}),
                  std::invalid_argument);
  CHECK_THROWS_AS(
      (void)improve<language>(tasks(1), s, verifier{}, {.sampling = {.samples = 1, .temperatures = {}}}),
      std::invalid_argument);
}

TEST_CASE("the selector's random numbers differ from step to step and follow the seed") {
  const auto shown = [](std::uint64_t seed) {
    sampler s{{{1, 1, 1, 1, 1, 1, 1, 1, 0}}};
    strata::recorder<language> seen;
    (void)improve<language>(tasks(9), s, verifier{},
                            {.selector = strata::random_k{3}, .sampling = once(1), .seed = seed}, {}, seen);
    std::vector<indices> all;
    for (const auto& p : seen.steps) all.push_back(p.shown);
    return all;
  };
  const auto first = shown(1);
  REQUIRE(first.size() == 4);
  CHECK(first == shown(1));
  CHECK(first != shown(2));
  CHECK((first[1] != first[2] || first[2] != first[3]));
}
