// SPDX-License-Identifier: MIT
// Bounds what evaluating untrusted text may cost. One Meter per evaluation, installed for the current thread;
// counts are deterministic (no clock), so a verdict does not depend on the machine.
#pragma once

#include "step/fault.hpp"

#include <cstdint>

namespace step {

/// What one evaluation may use; the defaults keep a hostile program below 1 s and 512 MiB in a release build.
/// A step is a node evaluated or an element put into a container.
struct Limits {
  std::uint64_t program_steps = 50'000; ///< interpreter steps of a program: it only puts operators together
  std::uint64_t steps =
      2'000'000; ///< interpreter steps of everything else: function bodies, references, `global`
  std::uint64_t work = 200'000'000;    ///< tensor elements read or written
  std::uint64_t elements = 24'000'000; ///< tensor elements allocated, in total
};

class Meter {
 public:
  explicit Meter(Limits limits = {}) : limits_(limits), previous_(current_) { current_ = this; }
  ~Meter() { current_ = previous_; }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  /// The meter of this thread; a permissive one when none is installed.
  static Meter& current() {
    static thread_local Meter none{Unlimited{}};
    return current_ != nullptr ? *current_ : none;
  }

  void step(std::uint64_t n = 1) {
    if ((steps_ += n) > limits_.steps) fail("steps", limits_.steps);
  }
  void work(std::uint64_t elements) {
    if ((work_ += elements) > limits_.work) fail("tensor elements computed", limits_.work);
  }
  /// Call before allocating; also counts as work.
  void allocate(std::uint64_t elements) {
    if (elements > limits_.elements || (elements_ += elements) > limits_.elements)
      fail("tensor elements allocated", limits_.elements);
    work(elements);
  }
  /// The limits for running a program.
  [[nodiscard]] static Limits for_program(Limits limits) {
    limits.steps = limits.program_steps;
    return limits;
  }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t elements() const { return elements_; }

 private:
  struct Unlimited {};
  explicit Meter(Unlimited) : limits_{~0ULL >> 1, ~0ULL >> 1, ~0ULL >> 1, ~0ULL >> 1} {}
  [[noreturn]] static void fail(const char* what, std::uint64_t limit) {
    throw Fault(FaultKind::limit, "more than " + std::to_string(limit) + " " + what);
  }

  Limits limits_;
  std::uint64_t steps_ = 0, work_ = 0, elements_ = 0;
  Meter* previous_ = nullptr;
  inline static thread_local Meter* current_ = nullptr;
};

} // namespace step
