// SPDX-License-Identifier: MIT
// `strata run`: the experiment, its directory, and how it ends.
// A resumed run starts from the beginning and repeats what is stored; the result is that of a run never
// stopped.
#include "crash_notice.hpp"
#include "data.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "language_model.hpp"
#include "options.hpp"
#include "run_files.hpp"
#include "run_limits.hpp"
#include "run_recorder.hpp"
#include "verdict_text.hpp"

#include "step/tasks/document.hpp"
#include "step/tasks/load.hpp"
#include "strata/improve.hpp"
#include "strata/store/schema.hpp"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <optional>

namespace app {

namespace {

namespace fs = std::filesystem;

struct Prepared {
  RunConfig config;
  Tasks tasks;
  RunLimits limits;
  std::optional<RunDirectory> directory; ///< ours to write; none for an estimate
  bool resumed = false;
  double seconds_before = 0;
  std::optional<LanguageModel> model;
  std::string replies;                ///< the run whose replies are used: this one, or the one replayed
  std::string replayed_ended;         ///< how the run that is replayed ended, if it did before its end
  std::optional<std::size_t> at_most; ///< the steps that it took until then
};

/// How far a run has come, by its files.
struct Reached {
  json::object summary;
  bool there = false, complete = false;
};

Reached reached_by(const fs::path& run) {
  Reached p;
  const auto file = run / "summary.json";
  std::error_code error;
  if (!fs::exists(file, error)) return p;
  std::string problem;
  const auto value = parse_json(read_whole_file(file, std::size_t{64} << 20U), problem);
  if (!value.is_object()) return p;
  p.summary = value.get_object();
  p.there = true;
  p.complete = bool_or(value, "complete");
  return p;
}

Tasks load(RunConfig& config, const fs::path& directory) {
  auto tasks = step::load_tasks(directory);
  std::error_code error;
  config.tasks = fs::absolute(directory, error).lexically_normal().string();
  config.ids.clear();
  for (const auto& task : tasks) config.ids.push_back(task->id);
  config.fingerprint = fingerprint_of(tasks);
  return tasks;
}

void begin_directory(Prepared& p, const RunCommand& command) {
  p.directory.emplace(make_run_directory(command.out));
  const auto& run = p.directory->path;
  if (p.replies.empty()) p.replies = run.string();
  const auto text = to_text(to_json(p.config), 1) + "\n";
  p.directory->state.set_config(strata::store::digest_of(text));
  if (p.limits != RunLimits{}) write_limits(run, p.limits);
  write_whole_file(run / "config.json", text); // last: with it, the directory is a run
}

Prepared prepare_new(const RunCommand& command) {
  Prepared p;
  p.config = config_of(command);
  p.limits = limits_of(command);
  p.tasks = load(p.config, tasks_directory(command.data));
  if (!p.config.local())
    p.model.emplace(command, p.config, p.tasks,
                    command.estimate ? LanguageModel::Use::look : LanguageModel::Use::ask);
  if (!command.estimate) begin_directory(p, command);
  return p;
}

/// The configuration of a run there was. Throws Failure if it is not the one that the run was begun with, or
/// options contradict it.
RunConfig stored_config(const RunCommand& command, const std::string& run) {
  auto config = read_config(run);
  if (const auto was = RunState::config_of(run))
    if (*was !=
        strata::store::digest_of(read_whole_file(fs::path(run) / "config.json", std::size_t{16} << 20U)))
      throw Failure(run + "/config.json: it was changed since the run began, and the run's results are not "
                          "those of what it says now; restore it, or start a new run");
  require_same(command, config);
  return config;
}

Tasks stored_tasks(const RunCommand& command, const std::string& run, RunConfig& config) {
  const std::string was = config.fingerprint;
  const auto directory = command.data.tasks.empty() ? config.tasks : command.data.tasks;
  auto tasks = load(config, directory);
  if (config.fingerprint != was)
    throw Failure(run + ": the tasks in " + directory +
                  " are not those the run was started with; restore them, or start a new run");
  return tasks;
}

std::unordered_map<std::string, std::size_t> index_of(const Tasks& tasks) {
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < tasks.size(); ++i) index.emplace(tasks[i]->id, i);
  return index;
}

/// Of writers that were killed.
void remove_temporary_files(const fs::path& run) {
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(run, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error))
    if (at->path().extension() == ".tmp") fs::remove(at->path(), error);
}

