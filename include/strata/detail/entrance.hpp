// SPDX-License-Identifier: MIT
// What the sinks of one step refer to. Sinks own it together with the run, so that one that is called after
// the call of `sample` it belonged to, or after the run, finds it closed instead of a step that is gone.
#pragma once

#include "strata/detail/watch.hpp"
#include "strata/job.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

namespace strata::detail {

/// `To` takes draws and usage while the entrance is open.
template <Language L, class To> class entrance {
 public:
  entrance(To& to, std::shared_ptr<run_state> run) noexcept : to_(to), run_(std::move(run)) {}

  bool operator()(const job<L>& j, draw<L>&& d) noexcept {
    const visit inside(*this);
    if (inside.refused) {
      try {
        throw std::logic_error("strata: the sampler delivered a draw after its call of sample had returned; "
                               "let all its threads end before");
      } catch (...) {
        run_->fail();
      }
      return false;
    }
    return to_(j, std::move(d));
  }
  void charge(const usage& u) noexcept {
    const visit inside(*this);
    if (!inside.refused) to_.charge(u);
  }
  void end(ended why) noexcept {
    const visit inside(*this);
    if (!inside.refused) run_->stop(why);
  }
  [[nodiscard]] bool failed() const noexcept { return run_->failed(); }

  /// Nobody enters any more, and whoever is inside has left when it returns.
  void close() noexcept {
    auto now = state_.fetch_or(closed) | closed;
    while (now != closed) {
      state_.wait(now);
      now = state_.load();
    }
  }

 private:
  static constexpr std::uint64_t closed = std::uint64_t{1} << 63U; // beside the number of those inside

  struct visit {
    explicit visit(entrance& e) noexcept : of(e), refused((e.state_.fetch_add(1) & closed) != 0) {}
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() {
      if (((of.state_.fetch_sub(1) - 1) & closed) != 0) of.state_.notify_all();
    }
    entrance& of;
    const bool refused;
  };

  std::atomic<std::uint64_t> state_{0};
  To& to_;
  std::shared_ptr<run_state> run_;
};

} // namespace strata::detail
