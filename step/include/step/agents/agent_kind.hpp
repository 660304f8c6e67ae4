// SPDX-License-Identifier: MIT
// Which agent: what form its model is to write in, whether a guardian checks, how often feedback is given.
// Plain data, for configurations; agents.hpp makes samplers of it.
#pragma once

#include <cstdint>

namespace step::agents {

/// What the model was asked to write.
enum class AnswerForm : std::uint8_t {
  yaml,   ///< the key `impl` with the body of the program
  python, ///< a function whose parameters are the input streams
};

/// Who looks at a proposal before it is a sample.
enum class Guardian : std::uint8_t {
  none,
  always,     ///< as published: for every proposal, nothing is verified in between
  if_refused, ///< only for programs that the affine check refuses: cheaper, and spoils no good program
};

/// Which agent. The modes of `strata run`: single {}; single-no-ir {.form = python}; agent and iterative
/// {.guardian = always}, each with `repairs`.
struct AgentKind {
  AnswerForm form = AnswerForm::yaml;
  Guardian guardian = Guardian::none;
  std::uint32_t repairs = 0; ///< rounds of feedback at most

  friend bool operator==(const AgentKind&, const AgentKind&) = default;
};

} // namespace step::agents
