// SPDX-License-Identifier: MIT
// What observers are told during a run. Everything refers to the algorithm's own data and is valid only
// during the call.
#pragma once

#include "strata/experience.hpp"
#include "strata/job.hpp"
#include "strata/report.hpp"
#include "strata/verdict.hpp"

#include <cstddef>
#include <span>

namespace strata::events {

/// A step begins: its jobs are about to be handed to the sampler.
template <Language L> struct step_begun {
  std::size_t step;
  std::size_t stratum;                               ///< j: the demonstrations come from strata 0 .. j
  std::span<const strata::stratum> strata;           ///< all of them, hardest first
  std::span<const demonstration<L>> demonstrations;  ///< in the order of the prompt
  std::span<const std::size_t> open;                 ///< indices of the open tasks, ascending
  std::span<const strata::experience<L>> experience; ///< D
  std::size_t jobs;                                  ///< how many will be asked for
};

/// The sampler delivered a draw, not judged yet; it may be a failed request.
template <Language L> struct drawn {
  const strata::job<L>& job;
  const strata::draw<L>& draw;
};

/// A drawn program was judged.
template <Language L> struct judged {
  const strata::job<L>& job;
  const strata::draw<L>& draw; ///< with a program
  const strata::verdict& verdict;
  double seconds; ///< that the verifier took
};

/// A step is over, its experience stored.
template <Language L> struct step_done {
  const step_report& report;
  std::span<const tally> tallies;                    ///< one per task that was open, ascending
  std::span<const strata::experience<L>> learnt;     ///< what this step added to D
  std::span<const strata::experience<L>> experience; ///< all of D
};

/// The run is over.
template <Language L> struct run_done { const strata::report<L>& report; };

} // namespace strata::events
