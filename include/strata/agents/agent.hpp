// SPDX-License-Identifier: MIT
// A sampler that asks language models: a proposer writes a program, a guardian may check it, and a repairer
// may be shown what is wrong with it. What is asked and how answers are read are functions given to it.
#pragma once

#include "strata/agents/conversation_run.hpp"

#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace strata::agents {

/// Draws programs from the models behind `C`; a model of `Sampler<L>`.
///
/// All jobs of a step are submitted at once; what a sample needs next is asked as soon as its answer is
/// there. Extraction, checks and delivery happen on the thread that calls `sample`, and on `threads - 1`
/// others, never on the client's thread. The client must make progress on its own: start an engine with
/// `engine.start()`.
///
/// A request that fails makes a draw without program. When the sink wants no more, requests are declined by a
/// budget or cancelled, nothing new is begun and what has been begun is finished; when the model is stopped
/// (key, quota) nothing more is asked at all. Either way `on_stopped` is called once, what has been answered
/// is delivered, and the rest is left out, with what it used told to the sink.
template <Language L, llm::ChatClient C> class agent {
 public:
  /// `guardian` answers the stage "guard"; without it the proposer's client does. Throws
  /// std::invalid_argument if a needed function is missing or a number makes no sense.
  agent(C proposer, stages<L> how, agent_settings settings, std::optional<C> guardian = std::nullopt)
      : proposer_(std::move(proposer)), guardian_(guardian ? *std::move(guardian) : proposer_),
        how_(std::move(how)), settings_(std::move(settings)) {
    if (!how_.propose || !how_.read)
      throw std::invalid_argument("strata: an agent needs the functions propose and read");
    if (how_.repairs > 0 && !how_.repair)
      throw std::invalid_argument("strata: an agent that repairs needs the function repair");
    if (settings_.number.tasks == 0 || settings_.number.samples == 0)
      throw std::invalid_argument(
          "strata: agent_settings.number needs the numbers of tasks and of samples per temperature");
  }

  /// Throws what the functions throw, and std::length_error if the samples of the run cannot be numbered with
  /// 32 bits, std::invalid_argument if a job is beyond `agent_settings::number`.
  void sample(std::span<const job<L>> jobs, sink<L> out) {
    const auto run =
        std::make_shared<detail::conversation_run<L, C>>(proposer_, guardian_, how_, settings_, jobs, out);
    run->work();
    if (auto why = run->why_stopped()) stopped_ = std::move(why);
  }

  /// What ended a step before its time, if anything but the sink did.
  [[nodiscard]] const std::optional<llm::failure>& stopped() const noexcept { return stopped_; }

 private:
  C proposer_, guardian_;
  stages<L> how_;
  agent_settings settings_;
  std::optional<llm::failure> stopped_;
};

} // namespace strata::agents
