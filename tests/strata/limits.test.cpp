// SPDX-License-Identifier: MIT
// Limits: where each strikes, what is kept of the step it strikes in, and what the report says.
#include "strata/limits.hpp"

#include "scripted.hpp"
#include "strata/observers/recorder.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace scripted;
using namespace std::chrono_literals;
using strata::ended;
using strata::improve;

namespace {

/// Answers so many jobs of the step rightly, then waits until it is told to stop.
struct waiting {
  std::size_t answers;
  void sample(std::span<const job<language>> jobs, sink<language> out) const {
    for (std::size_t i = 0; i < answers && i < jobs.size(); ++i)
      out(jobs[i], {.program = "+", .used = {100, 50, 1.0}});
    while (!out.stop_requested()) std::this_thread::sleep_for(1ms);
  }
};

} // namespace

TEST_CASE("samples: the step is shortened breadth-first and its finds are kept") {
  sampler s{{{1, 1, 0, 0}, {0, 0, 3, 0}}};
  const auto r = improve<language>(tasks(4), s, verifier{}, {.sampling = once(3)}, {.samples = 15});
  CHECK(r.why == ended::samples);
  REQUIRE(r.steps.size() == 2);
  CHECK(r.samples == 15);
  CHECK(r.steps[1].samples == 3); // two of task 2, one of task 3
  CHECK(r.steps[1].undrawn == 0);
  CHECK(r.steps[1].newly_solved == std::vector<std::size_t>{2});
  CHECK(r.experience.back().samples == 2);
  CHECK(r.experience.back().success_rate == 1.0);
  CHECK(r.open == std::vector<std::size_t>{3});
}

TEST_CASE("samples: solving everything with the last one is success") {
  sampler s{{{1, 1}}};
  CHECK(improve<language>(tasks(2), s, verifier{}, {.sampling = once(3)}, {.samples = 2}).why ==
        ended::solved_all);
}

TEST_CASE("samples: a full last step in vain is exhaustion, a shortened one is not") {
  sampler s;
  CHECK(improve<language>(tasks(2), s, verifier{}, {.sampling = once(3)}, {.samples = 6}).why ==
        ended::exhausted);
  CHECK(improve<language>(tasks(2), s, verifier{}, {.sampling = once(3)}, {.samples = 5}).why ==
        ended::samples);
}

TEST_CASE("samples: failed requests count, lest a dead sampler run for ever") {
  sampler s{{{1, -3}, {0, -3}, {0, -3}}};
  const auto r = improve<language>(tasks(2), s, verifier{},
                                   {.stratifier = strata::quantile{9}, .sampling = once(3)}, {.samples = 8});
  CHECK(r.why == ended::samples);
  CHECK(r.samples + r.failed_requests == 8);
}

TEST_CASE("samples or steps of zero: nothing is drawn") {
  sampler s;
  CHECK(improve<language>(tasks(2), s, verifier{}, {}, {.samples = 0}).why == ended::samples);
  CHECK(improve<language>(tasks(2), s, verifier{}, {}, {.steps = 0}).why == ended::steps);
  CHECK(improve<language>(tasks(2), s, verifier{}, {}, {.time = 0s}).why == ended::time);
  CHECK(s.calls == 0);
}

TEST_CASE("steps") {
  sampler s{{{1, 2, 3, 0}}};
  const auto r = improve<language>(tasks(4), s, verifier{}, {.sampling = once(4)}, {.steps = 2});
  CHECK(r.why == ended::steps);
  CHECK(r.steps.size() == 2);
  CHECK(s.calls == 2);
}

TEST_CASE("time: a waiting sampler is told, and what it delivered is kept") {
  const auto r = improve<language>(tasks(4), waiting{3}, verifier{}, {.sampling = once(1)}, {.time = 30ms});
  CHECK(r.why == ended::time);
  REQUIRE(r.steps.size() == 1);
  CHECK(r.steps[0].newly_solved == std::vector<std::size_t>{0, 1, 2});
  CHECK(r.steps[0].undrawn == 1);
  CHECK(r.steps[0].samples == 3);
  CHECK(r.failed_requests == 0);
  CHECK(r.seconds >= 0.03);
}

TEST_CASE("time: infinite, absurd and negative limits") {
  sampler s{{{1}}};
  CHECK(improve<language>(tasks(1), s, verifier{}, {}, {.time = std::chrono::duration<double>(1e300)}).why ==
        ended::solved_all);
  s.calls = 0;
  CHECK(improve<language>(tasks(1), s, verifier{}, {}, {.time = -1s}).why == ended::time);
}

TEST_CASE("stop: before the run, and in the middle of a step") {
  std::stop_source stop;
  stop.request_stop();
  sampler s{{{1}}};
  CHECK(improve<language>(tasks(1), s, verifier{}, {}, {.stop = stop.get_token()}).why == ended::stopped);
  CHECK(s.calls == 0);

  std::stop_source later;
  struct stopper {
    std::stop_source& source;
    void judged(const strata::events::judged<language>&) { source.request_stop(); }
  };
  const auto r = improve<language>(tasks(4), waiting{1}, verifier{}, {.sampling = once(1)},
                                   {.stop = later.get_token()}, stopper{later});
  CHECK(r.why == ended::stopped);
  CHECK(r.solved() == 1);
  CHECK(r.steps.at(0).undrawn == 3);
}

TEST_CASE("stop: a step that was completed nevertheless counts as what it is") {
  struct stopping {
    std::stop_source& source;
    std::string program;
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      source.request_stop();
      for (const auto& j : jobs) CHECK_FALSE(out(j, {.program = program})); // late, still welcome
    }
  };
  const auto run = [](std::string program) {
    std::stop_source stop;
    return improve<language>(tasks(1), stopping{stop, std::move(program)}, verifier{}, {.sampling = once(2)},
                             {.stop = stop.get_token()});
  };
  CHECK(run("+").why == ended::solved_all);
  CHECK(run("+").samples == 2);
  CHECK(run("-").why == ended::exhausted);
  CHECK(run("-").steps.at(0).undrawn == 0);
}

TEST_CASE("budget: in dollars and in tokens, over all steps") {
  const auto dollars =
      improve<language>(tasks(9), waiting{5}, verifier{}, {.sampling = once(1)}, {.cost_usd = 5.0});
  CHECK(dollars.why == ended::budget);
  CHECK(dollars.used.cost_usd == 5.0);
  CHECK(dollars.solved() == 5);
  const auto tokens =
      improve<language>(tasks(9), waiting{4}, verifier{}, {.sampling = once(1)}, {.tokens = 600});
  CHECK(tokens.why == ended::budget);
  CHECK(tokens.used.input_tokens + tokens.used.output_tokens == 600);
}

TEST_CASE("every reason has a name of its own") {
  std::vector<std::string_view> names;
  for (const auto e : {ended::solved_all, ended::exhausted, ended::samples, ended::steps, ended::time,
                       ended::budget, ended::stopped})
    names.push_back(to_string(e));
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
  CHECK(std::ranges::find(names, "unknown") == names.end());
}
