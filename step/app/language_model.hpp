// SPDX-License-Identifier: MIT
// Language models as proposers of `strata run`: who was named, what it will be told, and the model at work
// with its run store, budget and ledger. Only language_model.cpp compiles clients, store and agents.
#pragma once

#include "judge.hpp"
#include "options.hpp"
#include "proposer.hpp"
#include "run_config.hpp"

#include "strata/agents/ledger.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace app {

/// A model that was named, with its key, prices and prompts.
class LanguageModel {
 public:
  enum class Use {
    ask,
    look, ///< replay or estimate: no key is needed
  };
  /// For a new run: resolves `config.model` to the model's full name, and fills in what the configuration
  /// keeps of the prompts. For a run that goes on (`config.prompts_fingerprint` is known): throws Failure
  /// if model or prompts are not what they were. Throws Failure, TaskError or llm::catalogue_error.
  LanguageModel(const RunCommand& command, RunConfig& config, const Tasks& tasks, Use use);
  LanguageModel(LanguageModel&&) noexcept;
  LanguageModel& operator=(LanguageModel&&) noexcept;
  ~LanguageModel();

  /// Lines about the model and what the first step will take at least and at most.
  [[nodiscard]] std::string estimate(const RunConfig& config, const Tasks& tasks) const;

 private:
  friend class ModelRun;
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// A language model at work. Every reply is stored in the run's directory before it is used.
class ModelRun {
 public:
  struct Settings {
    std::filesystem::path directory; ///< of the run
    std::filesystem::path replies;   ///< the store: in the directory, or of the run that is replayed
    bool replay = false;             ///< nothing is asked, nothing is stored
    /// Of a replay: the run was ended before its end. Samples whose replies are not there are left out.
    bool unfinished = false;
    /// The configuration is compared with the one in the store (of a run begun by strata 0.1.0).
    bool check_config = false;
    std::stop_source stop; ///< of the run; requested when the model cannot or may not go on
  };
  /// Why the model ended the run.
  struct Ending {
    std::string word;    ///< "budget" or "failed"
    std::string message; ///< one sentence
    std::string option;  ///< that limits what was used up, for instance "--budget-usd"
  };

  /// Throws store_error, Failure or what the engine's settings throw. The arguments must outlive it.
  ModelRun(const LanguageModel& model, const RunConfig& config, const RunCommand& command, const Tasks& tasks,
           const Judge& judge, Settings settings);
  ModelRun(const ModelRun&) = delete;
  ModelRun& operator=(const ModelRun&) = delete;
  ~ModelRun();

  [[nodiscard]] AnySampler sampler();
  /// What was used, by sample, task, step and stage, stored replies included.
  [[nodiscard]] const strata::agents::ledger& used() const;
  /// Nothing if the model did not end the run. Throws Failure if the store did.
  [[nodiscard]] std::optional<Ending> ending() const;
  /// "37 requests in flight, $0.12".
  [[nodiscard]] std::string progress() const;
  /// Replies that were in the store already.
  [[nodiscard]] std::uint64_t served() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace app
