// SPDX-License-Identifier: MIT
// The verifier of a run: one Checker per task, behind the concept of the algorithm. What was judged before is
// not judged again, and a program that may have killed the process is tried in another one first.
#pragma once

#include "checker.hpp"
#include "run_directory.hpp"

#include "step/language.hpp"
#include "strata/job.hpp"
#include "strata/verdict.hpp"

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace app {

using Tasks = std::vector<std::shared_ptr<const step::Task>>;

/// A `strata::Verifier` over the tasks of a run.
class Judge {
 public:
  /// Throws TaskError when a task is broken. The arguments must outlive it.
  explicit Judge(const Tasks& tasks, bool published = false);

  /// Takes the verdicts of an earlier part of the run for what they are: for the samples they belong to, and
  /// for equal programs of other samples. The samples must outlive it.
  void remember(const StoredSamples& samples);
  /// Notes in `state` what is being verified; what is suspected there is tried in a process of its own,
  /// which loads the tasks from `tasks_directory`. The state must outlive it.
  void watch(RunState& state, std::filesystem::path tasks_directory);

  [[nodiscard]] step::Verdict detailed(const step::Task& task, std::string_view program) const;
  [[nodiscard]] strata::verdict verify(const std::shared_ptr<const step::Task>& task,
                                       const std::string& program) const {
    return verify(*task, program);
  }
  [[nodiscard]] strata::verdict verify(const step::Task& task, std::string_view program) const;
  [[nodiscard]] strata::verdict verify_sample(const strata::job<step::Language>& job,
                                              const std::string& program) const;
  /// The details of the verdict that this thread was given last.
  [[nodiscard]] static const step::Verdict& last();

 private:
  struct Hash {
    std::size_t operator()(const digest& d) const noexcept {
      std::size_t value = 0;
      std::memcpy(&value, d.data(), sizeof value);
      return value;
    }
  };
  [[nodiscard]] step::Verdict verify_noted(const step::Task& task, std::string_view program,
                                           const ProgramName& name) const;
  [[nodiscard]] step::Verdict try_suspect(const step::Task& task, std::string_view program,
                                          const ProgramName& name) const;

  const Tasks& tasks_;
  const bool published_;
  std::unordered_map<const step::Task*, Checker> checkers_;
  const StoredSamples* stored_ = nullptr;
  std::unordered_map<digest, const step::Verdict*, Hash> known_;
  RunState* state_ = nullptr;
  std::filesystem::path tasks_directory_;
  mutable std::mutex trial_;
  mutable std::unordered_map<digest, step::Verdict, Hash> tried_; ///< in a process of their own
};

} // namespace app
