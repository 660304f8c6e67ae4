// SPDX-License-Identifier: MIT
// A sampler that answers from a table: sample k of a task gets the task's k-th program.
// Use it to judge given answers, for instance of a model that was run elsewhere; `replay` repeats a whole
// run.
#pragma once

#include "strata/job.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace strata {

/// A sample beyond the end of its row is a failed request, so that missing answers count neither way.
/// Every step reads the same row.
template <Language L> struct table {
  std::vector<std::vector<typename L::program>> rows; ///< one per task

  void sample(std::span<const job<L>> jobs, sink<L> out) const {
    for (const job<L>& j : jobs) {
      draw<L> d;
      if (j.task_index() < rows.size() && j.sample() < rows[j.task_index()].size())
        d.program = rows[j.task_index()][j.sample()];
      else
        d.failure = "the table has no such sample";
      if (!out(j, std::move(d))) return;
    }
  }
};

} // namespace strata
