// SPDX-License-Identifier: MIT
// The `strata` command line: options, help, and one line of explanation for whatever goes wrong.
// What the commands do is in the file of the command's name.
#include "failure.hpp"
#include "mock_llm.hpp"
#include "nearest.hpp"
#include "options.hpp"
#include "verdict_text.hpp"

#include "strata/llm/redactor.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using app::Failure;

constexpr const char* exit_codes = "Exit codes: 0 done, or the program passed; 1 the program is wrong, or "
                                   "the run ended by budget, interrupt or failure;\n"
                                   "2 bad usage, or an input or output that cannot be used.";

void add_data(CLI::App& command, app::DataOptions& data) {
  command.add_option("--tasks", data.tasks, "directory with task files (default: the bundled tasks)")
      ->type_name("DIR");
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "print JSON instead of text");
}

void add_published(CLI::App& command, bool& published) {
  command.add_flag("--published", published,
                   "check once, as published: one seed at the default sizes; do not confirm a pass");
}

void add_verify(CLI::App& root, app::VerifyCommand& o) {
  auto& c = *root.add_subcommand("verify", "verify one program, or a corpus of programs");
  c.footer("Examples: strata verify --task tasks/bmm/bmm_0.yaml --impl program.py\n"
           "          strata verify --corpus programs.jsonl > verdicts.jsonl     each line {\"task\", "
           "\"id\", \"impl\"}");
  c.add_option("--task", o.task, "the task file")->type_name("FILE");
  c.add_option("--impl", o.impl,
               "the program, as text or as YAML with the key impl; - is standard input; default: impl in "
               "the task file")
      ->type_name("FILE|-");
  c.add_option("--affine", o.affine, "which affine checker decides: flow or syntactic (default: flow)")
      ->type_name("RULE")
      ->check(CLI::IsMember({"flow", "syntactic"}));
  c.add_option("--sizes", o.sizes, "also check at these sizes; may be repeated")
      ->type_name("M=5,N=7,..")
      ->take_all()
      ->delimiter('\0');
  c.add_option("--seeds", o.seeds, "seeds per choice of sizes, 1..1000 (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  add_published(c, o.published);
  c.add_option("--tasks", o.data.tasks,
               "with --corpus: directory with task files (default: the bundled tasks)")
      ->type_name("DIR");
  c.add_option("--corpus", o.corpus, "verify many: a file of JSON lines, or - for standard input")
      ->type_name("FILE.jsonl");
  c.add_option("--jobs", o.jobs, "with --corpus: threads, 1..1024 (default: as many as the machine has)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  c.add_flag("--no-cache", o.no_cache, "with --corpus: verify equal programs again");
  add_json(c, o.json);
}

void add_tasks(CLI::App& root, app::TasksCommand& o) {
  auto& c = *root.add_subcommand("tasks", "list tasks, or check their solutions and the prompts");
  add_data(c, o.data);
  c.add_flag("--check", o.check,
             "verify every solution and every example of the prompts at several sizes and seeds");
  c.add_option("--solutions", o.data.solutions,
               "with --check: directory with solutions (default: the bundled ones)")
      ->type_name("DIR");
  c.add_option("--prompts", o.data.prompts,
               "with --check: directory with prompts (default: the bundled ones)")
      ->type_name("DIR");
  add_published(c, o.published);
  add_json(c, o.json);
}

void add_codegen(CLI::App& root, app::CodegenCommand& o) {
  auto& c =
      *root.add_subcommand("codegen", "write the pytest file that runs a program on the Python prototype");
  c.add_option("--task", o.task, "the task file")->type_name("FILE")->required();
  c.add_option("--impl", o.impl, "the program; - is standard input; default: impl in the task file")
      ->type_name("FILE|-");
  c.add_option("-o,--out", o.out, "where to write it (default: standard output)")->type_name("FILE");
  add_json(c, o.json);
}

void add_report(CLI::App& root, app::ReportCommand& o) {
  auto& c = *root.add_subcommand("report", "tables and plots of a run");
  c.add_option("run", o.run, "the directory of the run")->type_name("RUN")->required();
  c.add_option("--html", o.html, "also write a self-contained page with the learning curve")
      ->type_name("FILE");
  add_json(c, o.json);
}

void add_models(CLI::App& root, app::ModelsCommand& o) {
  auto& c = *root.add_subcommand("models", "list the language models whose prices are known");
  c.add_option("--models", o.files, "a file of further models, prices and providers; may be repeated")
      ->type_name("FILE")
      ->take_all()
      ->delimiter('\0');
  add_json(c, o.json);
}

/// The message for a command line that CLI11 refuses, with the nearest name for a misspelt one.
std::string usage_message(const CLI::App& root, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments) {
  const CLI::App* command = nullptr;
  std::vector<std::string> commands;
  for (const auto* sub : root.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(sub->get_name());
    if (!arguments.empty() && arguments[0] == sub->get_name()) command = sub;
  }
  const std::string where = command == nullptr ? "" : command->get_name() + ": ";
  const std::string help = "see strata " + (command == nullptr ? "" : command->get_name() + " ") + "--help";
  if (command == nullptr && !arguments.empty() && arguments[0].rfind('-', 0) != 0)
    return app::unknown_name("command", arguments[0], commands) + "; see strata --help";
  if (arguments.empty())
    return "no command given; use one of run, verify, tasks, codegen, report, models, mock-llm, or see "
           "strata --help";
  std::vector<std::string> options{"--help"};
  const CLI::App& place = command == nullptr ? root : *command;
  for (const auto* option : place.get_options())
    for (const auto& name : option->get_lnames()) options.push_back("--" + name);
  for (const auto& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (name.rfind("--", 0) == 0 && name.size() > 2 &&
        std::find(options.begin(), options.end(), name) == options.end())
      return where + app::unknown_name("option", name, options) + "; " + help;
  }
  std::string text = error.what();
  for (char& ch : text)
    if (ch == '\n') ch = ' ';
  return where + text + "; " + help;
}

int dispatch(int argc, char** argv) {
  CLI::App root("strata: adaptive self-improvement learning, with the dataflow language STeP as its instance",
                "strata");
  root.footer(exit_codes);
  root.set_version_flag("--version", std::string("strata ") + STRATA_VERSION);
  root.require_subcommand(1);
  app::RunCommand run;
  app::VerifyCommand verify;
  app::TasksCommand tasks;
  app::CodegenCommand codegen;
  app::ReportCommand report;
  app::ModelsCommand models;
  app::MockLlmCommand mock_llm;
  app::add_run(root, run);
  add_verify(root, verify);
  add_tasks(root, tasks);
  add_codegen(root, codegen);
  add_report(root, report);
  add_models(root, models);
  add_mock_llm(root, mock_llm);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return root.exit(error, std::cout, std::cout);
    throw Failure(usage_message(root, error, std::vector<std::string>(argv + 1, argv + argc)));
  }
  if (root.got_subcommand("run")) return app::run(run);
  if (root.got_subcommand("verify")) return app::verify(verify);
  if (root.got_subcommand("tasks")) return app::tasks(tasks);
  if (root.got_subcommand("codegen")) return app::codegen(codegen);
  if (root.got_subcommand("models")) return app::models(models);
  if (root.got_subcommand("mock-llm")) return app::mock_llm(mock_llm);
  return app::report(report);
}

/// One line on standard error. Whatever it repeats of the command line, it repeats no key.
void complain(std::string text) {
  strata::llm::redactor keys;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view setting = *variable;
    const auto equals = std::min(setting.find('='), setting.size());
    if (!setting.substr(0, equals).ends_with("_API_KEY") || equals == setting.size()) continue;
    try {
      keys.add(strata::llm::secret(setting.substr(equals + 1)));
    } catch (const std::invalid_argument&) { // what could not be sent as a key is none
    }
  }
  keys.clean_whole(text);
  text = app::printable(text); // it may repeat what a file or a server says
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::fprintf(stderr, "strata: %s\n", text.c_str());
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of writing, not a sudden death
  try {
    const int code = dispatch(argc, argv);
    errno = 0;
    std::cout.flush();
    if ((!std::cout || std::fflush(stdout) != 0) && errno == EPIPE) return code; // nobody reads on
    if (!std::cout) throw Failure("standard output: cannot write; free some space");
    return code;
  } catch (const std::bad_alloc&) {
    complain("out of memory; use fewer samples, threads or smaller inputs");
  } catch (const std::exception& e) { // Failure and TaskError say what to do
    complain(e.what());
  }
  return app::Exit::unusable;
}
