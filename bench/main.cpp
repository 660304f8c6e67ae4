// SPDX-License-Identifier: MIT
// All benchmarks in one program, so that one run holds the calibration and what is compared with it.
// `--benchmark_filter=REGEX`, `--benchmark_format=json`, and Google Benchmark's other options apply.
#include "benchmarks.hpp"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
#ifdef __clang__
  benchmark::AddCustomContext("compiler", __VERSION__);
#else
  benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
#endif
  bench::add_calibration();
  bench::add_programs();
  bench::add_corpus();
  bench::add_simulation();
  bench::add_grouping();
  bench::add_improve();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
