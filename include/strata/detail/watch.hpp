// SPDX-License-Identifier: MIT
// Decides when a run must stop before its time, and tells everyone: deadline, the caller's stop token,
// budget, errors. The first reason wins; the first exception is the one that leaves the run.
#pragma once

#include "strata/limits.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace strata::detail {

/// Whether the run has been stopped, why, and the exception that will leave it. Shared with sinks, which may
/// be kept for longer than the run. Members may be called from any threads.
class run_state {
 public:
  void stop(ended why) noexcept {
    int none = -1;
    reason_.compare_exchange_strong(none, static_cast<int>(why));
    source_.request_stop();
  }

  /// Keeps the exception being handled if it is the first, and stops.
  void fail() noexcept {
    {
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    failed_.store(true, std::memory_order_release);
    source_.request_stop();
  }

  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  void rethrow() const {
    const std::scoped_lock lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }
  [[nodiscard]] bool stopped() const noexcept { return source_.stop_requested(); }
  [[nodiscard]] std::optional<ended> why() const noexcept {
    const int reason = reason_.load();
    if (reason < 0) return std::nullopt;
    return static_cast<ended>(reason);
  }
  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::atomic<int> reason_{-1};
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::exception_ptr error_;
};

class watch {
 public:
  using clock = std::chrono::steady_clock;

  explicit watch(const limits& most)
      : begun_(clock::now()), state_(std::make_shared<run_state>()), outside_(most.stop, on_stop{*state_}) {
    constexpr std::chrono::duration<double> century{3.2e9};
    if (!(most.time < century)) return;
    const auto deadline =
        begun_ + std::chrono::duration_cast<clock::duration>(std::max(most.time, decltype(most.time){}));
    if (deadline <= clock::now())
      stop(ended::time);
    else
      timer_ = std::jthread([this, deadline](const std::stop_token& done) {
        std::unique_lock lock(mutex_);
        // the predicate is never true, so this returns at the deadline or when the run is over
        wake_.wait_until(lock, done, deadline, [] { return false; });
        lock.unlock();
        if (!done.stop_requested()) stop(ended::time);
      });
  }

  [[nodiscard]] const std::shared_ptr<run_state>& state() const noexcept { return state_; }
  void stop(ended why) noexcept { state_->stop(why); }
  void fail() noexcept { state_->fail(); }
  [[nodiscard]] bool failed() const noexcept { return state_->failed(); }
  void rethrow() const { state_->rethrow(); }
  [[nodiscard]] bool stopped() const noexcept { return state_->stopped(); }
  [[nodiscard]] std::optional<ended> why() const noexcept { return state_->why(); }
  [[nodiscard]] std::stop_token token() const noexcept { return state_->token(); }
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(clock::now() - begun_).count();
  }

 private:
  struct on_stop {
    run_state& state;
    void operator()() const noexcept { state.stop(ended::stopped); }
  };

  clock::time_point begun_;
  std::shared_ptr<run_state> state_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::stop_callback<on_stop> outside_; // after what it uses
  std::jthread timer_;                  // last: joins before anything else goes
};

} // namespace strata::detail
