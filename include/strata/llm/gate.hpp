// SPDX-License-Identifier: MIT
// What all requests to one model share: how many may be in flight, until when nobody sends, and whether
// anything has stopped the model for good. Without sockets or clocks; the engine has one per provider and
// model.
#pragma once

#include "strata/llm/failure.hpp"
#include "strata/llm/limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace strata::llm {

/// Additive increase, multiplicative decrease.
class gate {
 public:
  using clock = std::chrono::steady_clock;

  explicit gate(concurrency_limits limits) noexcept
      : limits_(limits),
        window_(static_cast<double>(std::clamp<std::size_t>(limits.initial, 1, limits.maximum))) {}

  /// Whether a request may be sent now.
  [[nodiscard]] bool open(clock::time_point now) const noexcept {
    return !stopped_ && now >= paused_until_ && in_flight_ < window();
  }
  /// Requests that may be in flight at once.
  [[nodiscard]] std::size_t window() const noexcept { return static_cast<std::size_t>(window_); }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] clock::time_point paused_until() const noexcept { return paused_until_; }

  void sent() noexcept { lately_ = ++in_flight_; }
  /// An exchange ended, whatever came of it.
  void ended() noexcept { --in_flight_; }

  /// A reply arrived; call it before `ended`. The window grows only if it was the limit.
  void succeeded() noexcept {
    if (2 * in_flight_ < window()) return;
    window_ += doubling_ ? 1.0 : 1.0 / window_;
    window_ = std::min(window_, static_cast<double>(limits_.maximum));
  }
  /// The provider complained about a request sent at `sent_at`. All complaints about one burst count once.
  void shrink(clock::time_point sent_at, clock::time_point now) noexcept {
    doubling_ = false;
    if (sent_at < shrunk_at_) return;
    shrunk_at_ = now;
    window_ = std::max(1.0, std::min(window_, static_cast<double>(lately_)) / 2);
  }
  /// Nobody sends before `until`.
  void pause(clock::time_point until) noexcept { paused_until_ = std::max(paused_until_, until); }

  /// No request will be sent any more; the first reason stays.
  void stop(failure why) {
    if (!stopped_) stopped_ = std::move(why);
  }
  [[nodiscard]] const std::optional<failure>& stopped() const noexcept { return stopped_; }

 private:
  concurrency_limits limits_;
  double window_;
  bool doubling_ = true;
  std::size_t in_flight_ = 0;
  std::size_t lately_ = 1; // in flight when the last one was sent
  clock::time_point paused_until_{};
  clock::time_point shrunk_at_{};
  std::optional<failure> stopped_;
};

} // namespace strata::llm
