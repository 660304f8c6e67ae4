// SPDX-License-Identifier: MIT
// Does self-improvement help? For several seeds: a run of the algorithm with its default policies, against
// the same number of samples drawn without demonstrations (round after round for the tasks that are still
// open, which is the strongest way to spend samples without learning). Prints solved tasks per seed, and mean
// and spread of both.
//
// usage: self_improvement [SEEDS=5] [SAMPLES=64] [TASKS=tasks]
#include "step/proposer/sampler.hpp"
#include "step/tasks/load.hpp"
#include "step/verifier/task_verifiers.hpp"
#include "strata/strata.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using step::Language;
using Tasks = std::vector<Language::task>;

struct Outcome {
  std::size_t solved = 0, first_step = 0, samples = 0, steps = 0;
  double seconds = 0;
};

Outcome improved(const Tasks& tasks, const step::TaskVerifiers& verifiers, std::uint64_t seed,
                 std::size_t samples) {
  step::proposer::LocalProposer proposer;
  strata::policies<Language> how;
  how.seed = seed;
  how.sampling.samples = samples;
  const auto report = strata::improve<Language>(tasks, proposer, verifiers, std::move(how));
  return {report.solved(), report.steps.empty() ? 0 : report.steps[0].solved_total, report.samples,
          report.steps.size(), report.seconds};
}

/// The same number of samples, without demonstrations.
Outcome without_learning(const Tasks& tasks, const step::TaskVerifiers& verifiers, std::uint64_t seed,
                         std::size_t samples, std::size_t budget) {
  Outcome out;
  Tasks open = tasks;
  while (!open.empty() && out.samples < budget) {
    step::proposer::LocalProposer proposer;
    strata::policies<Language> how;
    how.seed = seed;
    how.first_step = out.steps; // fresh randomness in every round
    how.sampling.samples = samples;
    const auto report = strata::improve<Language>(open, proposer, verifiers, std::move(how),
                                                  {.samples = budget - out.samples, .steps = 1});
    out.samples += report.samples;
    out.seconds += report.seconds;
    ++out.steps;
    Tasks left;
    for (const auto t : report.open) left.push_back(open[t]);
    open = std::move(left);
    if (out.steps == 1) out.first_step = tasks.size() - open.size();
  }
  out.solved = tasks.size() - open.size();
  return out;
}

struct Spread {
  double mean = 0, deviation = 0;
};

Spread spread(const std::vector<double>& values) {
  Spread s;
  for (const auto v : values) s.mean += v / static_cast<double>(values.size());
  for (const auto v : values) s.deviation += (v - s.mean) * (v - s.mean);
  if (values.size() > 1) s.deviation = std::sqrt(s.deviation / static_cast<double>(values.size() - 1));
  return s;
}

} // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, unsigned long otherwise) {
    return argc > i ? std::strtoul(argv[i], nullptr, 10) : otherwise;
  };
  const auto seeds = number(1, 5), samples = number(2, 64);
  const auto tasks = step::load_tasks(argc > 3 ? argv[3] : STRATA_SOURCE_DIR "/tasks");
  const step::TaskVerifiers verifiers(tasks);
  std::printf("%zu tasks, %lu samples at each of 3 temperatures, %lu seeds\n\n", tasks.size(), samples,
              seeds);
  std::printf("seed   first step   self-improvement   without demonstrations   samples   steps   seconds\n");
  std::vector<double> with, without, first;
  for (unsigned long seed = 1; seed <= seeds; ++seed) {
    const auto a = improved(tasks, verifiers, seed, samples);
    const auto b = without_learning(tasks, verifiers, seed, samples, a.samples);
    std::printf("%4lu %12zu %18zu %24zu %9zu %7zu %9.1f\n", seed, a.first_step, a.solved, b.solved, a.samples,
                a.steps, a.seconds);
    std::fflush(stdout);
    with.push_back(static_cast<double>(a.solved));
    without.push_back(static_cast<double>(b.solved));
    first.push_back(static_cast<double>(a.first_step));
  }
  const auto a = spread(with), b = spread(without), c = spread(first);
  std::printf("\nsolved, mean +- standard deviation: self-improvement %.1f +- %.1f, without demonstrations "
              "%.1f +- %.1f, "
              "first step %.1f +- %.1f\n",
              a.mean, a.deviation, b.mean, b.deviation, c.mean, c.deviation);
  return 0;
}
