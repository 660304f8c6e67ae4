// SPDX-License-Identifier: MIT
// The algorithm: adaptive self-improvement learning. Sample programs for all open tasks in parallel, keep
// what is correct, show the hardest-earned of it first, and go on until everything is solved or all
// experience has been shown in vain.
#pragma once

#include "strata/concepts.hpp"
#include "strata/detail/judging.hpp"
#include "strata/limits.hpp"
#include "strata/policies.hpp"
#include "strata/report.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata {

namespace detail {

template <class L>
concept no_language = !Language<L>;

/// The state of a run; every member function is one line of the algorithm.
template <Language L, class S, class V, class... O> class run {
 public:
  run(std::span<const typename L::task> tasks, S& sampler, const V& verifier, policies<L>&& how,
      const limits& most, O&... observers)
      : tasks_(tasks), sampler_(sampler), how_(std::move(how)), most_(most), watch_(most_),
        audience_(observers...), judging_(verifier, audience_, watch_, most_) {
    report_.tasks = tasks.size();
    report_.experience = std::move(how_.experience);
    std::vector<bool> known(tasks.size());
    for (const auto& e : report_.experience) {
      if (e.task >= tasks.size())
        throw std::out_of_range("strata: the given experience names a task that does not exist");
      known[e.task] = true;
    }
    for (std::size_t t = 0; t < tasks.size(); ++t)
      if (!known[t]) report_.open.push_back(t);
  }

  [[nodiscard]] bool all_solved() const noexcept { return report_.open.empty(); }

  /// E. No experience makes one empty stratum.
  void stratify() {
    strata_ =
        report_.experience.empty() ? std::vector<stratum>(1) : how_.stratifier.stratify(report_.experience);
    if (strata_.empty())
      throw std::logic_error("strata: the stratifier returned no stratum; return at least one");
  }
  [[nodiscard]] std::size_t strata() const noexcept { return strata_.size(); }

  /// Whether a limit forbids another step, and which.
  [[nodiscard]] std::optional<ended> limit() const {
    watch_.rethrow(); // what a thread of the sampler did after `sample` had returned
    if (watch_.stopped()) return watch_.why();
    if (asked_ >= most_.samples) return ended::samples;
    if (report_.steps.size() >= most_.steps) return ended::steps;
    return std::nullopt;
  }

  /// d: what to show while strata 0 .. j are in use.
  [[nodiscard]] std::vector<demonstration<L>> select(std::size_t j) const {
    if (report_.experience.empty()) return {};
    random_stream random({how_.seed, static_cast<std::uint32_t>(number()), 0, selector_stream});
    std::vector<demonstration<L>> shown;
    for (const std::size_t i :
         how_.selector.select(std::span(strata_).first(j + 1), report_.experience, random)) {
      if (i >= report_.experience.size())
        throw std::out_of_range("strata: the selector chose what is not in the experience");
      const auto& e = report_.experience[i];
      shown.push_back({&tasks_[e.task], &e.program, e.task, e.success_rate, e.cut});
    }
    return shown;
  }

  /// C and B, then D <- D + filter(B, C, S) and X <- X \ S. Whether anything new was solved.
  [[nodiscard]] bool sample(std::size_t j, std::vector<demonstration<L>> shown) {
    const double begun = watch_.seconds();
    const job_batch<L> batch(tasks_, report_.open, std::move(shown), how_.sampling, how_.seed, number(),
                             most_.samples - asked_);
    step_report step{.step = number(),
                     .stratum = j,
                     .demonstrations = batch.demonstrations().size(),
                     .open = report_.open.size()};
    if (!report_.experience.empty())
      for (const stratum& s : strata_) step.thresholds.push_back(s.threshold);
    audience_.tell(events::step_begun<L>{step.step, j, strata_, batch.demonstrations(), batch.open(),
                                         report_.experience, batch.jobs().size()});
    draw_all(batch);

    const std::vector<tally> rates = judging_.tallies();
    for (const tally& t : rates) {
      step.samples += t.all_samples;
      step.failed_requests += t.failed_requests;
    }
    const std::size_t missing = judging_.missing();
    if (watch_.stopped())
      step.undrawn = missing;
    else
      step.failed_requests += missing;
    asked_ += batch.jobs().size() - step.undrawn;
    shortened_ = batch.cut();
    step.cut = step.undrawn > 0;
    step.used = judging_.used();

    const std::size_t known = report_.experience.size();
    filter(rates, step);
    std::erase_if(report_.open,
                  [&](std::size_t t) { return std::ranges::binary_search(step.newly_solved, t); });
    step.solved_total = report_.solved();
    step.seconds = watch_.seconds() - begun;
    report_.samples += step.samples;
    report_.failed_requests += step.failed_requests;
    report_.used.input_tokens += step.used.input_tokens;
    report_.used.output_tokens += step.used.output_tokens;
    report_.used.cost_usd += step.used.cost_usd;
    report_.steps.push_back(std::move(step));
    const std::span<const experience<L>> learnt(report_.experience);
    audience_.tell(events::step_done<L>{report_.steps.back(), rates, learnt.subspan(known), learnt});
    return !report_.steps.back().newly_solved.empty();
  }

  [[nodiscard]] report<L> finish(ended why) {
    const bool cut = !report_.steps.empty() && report_.steps.back().cut;
    if (why == ended::exhausted && (shortened_ || cut))
      why = limit().value_or(why); // not in vain: not finished
    watch_.rethrow();
    report_.why = why;
    report_.seconds = watch_.seconds();
    audience_.tell(events::run_done<L>{report_});
    return std::move(report_);
  }

 private:
  [[nodiscard]] std::size_t number() const noexcept { return how_.first_step + report_.steps.size(); }

  void draw_all(const job_batch<L>& batch) {
    judging_.begin(batch);
    const auto open = std::make_shared<entrance<L, decltype(judging_)>>(judging_, watch_.state());
    try {
      sampler_.sample(batch.jobs(), sink<L>(open, watch_.token()));
    } catch (...) {
      watch_.fail();
    }
    open->close();
    judging_.finish();
    watch_.rethrow();
  }

  void filter(const std::vector<tally>& rates, step_report& step) {
    judging_.take_hits([&](std::size_t slot, std::vector<candidate<L>>& candidates) {
      const tally& t = rates[slot];
      step.newly_solved.push_back(t.task);
      random_stream random({how_.seed, static_cast<std::uint32_t>(number()),
                            static_cast<std::uint32_t>(t.task), filter_stream});
      const solved<L> found{tasks_[t.task], t.task, t.success_rate(), candidates};
      std::vector<bool> taken(candidates.size());
      for (const std::size_t i : how_.filter.keep(found, random)) {
        if (i >= candidates.size())
          throw std::out_of_range("strata: the filter kept what is not among the candidates");
        if (taken[i]) continue;
        taken[i] = true;
        report_.experience.push_back({t.task, std::move(candidates[i].program), t.success_rate(), t.successes,
                                      t.samples, number(), step.cut});
      }
    });
  }

  std::span<const typename L::task> tasks_;
  S& sampler_;
  policies<L> how_;
  limits most_;
  watch watch_;
  audience<L, O...> audience_;
  judging<L, V, audience<L, O...>> judging_;
  report<L> report_;            // open is X, experience is D
  std::vector<stratum> strata_; // E
  std::size_t asked_ = 0;       // jobs so far, without those left out
  bool shortened_ = false;      // limits::samples left out jobs of the last step
};

} // namespace detail

