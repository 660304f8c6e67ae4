// SPDX-License-Identifier: MIT
// The outcome of verifying one program, in words that a model or a person can act on.
#pragma once

#include "step/syntax/ast.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace step {

/// The stages of verification in order; a verdict names the first that fails.
enum class Stage : std::uint8_t {
  passed,
  parse,  ///< not Python, or a construct outside the language
  names,  ///< a name that nothing defines
  type,   ///< a broken precondition of an operator, or what Python would raise
  affine, ///< a stream consumed twice
  shape,  ///< number, dtype or dims of the outputs
  values, ///< values differ from the reference, or computing them failed
  limit,  ///< steps, elements, recursion or text beyond the limits
};

[[nodiscard]] constexpr std::string_view name_of(Stage s) {
  constexpr std::string_view names[] = {"passed", "parse", "names",  "type",
                                        "affine", "shape", "values", "limit"};
  return names[static_cast<std::size_t>(s)];
}

/// What an affine checker says.
enum class Affine : std::uint8_t { pass, violation, error };

/// Which affine checker decides.
enum class AffineRule : std::uint8_t { flow, syntactic };

struct Verdict {
  bool pass = false;       ///< functional, and the deciding affine checker passed
  bool functional = false; ///< every stage but affine holds
  /// The published check passes: one seed at the default sizes, and the deciding affine checker. With a
  /// program that does not pass: the confirmation has found it wrong.
  bool published = false;
  Stage stage = Stage::parse;
  Affine affine_flow = Affine::error;
  Affine affine_syntactic = Affine::error;
  syntax::Position at; ///< in the program's text; {0, 0} when no place is to blame
  /// One or two lines: what was expected, what was got; at most `longest_message` bytes without controls.
  std::string message;
  /// For instance ignored configuration keywords; at most 20, of at most 256 bytes each.
  std::vector<std::string> warnings;
  /// Ended by the clock (stage limit): it depends on the machine's speed and must not be remembered.
  bool timed_out = false;

  /// "line 3, column 7: .." as it is shown to a model; empty for a pass.
  [[nodiscard]] std::string feedback() const {
    if (at.line == 0) return message;
    return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": " + message;
  }
};

} // namespace step
