// SPDX-License-Identifier: MIT
// Isomorphism grouping: classes of 10 to 100,000 programs that all differ as texts.
#include "benchmarks.hpp"
#include "fixtures.hpp"
#include "heap.hpp"

#include "step/language.hpp"
#include "strata/isomorphism.hpp"

#include <benchmark/benchmark.h>

namespace bench {

namespace {

/// Texts that all differ, in 26 classes.
std::vector<std::string> programs(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(solved_tasks()[i % solved_tasks().size()].impl + "# variant " + std::to_string(i) + "\n");
  return out;
}

void group(benchmark::State& state) {
  const auto texts = programs(static_cast<std::size_t>(state.range(0)));
  const auto classes = [&] { return strata::isomorphism_classes<step::Language>(texts); };
  for (auto _ : state) benchmark::DoNotOptimize(classes().data());
  state.counters["classes"] = static_cast<double>(classes().size());
  state.counters["per_program"] =
      benchmark::Counter(static_cast<double>(texts.size()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["peak_bytes"] = peak_bytes("group" + std::to_string(texts.size()), classes);
}

} // namespace

void add_grouping() {
  benchmark::RegisterBenchmark("group", group)
      ->ArgName("programs")
      ->RangeMultiplier(10)
      ->Range(10, 100'000)
      ->Unit(benchmark::kMicrosecond);
}

} // namespace bench
