// SPDX-License-Identifier: MIT
// Runs a text of the Python subset without any host, for the tests of the interpreter.
#pragma once

#include "step/interpreter/builtins.hpp"
#include "step/syntax/parser.hpp"

#include <string>

namespace step {

/// repr() of the last expression, or "!", the number of the kind of fault and its message when the text
/// fails.
inline std::string run_text(const std::string& text) {
  try {
    const auto tree = syntax::parse(text);
    interp::Heap heap;
    interp::Host host;
    interp::Interpreter in(heap, host);
    auto* root = heap.make<interp::Frame>(tree, nullptr, nullptr, false);
    for (std::size_t id = 0; id < tree.names().size(); ++id)
      if (auto* native = interp::builtin(tree.names()[id])) root->slots[id] = native;
    return in.text(in.run_to_value(tree, *root), true);
  } catch (const Fault& fault) {
    return "!" + std::to_string(static_cast<int>(fault.kind)) + " " + fault.message;
  }
}

} // namespace step
