// SPDX-License-Identifier: MIT
// Batches of jobs: their order, what each job knows, and the sizes that are refused. Sinks made of plain
// functions.
#include "strata/job.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

struct language {
  using task = std::string;
  using program = std::string;
};
using batch = strata::job_batch<language>;
const std::vector<std::string> tasks = {"a", "b", "c", "d"};
const std::vector<std::size_t> open = {1, 3};

} // namespace

TEST_CASE("breadth-first: tasks before samples, temperatures alternate") {
  const batch b(tasks, open, {}, {.samples = 2, .temperatures = {0.4, 0.7}}, 5, 9);
  REQUIRE(b.jobs().size() == 8);
  CHECK_FALSE(b.cut());
  for (std::size_t i = 0; i < 8; ++i) {
    const auto& j = b.jobs()[i];
    CHECK(j.index() == i);
    CHECK(j.slot() == i % 2);
    CHECK(j.task_index() == open[i % 2]);
    CHECK(j.task() == tasks[open[i % 2]]);
    CHECK(j.sample() == i / 2);
    CHECK(j.temperature() == (i / 2 % 2 == 0 ? 0.4 : 0.7));
    CHECK(j.step() == 9);
    CHECK(j.demonstrations().empty());
    CHECK(j.key() == strata::stream_key{5, 9, static_cast<std::uint32_t>(open[i % 2]),
                                        static_cast<std::uint32_t>(i / 2)});
    CHECK(j.random()() == j.random()());
  }
  CHECK(sizeof(strata::job<language>) == 24);
}

TEST_CASE("a limit leaves out the last jobs") {
  const strata::sampling how{.samples = 3, .temperatures = {1.0}};
  for (std::size_t most = 0; most <= 8; ++most) {
    const batch b(tasks, open, {}, how, 0, 0, most);
    CHECK(b.jobs().size() == std::min<std::size_t>(most, 6));
    CHECK(b.cut() == (most < 6));
  }
  CHECK(batch(tasks, {}, {}, how).jobs().empty());
  CHECK_FALSE(batch(tasks, {}, {}, how).cut());
}

TEST_CASE("sizes that make no sense are refused") {
  CHECK_THROWS_AS(batch(tasks, open, {}, {.samples = 0}), std::invalid_argument);
  CHECK_THROWS_AS(batch(tasks, open, {}, {.samples = 1, .temperatures = {}}), std::invalid_argument);
  CHECK_THROWS_AS(batch(tasks, open, {}, {.samples = std::size_t{1} << 33U}), std::length_error);
  CHECK_THROWS_AS(batch(tasks, open, {}, {.samples = 1}, 0, std::size_t{1} << 33U), std::length_error);
  const std::vector<std::size_t> wrong = {4};
  CHECK_THROWS_AS(batch(tasks, wrong, {}, {.samples = 1}), std::out_of_range);
}

TEST_CASE("a sink passes draws on and says whether to go on") {
  const batch b(tasks, open, {}, {.samples = 1, .temperatures = {1.0}});
  std::vector<std::string> got;
  const auto until_two = [&](const strata::job<language>& j, strata::draw<language>&& d) {
    got.push_back(j.task() + *d.program);
    return got.size() < 2;
  };
  std::stop_source stop;
  const strata::sink<language> s(until_two, stop.get_token());
  CHECK(s(b.jobs()[0], {.program = "x"}));
  CHECK_FALSE(s(b.jobs()[1], {.program = "y"}));
  CHECK(got == std::vector<std::string>{"bx", "dy"});
  CHECK_FALSE(s.stop_requested());
  stop.request_stop();
  CHECK(s.stop_requested());

  const auto for_ever = [](const strata::job<language>&, strata::draw<language>&&) {};
  CHECK(strata::sink<language>(for_ever)(b.jobs()[0], {}));
}

TEST_CASE("a copy of a sink refers to the function, not to the sink") {
  const batch b(tasks, open, {}, {.samples = 1, .temperatures = {1.0}});
  int calls = 0;
  auto f = [&](const strata::job<language>&, strata::draw<language>&&) { ++calls; };
  auto first = std::make_unique<strata::sink<language>>(f);
  const auto keeps_a_copy = [copy = *first](const strata::job<language>& j) { copy(j, {}); };
  first.reset();
  keeps_a_copy(b.jobs()[0]);
  CHECK(calls == 1);
}
