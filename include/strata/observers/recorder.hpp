// SPDX-License-Identifier: MIT
// An observer that keeps everything in memory: steps with what they showed and how each task fared, and all
// draws with their verdicts, wrong ones included. For analysis and tests; long runs write to a store instead,
// or use `counters`.
#pragma once

#include "strata/events.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <tuple>
#include <vector>

namespace strata {

/// What became of one job.
template <Language L> struct record {
  std::size_t step = 0, task = 0, sample = 0;
  double temperature = 0;
  strata::draw<L> draw{};
  std::optional<strata::verdict> verdict{}; ///< none for a failed request
  double seconds = 0;                       ///< of verification

  [[nodiscard]] auto key() const noexcept { return std::tuple(step, task, sample); }
};

template <Language L> class recorder {
 public:
  struct step {
    step_report report{};
    std::vector<std::size_t> shown{}; ///< tasks of the demonstrations, in the order of the prompt
    std::vector<tally> tallies{};
  };

  std::vector<step> steps{};
  std::vector<record<L>> records{}; ///< of finished steps: by step, task, and sample

  void step_begun(const events::step_begun<L>& e) {
    step& s = steps.emplace_back();
    for (const auto& d : e.demonstrations) s.shown.push_back(d.task_index);
    sorted_ = records.size();
  }
  void drawn(const events::drawn<L>& e) {
    if (!e.draw.program) add(e.job, e.draw); // the others come with their verdict
  }
  void judged(const events::judged<L>& e) {
    record<L>& r = add(e.job, e.draw);
    r.verdict = e.verdict;
    r.seconds = e.seconds;
  }
  void step_done(const events::step_done<L>& e) {
    steps.back().report = e.report;
    steps.back().tallies.assign(e.tallies.begin(), e.tallies.end());
    std::sort(records.begin() + static_cast<std::ptrdiff_t>(sorted_), records.end(),
              [](const auto& a, const auto& b) { return a.key() < b.key(); });
  }

 private:
  record<L>& add(const job<L>& j, const draw<L>& d) {
    records.push_back({j.step(), j.task_index(), j.sample(), j.temperature(), d, {}, 0});
    return records.back();
  }
  std::size_t sorted_ = 0;
};

} // namespace strata
