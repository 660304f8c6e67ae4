// SPDX-License-Identifier: MIT
// Answers of `strata mock-llm` with the embedded proposer's programs: recognises the task and the
// demonstrations in the prompt, and plays the guardian where a program is all there is.
#pragma once

#include "step/tasks/task.hpp"
#include "strata/llm/mock/answers.hpp"

#include <memory>
#include <vector>

namespace app::mock {

struct ProposerSettings {
  strata::llm::mock::wrapping how = strata::llm::mock::wrapping::varied;
  double careless = 0; ///< share of the programs whose copies are left out, so that a guardian has work
};

/// A task is recognised by the last of: a line `# task: ID`; a line `test_name: NAME`; the names of all its
/// inputs, functions and outputs. Earlier marked tasks with a program behind them are demonstrations. A
/// program with no task behind it asks for the guardian. A task shown as Python is answered
/// with a function. Equal questions give equal texts.
[[nodiscard]] strata::llm::mock::answerer
proposer_answers(std::vector<std::shared_ptr<const step::Task>> tasks, ProposerSettings settings);

} // namespace app::mock
