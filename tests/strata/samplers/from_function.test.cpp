// SPDX-License-Identifier: MIT
// A sampler made of a function: on one thread and several, stopping, and passing on what the function throws.
#include "strata/samplers/from_function.hpp"

#include "../scripted.hpp"

#include <doctest/doctest.h>

#include <mutex>
#include <set>
#include <stdexcept>

using namespace scripted;

namespace {

const auto three_tasks = tasks(3);
const std::vector<std::size_t> open = {0, 1, 2};

} // namespace

TEST_CASE("every job is answered once, on any number of threads") {
  const strata::job_batch<language> batch(three_tasks, open, {}, once(40));
  for (const std::size_t threads : {0U, 1U, 2U, 5U, 500U}) {
    std::mutex mutex;
    std::multiset<std::size_t> answered;
    auto collect = [&](const job<language>& j, draw<language>&& d) {
      CHECK(d.program == std::to_string(j.index()));
      const std::scoped_lock lock(mutex);
      answered.insert(j.index());
    };
    strata::from_function sampler{[](const job<language>& j) { return std::to_string(j.index()); }, threads};
    sampler.sample(batch.jobs(), sink<language>(collect));
    CHECK(answered.size() == 120);
    CHECK(std::set(answered.begin(), answered.end()).size() == 120);
  }
}

TEST_CASE("a function may return draws, failed ones too") {
  strata::from_function sampler{[](const job<language>& j) -> draw<language> {
    if (j.sample() == 0) return {.failure = "refused"};
    return {.program = "+", .used = {1, 2, 3}};
  }};
  const auto r = strata::improve<language>(tasks(2), sampler, verifier{}, {.sampling = once(3)});
  CHECK(r.failed_requests == 2);
  CHECK(r.samples == 4);
  CHECK(r.used.output_tokens == 8);
}

TEST_CASE("it stops when told, by the return value and by the token") {
  const strata::job_batch<language> batch(three_tasks, open, {}, once(40));
  for (const std::size_t threads : {1U, 3U}) {
    std::atomic<std::size_t> calls{0}, delivered{0};
    strata::from_function sampler{[&](const job<language>&) { return ++calls, std::string("-"); }, threads};
    auto five = [&](const job<language>&, draw<language>&&) { return ++delivered < 5; };
    sampler.sample(batch.jobs(), sink<language>(five));
    CHECK(calls >= 5);
    CHECK(calls <= 5 + threads);
    std::stop_source stop;
    stop.request_stop();
    const std::size_t before = calls;
    sampler.sample(batch.jobs(), sink<language>(five, stop.get_token()));
    CHECK(calls == before);
  }
}

TEST_CASE("exceptions of the function are passed on after all threads are done") {
  for (const std::size_t threads : {1U, 4U}) {
    strata::from_function sampler{[](const job<language>& j) -> std::string {
                                    if (j.index() == 7) throw std::runtime_error("no key");
                                    return "-";
                                  },
                                  threads};
    CHECK_THROWS_WITH_AS(
        (void)strata::improve<language>(tasks(5), sampler, verifier{}, {.sampling = once(9)}), "no key",
        std::runtime_error);
  }
}
