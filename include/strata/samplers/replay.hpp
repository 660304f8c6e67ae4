// SPDX-License-Identifier: MIT
// A sampler that repeats recorded draws, found by step, task and sample: the same run again without a model.
// Use it to reproduce a report, to try another verifier on paid-for answers or with another filter.
#pragma once

#include "strata/job.hpp"
#include "strata/observers/recorder.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace strata {

/// Jobs that were not recorded are failed requests. O(log records) per job.
template <Language L> class replay {
 public:
  explicit replay(std::vector<record<L>> records) : records_(std::move(records)) {
    std::ranges::sort(records_, {}, &record<L>::key);
  }

  void sample(std::span<const job<L>> jobs, sink<L> out) const {
    for (const job<L>& j : jobs) {
      const record<L>* r = find(j);
      if (!out(j, r != nullptr ? r->draw : draw<L>{.failure = "this job was not recorded"})) return;
    }
  }

  /// What was recorded for this job; null if nothing was.
  [[nodiscard]] const record<L>* find(const job<L>& j) const {
    const auto key = std::tuple(j.step(), j.task_index(), j.sample());
    const auto at = std::ranges::lower_bound(records_, key, {}, &record<L>::key);
    return at != records_.end() && at->key() == key ? &*at : nullptr;
  }

 private:
  std::vector<record<L>> records_;
};

} // namespace strata
