// SPDX-License-Identifier: MIT
// `strata run`: the experiment, its directory, and how it ends.
// A resumed run starts from the beginning and repeats what is stored; the result is that of a run never
// stopped.
#include "data.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "language_model.hpp"
#include "options.hpp"
#include "run_recorder.hpp"
#include "verdict_text.hpp"

#include "step/tasks/document.hpp"
#include "step/tasks/load.hpp"
#include "strata/improve.hpp"
#include "strata/store/schema.hpp"

#include <algorithm>
#include <iostream>
#include <optional>

namespace app {

namespace {

struct Prepared {
  RunConfig config;
  Tasks tasks;
  RunRecorder::Place place;
  std::optional<LanguageModel> model;
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

void begin_directory(Prepared& p, const RunCommand& command) {
  p.place.directory = make_run_directory(command.out);
  write_whole_file(p.place.directory / "config.json", to_text(to_json(p.config), 1) + "\n");
}

Prepared prepare_new(const RunCommand& command) {
  Prepared p;
  p.config = config_of(command);
  p.tasks = load(p.config, tasks_directory(command.data));
  if (!p.config.local())
    p.model.emplace(command, p.config, p.tasks,
                    command.estimate ? LanguageModel::Use::look : LanguageModel::Use::ask);
  if (!command.estimate) begin_directory(p, command);
  return p;
}

/// The configuration of a run there was, with its tasks.
Prepared take_up(const RunCommand& command, const std::string& run) {
  Prepared p;
  p.config = read_config(run);
  require_same(command, p.config);
  const std::string stored = p.config.fingerprint;
  const auto directory = command.data.tasks.empty() ? p.config.tasks : command.data.tasks;
  p.tasks = load(p.config, directory);
  if (p.config.fingerprint != stored)
    throw Failure(run + ": the tasks in " + directory +
                  " are not those the run was started with; restore them, or start a new run");
  return p;
}

Prepared prepare_resumed(const RunCommand& command) {
  if (!command.out.empty()) throw Failure("--resume: a resumed run stays in its directory; leave --out out");
  Prepared p = take_up(command, command.resume);
  p.place = {command.resume, true, 0};
  if (!p.config.replay_of.empty())
    throw Failure(command.resume + ": this run is a replay of " + p.config.replay_of + "; resume that one");
  if (!p.config.local()) p.model.emplace(command, p.config, p.tasks, LanguageModel::Use::ask);
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

Prepared prepare_replay(const RunCommand& command) {
  Prepared p = take_up(command, command.replay);
  if (p.config.local())
    throw Failure("--replay: " + command.replay +
                  " is a run of the embedded proposer, which needs no replies; run it again");
  p.model.emplace(command, p.config, p.tasks, LanguageModel::Use::look);
  std::error_code error;
  p.config.replay_of = std::filesystem::absolute(command.replay, error).lexically_normal().string();
  begin_directory(p, command);
  return p;
}

Prepared prepare(const RunCommand& command) {
  if (!command.resume.empty() && !command.replay.empty())
    throw Failure("--resume and --replay: give one of them");
  if (command.estimate && !(command.resume.empty() && command.replay.empty()))
    throw Failure("--estimate is for new runs; leave it out");
  if (command.retry_failed && command.resume.empty())
    throw Failure("--retry-failed is for runs that go on; name one with --resume");
  if (!command.resume.empty()) return prepare_resumed(command);
  return command.replay.empty() ? prepare_new(command) : prepare_replay(command);
}

void require_limits(const RunCommand& command) {
  if (command.budget_usd && !(*command.budget_usd >= 0))
    throw Failure("--budget-usd: the budget must be a number of dollars, 0 or more");
  if (command.budget_seconds && !(*command.budget_seconds >= 0))
    throw Failure("--budget-seconds: the budget must be a number of seconds, 0 or more");
  if (command.concurrency < 0 || command.concurrency > 4096)
    throw Failure("--concurrency: " + std::to_string(command.concurrency) +
                  " is not in 1..4096; choose a number in that range");
}

strata::limits limits_of(const RunCommand& command, const Prepared& p, std::stop_token stop) {
  strata::limits limits;
  limits.stop = std::move(stop);
  if (p.config.one_step()) limits.steps = 1;
  if (command.budget_seconds)
    limits.time =
        std::chrono::duration<double>(std::max(0.0, *command.budget_seconds - p.place.seconds_before));
  if (p.model) return limits; // what a language model uses is counted where it is asked
  if (command.budget_usd) limits.cost_usd = *command.budget_usd;
  if (command.budget_tokens) limits.tokens = *command.budget_tokens;
  limits.threads = std::min<std::size_t>(static_cast<std::size_t>(command.concurrency), 1024);
  return limits;
}

void print_usage(const strata::agents::account& used, std::uint64_t served) {
  char cost[64];
  std::snprintf(cost, sizeof cost, "$%.4f", strata::agents::to_dollars(used.cost));
  std::cout << used.requests << " requests";
  if (served > 0) std::cout << " (" << served << " answered from the store)";
  std::cout << ": " << used.used.input << " input tokens, of them " << used.used.cached << " cached; "
            << used.used.output << " output tokens; "
            << (used.priced && used.used.known ? std::string(cost)
                : used.cost > 0
                    ? "about " + std::string(cost) +
                          ": not every reply says what it used, and those count as much as they can have used"
                    : std::string("the cost is not known"))
            << '\n';
}

void print_end(const RunRecorder& recorder, const Prepared& p, const strata::report<step::Language>& report,
               const ModelRun* model) {
  std::cout << curve_text(recorder.steps(), p.tasks.size());
  std::cout << report.solved() << " of " << p.tasks.size() << " tasks solved with " << report.samples
            << " samples in " << report.steps.size()
            << " steps; ended: " << text_or(recorder.summary(), "ended") << '\n';
  if (bool_or(recorder.summary(), "cut"))
    std::cout << "the last step was cut short, " << report.steps.back().undrawn
              << " samples were not drawn: its rates are no estimates\n";
  if (report.failed_requests > 0) std::cout << report.failed_requests << " requests failed\n";
  if (model != nullptr) print_usage(model->used().total(), model->served());
  std::cout << "results: " << p.place.directory.string() << '\n';
  if (!bool_or(recorder.summary(), "complete") && p.config.replay_of.empty())
    std::cout << "continue with: strata run --resume " << p.place.directory.string() << '\n';
}

} // namespace

int run(const RunCommand& command) {
  require_limits(command);
  const Prepared p = prepare(command);
  const bool replay = !command.replay.empty();
  if (p.model && !replay && !p.place.resumed) {
    const auto estimate = p.model->estimate(p.config, p.tasks);
    (command.estimate ? std::cout : std::cerr) << estimate;
    if (command.estimate) return Exit::done;
  }
  const Interrupt interrupt;
  std::stop_source stop; // by a signal, or by the model
  const std::stop_callback forward(interrupt.token(), [&stop] { stop.request_stop(); });
  Judge judge(p.tasks, p.config.published);
  std::optional<ModelRun> model;
  StoredSamples stored;
  if (p.model) {
    const auto from = replay ? std::filesystem::path(command.replay) : p.place.directory;
    model.emplace(*p.model, p.config, command, p.tasks, judge,
                  ModelRun::Settings{p.place.directory, from / strata::store::file_name, replay, stop});
  } else if (p.place.resumed) {
    std::unordered_map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < p.tasks.size(); ++i) index.emplace(p.tasks[i]->id, i);
    stored = read_samples(p.place.directory, index);
    for (const auto& [key, sample] : stored)
      judge.remember(*p.tasks[std::get<1>(key)], sample.program, sample.verdict);
  }
  RunRecorder recorder(p.place, p.config, p.tasks, judge, stored, model ? &*model : nullptr);
  Resuming sampler(stored, model ? model->sampler() : local_proposer());
  strata::policies<step::Language> how;
  how.stratifier = strata::quantile{static_cast<std::size_t>(p.config.granularity)};
  how.sampling = p.config.sampling();
  how.seed = p.config.seed;
  const auto report =
      strata::improve<step::Language>(std::span<const std::shared_ptr<const step::Task>>(p.tasks), sampler,
                                      judge, how, limits_of(command, p, stop.get_token()), recorder);
  if (command.json) {
    json::object out = recorder.summary();
    out["directory"] = json_string(p.place.directory.string());
    std::cout << to_text(out) << '\n';
  } else {
    print_end(recorder, p, report, model ? &*model : nullptr);
  }
  if (model)
    if (const auto why = model->ending())
      std::cerr << "strata: the run was ended: " << printable(why->message) << '\n';
  if (!recorder.problem().empty())
    std::cerr << "strata: the run failed: " << printable(recorder.problem()) << '\n';
  return bool_or(recorder.summary(), "complete") ? Exit::done : Exit::negative;
}

} // namespace app
