// SPDX-License-Identifier: MIT
// Writing a run down while it happens.
// Observer calls are serialised, so nothing here needs a lock.
#include "run_recorder.hpp"

#include "verdict_text.hpp"

#include "step/tasks/write.hpp"
#include "strata/metrics.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

namespace app {

void Resuming::sample(Jobs jobs, Sink out) const {
  std::vector<strata::job<step::Language>> rest;
  for (const auto& job : jobs) {
    const auto at = stored_.judged.find({job.step(), job.task_index(), job.sample()});
    if (at == stored_.judged.end()) {
      rest.push_back(job);
      continue;
    }
    strata::draw<step::Language> draw;
    draw.program = at->second.program;
    if (!out(job, std::move(draw))) return;
  }
  if (!rest.empty() && !out.stop_requested()) other_.sample(rest, out);
}

namespace {

json::object usage_json(const strata::agents::account& a) {
  json::object out;
  out["requests"] = a.requests;
  out["failed"] = a.failed;
  out["input_tokens"] = a.used.input;
  out["cached_tokens"] = a.used.cached;
  out["cache_write_tokens"] = a.used.cache_write + a.used.cache_write_hour;
  out["output_tokens"] = a.used.output;
  out["reasoning_tokens"] = a.used.reasoning;
  out["cost_usd"] = strata::agents::to_dollars(a.cost);
  out["cost_known"] = a.priced && a.used.known;
  return out;
}

template <class Map, class Name> json::object usage_json(const Map& sums, Name&& name) {
  json::object out;
  for (const auto& [key, sum] : sums) {
    const json::string text = json_string(name(key));
    out[json::string_view(text.data(), text.size())] = usage_json(sum);
  }
  return out;
}

} // namespace

RunRecorder::RunRecorder(Place place, const RunConfig& config, const Tasks& tasks,
                         const StoredSamples& stored, const ModelRun* model)
    : place_(std::move(place)), config_(config), tasks_(tasks), stored_(stored), model_(model),
      samples_(place_.directory / "samples.jsonl"), results_files_(place_.directory), lines_(stored.lines),
      progress_(tasks.size()) {}

void RunRecorder::step_begun(const strata::events::step_begun<step::Language>& e) {
  progress_.step_begun(e.step, e.jobs);
  show_progress();
}

void RunRecorder::drawn(const strata::events::drawn<step::Language>& e) {
  if (e.draw.program) return; // written when it is judged
  last_failure_ = e.draw.failure;
  progress_.failed();
  const SampleKey key{e.job.step(), e.job.task_index(), e.job.sample()};
  const auto failure = json_string(step::bounded_message(e.draw.failure));
  if (stored_.lines > 0) had_.insert(key);
  if (const auto at = stored_.failed.find(key);
      at != stored_.failed.end() && at->second == std::string_view(failure.data(), failure.size()))
    return;
  json::object line;
  line["step"] = e.job.step();
  line["task"] = json_string(tasks_[e.job.task_index()]->id);
  line["index"] = e.job.sample();
  line["temperature"] = e.job.temperature();
  line["failure"] = failure;
  write_sample(line);
}

void RunRecorder::judged(const strata::events::judged<step::Language>& e) {
  progress_.judged(e.job.task_index(), e.verdict.passed);
  const SampleKey key{e.job.step(), e.job.task_index(), e.job.sample()};
  const auto at = stored_.judged.find(key);
  if (stored_.lines > 0) had_.insert(key);
  if (at == stored_.judged.end() || at->second.whole != stored_digest(*e.draw.program)) {
    json::object line;
    line["step"] = e.job.step();
    line["task"] = json_string(tasks_[e.job.task_index()]->id);
    line["index"] = e.job.sample();
    line["temperature"] = e.job.temperature();
    put_verdict(line, Judge::last(), e.seconds); // told on the thread that verified
    if (model_ != nullptr) {
      line["input_tokens"] = e.draw.used.input_tokens;
      line["output_tokens"] = e.draw.used.output_tokens;
      line["cost_usd"] = e.draw.used.cost_usd;
    }
    put_program(line, *e.draw.program);
    write_sample(line);
  }
  note_time();
  show_progress();
}

void RunRecorder::note_time() {
  place_.state.set_seconds(place_.seconds_before +
                           std::chrono::duration<double>(Clock::now() - begun_).count());
}

json::object RunRecorder::step_json(const strata::step_report& r) const {
  json::object out;
  out["step"] = r.step;
  out["stratum"] = r.stratum;
  out["demonstrations"] = r.demonstrations;
  out["open"] = r.open;
  json::array solved;
  for (const auto t : r.newly_solved) solved.push_back(json_string(tasks_[t]->id));
  out["newly_solved"] = std::move(solved);
  out["solved_total"] = r.solved_total;
  out["samples"] = r.samples;
  out["input_tokens"] = r.used.input_tokens;
  out["output_tokens"] = r.used.output_tokens;
  out["cost_usd"] = r.used.cost_usd;
  out["failed_requests"] = r.failed_requests;
  out["undrawn"] = r.undrawn;
  out["cut"] = r.cut;
  out["thresholds"] = json::array(r.thresholds.begin(), r.thresholds.end());
  out["seconds"] = r.seconds;
  return out;
}

/// What a language model used in a step, exactly: also by samples that were left out when the run ended.
void RunRecorder::put_usage(json::object& step, json::array& rows,
                            const strata::events::step_done<step::Language>& e) const {
  const auto sums = model_->used().read();
  strata::agents::account all;
  std::map<std::size_t, strata::agents::account> by_task;
  std::map<std::string, strata::agents::account> by_stage;
  for (const auto& [key, sum] : sums.by_step_task_stage) {
    const auto& [at, task, stage] = key;
    if (at != e.report.step) continue;
    all += sum;
    by_task[task] += sum;
    by_stage[stage] += sum;
  }
  step["input_tokens"] = all.used.input;
  step["output_tokens"] = all.used.output;
  step["cost_usd"] = strata::agents::to_dollars(all.cost);
  step["usage"] = usage_json(all);
  step["usage_by_stage"] = usage_json(by_stage, [](const std::string& stage) { return stage; });
  for (std::size_t i = 0; i < e.tallies.size(); ++i)
    if (const auto sum = by_task.find(e.tallies[i].task); sum != by_task.end())
      rows[i].as_object()["usage"] = usage_json(sum->second);
}

std::string RunRecorder::solution(const strata::experience<step::Language>& e) const {
  auto task = *tasks_[e.task];
  task.impl = e.program;
  return step::to_yaml(task);
}

void RunRecorder::step_done(const strata::events::step_done<step::Language>& e) {
  const auto& r = e.report;
  solved_ = r.solved_total;
  json::object object = step_json(r);
  json::array tallies;
  for (const auto& t : e.tallies) {
    json::object row;
    row["task"] = json_string(tasks_[t.task]->id);
    row["successes"] = t.successes;
    row["samples"] = t.samples;
    row["temperature"] = t.temperature;
    row["all_successes"] = t.all_successes;
    row["all_samples"] = t.all_samples;
    tallies.push_back(std::move(row));
  }
  if (model_ != nullptr) put_usage(object, tallies, e);
  step_objects_.push_back(object);
  object["tallies"] = std::move(tallies);
  last_cut_ = r.cut;
  if (rows_.empty()) {
    first_cut_ = r.cut;
    pass_at_1_ = strata::pass_at_k(e.tallies, 1);
    pass_at_n_ = strata::pass_at_k(e.tallies, static_cast<std::size_t>(config_.samples));
  }
  StepRow row{.step = r.step,
              .stratum = r.stratum,
              .strata = r.thresholds.size(),
              .demonstrations = r.demonstrations,
              .open = r.open,
              .solved_total = r.solved_total,
              .samples = r.samples,
              .input_tokens = count_or(object, "input_tokens"),
              .output_tokens = count_or(object, "output_tokens"),
              .cost_usd = number_or(object, "cost_usd"),
              .seconds = r.seconds,
              .newly_solved = {}};
  for (const auto t : r.newly_solved) row.newly_solved.push_back(tasks_[t]->id);
  input_tokens_ += row.input_tokens;
  output_tokens_ += row.output_tokens;
  cost_usd_ += row.cost_usd;
  rows_.push_back(std::move(row));
  total_samples_ += r.samples;
  total_failed_ += r.failed_requests;
  std::vector<RunResults::Solution> solutions;
  for (const auto& learnt : e.learnt) {
    solutions.push_back({tasks_[learnt.task]->id, solution(learnt)});
    json::object result;
    result["task"] = json_string(tasks_[learnt.task]->id);
    result["step"] = learnt.step;
    result["successes"] = learnt.successes;
    result["samples"] = learnt.samples;
    result["success_rate"] = learnt.cut ? json::value(nullptr) : json::value(learnt.success_rate);
    result["cut"] = learnt.cut;
    results_.push_back(std::move(result));
  }
  samples_.sync();
  results_files_.add_step(to_text(object), r.samples, std::move(solutions));
  write_summary(false, "running");
  progress_.step_done(solved_);
}

void RunRecorder::run_done(const strata::events::run_done<step::Language>& e) {
  solved_ = e.report.solved();
  samples_.sync();
  bool complete = e.report.why == strata::ended::solved_all || e.report.why == strata::ended::exhausted ||
                  (e.report.why == strata::ended::steps && config_.one_step());
  std::string ended(strata::to_string(e.report.why));
  if (model_ != nullptr && e.report.why == strata::ended::stopped)
    if (const auto why = model_->ending()) ended = why->word;
  if (!place_.replayed_ended.empty()) { // the run that was repeated was no further
    complete = false;
    ended = place_.replayed_ended;
  }
  if (const auto& steps = e.report.steps;
      complete && !steps.empty() && steps.back().samples == 0 && steps.back().failed_requests > 0) {
    complete = false;
    ended = "failed";
    problem_ = "no request of the last step brought an answer; the last failure: " + last_failure_;
    if (model_ != nullptr) problem_ += "; resume with --retry-failed when that is mended";
  }
  complete = complete && !last_cut_; // what is left of a step can still be drawn
  if (complete) {
    results_files_.complete();
    tidy_samples();
  }
  write_summary(complete, ended);
}

void RunRecorder::write_sample(const json::object& line) {
  ++lines_;
  samples_.write(to_text(line));
}

/// At the end of a run, lines of samples that it did not have as it came out are left out, for instance since
/// a request that had failed was asked again.
void RunRecorder::tidy_samples() {
  if (stored_.lines == 0 || lines_ == had_.size()) return;
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < tasks_.size(); ++i) index.emplace(tasks_[i]->id, i);
  compact_samples(place_.directory, index, [&](const SampleKey& key) { return had_.contains(key); });
}

