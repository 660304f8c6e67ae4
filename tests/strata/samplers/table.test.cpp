// SPDX-License-Identifier: MIT
// A sampler that reads answers from a table, with rows that are too short.
#include "strata/samplers/table.hpp"

#include "../scripted.hpp"

#include <doctest/doctest.h>

using namespace scripted;

TEST_CASE("sample k of a task is the k-th of its row, what is missing counts neither way") {
  const strata::table<language> sampler{{{"-", "+a", "+a"}, {"-"}}};
  const auto r =
      strata::improve<language>(tasks(3), sampler, verifier{}, {.sampling = once(4)}, {.steps = 1});
  CHECK(r.experience.at(0).success_rate == 2.0 / 3);
  CHECK(r.samples == 4);
  CHECK(r.failed_requests == 8);
  CHECK(r.open == std::vector<std::size_t>{1, 2});
}

TEST_CASE("it stops when the sink says so") {
  const auto t = tasks(2);
  const std::vector<std::size_t> open = {0, 1};
  const strata::job_batch<language> batch(t, open, {}, once(4));
  std::size_t got = 0;
  auto two = [&](const job<language>&, draw<language>&&) { return ++got < 2; };
  strata::table<language>{}.sample(batch.jobs(), sink<language>(two));
  CHECK(got == 2);
}