/// What a replay has to come to, by the files of the run `source`.
void aim_at(Prepared& p, const std::string& source) {
  p.replies = source;
  const auto ended = reached_by(source);
  if (ended.complete) return;
  p.replayed_ended = text_or(ended.summary, "ended", "running");
  if (p.replayed_ended == "running")
    p.replayed_ended = "stopped"; // it was killed: what it had begun is repeated as far as it goes
  else
    p.at_most = read_run(source).steps.size();
}

Prepared prepare_replay(const RunCommand& command) {
  Prepared p;
  p.config = stored_config(command, command.replay);
  p.tasks = stored_tasks(command, command.replay, p.config);
  if (p.config.local())
    throw Failure("--replay: " + command.replay +
                  " is a run of the embedded proposer, which needs no replies; run it again");
  p.model.emplace(command, p.config, p.tasks, LanguageModel::Use::look);
  std::error_code error;
  p.config.replay_of = fs::absolute(command.replay, error).lexically_normal().string();
  aim_at(p, command.replay);
  begin_directory(p, command);
  return p;
}

/// Whether there is nothing to go on with.
bool finished(const RunCommand& command) {
  const auto progress = reached_by(command.resume);
  return progress.complete && !(command.retry_failed && number_or(progress.summary, "failed_requests") > 0);
}

/// `command`: receives the limits that hold. Nothing if the run is finished.
std::optional<Prepared> prepare_resumed(RunCommand& command) {
  const std::string& run = command.resume;
  if (!command.out.empty()) throw Failure("--resume: a resumed run stays in its directory; leave --out out");
  Prepared p;
  p.config = stored_config(command, run);
  const auto& source = p.config.replay_of;
  const bool was_killed = text_or(reached_by(run).summary, "ended", "running") == "running";
  if (!source.empty() && !was_killed)
    throw Failure(run + ": this run is a replay of " + source + "; resume that one");
  if (finished(command)) return std::nullopt;
  p.directory.emplace(RunDirectory{run, RunState(run)});
  if (finished(command)) return std::nullopt; // by the process that had the lock
  p.resumed = true;
  p.tasks = stored_tasks(command, run, p.config);
  const auto stored = read_limits(run);
  p.limits = merged(stored, limits_of(command));
  command.budget_usd = p.limits.usd;
  command.budget_tokens = p.limits.tokens;
  command.budget_requests = p.limits.requests;
  command.budget_seconds = p.limits.seconds;
  if (!p.config.local())
    p.model.emplace(command, p.config, p.tasks,
                    source.empty() ? LanguageModel::Use::ask : LanguageModel::Use::look);
  p.replies = run;
  if (!source.empty()) aim_at(p, source);
  p.seconds_before =
      std::max(p.directory->state.seconds(), std::max(0.0, number_or(reached_by(run).summary, "seconds")));
  remove_temporary_files(run);
  std::error_code error;
  fs::create_directories(fs::path(run) / "solutions", error);
  if (p.limits != stored) write_limits(run, p.limits);
  return p;
}

std::optional<Prepared> prepare(RunCommand& command) {
  if (!command.resume.empty() && !command.replay.empty())
    throw Failure("--resume and --replay: give one of them");
  if (command.estimate && !(command.resume.empty() && command.replay.empty()))
    throw Failure("--estimate is for new runs; leave it out");
  if (command.retry_failed && command.resume.empty())
    throw Failure("--retry-failed is for runs that go on; name one with --resume");
  if (command.concurrency < 0 || command.concurrency > 4096)
    throw Failure("--concurrency: " + std::to_string(command.concurrency) +
                  " is not in 1..4096; choose a number in that range");
  (void)limits_of(command); // says what is wrong with them
  if (!command.resume.empty()) return prepare_resumed(command);
  return command.replay.empty() ? prepare_new(command) : prepare_replay(command);
}

