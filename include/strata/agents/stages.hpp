// SPDX-License-Identifier: MIT
// What an agent asks and how it reads answers, as functions; and what is sent with every request.
// Leave `guard` and `repairs` empty for a single model, fill in either or both for more.
#pragma once

#include "strata/agents/ledger.hpp"
#include "strata/job.hpp"
#include "strata/llm/failure.hpp"
#include "strata/llm/message.hpp"
#include "strata/llm/reply.hpp"
#include "strata/llm/request.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace strata::agents {

inline constexpr std::string_view propose_stage = "propose", guard_stage = "guard", repair_stage = "repair";

/// What could be read from an answer.
template <Language L> struct reading {
  typename L::program program{}; ///< if there is none: what stands for it, a wrong program
  std::string problem{};         ///< why there is none; empty if there is one
};

/// What one sample has come to.
template <Language L> struct proposal {
  llm::conversation asked{};     ///< of the proposer, or of the last repair
  std::string said{};            ///< its answer
  typename L::program program{}; ///< read from it, and what the guardian made of it since
  std::string problem{};         ///< not empty: no program could be read
  std::uint32_t repairs = 0;     ///< so far
};

/// The functions of an agent. With `agent_settings::threads` > 1 all but `propose` may be called by several
/// threads at once.
template <Language L> struct stages {
  using question = std::function<std::optional<llm::conversation>(const job<L>&, const proposal<L>&)>;

  /// What to ask first; called once per task and step, so it must not depend on the sample.
  std::function<llm::conversation(const job<L>&)> propose{};
  /// Reads an answer of any stage. Text is untrusted.
  std::function<reading<L>(const job<L>&, const llm::choice&)> read{};
  /// What to ask the guardian about a proposal; nothing: it stands as it is. Called for every program, also
  /// for repaired ones. If the guardian's answer cannot be read, the proposal stands.
  question guard{};
  /// What to ask after verification; nothing: the program is good. Also called for unreadable answers.
  question repair{};
  std::uint32_t repairs = 0; ///< how often `repair` is asked at most
};

/// Numbers samples so that no two requests of a run with equal text have the same number, which a store needs
/// to tell them apart.
struct numbering {
  std::size_t tasks = 0;   ///< of the whole run
  std::size_t samples = 0; ///< of a task at one temperature in one step, as `sampling::samples`

  /// Samples of one task, step and temperature have consecutive numbers. Throws as `agent::sample` says.
  template <Language L> [[nodiscard]] std::uint64_t operator()(const job<L>& j) const {
    const std::size_t temperatures = j.setting().temperatures().size();
    const std::size_t k = j.sample() / temperatures;
    if (j.task_index() >= tasks || k >= samples)
      throw std::invalid_argument("strata: a job is beyond the tasks or samples of agent_settings.number");
    const std::uint64_t row = (std::uint64_t{j.step()} * tasks + j.task_index()) * temperatures;
    if (row > UINT32_MAX || (row + temperatures) > UINT32_MAX / samples)
      throw std::length_error("strata: the samples of the run cannot be numbered with 32 bits");
    return (row + j.temperature_index()) * samples + k;
  }
};

struct agent_settings {
  numbering number{};
  std::uint32_t max_tokens = 1024; ///< per answer
  llm::effort reasoning = llm::effort::unset;
  llm::cache_life cache = llm::cache_life::minutes5;
  std::string cache_key{};
  std::optional<double> guard_temperature{}; ///< default: that of the job
  std::uint32_t per_request = 8;             ///< choices per request, where the model takes `n`
  std::size_t threads = 1;                   ///< that read, check and deliver

  /// `chat_request::tag` of a task, step and stage; empty: 0.
  std::function<std::uint64_t(std::size_t task, std::size_t step, std::string_view stage)> tag{};
  /// What every sample is charged, from the agent's threads, several at once; for `ledger::add`.
  std::function<void(const charge&)> on_charge{};
  /// False: a request that is cancelled leaves out its own sample only, and the step goes on. For the replay
  /// of a run that was ended in the midst of a step.
  bool ends_when_cancelled = true;
  /// Called once per step that is ended before its time, from any thread: null if the sink wanted no more, or
  /// something has thrown. Cancel what waits in an engine here (`engine.drain`, which spares the follow-ups
  /// of what has been begun), and request the stop of the run.
  std::function<void(const llm::failure*)> on_stopped{};
};

} // namespace strata::agents
