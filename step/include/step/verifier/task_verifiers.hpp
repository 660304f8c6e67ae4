// SPDX-License-Identifier: MIT
// The verifiers of a whole task set as one Verifier of the core, so that `strata::improve<step::Language>`
// can use them.
#pragma once

#include "step/language.hpp"
#include "step/verifier/verifier.hpp"
#include "strata/verdict.hpp"

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace step {

class TaskVerifiers {
 public:
  /// Evaluates every task's references. Throws TaskError for a task that is itself broken.
  explicit TaskVerifiers(std::span<const std::shared_ptr<const Task>> tasks,
                         const VerifyOptions& options = {}) {
    for (const auto& task : tasks)
      verifiers_.emplace(task.get(), std::make_unique<const Verifier>(task, options));
  }
  /// The full verdict. Throws std::out_of_range for a task that is not of the set. Thread-safe.
  [[nodiscard]] Verdict check(const Language::task& task, const std::string& program) const {
    const auto it = verifiers_.find(task.get());
    if (it == verifiers_.end()) throw std::out_of_range("this task is not of the verifier's task set");
    return it->second->verify(program);
  }
  /// As the core wants it.
  [[nodiscard]] strata::verdict verify(const Language::task& task, const std::string& program) const {
    const auto v = check(task, program);
    return {v.pass, v.pass ? 1.0 : 0.0, v.feedback()};
  }

 private:
  std::unordered_map<const Task*, std::unique_ptr<const Verifier>> verifiers_;
};

} // namespace step
