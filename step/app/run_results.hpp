// SPDX-License-Identifier: MIT
// What a run comes to, in its directory: steps.jsonl, solutions, summary.json. A resumed run begins anew, and
// what it comes to takes the place of what is there only when it is worth as much.
#pragma once

#include "run_directory.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace app {

class RunResults {
 public:
  /// Reads how much is there already; reading never fails for what the files contain. Throws Failure when
  /// they cannot be read.
  explicit RunResults(std::filesystem::path run);

  struct Solution {
    std::string id, text;
  };
  /// A step is over: its line of steps.jsonl, the samples judged in it, and what it solved.
  void add_step(std::string line, std::uint64_t samples, std::vector<Solution> solutions);
  /// To be called after each step. Throws Failure when the disk is full, with the old files as they were.
  void write(const std::string& summary);
  /// The run went to its end: what it came to counts, whatever there was.
  void complete() { kept_back_ = false; }

  /// Whether the files still are those of the earlier parts of the run, which had come farther.
  [[nodiscard]] bool kept_back() const { return kept_back_; }

 private:
  std::filesystem::path run_;
  std::uint64_t steps_there_ = 0, samples_there_ = 0;
  std::uint64_t steps_ = 0, samples_ = 0;
  bool kept_back_ = true;
  std::vector<std::string> lines_;  // of all steps until they are written
  std::vector<Solution> solutions_; // not written yet
  std::optional<Journal> journal_;  // once steps.jsonl is ours
};

} // namespace app
