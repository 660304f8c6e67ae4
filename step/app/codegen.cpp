// SPDX-License-Identifier: MIT
// `strata codegen`: the pytest file that runs a program on the Python prototype.
// Written to standard output, or to a file that is complete or absent.
#include "failure.hpp"
#include "json.hpp"
#include "options.hpp"
#include "program_source.hpp"
#include "whole_file.hpp"

#include "step/codegen/pytest.hpp"
#include "step/tasks/load.hpp"

#include <iostream>

namespace app {

int codegen(const CodegenCommand& command) {
  const auto task = step::load_task(command.task);
  const std::string program = read_program(task, command.impl);
  const std::string text = step::pytest_file(task, program);
  if (!command.out.empty()) write_whole_file(command.out, text);
  if (command.json) {
    json::object out;
    out["task"] = json_string(task.id);
    out["file"] = command.out.empty() ? json::value(nullptr) : json::value(json_string(command.out));
    if (command.out.empty()) out["text"] = json_string(text);
    std::cout << to_text(out) << '\n';
  } else if (command.out.empty()) {
    std::cout << text;
  }
  return Exit::done;
}

} // namespace app
