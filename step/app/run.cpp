// SPDX-License-Identifier: MIT
// `strata run`: the experiment, its directory, and how it ends.
// A resumed run starts from the beginning and repeats what is stored; the result is that of a run never
// stopped.
#include "data.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "run_recorder.hpp"

#include "step/tasks/document.hpp"
#include "step/tasks/load.hpp"
#include "strata/improve.hpp"

#include <iostream>

namespace app {

namespace {

struct Prepared {
  RunConfig config;
  Tasks tasks;
  RunRecorder::Place place;
};

Tasks load(RunConfig& config, const std::filesystem::path& directory) {
  auto tasks = step::load_tasks(directory);
  std::error_code error;
  config.tasks = std::filesystem::absolute(directory, error).lexically_normal().string();
  config.ids.clear();
  for (const auto& task : tasks) config.ids.push_back(task->id);
  config.fingerprint = fingerprint_of(tasks);
  return tasks;
}

Prepared prepare_new(const RunCommand& command) {
  Prepared p;
  p.config = config_of(command);
  p.tasks = load(p.config, tasks_directory(command.data));
  p.place.directory = make_run_directory(command.out);
  write_whole_file(p.place.directory / "config.json", to_text(to_json(p.config), 1) + "\n");
  return p;
}

Prepared prepare_resumed(const RunCommand& command) {
  if (!command.out.empty()) throw Failure("--resume: a resumed run stays in its directory; leave --out out");
  Prepared p;
  p.place = {command.resume, true, 0};
  p.config = read_config(command.resume);
  require_same(command, p.config);
  const std::string stored = p.config.fingerprint;
  const auto directory = command.data.tasks.empty() ? p.config.tasks : command.data.tasks;
  p.tasks = load(p.config, directory);
  if (p.config.fingerprint != stored)
    throw Failure(command.resume + ": the tasks in " + directory +
                  " are not those the run was started with; restore them, or start a new run");
  const auto summary = p.place.directory / "summary.json";
  std::error_code error;
  if (std::filesystem::exists(summary, error)) {
    std::string problem;
    const auto value = parse_json(step::read_file(summary, std::size_t{64} << 20U), problem);
    if (problem.empty()) p.place.seconds_before = std::max(0.0, number_or(value, "seconds"));
  }
  std::filesystem::create_directories(p.place.directory / "solutions", error);
  return p;
}

strata::limits limits_of(const RunCommand& command, const RunConfig& config, const Interrupt& interrupt) {
  strata::limits limits;
  limits.stop = interrupt.token();
  if (config.mode == "single") limits.steps = 1;
  if (command.budget_usd) limits.cost_usd = *command.budget_usd;
  if (command.budget_tokens) limits.tokens = *command.budget_tokens;
  limits.threads = static_cast<std::size_t>(command.concurrency);
  return limits;
}

void print_end(const RunRecorder& recorder, const Prepared& p, const strata::report<step::Language>& report,
               bool complete) {
  std::cout << curve_text(recorder.steps(), p.tasks.size());
  std::cout << report.solved() << " of " << p.tasks.size() << " tasks solved with " << report.samples
            << " samples in " << report.steps.size() << " steps; ended: " << strata::to_string(report.why)
            << '\n';
  if (report.failed_requests > 0) std::cout << report.failed_requests << " requests failed\n";
  std::cout << "results: " << p.place.directory.string() << '\n';
  if (!complete) std::cout << "continue with: strata run --resume " << p.place.directory.string() << '\n';
}

} // namespace

int run(const RunCommand& command) {
  if (command.budget_usd && !(*command.budget_usd >= 0))
    throw Failure("--budget-usd: the budget must be a number of dollars, 0 or more");
  if (command.concurrency < 0 || command.concurrency > 1024)
    throw Failure("--concurrency: " + std::to_string(command.concurrency) +
                  " is not in 1..1024; choose a number in that range");
  const Prepared p = command.resume.empty() ? prepare_new(command) : prepare_resumed(command);
  const Interrupt interrupt;
  Judge judge(p.tasks);
  StoredSamples stored;
  if (p.place.resumed) {
    std::unordered_map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < p.tasks.size(); ++i) index.emplace(p.tasks[i]->id, i);
    stored = read_samples(p.place.directory, index);
    for (const auto& [key, sample] : stored) judge.remember(*p.tasks[std::get<1>(key)], sample);
  }
  RunRecorder recorder(p.place, p.config, p.tasks, judge, stored);
  Resuming sampler(stored, make_sampler(p.config.model));
  strata::policies<step::Language> how;
  how.stratifier = strata::quantile{static_cast<std::size_t>(p.config.granularity)};
  how.sampling.samples = static_cast<std::size_t>(p.config.samples);
  how.sampling.temperatures = p.config.temperatures;
  how.seed = p.config.seed;
  const auto report =
      strata::improve<step::Language>(std::span<const std::shared_ptr<const step::Task>>(p.tasks), sampler,
                                      judge, how, limits_of(command, p.config, interrupt), recorder);
  const bool complete = bool_or(json::value(recorder.summary()), "complete");
  if (command.json) {
    json::object out = recorder.summary();
    out["directory"] = json_string(p.place.directory.string());
    std::cout << to_text(out) << '\n';
  } else {
    print_end(recorder, p, report, complete);
  }
  return complete ? Exit::done : Exit::negative;
}

} // namespace app
