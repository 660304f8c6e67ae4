// SPDX-License-Identifier: MIT
// Verdicts on the regression corpus (correct, wrong and hostile programs), every line verified anew, on one
// and two threads. Reading the lines is not part of it; `strata verify --corpus` adds that.
#include "benchmarks.hpp"
#include "fixtures.hpp"
#include "heap.hpp"

#include <benchmark/benchmark.h>
#include <boost/json.hpp>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

namespace bench {

namespace {

struct Line {
  const step::Verifier* verifier;
  std::string impl;
};

const std::vector<Line>& lines() {
  static std::map<std::string, std::unique_ptr<const step::Verifier>> verifiers;
  static const auto all = [] {
    for (const auto* folder : {"tasks", "tests/corpus/tasks"})
      for (const auto& task : step::load_tasks(root / folder))
        verifiers[task->id] =
            std::make_unique<const step::Verifier>(task, step::VerifyOptions{.published = true});
    std::vector<Line> out;
    std::ifstream programs(root / "tests/corpus/programs.jsonl");
    for (std::string line; std::getline(programs, line);) {
      const auto program = boost::json::parse(line).as_object();
      out.push_back({verifiers.at(std::string(program.at("task").as_string())).get(),
                     std::string(program.at("impl").as_string())});
    }
    return out;
  }();
  return all;
}

/// All lines once; the number of passes.
std::size_t verdicts(std::size_t threads) {
  std::atomic<std::size_t> next{0}, passes{0};
  const auto work = [&] {
    constexpr std::size_t batch = 16;
    for (std::size_t begin = 0; (begin = next.fetch_add(batch)) < lines().size();)
      for (std::size_t i = begin; i < std::min(begin + batch, lines().size()); ++i)
        passes += lines()[i].verifier->verify(lines()[i].impl).pass ? 1 : 0;
  };
  std::vector<std::jthread> others;
  for (std::size_t t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  others.clear();
  return passes;
}

void corpus(benchmark::State& state) {
  const auto threads = static_cast<std::size_t>(state.range(0));
  const auto passes = verdicts(threads);
  for (auto _ : state)
    if (verdicts(threads) != passes) state.SkipWithError("verdicts differ from run to run");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lines().size()));
  state.counters["lines"] = static_cast<double>(lines().size());
  state.counters["passes"] = static_cast<double>(passes);
  state.counters["peak_bytes"] =
      peak_bytes("corpus" + std::to_string(threads), [&] { return verdicts(threads); });
}

} // namespace

void add_corpus() {
  benchmark::RegisterBenchmark("corpus", corpus)
      ->ArgName("threads")
      ->Arg(1)
      ->Arg(2)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

} // namespace bench