/// Adaptive self-improvement learning.
///
///     auto report = strata::improve<language>(tasks, sampler, verifier, {.stratifier = strata::quantile{4}},
///                                             {.samples = 10'000}, observer);
///
/// `how` names policies that differ from the defaults, `most` bounds the run; observers are passed by
/// reference. Calls `sampler.sample` on this thread, verifies on `most.threads` others. Equal seeds and equal
/// draws give an equal report, but for its seconds, whatever the order of arrival and the number of threads.
///
/// Memory: 25 bytes per job of a step, the correct programs of a step until they are filtered, and the
/// experience. Throws what sampler, verifier, policies and observers throw, after all threads have been
/// joined; std::invalid_argument, std::out_of_range, std::length_error and std::logic_error for misuse,
/// saying which.
template <Language L, class S, class V, class... O>
[[nodiscard]] report<L> improve(std::span<const typename L::task> tasks, S&& sampler, const V& verifier,
                                policies<L> how = {}, const limits& most = {}, O&&... observers) {
  constexpr bool draws = Sampler<std::remove_reference_t<S>, L>;
  constexpr bool judges = Verifier<V, L>;
  constexpr bool watches = (Observer<std::remove_reference_t<O>, L> && ...);
  static_assert(Sampler<std::remove_reference_t<S>, L>,
                "strata: the sampler does not satisfy strata::Sampler: it must have "
                "sample(std::span<const job<L>>, sink<L>)");
  static_assert(Verifier<V, L>, "strata: the verifier does not satisfy strata::Verifier: it must have "
                                "verify(const L::task&, const L::program&) const -> verdict");
  static_assert(
      (Observer<std::remove_reference_t<O>, L> && ...),
      "strata: an observer does not satisfy strata::Observer: it must have at least one of step_begun, "
      "drawn, judged, step_done, run_done, each accepting its event, const events::..<L>&");
  if constexpr (draws && judges && watches) {
    detail::run<L, std::remove_reference_t<S>, V, std::remove_reference_t<O>...> run(
        tasks, sampler, verifier, std::move(how), most, observers...);
    while (!run.all_solved()) {
      run.stratify();
      bool progress = false;
      for (std::size_t j = 0; j < run.strata() && !progress; ++j) {
        if (const auto limit = run.limit()) return run.finish(*limit);
        progress = run.sample(j, run.select(j));
      }
      if (!progress) return run.finish(ended::exhausted);
    }
    return run.finish(ended::solved_all);
  } else {
    return {};
  }
}

/// Chosen when L is no language, only to say so.
template <detail::no_language L, class... Arguments> void improve(Arguments&&...) {
  static_assert(Language<L>,
                "strata: the first template argument of improve does not satisfy strata::Language: "
                "it must have the member types task and program");
}

} // namespace strata
