// SPDX-License-Identifier: MIT
// The verifier of a run: one Checker per task, behind the concept of the algorithm.
// It keeps detailed verdicts, which the run's files need and the algorithm does not.
#pragma once

#include "checker.hpp"

#include "strata/verdict.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace app {

using Tasks = std::vector<std::shared_ptr<const step::Task>>;

/// A `strata::Verifier` over the tasks of a run.
class Judge {
 public:
  /// Throws TaskError when a task is broken.
  explicit Judge(const Tasks& tasks, bool published = false) {
    CheckSettings settings;
    settings.published = published;
    for (const auto& task : tasks) checkers_.emplace(task.get(), Checker(task, settings));
  }
  [[nodiscard]] step::Verdict detailed(const step::Task& task, std::string_view program) const {
    return checkers_.at(&task).verify(program);
  }
  [[nodiscard]] strata::verdict verify(const std::shared_ptr<const step::Task>& task,
                                       const std::string& program) const {
    return verify(*task, program);
  }
  [[nodiscard]] strata::verdict verify(const step::Task& task, std::string_view program) const {
    const auto v = detailed(task, program);
    return {v.pass, v.pass ? 1.0 : 0.0, v.feedback()};
  }
  /// Takes the verdict of an earlier part of the run as given.
  void remember(const step::Task& task, std::string_view program, const step::Verdict& verdict) const {
    checkers_.at(&task).remember(program, verdict);
  }

 private:
  std::unordered_map<const step::Task*, Checker> checkers_;
};

} // namespace app
