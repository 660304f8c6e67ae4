// SPDX-License-Identifier: MIT
// Reads the program that a command is about: from a file, from standard input, or from the task file itself.
// Warnings go to standard error at once.
#pragma once

#include "failure.hpp"
#include "verdict_text.hpp"

#include "step/tasks/program.hpp"
#include "step/tasks/task.hpp"

#include <cstdio>
#include <iostream>
#include <string>

namespace app {

/// `impl` is a file name, "-" for standard input, or empty for the program in the task file. At most 1 MiB.
/// Throws Failure or step::TaskError.
[[nodiscard]] inline std::string read_program(const step::Task& task, const std::string& impl) {
  if (impl.empty()) {
    if (task.impl) return *task.impl;
    throw Failure(
        task.file +
        ": the task has no 'impl'; name a program with --impl FILE, or --impl - for standard input");
  }
  step::ProgramText program;
  if (impl == "-") {
    std::string text(step::largest_file + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), stdin));
    if (text.size() > step::largest_file)
      throw Failure("standard input: the program is larger than 1 MiB; shorten it");
    program = step::read_program(text, "standard input");
  } else {
    const bool yaml = impl.ends_with(".yaml") || impl.ends_with(".yml");
    program = step::read_program(step::read_file(impl), impl, yaml);
  }
  for (const auto& warning : program.warnings) std::cerr << "strata: warning: " << printable(warning) << '\n';
  return std::move(program.impl);
}

} // namespace app
