// SPDX-License-Identifier: MIT
// An observer that only counts, for progress displays: another thread may read it while the run goes on.
// Each number is exact, but numbers read one after the other may be from different moments.
#pragma once

#include "strata/events.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strata {

struct counters {
  std::atomic<std::size_t> steps{0};         ///< finished
  std::atomic<std::size_t> open{0};          ///< tasks
  std::atomic<std::size_t> solved{0};        ///< tasks, after the last finished step
  std::atomic<std::size_t> jobs{0};          ///< of the current step
  std::atomic<std::size_t> drawn_in_step{0}; ///< of these, answered
  std::atomic<std::size_t> draws{0};         ///< in the whole run, failed requests included
  std::atomic<std::size_t> failed_requests{0};
  std::atomic<std::size_t> verdicts{0};
  std::atomic<std::size_t> passed{0};
  std::atomic<std::uint64_t> input_tokens{0};
  std::atomic<std::uint64_t> output_tokens{0};
  std::atomic<double> cost_usd{0};

  template <Language L> void step_begun(const events::step_begun<L>& e) {
    open = e.open.size();
    jobs = e.jobs;
    drawn_in_step = 0;
  }
  template <Language L> void drawn(const events::drawn<L>& e) {
    ++draws;
    ++drawn_in_step;
    if (!e.draw.program) ++failed_requests;
    input_tokens += e.draw.used.input_tokens;
    output_tokens += e.draw.used.output_tokens;
    cost_usd = cost_usd + e.draw.used.cost_usd; // calls are serialised: one writer
  }
  template <Language L> void judged(const events::judged<L>& e) {
    ++verdicts;
    if (e.verdict.passed) ++passed;
  }
  template <Language L> void step_done(const events::step_done<L>& e) {
    ++steps;
    solved = e.report.solved_total;
    open = e.report.open - e.report.newly_solved.size();
  }
};

} // namespace strata
