// SPDX-License-Identifier: MIT
// What a report needs of a run directory, read with tolerance: a run that crashed or goes on has incomplete
// files, and files from elsewhere may contain anything.
#pragma once

#include "curve.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace app {

/// The first step of one task: answers by class of equal programs, and what they used.
struct TaskAnswers {
  double pass_at_1 = 0, pass_at_n = 0; ///< at the task's best temperature
  std::uint64_t samples = 0, input_tokens = 0, output_tokens = 0;
  std::uint64_t correct = 0, wrong = 0;
  std::uint64_t correct_classes = 0, wrong_classes = 0, all_classes = 0;
};

struct RunFiles {
  std::vector<std::string> tasks; ///< ids
  std::string mode, model, ended;
  double seconds = 0;
  std::vector<StepRow> steps;
  std::map<std::string, TaskAnswers> answers; ///< of the first step
  bool first_cut = false; ///< the first step was cut short: its rates are of what was seen, no estimates
  std::uint64_t samples = 0, failed_requests = 0;
  std::uint64_t requests = 0, cached_tokens = 0; ///< of a language model
  bool cost_known = true;
  double cost_usd = 0; ///< as summary.json has it: the sum over steps may differ in the last digit
  std::uint64_t damaged_lines = 0;
};

/// Throws Failure when the directory is no run. O(files); memory does not grow with the number of samples of
/// a task beyond 8 bytes for each distinct program.
[[nodiscard]] RunFiles read_run(const std::filesystem::path& run);

/// The folder of an id: its group.
[[nodiscard]] inline std::string group_of(const std::string& id) {
  const auto slash = id.rfind('/');
  return slash == std::string::npos ? "-" : id.substr(0, slash);
}

} // namespace app
