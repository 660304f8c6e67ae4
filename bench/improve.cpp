// SPDX-License-Identifier: MIT
// What the algorithm itself costs per sample: improve() with a sampler and a verifier that cost nothing, for
// many tasks and for many samples. One program in eight is right, so that there is something to keep.
#include "benchmarks.hpp"
#include "heap.hpp"

#include "strata/strata.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace bench {

namespace {

struct Numbers {
  using task = std::uint32_t;
  using program = std::uint64_t;
};

strata::report<Numbers> run(std::span<const std::uint32_t> tasks, std::size_t samples) {
  strata::from_function sampler{
      [](const strata::job<Numbers>& job) { return job.index() * 0x9E37'79B9'7F4A'7C15U; }};
  const strata::from_predicate verifier{
      [](std::uint32_t, std::uint64_t program) { return program >> 61U == 0; }};
  strata::policies<Numbers> how;
  how.sampling = {.samples = (samples + tasks.size() - 1) / tasks.size(), .temperatures = {1.0}};
  return strata::improve<Numbers>(tasks, sampler, verifier, std::move(how), {.samples = samples});
}

void improve(benchmark::State& state) {
  std::vector<std::uint32_t> tasks(static_cast<std::size_t>(state.range(0)));
  const auto samples = static_cast<std::size_t>(state.range(1));
  std::size_t drawn = 0, learnt = 0;
  for (auto _ : state) {
    const auto report = run(tasks, samples);
    drawn += report.samples;
    learnt = report.experience.size();
  }
  static std::map<std::pair<std::int64_t, std::int64_t>, HeapUse> known; // found out once
  const auto [it, is_new] = known.try_emplace({state.range(0), state.range(1)});
  if (is_new) it->second = heap_use([&] { return run(tasks, samples); });
  const auto use = it->second;
  const auto all = static_cast<double>(drawn) / static_cast<double>(state.iterations());
  state.counters["samples"] = all;
  state.counters["experience"] = static_cast<double>(learnt);
  state.counters["per_sample"] =
      benchmark::Counter(all, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["peak_bytes"] = static_cast<double>(use.peak);
  state.counters["peak_bytes_per_sample"] = static_cast<double>(use.peak) / all;
  state.counters["kept_bytes"] = static_cast<double>(use.kept);
}

} // namespace

void add_improve() {
  auto* b = benchmark::RegisterBenchmark("improve", improve);
  b->ArgNames({"tasks", "samples"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const auto tasks : {26, 1'000, 10'000, 100'000}) b->Args({tasks, 1'000'000});
  for (const auto samples : {10'000, 100'000, 10'000'000}) b->Args({26, samples});
}

} // namespace bench
