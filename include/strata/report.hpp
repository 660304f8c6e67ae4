// SPDX-License-Identifier: MIT
// What a run reports: one record per step and a total.
// Plain data without anything that depends on the order of arrival; only the fields called `seconds` vary
// between equal runs.
#pragma once

#include "strata/experience.hpp"
#include "strata/job.hpp"
#include "strata/limits.hpp"

#include <cstddef>
#include <vector>

namespace strata {

/// How one open task fared in one step. Samples never include failed requests.
struct tally {
  std::size_t task = 0;
  std::size_t successes = 0; ///< at the best temperature: the one with most successes, the lowest of equals
  std::size_t samples = 0;   ///< at the best temperature
  double temperature = 0;    ///< the best one
  std::size_t all_successes = 0;   ///< at all temperatures together
  std::size_t all_samples = 0;     ///< at all temperatures together
  std::size_t failed_requests = 0; ///< at all temperatures together

  /// C in the algorithm; 0 if every request failed.
  [[nodiscard]] double success_rate() const noexcept {
    return samples == 0 ? 0.0 : static_cast<double>(successes) / static_cast<double>(samples);
  }
  friend bool operator==(const tally&, const tally&) = default;
};

/// One step: one set of demonstrations, all open tasks sampled in parallel.
struct step_report {
  std::size_t step = 0;
  std::size_t stratum = 0;          ///< j in the algorithm: the demonstrations come from strata 0 .. j
  std::vector<double> thresholds{}; ///< of all strata, hardest first; empty while there is no experience
  std::size_t demonstrations = 0;   ///< how many
  std::size_t open = 0;             ///< open tasks before the step
  std::vector<std::size_t> newly_solved{}; ///< task indices, ascending
  std::size_t solved_total = 0;            ///< after the step
  std::size_t samples = 0;                 ///< programs drawn, all of them judged
  std::size_t failed_requests = 0;         ///< jobs that brought no program
  std::size_t undrawn = 0;                 ///< jobs left out because a limit struck
  /// Whether any were: the numbers of samples of its tasks then depend on when the limit struck, and on what
  /// the sampler did with samples it had begun. Take its rates for what was seen, not for estimates.
  bool cut = false;
  usage used{};
  double seconds = 0;

  friend bool operator==(const step_report&, const step_report&) = default;
};

/// A whole run.
template <Language L> struct report {
  ended why = ended::solved_all;
  std::size_t tasks = 0;
  std::vector<strata::experience<L>> experience{}; ///< D: by step, then by task
  std::vector<std::size_t> open{};                 ///< tasks not solved, ascending
  std::vector<step_report> steps{};
  std::size_t samples = 0; ///< sums over the steps
  std::size_t failed_requests = 0;
  usage used{};
  double seconds = 0;

  [[nodiscard]] std::size_t solved() const noexcept { return tasks - open.size(); }
};

} // namespace strata
