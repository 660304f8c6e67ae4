// SPDX-License-Identifier: MIT
// What `strata run` adds to the algorithm: a sampler that repeats stored samples first, and an observer that
// writes the run directory and shows progress.
#pragma once

#include "curve.hpp"
#include "json.hpp"
#include "judge.hpp"
#include "language_model.hpp"
#include "progress.hpp"
#include "proposer.hpp"
#include "run_config.hpp"
#include "run_directory.hpp"
#include "run_results.hpp"

#include "strata/events.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace app {

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
    RunState& state;
    double seconds_before = 0;    ///< of the earlier parts of the run
    std::string replayed_ended{}; ///< of a replay: how the run ended that is repeated, if before its end
  };
  /// `stored`: the samples that samples.jsonl has already. `model`: what it used and why it ended the run;
  /// null for the embedded proposer.
  RunRecorder(Place place, const RunConfig& config, const Tasks& tasks, const StoredSamples& stored,
              const ModelRun* model);
  RunRecorder(const RunRecorder&) = delete;
  RunRecorder& operator=(const RunRecorder&) = delete;

  void step_begun(const strata::events::step_begun<step::Language>& e);
  void drawn(const strata::events::drawn<step::Language>& e);
  void judged(const strata::events::judged<step::Language>& e);
  void step_done(const strata::events::step_done<step::Language>& e);
  void run_done(const strata::events::run_done<step::Language>& e);

  [[nodiscard]] const json::object& summary() const { return summary_; }
  [[nodiscard]] const std::vector<StepRow>& steps() const { return rows_; }
  /// Whether the files in the directory tell more than this part of the run came to.
  [[nodiscard]] bool kept_back() const { return results_files_.kept_back(); }
  /// Why the run cannot be called complete although it went to its end; empty if it can, or did not.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] json::object step_json(const strata::step_report& report) const;
  /// `rows`: one for each of the event's tallies, in their order.
  void put_usage(json::object& step, json::array& rows,
                 const strata::events::step_done<step::Language>& e) const;
  [[nodiscard]] std::string solution(const strata::experience<step::Language>& e) const;
  void write_summary(bool complete, const std::string& ended);
  void show_progress();
  void note_time();
  void write_sample(const json::object& line);
  void tidy_samples();

  Place place_;
  const RunConfig& config_;
  const Tasks& tasks_;
  const StoredSamples& stored_;
  const ModelRun* model_;
  Journal samples_;
  RunResults results_files_;
  std::set<SampleKey> had_; ///< the samples of a resumed run
  std::uint64_t lines_ = 0; ///< of samples.jsonl
  std::vector<StepRow> rows_;
  json::array step_objects_, results_;
  json::object summary_;
  std::string last_failure_, problem_;
  std::uint64_t total_samples_ = 0, total_failed_ = 0;
  std::uint64_t input_tokens_ = 0, output_tokens_ = 0;
  double cost_usd_ = 0, pass_at_1_ = 0, pass_at_n_ = 0;
  bool first_cut_ = false, last_cut_ = false; // the first and the last step were cut short

  using Clock = std::chrono::steady_clock;
  const Clock::time_point begun_ = Clock::now();
  std::size_t solved_ = 0;
  Progress progress_;
};

} // namespace app
