// SPDX-License-Identifier: MIT
// What has been learnt, and the views of it that the policies work on: experience (D in the algorithm),
// strata of it, the demonstrations chosen from it, and the candidates of a newly solved task from which the
// filter keeps some.
#pragma once

#include "strata/language.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace strata {

/// A correct program that was kept, with what it cost to earn.
template <Language L> struct experience {
  std::size_t task = 0;          ///< index into the tasks
  typename L::program program{}; ///< correct, chosen by the filter
  double success_rate = 0;       ///< of the task when it was solved, in (0, 1]: successes / samples
  std::size_t successes = 0;     ///< correct samples at the best temperature
  std::size_t samples = 0;       ///< samples at the best temperature, without failed requests
  std::size_t step = 0;          ///< when it was solved
  bool cut = false; ///< in a step that was cut short (`step_report::cut`): the rate is no estimate
};

/// A group of experience of about equal difficulty.
struct stratum {
  double threshold = 0;             ///< upper bound of what the stratifier measures, for reports
  std::vector<std::size_t> members; ///< indices into the experience, hardest first

  friend bool operator==(const stratum&, const stratum&) = default;
};

/// What a prompt shows: a task and a program that solves it. The pointers live as long as the step.
template <Language L> struct demonstration {
  const typename L::task* task = nullptr;
  const typename L::program* program = nullptr;
  std::size_t task_index = 0;
  double success_rate = 0;
  bool cut = false; ///< as in `experience`
};

/// One correct answer to a newly solved task.
template <Language L> struct candidate {
  typename L::program program;
  std::size_t sample = 0; ///< number of the sample within its task and step
  double temperature = 0;
  double score = 0; ///< from the verdict
};

/// A newly solved task, as the filter sees it.
template <Language L> struct solved {
  const typename L::task& task;
  std::size_t task_index;
  double success_rate; ///< at the best temperature
  std::span<const candidate<L>>
      candidates; ///< all correct answers at every temperature, by sample; at least one
};

} // namespace strata
