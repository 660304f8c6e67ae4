// SPDX-License-Identifier: MIT
// `strata codegen`: the pytest file that runs a program on the Python prototype. Only programs that the
// verifier can run are written: others are no test of the prototype, and could do anything there. Written to
// standard output, or to a file that is complete or absent.
#include "checker.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "options.hpp"
#include "program_source.hpp"
#include "whole_file.hpp"

#include "step/codegen/pytest.hpp"
#include "step/tasks/load.hpp"

#include <iostream>
#include <memory>
#include <string>

namespace app {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw Failure("codegen: the program is refused: " + why); }

/// Streams used twice, wrong outputs and wrong values are for the prototype to show.
void require_runnable(const Checker& checker, const std::string& program) {
  const auto verdict = checker.verify(program);
  switch (verdict.stage) {
  case step::Stage::parse:
  case step::Stage::names:
  case step::Stage::type:
  case step::Stage::limit:
    refuse(verdict.feedback());
  default:
    return;
  }
}

std::string file_of(const step::Task& task, const std::string& program) {
  try {
    return step::pytest_file(task, program);
  } catch (const step::Fault& fault) {
    refuse((fault.at.line == 0 ? "" : "line " + std::to_string(fault.at.line) + ": ") + fault.message);
  }
}

} // namespace

int codegen(const CodegenCommand& command) {
  const auto shared = std::make_shared<const step::Task>(step::load_task(command.task));
  const step::Task& task = *shared;
  const std::string program = read_program(task, command.impl);
  require_runnable(Checker(shared), program);
  const std::string text = file_of(task, program);
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
