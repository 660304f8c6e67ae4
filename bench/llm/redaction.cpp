// SPDX-License-Identifier: MIT
// How long keys take to be removed from long replies, against one search for one key with the standard
// library.
#include "strata/llm/redactor.hpp"
#include "strata/random.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>

namespace {

using strata::llm::redactor;

constexpr std::size_t size = 15'000'000;

std::string some_key() {
  strata::random_stream random({20});
  std::string key = "sk-proj-";
  for (int i = 0; i < 100; ++i)
    key += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"[random.below(64)];
  return key;
}
/// What models write, letters that look like keys, JSON full of escapes, nothing but keys.
std::string some_text(long kind) {
  strata::random_stream random({21});
  constexpr const char* words[] = {
      "the ", "stream ", "is ", "return ", "step.Map(", "x)", "\n  ", "for i in range(10):", "apply", ", "};
  std::string out;
  while (out.size() < size) switch (kind) {
    case 0:
      out += words[random.below(10)];
      break;
    case 1:
      out += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"[random.below(64)];
      break;
    case 2:
      out += random.chance(0.5) ? "\\n" : "\\u0073";
      break;
    default:
      out += some_key();
    }
  return out;
}

void redaction(benchmark::State& state) {
  const redactor hide{strata::llm::secret(some_key())};
  const std::string text = some_text(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    std::string copy = text;
    state.ResumeTiming();
    hide.clean(copy);
    benchmark::DoNotOptimize(copy.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(redaction)->ArgName("text")->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

void one_search(benchmark::State& state) {
  const std::string key = some_key();
  const std::string text = some_text(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(text.find(key));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(one_search)->ArgName("text")->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
