// SPDX-License-Identifier: MIT
// What determines the result of a run: stored in its directory, and compared when the run is resumed.
// Limits (budgets, concurrency) are no part of it: a resumed run may have others.
#pragma once

#include "json.hpp"
#include "options.hpp"

#include "step/agents/agent_kind.hpp"
#include "step/tasks/task.hpp"
#include "strata/job.hpp"
#include "strata/llm/request.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace app {

struct RunConfig {
  std::string model = "local";
  std::string mode = "iterative";
  int samples = 64;
  std::vector<double> temperatures = {0.4, 0.7, 1.0};
  int granularity = 3;
  std::uint64_t seed = 0;
  bool published = false;       ///< the single check of the prototype decides
  std::string tasks;            ///< the directory
  std::vector<std::string> ids; ///< of the tasks, in order
  std::string fingerprint;      ///< of the tasks' content

  // of language models only
  step::agents::AgentKind agent{};
  int max_tokens = 1024;
  strata::llm::effort reasoning = strata::llm::effort::unset;
  int per_request = 8;
  std::vector<std::string> model_files; ///< of models besides the bundled ones
  std::string prompts;                  ///< the directory
  std::string prompts_fingerprint;      ///< of what the model is told
  std::string replay_of;                ///< the run whose replies were used; empty: it asked for its own

  [[nodiscard]] bool local() const { return model == "local"; }
  [[nodiscard]] bool one_step() const { return mode != "iterative"; }
  [[nodiscard]] strata::sampling sampling() const {
    return {static_cast<std::size_t>(samples), temperatures};
  }
};

/// The configuration that the options ask for, without tasks and prompts; a language model is still named as
/// the user did. Throws Failure for a value out of range.
[[nodiscard]] RunConfig config_of(const RunCommand& command);

/// What a run directory holds. Throws Failure when it is no run, or its configuration is damaged.
[[nodiscard]] RunConfig read_config(const std::filesystem::path& run);

[[nodiscard]] json::object to_json(const RunConfig& config);

/// Throws Failure when an option that was given contradicts the stored configuration. Another `--model` is
/// left to LanguageModel to judge: its server may have moved.
void require_same(const RunCommand& command, const RunConfig& stored);

/// The agent as the user names it, for instance "no-ir,guardian".
[[nodiscard]] std::string name_of(const step::agents::AgentKind& agent);

/// A hash of texts, in order, as text.
class Fingerprint {
 public:
  void add(std::string_view text);
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL; // FNV-1a
};

/// Of what the tasks contain.
[[nodiscard]] std::string fingerprint_of(const std::vector<std::shared_ptr<const step::Task>>& tasks);

} // namespace app
