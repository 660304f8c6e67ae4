// SPDX-License-Identifier: MIT
// Evaluation of every task's solution (its plan is made, its inputs are there) with M, N, K and D multiplied
// by 1 to 16, as time per stream element.
#include "benchmarks.hpp"
#include "fixtures.hpp"
#include "heap.hpp"

#include <benchmark/benchmark.h>

namespace bench {

namespace {

/// What flows through the streams of a plan, all streams together.
struct Volume {
  double elements = 0; ///< positions: what a scalar simulator would handle one by one
  double values = 0;   ///< numbers: an element that is a buffer or a tuple holds several
};

Volume volume(const step::Plan& plan, const step::TaskInstance& instance) {
  const auto& bindings = instance.bindings();
  Volume out;
  try {
    for (const auto& stream : plan.streams) {
      double elements = 1;
      for (const auto& dim : stream.shape) elements *= static_cast<double>(dim.evaluate(bindings));
      out.elements += elements;
      for (const auto& field : stream.dtype.fields) {
        double values = elements;
        for (const auto axis : field.axes(bindings)) values *= static_cast<double>(axis);
        out.values += values;
      }
    }
  } catch (const step::Fault&) { // sizes that the data decide (Partition): look at the streams themselves
    out = {};
    auto all = plan;
    all.outputs.clear();
    for (step::StreamId id = 0; id < plan.streams.size(); ++id) all.outputs.push_back(id);
    const auto streams = step::evaluate(all, instance);
    for (std::size_t id = 0; id < streams.size(); ++id)
      for (std::size_t f = 0; f < streams[id].size(); ++f) {
        const auto values = static_cast<double>(streams[id][f].numel());
        double each = 1;
        for (const auto axis : plan.streams[id].dtype.fields[f].axes(bindings))
          each *= static_cast<double>(axis);
        out.values += values;
        if (f == 0) out.elements += values / each;
      }
  }
  return out;
}

void simulate(benchmark::State& state, const Solved& solved) {
  const step::Verifier verifier(solved.task, {.published = true});
  const auto plan = verifier.plan(step::syntax::parse(solved.impl));
  const step::TaskInstance instance(*solved.task, scaled(state.range(0)), 42, step::tensor::DType::float32,
                                    generous);
  try {
    const auto run = [&] {
      step::Meter meter(generous);
      return step::evaluate(plan, instance);
    };
    for (auto _ : state) benchmark::DoNotOptimize(run().data());
    step::Meter meter(generous);
    const auto flowing = volume(plan, instance);
    const auto per = [](double count) {
      return benchmark::Counter(count,
                                benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    };
    state.counters["elements"] = flowing.elements;
    state.counters["values"] = flowing.values;
    state.counters["per_element"] = per(flowing.elements);
    state.counters["per_value"] = per(flowing.values);
    state.counters["peak_bytes"] = peak_bytes(solved.task->id + std::to_string(state.range(0)), run);
  } catch (const step::Fault& fault) {
    state.SkipWithError(fault.message.c_str());
  }
}

} // namespace

void add_simulation() {
  for (const auto& solved : solved_tasks())
    benchmark::RegisterBenchmark(("simulate/" + solved.task->id).c_str(),
                                 [&solved](benchmark::State& state) { simulate(state, solved); })
        ->ArgName("x")
        ->RangeMultiplier(2)
        ->Range(1, 16)
        ->Unit(benchmark::kMicrosecond);
}

} // namespace bench