strata::limits bounds_of(const RunCommand& command, const Prepared& p, std::stop_token stop) {
  strata::limits limits;
  limits.stop = std::move(stop);
  if (p.config.one_step()) limits.steps = 1;
  if (p.at_most) limits.steps = std::min(limits.steps, *p.at_most);
  if (p.limits.seconds)
    limits.time = std::chrono::duration<double>(std::max(0.0, *p.limits.seconds - p.seconds_before));
  if (p.model) return limits; // what a language model uses is counted where it is asked
  if (p.limits.usd) limits.cost_usd = *p.limits.usd;
  if (p.limits.tokens) limits.tokens = *p.limits.tokens;
  limits.threads = std::min<std::size_t>(static_cast<std::size_t>(command.concurrency), 1024);
  return limits;
}

/// As a shell reads it.
std::string quoted(const std::string& word) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+=:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) c == '\'' ? out += "'\\''" : out += c;
  return printable(out + "'");
}

void print_usage(const json::value& usage, std::uint64_t served) {
  char cost[64];
  std::snprintf(cost, sizeof cost, "$%.4f", number_or(usage, "cost_usd"));
  std::cout << count_or(usage, "requests") << " requests";
  if (served > 0) std::cout << " (" << served << " answered from the store)";
  std::cout << ": " << count_or(usage, "input_tokens") << " input tokens, of them "
            << count_or(usage, "cached_tokens") << " cached; " << count_or(usage, "output_tokens")
            << " output tokens; "
            << (bool_or(usage, "cost_known") ? std::string(cost)
                : number_or(usage, "cost_usd") > 0
                    ? "about " + std::string(cost) +
                          ": not every reply says what it used, and those count as much as they can have used"
                    : std::string("the cost is not known"))
            << '\n';
}

/// `raise`: the option that gives the run more of what it had used up.
void print_end(const fs::path& run, const json::object& summary, const std::vector<StepRow>& steps,
               std::uint64_t served, const std::string& raise, bool replay) {
  const auto count = [&](const char* name) { return count_or(summary, name); };
  std::cout << printable(curve_text(steps, count("tasks")));
  std::cout << count("solved") << " of " << count("tasks") << " tasks solved with " << count("samples")
            << " samples in " << steps.size() << " steps; ended: " << printable(text_or(summary, "ended"))
            << '\n';
  if (bool_or(summary, "cut")) {
    std::uint64_t undrawn = 0;
    if (const auto* all = summary.if_contains("steps");
        all != nullptr && all->is_array() && !all->get_array().empty())
      undrawn = count_or(all->get_array().back(), "undrawn");
    std::cout << "the last step was cut short, " << undrawn
              << " samples were not drawn: its rates are no estimates\n";
  }
  if (count("failed_requests") > 0) std::cout << count("failed_requests") << " requests failed\n";
  if (const auto* usage = summary.if_contains("usage")) print_usage(*usage, served);
  std::cout << "results: " << printable(run.string()) << '\n';
  if (!bool_or(summary, "complete") && !replay)
    std::cout << "continue with: strata run --resume " << quoted(run.string())
              << (raise.empty() ? "" : " " + raise) << '\n';
}

void print_json(const fs::path& run, json::object summary) {
  summary["directory"] = json_string(run.string());
  std::cout << to_text(summary) << '\n';
}

/// What the files of a run say.
void print_stored(const RunCommand& command, const fs::path& run, const std::string& raise) {
  const auto summary = reached_by(run).summary;
  if (command.json) { // to the letter, on one line: numbers that are read and written again might change
    std::string text;
    for (const char c : read_whole_file(run / "summary.json", std::size_t{64} << 20U))
      if (c != '\n') text += c;
    text.erase(std::min(text.rfind('}'), text.size()));
    std::cout << text << ",\"directory\": " << to_text(json_string(run.string())) << "}\n";
    return;
  }
  print_end(run, summary, read_run(run).steps, 0, raise, false);
}

/// A run that is over: nothing is asked, verified or written.
int show_finished(const RunCommand& command) {
  auto config = read_config(command.resume);
  std::error_code error;
  Tasks tasks;
  const auto directory = command.data.tasks.empty() ? config.tasks : command.data.tasks;
  if (fs::is_directory(directory, error)) { // they may be gone; if not, they must be those of the run
    tasks = stored_tasks(command, command.resume, config);
    (void)read_samples(command.resume, index_of(tasks), false);
  }
  print_stored(command, command.resume, "");
  return Exit::done;
}

