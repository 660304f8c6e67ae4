// SPDX-License-Identifier: MIT
// A fixed mix of integer, memory and floating-point work that no change of this project alters. A benchmark
// divided by it can be compared between runs, loads and (roughly) machines. Do not change it: every stored
// baseline would be void.
#include "benchmarks.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

namespace {

std::uint64_t next(std::uint64_t& state) {
  state ^= state << 13U;
  state ^= state >> 7U;
  return state ^= state << 17U;
}

/// Sorting: integers, and branches that cannot be predicted.
std::uint64_t integers(std::vector<std::uint64_t>& numbers, std::uint64_t seed) {
  for (auto& n : numbers) n = next(seed);
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

/// A walk along a random cycle through 512 KiB: latency of the caches, but not of what neighbours share.
std::uint32_t memory(const std::vector<std::uint32_t>& follows, std::size_t steps) {
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < steps; ++i) at = follows[at];
  return at;
}

/// Polynomials: dependent multiplications and additions.
double floats(std::vector<double>& values) {
  double sum = 0;
  for (auto& x : values) {
    double y = 1;
    for (int k = 0; k < 16; ++k) y = y * x + 0.5;
    sum += x = y - static_cast<double>(static_cast<std::int64_t>(y));
  }
  return sum;
}

void calibration(benchmark::State& state) {
  std::vector<std::uint64_t> numbers(8192);
  std::vector<double> values(8192, 0.25);
  std::vector<std::uint32_t> follows(std::size_t{1} << 17U);
  for (std::uint32_t i = 0; i < follows.size(); ++i) follows[i] = i;
  std::uint64_t seed = 1;
  for (std::size_t i = follows.size() - 1; i > 0; --i) // Sattolo: a single cycle
    std::swap(follows[i], follows[next(seed) % i]);
  for (auto _ : state) {
    benchmark::DoNotOptimize(integers(numbers, 42));
    benchmark::DoNotOptimize(memory(follows, 32'768));
    benchmark::DoNotOptimize(floats(values));
  }
}

} // namespace

void add_calibration() {
  benchmark::RegisterBenchmark("calibration", calibration)->Unit(benchmark::kMicrosecond)->Repetitions(9);
}

} // namespace bench
