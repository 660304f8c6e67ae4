// SPDX-License-Identifier: MIT
// What all benchmarks run on: the bundled tasks with their solutions, larger sizes, and limits that let
// larger sizes run.
#pragma once

#include "step/tasks/load.hpp"
#include "step/tasks/program.hpp"
#include "step/verifier/verifier.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace bench {

inline const std::filesystem::path root = STRATA_SOURCE_DIR;

/// A bundled task and the text of the program that solves it.
struct Solved {
  std::shared_ptr<const step::Task> task;
  std::string impl;
};

/// All bundled tasks by id. Throws TaskError when a file cannot be used.
inline const std::vector<Solved>& solved_tasks() {
  static const auto all = [] {
    std::vector<Solved> out;
    for (auto& task : step::load_tasks(root / "tasks")) {
      const auto file = root / "step/solutions" / (task->id + ".yaml");
      auto impl = step::read_program(step::read_file(file), file.string(), true).impl;
      out.push_back({std::move(task), std::move(impl)});
    }
    return out;
  }();
  return all;
}

/// Enough for every bundled task at x16; the defaults stop at about x8.
inline constexpr step::Limits generous{
    .steps = 1'000'000'000, .work = 1'000'000'000'000, .elements = 100'000'000'000};

/// The usual sizes times `factor`. E belongs to a task and stays.
inline step::SizeAssignment scaled(std::int64_t factor) {
  step::SizeAssignment out;
  for (const auto& [name, size] : step::default_sizes) out.sizes.emplace_back(name, size * factor);
  return out;
}

/// The median of the values; 0 for none.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

} // namespace bench
