// SPDX-License-Identifier: MIT
// Bounds what evaluating untrusted text may cost. One Meter per evaluation, installed for the current thread;
// counts are deterministic (no clock), so a verdict does not depend on the machine. A Deadline spans the
// evaluations of one verdict and catches what the counts miss.
#pragma once

#include "step/fault.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace step {

/// What one evaluation may use; the defaults keep a hostile program below 1 s and 512 MiB in a release build.
/// A step is a node evaluated, an element put into a container, or Meter::bytes_per_step bytes of text or
/// containers touched.
struct Limits {
  std::uint64_t program_steps = 50'000; ///< interpreter steps of a program: it only puts operators together
  std::uint64_t steps =
      2'000'000; ///< interpreter steps of everything else: function bodies, references, `global`
  std::uint64_t work = 200'000'000;    ///< tensor elements read or written
  std::uint64_t elements = 24'000'000; ///< tensor elements allocated, in total
  double seconds = 10; ///< of one verdict, by the clock; far above what the counts allow (see Deadline)
};

/// The wall-clock backstop of one verdict: while it exists, the Meters of this thread end with a
/// Fault{limit, timed_out} soon after `seconds` have passed. A Deadline inside another can only shorten it.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Deadline(double seconds)
      : seconds_(seconds),
        end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(std::clamp(seconds, 0.0, 1e6)))),
        previous_(current_) {
    if (previous_ != nullptr && previous_->end_ <= end_) {
      seconds_ = previous_->seconds_;
      end_ = previous_->end_;
    }
    current_ = this;
  }
  ~Deadline() { current_ = previous_; }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// Throws when this thread has a deadline and it has passed.
  static void check() {
    if (current_ != nullptr && Clock::now() >= current_->end_) current_->fail();
  }

 private:
  [[noreturn]] void fail() const {
    auto seconds = std::to_string(seconds_);
    Fault fault(FaultKind::limit,
                "more than " + seconds.substr(0, seconds.find('.') + 2) +
                    " seconds of computing; this limit depends on the speed of the machine");
    fault.timed_out = true;
    throw fault;
  }

  double seconds_;
  Clock::time_point end_;
  const Deadline* previous_;
  inline static thread_local const Deadline* current_ = nullptr;
};

class Meter {
 public:
  /// How many bytes of text or containers copied, compared, hashed or searched cost as much as one step.
  static constexpr std::uint64_t bytes_per_step = 64;

  explicit Meter(Limits limits = {}) : limits_(limits), previous_(current_) {
    steps_.limit = limits_.steps;
    work_.limit = limits_.work;
    current_ = this;
  }
  ~Meter() { current_ = previous_; }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  /// The meter of this thread; a permissive one when none is installed.
  static Meter& current() {
    static thread_local Meter none{Unlimited{}};
    return current_ != nullptr ? *current_ : none;
  }

  void step(std::uint64_t n = 1) {
    if (!steps_.take(n)) steps_.refill(n, 2'048, "steps");
  }
  /// Call before touching n bytes of text, or containers of that size; also where the result is then cut
  /// short. Counts as steps.
  void bytes(std::uint64_t n) {
    const auto rest = bytes_ + n % bytes_per_step;
    bytes_ = rest % bytes_per_step;
    step(n / bytes_per_step + rest / bytes_per_step);
  }
  void work(std::uint64_t elements) {
    if (!work_.take(elements)) work_.refill(elements, 1'000'000, "tensor elements computed");
  }
  /// Call before allocating; also counts as work.
  void allocate(std::uint64_t elements) {
    if (elements > limits_.elements - elements_) {
      elements_ = limits_.elements;
      fail("tensor elements allocated", limits_.elements);
    }
    elements_ += elements;
    work(elements);
  }
  /// The limits for running a program.
  [[nodiscard]] static Limits for_program(Limits limits) {
    limits.steps = limits.program_steps;
    return limits;
  }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_.used(); }
  [[nodiscard]] std::uint64_t work() const { return work_.used(); }
  [[nodiscard]] std::uint64_t elements() const { return elements_; }

 private:
  struct Unlimited {};
  explicit Meter(Unlimited) : Meter(Limits{~0ULL >> 1, ~0ULL >> 1, ~0ULL >> 1, ~0ULL >> 1}) {
    current_ = previous_;
  }
  [[noreturn]] static void fail(const char* what, std::uint64_t limit) {
    throw Fault(FaultKind::limit, "more than " + std::to_string(limit) + " " + what);
  }

  /// What is used of a limit. It is handed out in portions, with a look at the clock between them, so that
  /// counting costs a comparison and a subtraction.
  struct Count {
    std::uint64_t limit = 0;
    std::uint64_t given = 0; ///< to portions so far; never above the limit
    std::uint64_t left = 0;  ///< of the last portion

    bool take(std::uint64_t n) {
      if (n > left) return false;
      left -= n;
      return true;
    }
    void refill(std::uint64_t n, std::uint64_t portion, const char* what) {
      if (n > limit - used()) {
        given = limit;
        left = 0;
        fail(what, limit);
      }
      Deadline::check();
      const auto most = limit - given; // what is left of the limit, and covers n with what is left
      const auto more = std::min(most, std::max(n - left, portion));
      given += more;
      left += more;
      left -= n;
    }
    [[nodiscard]] std::uint64_t used() const { return given - left; }
  };

  Limits limits_;
  Count steps_, work_;
  std::uint64_t elements_ = 0, bytes_ = 0;
  Meter* previous_ = nullptr;
  inline static thread_local Meter* current_ = nullptr;
};

} // namespace step
