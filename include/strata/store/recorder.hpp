// SPDX-License-Identifier: MIT
// Stores replies before anybody uses them, and serves those that are stored: a function from (model, request,
// sample) to a choice, which is asked of the model once and of the file from then on. One thread writes,
// many replies per transaction, and delivers.
#pragma once

#include "strata/store/detail/recorder_core.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace strata::store {

/// What connects clients with a store. Declare the store before it and the engine after it, so that the
/// engine ends first; what is still open when the recorder ends fails as cancelled. All members may be called
/// from any thread.
class recorder {
 public:
  /// Throws store_error.
  explicit recorder(run_store& store, recorder_settings settings = {})
      : core_(std::make_shared<detail::recorder_core>(store, settings)) {}
  ~recorder() { core_->close(); }
  recorder(const recorder&) = delete;
  recorder& operator=(const recorder&) = delete;

  /// Waits until no request is under way. Not to be called on the recorder's own thread.
  void wait() { core_->wait(); }
  [[nodiscard]] recorder_counters counters() const { return core_->counters(); }
  /// What made the store unusable, if anything did. From then on every request fails with this message.
  [[nodiscard]] std::optional<store_error> error() const { return core_->error(); }
  /// What has been learnt of the model whose replies are kept under `name`, for `llm::engine::open`; empty if
  /// nothing has. Throws store_error.
  [[nodiscard]] std::string learnt(const std::string& name) { return core_->learnt(name); }
  /// To be called when more has been learnt (`llm::engine_hooks::on_adapted`), before the next request is
  /// sent: it is part of the keys of the replies from then on, so that a resumed or replayed run finds them.
  /// Throws store_error.
  void adapt(const std::string& name, std::string_view learnt) { core_->adapt(name, learnt); }
  /// The first request that a replay did not find.
  [[nodiscard]] std::optional<std::string> missing() const { return core_->missing(); }

 private:
  template <llm::ChatClient C> friend class recorded_client;
  friend class replaying_client;
  std::shared_ptr<detail::recorder_core> core_;
};

} // namespace strata::store
