// SPDX-License-Identifier: MIT
// Clients whose replies are stored: one that asks another client for what is not there yet, and one that
// never asks, for reproducing a finished run without network. Agents do not notice the difference.
#pragma once

#include "strata/llm/client.hpp"
#include "strata/store/recorder.hpp"

#include <memory>
#include <string>
#include <utility>

namespace strata::store {

/// A model of `llm::ChatClient` around another one. `done` is called on the recorder's thread, never within
/// `submit`; it must be quick and must not wait. `submit` may be called from any thread; the inner client's
/// is called on the recorder's thread only.
///
/// - A stored request is answered from the store; one with several choices may be known in part, and only
///   the rest is asked for. Equal requests that are under way wait for the first of them.
/// - A reply is durable when it is delivered. A failure that an algorithm goes on after is stored as well,
///   one that stops a run (cancelled, declined, configuration, budget) is not.
/// - `used.cost_usd` is set when the reply arrives, so that later prices do not change what was paid. A reply
///   that is delivered once more in one session carries no usage: it was counted before.
///
/// Requests with equal text need different `sample` numbers, over all steps of a run, to be different
/// samples.
template <llm::ChatClient C> class recorded_client {
 public:
  /// Replies are kept under `name`; if it is empty, under the model's spec. Throws store_error, also if the
  /// store was opened to be read.
  recorded_client(const recorder& by, C inner, const std::string& name = {})
      : core_(by.core_), inner_(std::move(inner)) {
    lane_ = core_->open(inner_.model(), name,
                        [client = inner_](llm::chat_request q, llm::completion done) mutable {
                          client.submit(std::move(q), std::move(done));
                        });
  }

  void submit(llm::chat_request question, llm::completion done) {
    core_->submit(lane_, std::move(question), std::move(done));
  }
  [[nodiscard]] const llm::model_profile& model() const noexcept { return lane_->model; }

 private:
  std::shared_ptr<detail::recorder_core> core_;
  C inner_;
  std::shared_ptr<detail::recorder_lane> lane_;
};

/// A model of `llm::ChatClient` that has only what is stored. A request that is not there fails as
/// `configuration`, and `recorder::missing` names the first of them.
class replaying_client {
 public:
  replaying_client(const recorder& from, const llm::model_profile& model, const std::string& name = {})
      : core_(from.core_), lane_(core_->open(model, name, {})) {}

  void submit(llm::chat_request question, llm::completion done) {
    core_->submit(lane_, std::move(question), std::move(done));
  }
  [[nodiscard]] const llm::model_profile& model() const noexcept { return lane_->model; }

 private:
  std::shared_ptr<detail::recorder_core> core_;
  std::shared_ptr<detail::recorder_lane> lane_;
};

} // namespace strata::store
