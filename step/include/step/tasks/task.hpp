// SPDX-License-Identifier: MIT
// One task: the interface a program must meet (inputs, functions, outputs) and the reference it is compared
// with. This is the structural IR in memory; tasks/load.hpp reads it from YAML.
#pragma once

#include "step/syntax/ast.hpp"
#include "step/types/dtype.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step {

/// The sizes every task has unless it, or the caller, says otherwise.
inline constexpr std::pair<std::string_view, std::int64_t> default_sizes[] = {
    {"M", 5}, {"N", 7}, {"K", 9}, {"D", 16}};

/// A piece of the author's code, parsed when the task was loaded; the tree is shared between copies of the
/// task.
struct Snippet {
  std::string text;
  std::shared_ptr<const syntax::Tree> tree; ///< null when there is no snippet
  std::uint32_t file_line = 0;              ///< line of the file on which the text starts
};

/// How the values of an input or a parameter are drawn.
enum class Generator : std::uint8_t {
  uniform,  ///< `torch.rand`: [0, 1)
  normal,   ///< `torch.randn`
  ones,     ///< `torch.ones`
  zeros,    ///< `torch.zeros`
  binary,   ///< 0 or 1, fair
  multihot, ///< min..max ones at distinct random places of each vector
};

/// An input stream, or a parameter (a plain array that functions see; `dims` innermost first as well).
struct Input {
  std::string name;
  StreamType type;
  Generator generator = Generator::uniform;
  std::int64_t min = 1, max = 1; ///< for Generator::multihot
};

/// A function the program may hand to Map, Accum, Scan or Merge.
struct Function {
  std::string class_name; ///< `name` in the file; not unique
  std::string name;       ///< `func_name`: what programs call it
  DType input, output;
  Snippet apply;
  std::optional<std::vector<double>>
      init; ///< one constant per component of the state; set for stateful functions
};

struct Output {
  std::string name;
  StreamType type;
  std::vector<Snippet>
      data_transform; ///< one per field of the dtype; the last expression is the expected array
};

struct Task {
  std::string id;        ///< folder/basename without extension: unique in a task set
  std::string test_name; ///< the author's label; not unique
  std::string file;      ///< where it was read from, for messages
  Snippet global;
  std::vector<Input> inputs;
  std::vector<Input> parameters;
  std::vector<Function> functions;
  std::vector<Output> outputs;
  std::optional<std::string> impl; ///< a program, when the file carries one

  [[nodiscard]] const Function* function(std::string_view name) const {
    for (const auto& f : functions)
      if (f.name == name) return &f;
    return nullptr;
  }
};

} // namespace step
