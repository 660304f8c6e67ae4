// SPDX-License-Identifier: MIT
// A task as a prompt shows it: the structural IR in YAML, or the same facts as plain Python for a model that
// works without the IR.
#pragma once

#include "step/agents/answer.hpp"
#include "step/codegen/python_text.hpp"
#include "step/tasks/task.hpp"
#include "step/tasks/write.hpp"

#include <string>
#include <string_view>

namespace step::agents {

namespace detail {

/// A snippet as the body of a function: its last expression is returned. What is no complete Python stays as
/// it is.
[[nodiscard]] inline std::string python_body(std::string_view text, bool returns_last) {
  try {
    const codegen::PythonBlock block(text);
    return block.indented(4, returns_last && block.last_is_expression() ? "return " : "");
  } catch (const Fault&) {
    std::string out;
    for (const auto line : lines_of(text)) out.append("    ").append(line).append("\n");
    return out;
  }
}

inline void python_inputs(std::string& out, std::string_view title, const std::vector<Input>& inputs) {
  if (inputs.empty()) return;
  out.append("# ").append(title).append("\n");
  for (const Input& input : inputs)
    out += input.name + ": step.Stream(dtype=" + step::detail::yaml_dtype(input.type.dtype) +
           ", dims=" + step::detail::yaml_dims(input.type.shape) + ")\n";
}

} // namespace detail

/// The task in the format of task files, without a program. O(task).
[[nodiscard]] inline std::string yaml_of(const Task& task) {
  Task bare = task;
  bare.impl.reset();
  return to_yaml(bare);
}

/// The task as Python declarations. O(task).
[[nodiscard]] inline std::string python_of(const Task& task) {
  using namespace detail;
  std::string out = "# test_name: " + codegen::python_comment(task.test_name) + "\n";
  if (task.global.tree) {
    out += "# known to the functions below\n";
    for (const auto line : lines_of(task.global.text)) out.append(line).append("\n");
  }
  python_inputs(out, "input streams, dims innermost first", task.inputs);
  python_inputs(out, "arrays known to the functions below", task.parameters);
  if (!task.functions.empty()) out += "# functions for step.Map, step.Accum, step.Scan and step.Merge\n";
  for (const Function& f : task.functions) {
    out += "def " + f.name + (f.init ? "(state, input):" : "(input):") + "  # " +
           step::detail::yaml_dtype(f.input) + " -> " + step::detail::yaml_dtype(f.output);
    if (f.init) {
      out += ", init [";
      for (std::size_t i = 0; i < f.init->size(); ++i)
        out += (i != 0 ? ", " : "") + step::detail::yaml_constant((*f.init)[i]);
      out += "]";
    }
    out += "\n" + python_body(f.apply.text, false);
  }
  out += "# output streams in this order, each with the array it must hold\n";
  for (const Output& o : task.outputs)
    for (std::size_t i = 0; i < o.data_transform.size(); ++i) {
      out += "def " + o.name + (o.data_transform.size() > 1 ? "_field" + std::to_string(i) : "") +
             "(input_data):  # dtype " + step::detail::yaml_dtype(o.type.dtype) + ", dims " +
             step::detail::yaml_dims(o.type.shape) + "\n";
      out += python_body(o.data_transform[i].text, true);
    }
  return out;
}

/// The task in the form that goes with the answer.
[[nodiscard]] inline std::string task_text(const Task& task, AnswerForm form) {
  return form == AnswerForm::yaml ? yaml_of(task) : python_of(task);
}

/// A program as an answer in that form, without a fence.
[[nodiscard]] inline std::string answer_text(const Task& task, std::string_view program, AnswerForm form) {
  std::string out;
  if (form == AnswerForm::yaml) {
    out = "impl: |\n";
    for (const auto line : detail::lines_of(program))
      out.append(line.empty() ? "" : "  ").append(line).append("\n");
    return out;
  }
  out = "def program(";
  for (const Input& input : task.inputs) out += (&input == &task.inputs.front() ? "" : ", ") + input.name;
  out += "):\n";
  for (const auto line : detail::lines_of(program))
    out.append(line.empty() ? "" : "    ").append(line).append("\n");
  return out;
}

/// What the extraction needs to know of a task.
[[nodiscard]] inline AnswerContext context_of(const Task& task) {
  AnswerContext out;
  for (const Input& i : task.inputs) out.inputs.push_back(i.name);
  for (const Function& f : task.functions) out.functions.push_back(f.name);
  return out;
}

} // namespace step::agents
