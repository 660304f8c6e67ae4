// SPDX-License-Identifier: MIT
// Every file is replaced as a whole, the summary last: it never tells of what is not there.
#include "run_results.hpp"

#include "line_reader.hpp"

#include <fstream>

namespace app {

RunResults::RunResults(std::filesystem::path run) : run_(std::move(run)) {
  const auto file = run_ / "steps.jsonl";
  const int descriptor = open_regular(file, O_RDONLY);
  if (descriptor < 0) return;
  ::close(descriptor);
  std::ifstream in(file, std::ios::binary);
  LineReader reader(in);
  while (const auto line = reader.next()) {
    std::string problem;
    const auto value = line->too_long ? json::value() : parse_json(line->text, problem);
    if (!value.is_object()) continue;
    ++steps_there_;
    samples_there_ += std::min<std::uint64_t>(count_or(value, "samples"), UINT32_MAX);
  }
}

void RunResults::add_step(std::string line, std::uint64_t samples, std::vector<Solution> solutions) {
  ++steps_;
  samples_ += samples;
  lines_.push_back(std::move(line));
  for (auto& solution : solutions) solutions_.push_back(std::move(solution));
}

void RunResults::write(const std::string& summary) {
  if (kept_back_ && (steps_ < steps_there_ || samples_ < samples_there_)) return;
  kept_back_ = false;
  for (const auto& solution : solutions_) {
    const auto file = run_ / "solutions" / (solution.id + ".yaml");
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error) {
      errno = error.value();
      cannot_write(file);
    }
    write_whole_file(file, solution.text);
  }
  solutions_.clear();
  if (!journal_) {
    std::string all;
    for (const auto& line : lines_) all += line + "\n";
    write_whole_file(run_ / "steps.jsonl", all);
    journal_.emplace(run_ / "steps.jsonl");
  } else {
    for (const auto& line : lines_) journal_->write(line);
    journal_->sync();
  }
  lines_.clear();
  write_whole_file(run_ / "summary.json", summary);
}

} // namespace app
