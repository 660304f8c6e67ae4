// SPDX-License-Identifier: MIT
// `strata verify --task`: one program against one task.
// The other form of the command, with --corpus, is in corpus.cpp.
#include "checker.hpp"
#include "corpus.hpp"
#include "failure.hpp"
#include "options.hpp"
#include "program_source.hpp"
#include "verdict_text.hpp"

#include "step/tasks/load.hpp"

#include <chrono>
#include <iostream>

namespace app {

namespace {

CheckSettings settings_of(const VerifyCommand& command) {
  CheckSettings settings;
  if (command.affine == "syntactic") settings.affine = step::AffineRule::syntactic;
  for (const auto& text : command.sizes) settings.extra_sizes.push_back(parse_sizes(text));
  settings.seeds = command.seeds;
  settings.published = command.published;
  return settings;
}

void print(const step::Task& task, const step::Verdict& v, std::string_view program) {
  std::cout << (v.pass ? "PASS " : "FAIL ") << printable(task.id);
  if (!v.pass) std::cout << ": " << step::name_of(v.stage);
  std::cout << '\n';
  if (!v.message.empty()) std::cout << printable(v.feedback()) << '\n';
  std::cout << pointed_line(program, v.at);
  std::cout << "affine: flow " << affine_text(v.affine_flow) << ", syntactic "
            << affine_text(v.affine_syntactic) << '\n';
  for (const auto& warning : v.warnings) std::cout << "warning: " << printable(warning) << '\n';
}

int verify_one(const VerifyCommand& command) {
  const auto task = std::make_shared<const step::Task>(step::load_task(command.task));
  const std::string program = read_program(*task, command.impl);
  const Checker checker(task, settings_of(command));
  const auto start = std::chrono::steady_clock::now();
  const auto verdict = checker.verify(program);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (command.json) {
    json::object out;
    out["task"] = json_string(task->id);
    put_verdict(out, verdict, seconds.count());
    json::array warnings;
    for (const auto& warning : verdict.warnings) warnings.push_back(json_string(warning));
    out["warnings"] = std::move(warnings);
    std::cout << to_text(out) << '\n';
  } else {
    print(*task, verdict, program);
  }
  return verdict.pass ? Exit::done : Exit::negative;
}

} // namespace

int verify(const VerifyCommand& command) {
  if (!command.corpus.empty()) {
    if (!command.task.empty() || !command.impl.empty())
      throw Failure("verify: --corpus goes with --tasks, not with --task or --impl; choose one form");
    return verify_corpus(command, settings_of(command));
  }
  if (command.task.empty())
    throw Failure("verify: neither --task nor --corpus is given; name a task file, see strata verify --help");
  return verify_one(command);
}

} // namespace app
