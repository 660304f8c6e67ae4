// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace app;

namespace {

StepProgress half_way() {
  return {.step = 2,
          .tasks = 26,
          .solved_before = 14,
          .solved_now = 3,
          .samples = 1000,
          .jobs = 4000,
          .seconds = 50,
          .budget = 0.154,
          .model = "37 requests in flight, 1.2M tokens, $0.1234"};
}

} // namespace

TEST_CASE("progress says what is solved within the step, when it ends and what share of the budget is used") {
  auto p = half_way();
  CHECK(progress_line(p, 0) ==
        "step 2: 17/26 solved (+3), 1000/4000 samples, 2.5 min left, 15% of budget, 37 "
        "requests in flight, 1.2M tokens, $0.1234");
  p.model.clear();
  p.budget.reset();
  CHECK(progress_line(p, 0) == "step 2: 17/26 solved (+3), 1000/4000 samples, 2.5 min left, 20 verdicts/s");
  p.samples = 0; // nothing is known of the rate yet
  CHECK(progress_line(p, 0) == "step 2: 17/26 solved (+3), 0/4000 samples");
}

TEST_CASE("progress fits the width of the terminal, and the parts that matter most come first") {
  for (std::size_t width = 1; width < 200; ++width) {
    auto p = half_way();
    CAPTURE(width);
    CHECK(progress_line(p, width).size() <= width);
    p.samples = p.jobs = p.tasks = p.solved_before = 18'000'000'000'000'000'000U;
    CHECK(progress_line(p, width).size() <= width);
  }
  const auto p = half_way();
  CHECK(progress_line(p, 40) == "step 2: 17/26 (+3), 1000/4000");
  CHECK(progress_line(p, 60) == "step 2: 17/26 solved (+3), 1000/4000 samples, 2.5 min left");
  CHECK(progress_line(p, 79) == "step 2: 17/26 solved (+3), 1000/4000 samples, 2.5 min left, 15% of budget");
}

TEST_CASE("durations are written for people") {
  CHECK(duration_text(7.6) == "8 s");
  CHECK(duration_text(150) == "2.5 min");
  CHECK(duration_text(9000) == "2.5 h");
}
