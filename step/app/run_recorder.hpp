// SPDX-License-Identifier: MIT
// What `strata run` adds to the algorithm: a verifier that keeps detailed verdicts, a sampler that repeats
// stored samples first, and an observer that writes the run directory and shows progress.
#pragma once

#include "checker.hpp"
#include "curve.hpp"
#include "json.hpp"
#include "proposer.hpp"
#include "run_config.hpp"
#include "run_directory.hpp"

#include "strata/events.hpp"
#include "strata/verdict.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace app {

using Tasks = std::vector<std::shared_ptr<const step::Task>>;

/// A `strata::Verifier` over the tasks of a run.
class Judge {
 public:
  /// Throws TaskError when a task is broken.
  explicit Judge(const Tasks& tasks) {
    for (const auto& task : tasks) checkers_.emplace(task.get(), Checker(task));
  }
  [[nodiscard]] step::Verdict detailed(const step::Task& task, const std::string& program) const {
    return checkers_.at(&task).verify(program);
  }
  [[nodiscard]] strata::verdict verify(const std::shared_ptr<const step::Task>& task,
                                       const std::string& program) const {
    const auto v = detailed(*task, program);
    return {v.pass, v.pass ? 1.0 : 0.0, v.feedback()};
  }
  void remember(const step::Task& task, const StoredSample& sample) {
    checkers_.at(&task).remember(sample.program, sample.verdict);
  }

 private:
  std::unordered_map<const step::Task*, Checker> checkers_;
};

/// A `strata::Sampler`: stored samples first, the rest from another sampler.
class Resuming {
 public:
  Resuming(const StoredSamples& stored, AnySampler other) : stored_(stored), other_(std::move(other)) {}
  void sample(Jobs jobs, Sink out) const;

 private:
  const StoredSamples& stored_;
  AnySampler other_;
};

/// A `strata::Observer` that writes everything down. Its members may throw Failure when the disk is full.
class RunRecorder {
 public:
  struct Place {
    std::filesystem::path directory;
    bool resumed = false;
    double seconds_before = 0; ///< of the earlier parts of the run
  };
  RunRecorder(Place place, const RunConfig& config, const Tasks& tasks, const Judge& judge,
              const StoredSamples& stored);
  RunRecorder(const RunRecorder&) = delete;
  RunRecorder& operator=(const RunRecorder&) = delete;

  void step_begun(const strata::events::step_begun<step::Language>& e);
  void drawn(const strata::events::drawn<step::Language>& e);
  void judged(const strata::events::judged<step::Language>& e);
  void step_done(const strata::events::step_done<step::Language>& e);
  void run_done(const strata::events::run_done<step::Language>& e);

  [[nodiscard]] const json::object& summary() const { return summary_; }
  [[nodiscard]] const std::vector<StepRow>& steps() const { return rows_; }

 private:
  [[nodiscard]] json::object step_json(const strata::step_report& report) const;
  void write_solution(const strata::experience<step::Language>& e) const;
  void write_summary(bool complete, std::string_view ended);
  void show_progress(bool always);

  Place place_;
  const RunConfig& config_;
  const Tasks& tasks_;
  const Judge& judge_;
  const StoredSamples& stored_;
  Journal samples_, steps_;
  std::vector<StepRow> rows_;
  json::array step_objects_, results_;
  json::object summary_;
  std::uint64_t total_samples_ = 0, total_failed_ = 0;
  std::uint64_t input_tokens_ = 0, output_tokens_ = 0;
  double cost_usd_ = 0, pass_at_1_ = 0, pass_at_n_ = 0;

  using Clock = std::chrono::steady_clock;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point step_begun_ = begun_, shown_{};
  const bool terminal_;
  std::size_t step_ = 0, jobs_ = 0, judged_ = 0, solved_ = 0;
};

} // namespace app
