// SPDX-License-Identifier: MIT
// STeP as a language of the core: what a task is, what a program is, and when two programs are the same.
// With it `strata::improve<step::Language>` runs on STeP tasks.
#pragma once

#include "step/fault.hpp"
#include "step/syntax/normal_form.hpp"
#include "step/syntax/parser.hpp"
#include "step/tasks/task.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace step {

struct Language {
  using task = std::shared_ptr<const Task>; ///< shared and immutable
  using program = std::string;              ///< the text of `impl`

  /// Equal for programs that differ in names and layout only. A text that is no program is a class of its
  /// own. O(text).
  static std::uint64_t isomorphism_key(const program& text) {
    try {
      return syntax::isomorphism_key(syntax::parse(text));
    } catch (const Fault&) {
      return std::hash<std::string>{}(text);
    }
  }
};

} // namespace step
