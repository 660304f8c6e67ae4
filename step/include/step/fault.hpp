// SPDX-License-Identifier: MIT
// How the parts of the verifier tell each other that a program or a snippet is wrong: one exception type,
// caught by the verifier and turned into a verdict. It never leaves the verifier.
#pragma once

#include "step/message.hpp"
#include "step/syntax/ast.hpp"

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace step {

/// Why evaluation stopped.
enum class FaultKind : std::uint8_t {
  syntax,       ///< the text is not Python
  rejected,     ///< Python, but outside the language
  name,         ///< a name that nothing defines
  type,         ///< a broken precondition, or what Python would raise at run time
  value,        ///< found only while computing with data
  limit,        ///< steps, elements, recursion or text beyond the limits
  per_position, ///< not an error: a batched body needs data-dependent control flow, evaluate it position by
                ///< position
};

/// `message` is one or two lines that a model can act on; `at` is filled in by the innermost frame that knows
/// it.
struct Fault : std::exception {
  /// Bounds the message: it may quote whatever a program contains.
  Fault(FaultKind k, std::string m, syntax::Position p = {})
      : kind(k), message(bounded_message(std::move(m), longest)), at(p) {}
  /// So that a verdict's message can hold it and say where it arose.
  static constexpr std::size_t longest = longest_message - 500;
  [[nodiscard]] const char* what() const noexcept override { return message.c_str(); }

  FaultKind kind;
  std::string message;
  syntax::Position at;
  bool timed_out = false; ///< by the clock, so another machine or another time may see no fault
};

} // namespace step
