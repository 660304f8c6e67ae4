// SPDX-License-Identifier: MIT
// Talks to real servers: thousands of requests in flight on one thread, with connections kept, concurrency
// that adapts, retries, and an end to everything when credit or key fail. `client` is a handle to one model.
//
// The engine is header-only unless STRATA_LLM_SEPARATE_COMPILATION is defined; then one translation unit
// includes engine_source.hpp, and no other needs Boost or OpenSSL.
#pragma once

#include "strata/llm/catalogue.hpp"
#include "strata/llm/client.hpp"
#include "strata/llm/limits.hpp"
#include "strata/llm/retry.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace strata::llm {

/// One HTTP exchange that ended; for logs and progress. No text in it contains a key.
struct attempt {
  const model_profile& model;
  const chat_request& request;
  std::uint32_t number = 1;              ///< from 1
  const failure* failed = nullptr;       ///< null: it brought a reply
  const reply* answered = nullptr;       ///< null: it failed
  std::string_view reaction{};           ///< what happens next, for instance "retry in 2.1 s"
  std::size_t in_flight = 0, window = 0; ///< of this model, afterwards
  bool adapted = false;                  ///< it failed, and is sent again in another form: see `on_adapted`
};

/// Where the layers above hook in. All are called on the engine's thread and may be empty.
struct engine_hooks {
  /// Before the first byte of a request is sent (not before its retries): a failure declines it. For budgets
  /// that reserve: what waits in the queue has not been admitted yet.
  std::function<std::optional<failure>(const model_profile&, const chat_request&)> admit{};
  /// A reply arrived. The requester gets it when `deliver` is called, from any thread, at once or later: a
  /// store calls it once the reply is durable. It must be called, or the engine never gets idle. The
  /// references are valid until then.
  std::function<void(const model_profile&, const chat_request&, const reply&, std::function<void()> deliver)>
      on_reply{};
  /// An attempt ended, well or badly.
  std::function<void(const attempt&)> on_attempt{};
  /// A parameter that the server does not take is left out or changed from now on, for all requests to this
  /// model: `what` in words, and all that has been learnt (`adaptation::text`), to be given to `engine::open`
  /// the next time. Called before the next request is sent.
  std::function<void(const model_profile&, std::string_view what, const std::string& learnt)> on_adapted{};
  /// The very first request to this model has not been answered for so long. Called again from time to time;
  /// nothing else is sent meanwhile.
  std::function<void(const model_profile&, std::chrono::seconds)> on_silence{};
};

struct engine_settings {
  concurrency_limits concurrency{};
  retry_policy retry{};
  transport_limits transport{};
  std::chrono::milliseconds silence{20'000}; ///< before `on_silence` is called for the first time
  std::uint64_t seed = 0;                    ///< of the jitter in delays
  engine_hooks hooks{};
};

/// What the engine is doing, over all models.
struct engine_counters {
  std::size_t queued = 0;    ///< submitted, not sent, or waiting to be sent again
  std::size_t in_flight = 0; ///< HTTP exchanges under way
  std::size_t holding = 0;   ///< replies that `on_reply` has not delivered yet
  std::uint64_t replies = 0;
  std::uint64_t failures = 0;    ///< requests that failed for good
  std::uint64_t attempts = 0;    ///< HTTP exchanges in all
  std::uint64_t connections = 0; ///< opened in all
};

namespace detail {
class engine_core;
struct engine_lane;
} // namespace detail

/// Asks one model of an engine; a model of `ChatClient`. Copies are the same client. Valid as long as the
/// engine.
class client {
 public:
  /// Identifies a request that was submitted.
  using ticket = std::uint64_t;

  /// From any thread. `done` is called on the engine's thread. Never throws for a bad request: that is an
  /// outcome.
  ticket submit(chat_request question, completion done);
  /// The request ends with failure_kind::cancelled, unless its reply is already there. From any thread.
  void cancel(ticket which);
  [[nodiscard]] const model_profile& model() const noexcept;
  /// What stopped this model for good, if anything did: a key, the quota, an unknown name. From any thread.
  [[nodiscard]] std::optional<failure> stopped() const;

 private:
  friend class engine;
  client(std::shared_ptr<detail::engine_core> core, std::shared_ptr<detail::engine_lane> lane);
  std::shared_ptr<detail::engine_core> core_;
  std::shared_ptr<detail::engine_lane> lane_;
};

/// Owns connections, queues and timers. Should a requester or a hook throw, `run`, `run_for` or `wait` throws
/// that, after the others have been served.
///
///     engine e({.concurrency = {.maximum = 64}});
///     client c = e.open(catalogue::load("data/models.yaml").resolve("anthropic:sonnet"));
///     c.submit(chat_request(conversation("Be terse.", "Say hello.")), [](outcome o) { .. });
///     e.run();
///
/// The first request to https reads the certificates; the limit on open files is raised if it is too low for
/// `concurrency.maximum`. Either the caller pumps it (`run`), or it has a thread (`start`).
class engine {
 public:
  /// Throws std::invalid_argument if a setting makes no sense, std::runtime_error if the CA file or the proxy
  /// address cannot be used.
  explicit engine(engine_settings settings = {});
  /// Cancels everything and waits for the thread to end.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// A client for a model, from any thread. Throws std::invalid_argument if its address, std::runtime_error
  /// if HTTPS_PROXY cannot be used. Two clients for the same provider, name and server share their pauses,
  /// limits, connections and the first one's key. `learnt`: what an earlier run learnt of the model, as given
  /// to `on_adapted`.
  [[nodiscard]] client open(model_access model, std::string_view learnt = {});

  /// Works on this thread until nothing is under way any more, or `stop_running` is called.
  void run();
  /// Works on this thread for at most this long; returns whether anything is still under way.
  bool run_for(std::chrono::milliseconds time);
  /// Works on a thread of its own until destruction.
  void start();
  /// Waits until nothing is under way; for engines that have been started.
  void wait();

  /// Nothing new is sent: what waits fails as cancelled, what is in flight may finish. Follow-ups
  /// (`chat_request::follow_up`) are still sent. From any thread.
  void drain(std::string why);
  /// Also refuses follow-ups and ends what is in flight. From any thread.
  void cancel_all(std::string why);
  /// Takes new requests again after `drain` or `cancel_all`. From any thread.
  void resume();

  [[nodiscard]] engine_counters counters() const;

 private:
  std::shared_ptr<detail::engine_core> core_;
};

} // namespace strata::llm

#ifndef STRATA_LLM_SEPARATE_COMPILATION
#include "strata/llm/engine_source.hpp"
#endif