void RunRecorder::write_summary(bool complete, const std::string& ended) {
  json::object s;
  s["tasks"] = tasks_.size();
  s["solved"] = solved_;
  s["samples"] = total_samples_;
  s["failed_requests"] = total_failed_;
  note_time();
  s["seconds"] = place_.state.seconds();
  s["steps"] = step_objects_;
  s["ended"] = json_string(ended);
  s["complete"] = complete;
  s["model"] = json_string(config_.model);
  s["mode"] = json_string(config_.mode);
  s["seed"] = std::to_string(config_.seed);
  s["cut"] = last_cut_;
  s["pass_at_1"] = first_cut_ ? json::value(nullptr) : json::value(pass_at_1_);
  s["pass_at_n"] = first_cut_ ? json::value(nullptr) : json::value(pass_at_n_);
  s["input_tokens"] = input_tokens_;
  s["output_tokens"] = output_tokens_;
  s["cost_usd"] = cost_usd_;
  if (model_ != nullptr) {
    const auto sums = model_->used().read();
    s["cost_usd"] = strata::agents::to_dollars(sums.total.cost); // the exact sum
    s["usage"] = usage_json(sums.total);
    s["usage_by_stage"] = usage_json(sums.by_stage, [](const std::string& stage) { return stage; });
    s["usage_by_task"] = usage_json(sums.by_task, [this](std::size_t task) { return tasks_[task]->id; });
  }
  s["results"] = results_;
  summary_ = std::move(s);
  results_files_.write(to_text(summary_, 1) + "\n");
}

void RunRecorder::show_progress() {
  if (progress_.due()) progress_.show(model_ != nullptr ? model_->progress() : "", std::nullopt);
}

} // namespace app
