// SPDX-License-Identifier: MIT
// Verifies the solution of one task N times, text in and verdict out, for tests/instructions/count to count
// the instructions of; without arguments, names its compiler. Nothing here depends on time or on another
// thread.
#include "step/tasks/load.hpp"
#include "step/tasks/program.hpp"
#include "step/verifier/verifier.hpp"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#define STRATA_TEXT_OF(macro) #macro
#define STRATA_TEXT(macro) STRATA_TEXT_OF(macro)

#ifdef __clang__
constexpr auto compiler = "Clang-" STRATA_TEXT(__clang_major__);
#else
constexpr auto compiler = "GNU-" STRATA_TEXT(__GNUC__);
#endif

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cout << compiler << "\n"; // counts are stored by compiler
    return 0;
  }
  const std::string root = STRATA_SOURCE_DIR, id = argv[1];
  const auto task = std::make_shared<const step::Task>(step::load_task(root + "/tasks/" + id + ".yaml", id));
  const std::string file = root + "/step/solutions/" + id + ".yaml";
  const std::string impl = step::read_program(step::read_file(file), file, true).impl;
  const step::Verifier verifier(task, {.published = true}); // the single check
  for (auto n = std::strtoul(argv[2], nullptr, 10); n > 0; --n)
    if (const auto verdict = verifier.verify(impl); !verdict.pass) {
      std::cerr << id << ": " << verdict.feedback() << "\n";
      return 1;
    }
  return 0;
}
