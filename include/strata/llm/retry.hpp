// SPDX-License-Identifier: MIT
// Decides what to do after a failed attempt: a state machine without sockets, clocks or randomness of its
// own, so that every delay can be tested exactly. One per request; what requests share is in `gate.hpp`.
#pragma once

#include "strata/llm/failure.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace strata::llm {

/// Long unattended runs want patience. Delays are drawn uniformly from 0 to base * 2^k, at most `longest`.
struct retry_policy {
  /// That may fail, per request. Rate limits do not count, nor, once the model has answered at all, outages:
  /// no connection, or an overloaded provider.
  std::uint32_t attempts = 12;
  std::uint32_t tls_attempts = 3; ///< of these, with a failed TLS handshake
  std::chrono::milliseconds base{1'000};
  std::chrono::milliseconds longest{60'000};
  std::uint32_t overload_factor = 4; ///< delays are this much longer while the provider is overloaded for all
  /// A provider that asks to wait for longer is given up, with a message, instead of sleeping for hours.
  std::chrono::milliseconds longest_retry_after{300'000};
  std::chrono::milliseconds patience{7'200'000}; ///< from the first failure on, whatever the failures
  /// Until the model has answered for the first time, an address at which nothing answers in the protocol is
  /// tried for so long, and then the model is given up.
  std::chrono::milliseconds first_contact{3'000};
};

/// What is to be done with a request whose attempt failed.
struct reaction {
  enum class action : std::uint8_t {
    again_now,     ///< once more, on a new connection; not counted
    again_later,   ///< once more after `delay`
    give_up,       ///< this request
    stop_model,    ///< and all others to this model
    stop_provider, ///< and all others to this provider
  };
  action what = action::give_up;
  std::chrono::milliseconds delay{0};
  std::chrono::milliseconds pause{0}; ///< nobody sends to this model for so long
  bool out_of_patience = false;       ///< giving up because it has taken too long
  bool unreachable = false;           ///< giving up because nothing has ever answered there
  std::string because{};              ///< replaces the failure's message when giving up; empty: it stands
};

/// What the transport knows about an attempt beyond its failure.
struct attempt_facts {
  bool connection_was_reused = false;
  bool any_byte_received = false;
  bool tls_handshake = false;                  ///< it failed there
  bool connecting = false;                     ///< it failed before the request was sent
  std::chrono::steady_clock::duration took{0}; ///< by this attempt
  bool worked_before = false;                  ///< this model has answered other requests
  /// Complaints about load: many lately, so that everybody holds back, or only this one now and then.
  bool widespread = true;
  /// When the provider's exhausted limit is said to be free again, from rate headers; 0: not said.
  std::chrono::milliseconds reset_hint{0};
};

/// Whether the failure is a complaint about load: fewer requests might not have met it.
[[nodiscard]] constexpr bool complains(failure_kind kind) noexcept {
  return kind == failure_kind::rate_limited || kind == failure_kind::overloaded ||
         kind == failure_kind::timeout;
}

/// The state of one request between its attempts.
class retry_state {
 public:
  using clock = std::chrono::steady_clock;

  /// `draw()` returns a number uniform over [0, 1).
  template <class Random>
  [[nodiscard]] reaction after(const failure& failed, const attempt_facts& facts, clock::time_point now,
                               const retry_policy& policy, Random&& draw) {
    using action = reaction::action;
    ++attempts_;
    if (attempts_ == 1) began_ = now;
    if (attempts_ == 1) reached_for_ = facts.connecting ? now - facts.took : now;
    const reach how_far = reach_of(failed.kind);
    if (how_far == reach::provider) return {.what = action::stop_provider};
    if (how_far == reach::model) return {.what = action::stop_model};
    // the server's own word decides, but a request that is wrong stays wrong unless the status is doubtful
    if (failed.should_retry == false) return {.what = action::give_up};
    if (how_far == reach::request &&
        !(failed.should_retry == true && failed.kind == failure_kind::bad_request))
      return {.what = action::give_up};

    if (failed.kind == failure_kind::connection && facts.connection_was_reused && !facts.any_byte_received &&
        !replayed_) {
      replayed_ = true; // the server had closed it before it saw the request
      return {.what = action::again_now};
    }
    replayed_ = false;

    const bool limited = failed.kind == failure_kind::rate_limited;
    const bool outage =
        facts.worked_before && (failed.kind == failure_kind::overloaded ||
                                (failed.kind == failure_kind::connection && !failed.may_be_billed));
    if (!limited && !outage) ++counted_;
    if (facts.tls_handshake) ++handshakes_;
    if (failed.retry_after && *failed.retry_after > policy.longest_retry_after)
      return {.what = action::stop_model,
              .because = "the provider asks to wait for " + seconds(*failed.retry_after) +
                         ", which is longer than this run will (" + seconds(policy.longest_retry_after) +
                         "); resume it later. It said: " + failed.message};
    const bool strange = !facts.worked_before &&
                         (failed.kind == failure_kind::connection || failed.kind == failure_kind::malformed ||
                          (failed.kind == failure_kind::timeout && facts.connecting));
    if (strange && (handshakes_ >= policy.tls_attempts || now >= reached_for_ + policy.first_contact))
      return {.what = action::stop_model,
              .unreachable = true,
              .because =
                  failed.message + " (nothing has worked there yet: given up after " +
                  (attempts_ == 1 ? std::string("one attempt") : std::to_string(attempts_) + " attempts") +
                  ")"};
    if (counted_ >= policy.attempts || handshakes_ >= policy.tls_attempts)
      return {.what = action::give_up,
              .because = failed.message + " (given up after " + std::to_string(attempts_) + " attempts)"};

    reaction r{.what = action::again_later};
    const bool overloaded = failed.kind == failure_kind::overloaded;
    const std::uint32_t k = std::min(waits_++, 20U);
    auto longest = policy.base * (overloaded && facts.widespread ? policy.overload_factor : 1U) * (1U << k);
    if (!facts.widespread) longest /= 2;
    longest = std::clamp(longest, std::chrono::milliseconds{1}, policy.longest);
    const auto jitter = [&](std::chrono::milliseconds upto) {
      return std::chrono::milliseconds(static_cast<std::int64_t>(draw() * static_cast<double>(upto.count())));
    };
    if (failed.retry_after) { // a minimum, and then some
      r.pause = *failed.retry_after;
      const auto spread = facts.widespread ? std::max(policy.base, r.pause / 4) : r.pause / 4;
      r.delay = r.pause + jitter(std::min(longest, spread));
    } else if (limited && facts.reset_hint.count() > 0) {
      r.pause = std::min(facts.reset_hint, policy.longest);
      r.delay = r.pause + jitter(std::min(longest, policy.base));
    } else {
      r.delay = jitter(longest);
      if (limited) r.pause = r.delay / 2;
    }
    if (!facts.widespread) r.pause = std::chrono::milliseconds{0};
    if (strange) { // soon: somebody is waiting to see whether it works at all
      constexpr std::chrono::milliseconds soon{300};
      r.delay = std::clamp(r.delay, std::min(soon, policy.base), 2 * soon);
    }
    if (now + r.delay - began_ > policy.patience) {
      const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
      return {.what = action::give_up,
              .out_of_patience = true,
              .because = failed.message + " (given up after " + seconds(taken) + ")"};
    }
    return r;
  }

  /// HTTP exchanges that failed so far.
  [[nodiscard]] std::uint32_t attempts() const noexcept { return attempts_; }

  /// "2.5 s"
  [[nodiscard]] static std::string seconds(std::chrono::milliseconds time) {
    const auto tenths = (time.count() + 50) / 100;
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0 && tenths < 1000) text += "." + std::to_string(tenths % 10);
    return text + " s";
  }

 private:
  clock::time_point began_{};
  clock::time_point reached_for_{};
  std::uint32_t attempts_ = 0;
  std::uint32_t counted_ = 0;
  std::uint32_t waits_ = 0;
  std::uint32_t handshakes_ = 0;
  bool replayed_ = false;
};

} // namespace strata::llm
