// SPDX-License-Identifier: MIT
// The learning curve of a run as a table of text: how many tasks are solved after each step.
// Shared by the end of a run and by reports.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace app {

/// One step, as stored.
struct StepRow {
  std::uint64_t step = 0, stratum = 0, strata = 0, demonstrations = 0, open = 0, solved_total = 0,
                samples = 0;
  std::uint64_t input_tokens = 0, output_tokens = 0;
  double cost_usd = 0, seconds = 0;
  std::vector<std::string> newly_solved;
};

/// A table with a bar per step.
[[nodiscard]] inline std::string curve_text(const std::vector<StepRow>& steps, std::uint64_t tasks) {
  constexpr std::uint64_t width = 26;
  std::string out = "step  strata  shown  open  solved                                samples  new\n";
  for (const StepRow& row : steps) {
    const std::uint64_t filled = tasks == 0 ? 0 : std::min(width, row.solved_total * width / tasks);
    const std::string strata =
        row.strata == 0 ? "-" : std::to_string(row.stratum + 1) + "/" + std::to_string(row.strata);
    char line[160];
    std::snprintf(line, sizeof line, "%4llu  %6s  %5llu  %4llu  %4llu/%-4llu ",
                  static_cast<unsigned long long>(row.step), strata.substr(0, 12).c_str(),
                  static_cast<unsigned long long>(row.demonstrations),
                  static_cast<unsigned long long>(row.open),
                  static_cast<unsigned long long>(row.solved_total), static_cast<unsigned long long>(tasks));
    out += line;
    out += std::string(filled, '#') + std::string(width - filled, '.');
    std::snprintf(line, sizeof line, "  %7llu  ", static_cast<unsigned long long>(row.samples));
    out += line;
    for (std::size_t i = 0; i < row.newly_solved.size() && i < 4; ++i)
      out += (i != 0 ? " " : "") + row.newly_solved[i].substr(0, 60);
    if (row.newly_solved.size() > 4) out += " .. (" + std::to_string(row.newly_solved.size()) + ")";
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

} // namespace app
