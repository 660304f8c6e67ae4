// SPDX-License-Identifier: MIT
// The proposer as a sampler: one draw per job, equal jobs give equal programs, and it stops when told to.
#include "step/proposer/sampler.hpp"

#include "proposing.hpp"

#include <doctest/doctest.h>

using namespace step;

namespace {

/// E0 [K, N] -> S0 [N] with one function to map and one to fold; bodies and references are left out.
Language::task bare_task() {
  auto t = std::make_shared<Task>();
  const auto i = proposing::mapped_sum();
  t->id = "test/sum";
  t->inputs.push_back({i.inputs[0].name, i.inputs[0].type});
  for (const auto& f : i.functions) t->functions.push_back(proposer::bare(f));
  t->outputs.push_back({i.outputs[0].name, i.outputs[0].type, {}});
  return t;
}

std::vector<std::string> sample(std::vector<strata::demonstration<Language>> shown, std::size_t most = 1000) {
  const std::vector<Language::task> tasks{bare_task()};
  const std::vector<std::size_t> open{0};
  strata::job_batch<Language> batch(tasks, open, std::move(shown), strata::sampling{}, 5);
  std::vector<std::string> out;
  auto take = [&](const strata::job<Language>& job, strata::draw<Language>&& d) {
    CHECK(job.sample() == out.size());
    out.push_back(d.program.value());
    return out.size() < most;
  };
  proposer::LocalProposer proposer;
  proposer.sample(batch.jobs(), strata::sink<Language>(take));
  return out;
}

} // namespace

TEST_CASE("one draw per job, the same every time") {
  const auto programs = sample({});
  CHECK(programs.size() == 192);
  CHECK(programs == sample({}));
  CHECK(sample({}, 3).size() == 3);
}

TEST_CASE("a demonstration makes its program likelier, one that is no program changes nothing") {
  const auto task = bare_task();
  const std::string good = "E1 = step.Map(fn=f).apply(E0)\nE2 = step.Accum(fn=g, b=1).apply(E1)\nreturn E2\n";
  const std::string bad = "return step.Map(fn=nothing).apply(E0)";
  const auto hits = [&](const std::vector<std::string>& programs) {
    return std::count(programs.begin(), programs.end(), good);
  };
  const auto without = hits(sample({}));
  CHECK(without > 0);
  CHECK(hits(sample({{&task, &good, 0, 0.1}})) > without * 3 / 2);
  CHECK(sample({{&task, &bad, 0, 0.1}}) == sample({}));
}
