// SPDX-License-Identifier: MIT
// What the user asked for, one struct per command; the parser fills them in and the commands validate them.
// An absent optional means that the option was not given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace app {

/// Where task files and what belongs to them are looked for; empty means the bundled ones.
struct DataOptions {
  std::string tasks;
  std::string solutions;
  std::string prompts;
};

struct VerifyCommand {
  DataOptions data;
  std::string task;
  std::string impl;
  std::string affine = "flow";
  std::vector<std::string> sizes; ///< each "M=5,N=7"
  int seeds = 1;
  bool published = false;
  std::string corpus;
  int jobs = 0;
  bool no_cache = false;
  bool json = false;
};

struct TasksCommand {
  DataOptions data;
  bool check = false;
  bool published = false;
  bool json = false;
};

struct CodegenCommand {
  std::string task;
  std::string impl;
  std::string out;
  bool json = false;
};

struct ReportCommand {
  std::string run;
  std::string html;
  bool json = false;
};

struct ModelsCommand {
  std::vector<std::string> files; ///< besides the bundled one
  bool json = false;
};

struct RunCommand {
  DataOptions data;
  std::optional<std::string> model;
  std::optional<std::string> mode;
  std::optional<int> samples;
  std::optional<std::string> temperature; ///< "0.4,0.7,1.0"
  std::optional<int> granularity;
  std::optional<std::uint64_t> seed;
  std::string out;
  std::string resume;
  std::string replay;
  std::optional<double> budget_usd;
  std::optional<std::uint64_t> budget_tokens;
  std::optional<std::uint64_t> budget_requests;
  std::optional<double> budget_seconds;
  int concurrency = 0;
  bool published = false;
  bool json = false;
  // for language models only
  std::optional<std::string> agent; ///< "no-ir,guardian"
  std::optional<int> repairs;
  std::optional<int> max_tokens;
  std::optional<std::string> reasoning;
  std::optional<int> per_request;
  std::vector<std::string> model_files;
  std::string ca_file;
  bool estimate = false;
  bool retry_failed = false;
};

int verify(const VerifyCommand&);
int tasks(const TasksCommand&);
int codegen(const CodegenCommand&);
int report(const ReportCommand&);
int models(const ModelsCommand&);
int run(const RunCommand&);

void add_run(CLI::App& root, RunCommand& options);

} // namespace app