/// The option that gives more of what ended the run.
std::string raising(const Prepared& p, const json::object& summary, const ModelRun* model) {
  const auto ended = text_or(summary, "ended");
  if (ended == "time") return raising_option("--budget-seconds", p.limits);
  if (ended != "budget") return "";
  if (model != nullptr) return raising_option(model->ending().value_or(ModelRun::Ending{}).option, p.limits);
  return raising_option(p.limits.tokens ? "--budget-tokens" : "--budget-usd", p.limits);
}

} // namespace

int run(const RunCommand& given) {
  std::signal(SIGPIPE, SIG_IGN); // who reads the progress may go away; the run goes on
  RunCommand command = given;
  const auto prepared = prepare(command);
  if (!prepared) return show_finished(command);
  const Prepared& p = *prepared;
  const bool replay = !p.config.replay_of.empty();
  if (p.model && !replay && !p.resumed) {
    const auto estimate = p.model->estimate(p.config, p.tasks);
    (command.estimate ? std::cout : std::cerr) << estimate;
    if (command.estimate) return Exit::done;
  }
  const fs::path directory = p.directory->path;
  RunState& state = const_cast<RunState&>(p.directory->state);
  const CrashNotice notice("the process died; what it had is kept, go on with: strata run --resume " +
                           quoted(directory.string()));
  const Interrupt interrupt;
  std::stop_source stop; // by a signal, or by the model
  const std::stop_callback forward(interrupt.token(), [&stop] { stop.request_stop(); });

  const auto index = index_of(p.tasks);
  StoredSamples stored, judged_before;
  if (p.resumed) stored = read_samples(directory, index, true);
  if (replay) judged_before = read_samples(p.replies, index, false);
  Judge judge(p.tasks, p.config.published);
  judge.remember(replay ? judged_before : stored);
  judge.watch(state, p.config.tasks);
  if (replay) state.take_suspects_of(p.replies);

  std::optional<ModelRun> model;
  if (p.model)
    model.emplace(*p.model, p.config, command, p.tasks, judge,
                  ModelRun::Settings{.directory = directory,
                                     .replies = fs::path(p.replies) / strata::store::file_name,
                                     .replay = replay,
                                     .unfinished = !p.replayed_ended.empty(),
                                     .check_config = p.resumed && !state.config(),
                                     .stop = stop});
  if (!state.config()) // begun by strata 0.1.0
    state.set_config(
        strata::store::digest_of(read_whole_file(directory / "config.json", std::size_t{16} << 20U)));
  RunRecorder recorder({directory, state, p.seconds_before, p.replayed_ended}, p.config, p.tasks, stored,
                       model ? &*model : nullptr);
  const StoredSamples none;
  Resuming sampler(model ? none : stored, model ? model->sampler() : local_proposer());
  strata::policies<step::Language> how;
  how.stratifier = strata::quantile{static_cast<std::size_t>(p.config.granularity)};
  how.sampling = p.config.sampling();
  how.seed = p.config.seed;
  const auto report =
      strata::improve<step::Language>(std::span<const std::shared_ptr<const step::Task>>(p.tasks), sampler,
                                      judge, how, bounds_of(command, p, stop.get_token()), recorder);

  const auto raise = raising(p, recorder.summary(), model ? &*model : nullptr);
  if (recorder.kept_back()) {
    std::cerr << "strata: ended before everything stored was repeated; the results of before are kept\n";
    print_stored(command, directory, raise);
  } else if (command.json) {
    print_json(directory, recorder.summary());
  } else {
    print_end(directory, recorder.summary(), recorder.steps(), model ? model->served() : 0, raise, replay);
  }
  if (model && p.replayed_ended.empty())
    if (const auto why = model->ending())
      std::cerr << "strata: the run was ended: " << printable(why->message) << '\n';
  if (!recorder.problem().empty())
    std::cerr << "strata: the run failed: " << printable(recorder.problem()) << '\n';
  return bool_or(recorder.summary(), "complete") ? Exit::done : Exit::negative;
}

} // namespace app
