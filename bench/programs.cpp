// SPDX-License-Identifier: MIT
// What one candidate costs on one core: parse, type check (its plan), the syntactic affine check, and
// verification from text to verdict (the single check, and with the confirmation of a pass), on the solutions
// of the 26 tasks. The task is loaded; nothing is
// remembered about the program.
#include "benchmarks.hpp"
#include "fixtures.hpp"
#include "heap.hpp"

#include <benchmark/benchmark.h>

#include <chrono>

namespace bench {

namespace {

/// One iteration does all solutions; reports the time per solution.
template <class F> void all_solutions(benchmark::State& state, const std::string& name, F each) {
  const auto count = solved_tasks().size();
  for (auto _ : state)
    for (std::size_t i = 0; i < count; ++i) each(i);
  state.counters["per_program"] =
      benchmark::Counter(static_cast<double>(count),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  double peak = 0;
  for (std::size_t i = 0; i < count; ++i)
    peak = std::max(peak, peak_bytes(name + std::to_string(i), [&] { return each(i), 0; }));
  state.counters["peak_bytes"] = peak;
}

std::vector<step::syntax::Tree> trees() {
  std::vector<step::syntax::Tree> out;
  for (const auto& solved : solved_tasks()) out.push_back(step::syntax::parse(solved.impl));
  return out;
}

using Verifiers = std::vector<std::unique_ptr<const step::Verifier>>;

Verifiers make_verifiers(bool published) {
  Verifiers out;
  for (const auto& solved : solved_tasks())
    out.push_back(
        std::make_unique<const step::Verifier>(solved.task, step::VerifyOptions{.published = published}));
  return out;
}

/// The single check.
const Verifiers& verifiers() {
  static const Verifiers all = make_verifiers(true);
  return all;
}
/// The single check and the confirmation of a pass.
const Verifiers& confirming() {
  static const Verifiers all = make_verifiers(false);
  return all;
}

void parse(benchmark::State& state) {
  all_solutions(state, "parse", [](std::size_t i) {
    const auto tree = step::syntax::parse(solved_tasks()[i].impl);
    benchmark::DoNotOptimize(tree.root);
  });
}

void type(benchmark::State& state) {
  const auto parsed = trees();
  all_solutions(state, "type", [&](std::size_t i) {
    step::Meter meter;
    benchmark::DoNotOptimize(verifiers()[i]->plan(parsed[i]).nodes.data());
  });
}

void affine(benchmark::State& state) {
  const auto parsed = trees();
  all_solutions(state, "affine", [&](std::size_t i) {
    benchmark::DoNotOptimize(step::affine::check_syntactic(parsed[i]).outcome);
  });
}

void verify(benchmark::State& state, std::size_t i) {
  const auto& verifier = *verifiers()[i];
  const auto& impl = solved_tasks()[i].impl;
  if (const auto v = verifier.verify(impl); !v.pass) {
    state.SkipWithError(v.feedback().c_str());
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(verifier.verify(impl).pass);
  state.counters["peak_bytes"] =
      peak_bytes("verify" + std::to_string(i), [&] { return verifier.verify(impl).pass; });
}

/// Solution after solution, each timed by itself: median and worst over the tasks, of every task's median.
void verify_all(benchmark::State& state, const Verifiers& (*verifiers)()) {
  const auto count = solved_tasks().size();
  std::vector<std::vector<double>> taken(count);
  for (auto _ : state)
    for (std::size_t i = 0; i < count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(verifiers()[i]->verify(solved_tasks()[i].impl).pass);
      const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
      taken[i].push_back(time.count());
    }
  std::vector<double> medians;
  for (auto& times : taken) medians.push_back(median(std::move(times)));
  const auto worst = std::max_element(medians.begin(), medians.end());
  state.SetLabel("worst: " + solved_tasks()[static_cast<std::size_t>(worst - medians.begin())].task->id);
  state.counters["worst_us"] = *worst;
  state.counters["median_us"] = median(medians);
}

} // namespace

void add_programs() {
  benchmark::RegisterBenchmark("parse", parse)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("type", type)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("affine", affine)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("verify/all", verify_all, verifiers)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("confirm/all", verify_all, confirming)->Unit(benchmark::kMicrosecond);
  for (std::size_t i = 0; i < solved_tasks().size(); ++i)
    benchmark::RegisterBenchmark(("verify/" + solved_tasks()[i].task->id).c_str(), verify, i)
        ->Unit(benchmark::kMicrosecond);
}

} // namespace bench
