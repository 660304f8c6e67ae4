// SPDX-License-Identifier: MIT
// Writing a run down while it happens.
// Observer calls are serialised, so nothing here needs a lock.
#include "run_recorder.hpp"

#include "verdict_text.hpp"

#include "step/tasks/write.hpp"
#include "strata/metrics.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace app {

void Resuming::sample(Jobs jobs, Sink out) const {
  std::vector<strata::job<step::Language>> rest;
  for (const auto& job : jobs) {
    const auto at = stored_.find({job.step(), job.task_index(), job.sample()});
    if (at == stored_.end()) {
      rest.push_back(job);
      continue;
    }
    strata::draw<step::Language> draw;
    draw.program = at->second.program;
    if (!out(job, std::move(draw))) return;
  }
  if (!rest.empty() && !out.stop_requested()) other_.sample(rest, out);
}

RunRecorder::RunRecorder(Place place, const RunConfig& config, const Tasks& tasks, const Judge& judge,
                         const StoredSamples& stored)
    : place_(std::move(place)), config_(config), tasks_(tasks), judge_(judge), stored_(stored),
      samples_(place_.directory / "samples.jsonl", place_.resumed),
      steps_(place_.directory / "steps.jsonl", false), terminal_(::isatty(2) == 1) {}

void RunRecorder::step_begun(const strata::events::step_begun<step::Language>& e) {
  step_ = e.step;
  jobs_ = e.jobs;
  judged_ = 0;
  step_begun_ = Clock::now();
  show_progress(false);
}

void RunRecorder::drawn(const strata::events::drawn<step::Language>& e) {
  if (e.draw.program) return; // written when it is judged
  json::object line;
  line["step"] = e.job.step();
  line["task"] = json_string(tasks_[e.job.task_index()]->id);
  line["index"] = e.job.sample();
  line["temperature"] = e.job.temperature();
  line["failure"] = json_string(e.draw.failure);
  samples_.write(to_text(line));
}

void RunRecorder::judged(const strata::events::judged<step::Language>& e) {
  ++judged_;
  if (!stored_.contains({e.job.step(), e.job.task_index(), e.job.sample()})) {
    const auto& task = *tasks_[e.job.task_index()];
    json::object line;
    line["step"] = e.job.step();
    line["task"] = json_string(task.id);
    line["index"] = e.job.sample();
    line["temperature"] = e.job.temperature();
    put_verdict(line, judge_.detailed(task, *e.draw.program), e.seconds);
    line["program"] = json_string(*e.draw.program);
    samples_.write(to_text(line));
  }
  show_progress(false);
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
  out["thresholds"] = json::array(r.thresholds.begin(), r.thresholds.end());
  out["seconds"] = r.seconds;
  return out;
}

void RunRecorder::write_solution(const strata::experience<step::Language>& e) const {
  auto task = *tasks_[e.task];
  const auto file = place_.directory / "solutions" / (task.id + ".yaml");
  task.impl = e.program;
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    errno = error.value();
    cannot_write(file);
  }
  write_whole_file(file, step::to_yaml(task));
}

void RunRecorder::step_done(const strata::events::step_done<step::Language>& e) {
  const auto& r = e.report;
  solved_ = r.solved_total;
  json::object object = step_json(r);
  step_objects_.push_back(object);
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
  object["tallies"] = std::move(tallies);
  if (rows_.empty()) {
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
              .input_tokens = r.used.input_tokens,
              .output_tokens = r.used.output_tokens,
              .cost_usd = r.used.cost_usd,
              .seconds = r.seconds,
              .newly_solved = {}};
  for (const auto t : r.newly_solved) row.newly_solved.push_back(tasks_[t]->id);
  rows_.push_back(std::move(row));
  total_samples_ += r.samples;
  total_failed_ += r.failed_requests;
  input_tokens_ += r.used.input_tokens;
  output_tokens_ += r.used.output_tokens;
  cost_usd_ += r.used.cost_usd;
  for (const auto& learnt : e.learnt) {
    write_solution(learnt);
    json::object result;
    result["task"] = json_string(tasks_[learnt.task]->id);
    result["step"] = learnt.step;
    result["successes"] = learnt.successes;
    result["samples"] = learnt.samples;
    result["success_rate"] = learnt.success_rate;
    results_.push_back(std::move(result));
  }
  samples_.flush();
  steps_.write(to_text(object));
  steps_.flush();
  write_summary(false, "running");
  show_progress(true);
}

void RunRecorder::run_done(const strata::events::run_done<step::Language>& e) {
  solved_ = e.report.solved();
  samples_.flush();
  steps_.flush();
  const bool complete = e.report.why == strata::ended::solved_all ||
                        e.report.why == strata::ended::exhausted ||
                        (e.report.why == strata::ended::steps && config_.mode == "single");
  write_summary(complete, strata::to_string(e.report.why));
}

void RunRecorder::write_summary(bool complete, std::string_view ended) {
  json::object s;
  s["tasks"] = tasks_.size();
  s["solved"] = solved_;
  s["samples"] = total_samples_;
  s["failed_requests"] = total_failed_;
  s["seconds"] = place_.seconds_before + std::chrono::duration<double>(Clock::now() - begun_).count();
  s["steps"] = step_objects_;
  s["ended"] = json::string_view(ended.data(), ended.size());
  s["complete"] = complete;
  s["model"] = json_string(config_.model);
  s["mode"] = json_string(config_.mode);
  s["seed"] = std::to_string(config_.seed);
  s["pass_at_1"] = pass_at_1_;
  s["pass_at_n"] = pass_at_n_;
  s["input_tokens"] = input_tokens_;
  s["output_tokens"] = output_tokens_;
  s["cost_usd"] = cost_usd_;
  s["results"] = results_;
  summary_ = std::move(s);
  write_whole_file(place_.directory / "summary.json", to_text(summary_, 1) + "\n");
}

void RunRecorder::show_progress(bool step_over) {
  const auto now = Clock::now();
  if (!step_over && (!terminal_ || now - shown_ < std::chrono::milliseconds(100))) return;
  shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - step_begun_).count();
  const double rate = elapsed > 0 ? static_cast<double>(judged_) / elapsed : 0;
  if (step_over) {
    std::fprintf(stderr, "%sstep %zu: %zu/%zu solved, %zu samples, %.1f s\n", terminal_ ? "\r\033[K" : "",
                 step_, solved_, tasks_.size(), judged_, elapsed);
    return;
  }
  const double left = rate > 0 && jobs_ > judged_ ? static_cast<double>(jobs_ - judged_) / rate : 0;
  std::fprintf(stderr,
               "\r\033[Kstep %zu: %zu/%zu solved, %zu of %zu samples, %.0f verdicts/s, step ends in %.0f s",
               step_, solved_, tasks_.size(), judged_, jobs_, rate, left);
}

} // namespace app
