// SPDX-License-Identifier: MIT
// Reading a run for a report: steps from steps.jsonl, answers from samples.jsonl, the rest from config and
// summary. A line that cannot be read is counted and left out.
#include "run_files.hpp"

#include "failure.hpp"
#include "json.hpp"
#include "line_reader.hpp"
#include "run_config.hpp"
#include "whole_file.hpp"

#include "step/language.hpp"

#include <algorithm>
#include <fstream>
#include <unordered_set>

namespace app {

namespace {

constexpr std::size_t most_steps = 10'000;

template <class F> void each_line(const std::filesystem::path& file, RunFiles& run, F&& use) {
  const int descriptor = open_regular(file, O_RDONLY);
  if (descriptor < 0) return;
  ::close(descriptor);
  std::ifstream in(file, std::ios::binary);
  LineReader reader(in);
  while (in) {
    const auto line = reader.next();
    if (!line) break;
    std::string problem;
    const auto value = line->too_long ? json::value(nullptr) : parse_json(line->text, problem);
    if (!value.is_object())
      ++run.damaged_lines;
    else
      use(value);
  }
}

void read_step(const json::value& value, RunFiles& run) {
  if (run.steps.size() >= most_steps) return;
  StepRow row;
  row.step = count_or(value, "step", run.steps.size());
  row.stratum = count_or(value, "stratum");
  if (const auto* t = member(value, "thresholds"); t != nullptr && t->is_array())
    row.strata = t->get_array().size();
  row.demonstrations = count_or(value, "demonstrations");
  row.open = count_or(value, "open");
  row.samples = count_or(value, "samples");
  row.solved_total = std::min<std::uint64_t>(count_or(value, "solved_total"), run.tasks.size());
  row.input_tokens = count_or(value, "input_tokens");
  row.output_tokens = count_or(value, "output_tokens");
  row.cost_usd = number_or(value, "cost_usd");
  row.seconds = number_or(value, "seconds");
  if (const auto* solved = member(value, "newly_solved"); solved != nullptr && solved->is_array())
    for (const auto& id : solved->get_array())
      if (id.is_string() && row.newly_solved.size() < run.tasks.size())
        row.newly_solved.emplace_back(id.get_string().c_str(), id.get_string().size());
  if (run.steps.empty()) run.first_cut = bool_or(value, "cut");
  run.samples += row.samples;
  run.failed_requests += count_or(value, "failed_requests");
  run.steps.push_back(std::move(row));
}

/// Counts and tokens of the first step, by task.
void read_tallies(const json::value& value, RunFiles& run) {
  const auto* tallies = member(value, "tallies");
  if (tallies == nullptr || !tallies->is_array()) return;
  for (const auto& t : tallies->get_array()) {
    const auto at = run.answers.find(text_or(t, "task"));
    if (at == run.answers.end()) continue;
    TaskAnswers& a = at->second;
    const auto samples = count_or(t, "samples"), successes = std::min(count_or(t, "successes"), samples);
    if (samples > 0) a.pass_at_1 = static_cast<double>(successes) / static_cast<double>(samples);
    a.pass_at_n = successes > 0 ? 1 : 0;
    a.samples = count_or(t, "all_samples");
    if (const auto* usage = member(t, "usage"); usage != nullptr) {
      a.input_tokens = count_or(*usage, "input_tokens");
      a.output_tokens = count_or(*usage, "output_tokens");
    }
  }
}

void read_answers(const std::filesystem::path& file, RunFiles& run) {
  struct Seen {
    std::unordered_set<std::uint64_t> correct, wrong;
  };
  std::map<std::string, Seen> seen;
  each_line(file, run, [&](const json::value& value) {
    const auto* program = member(value, "program");
    if (program == nullptr || !program->is_string() || count_or(value, "step", 1) != 0) return;
    const auto at = run.answers.find(text_or(value, "task"));
    if (at == run.answers.end()) return;
    const auto key = step::Language::isomorphism_key(text_or(value, "program"));
    const bool pass = bool_or(value, "pass");
    ++(pass ? at->second.correct : at->second.wrong);
    auto& classes = seen[at->first];
    (pass ? classes.correct : classes.wrong).insert(key);
  });
  for (auto& [id, classes] : seen) {
    auto& a = run.answers[id];
    a.correct_classes = classes.correct.size();
    a.wrong_classes = classes.wrong.size();
    auto all = classes.correct;
    all.insert(classes.wrong.begin(), classes.wrong.end());
    a.all_classes = all.size();
  }
}

} // namespace

RunFiles read_run(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    throw Failure(directory.string() + ": there is no such directory; name one that strata run made");
  RunFiles run;
  const auto config = read_config(directory);
  run.tasks = config.ids;
  run.mode = config.mode;
  run.model = config.model;
  run.ended = "unknown";
  for (const auto& id : run.tasks) run.answers[id];
  const auto summary = directory / "summary.json";
  if (std::filesystem::exists(summary, error)) {
    std::string problem;
    const auto value = parse_json(read_whole_file(summary, std::size_t{64} << 20U), problem);
    if (!problem.empty()) ++run.damaged_lines;
    run.seconds = number_or(value, "seconds");
    run.ended = text_or(value, "ended", "unknown");
    run.cost_usd = number_or(value, "cost_usd");
    if (const auto* usage = member(value, "usage"); usage != nullptr) {
      run.requests = count_or(*usage, "requests");
      run.cached_tokens = count_or(*usage, "cached_tokens");
      run.cost_known = bool_or(*usage, "cost_known", true);
    }
  }
  each_line(directory / "steps.jsonl", run, [&](const json::value& value) {
    if (run.steps.empty()) read_tallies(value, run);
    read_step(value, run);
  });
  read_answers(directory / "samples.jsonl", run);
  return run;
}

} // namespace app
