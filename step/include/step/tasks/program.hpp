// SPDX-License-Identifier: MIT
// The text of a program as people and models hand it in: the program itself, or YAML with the key `impl`.
// Other keys of such YAML are ignored, with a warning: an answer may supply the program only.
#pragma once

#include "step/tasks/document.hpp"
#include "step/tasks/task_error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace step {

struct ProgramText {
  std::string impl;
  std::vector<std::string> warnings;
};

/// Reads a program from `text`. It is taken as YAML when some line begins with `impl:`, else as the program
/// itself; `yaml_only` demands the former. Throws TaskError (for `file`) when the YAML is malformed or its
/// `impl` is no text.
[[nodiscard]] inline ProgramText read_program(std::string_view text, std::string_view file,
                                              bool yaml_only = false) {
  const bool yaml = yaml_only || text.starts_with("impl:") || text.find("\nimpl:") != std::string_view::npos;
  if (!yaml) return {std::string(text), {}};
  const Yaml root = parse_yaml(text, file);
  const Yaml* impl = root.is_mapping() ? root.find("impl") : nullptr;
  if (impl == nullptr)
    throw TaskError(file, root.line, "the key 'impl' is missing or empty; put the program there");
  if (!impl->is_scalar())
    throw TaskError(file, impl->line, "'impl' must be a text; write it as a block (impl: |)");
  ProgramText out{impl->text, {}};
  for (const auto& key : root.keys)
    if (key != "impl" && out.warnings.size() < 16)
      out.warnings.push_back("the key " + excerpt(key) + " is ignored: an answer supplies impl only");
  return out;
}

} // namespace step
