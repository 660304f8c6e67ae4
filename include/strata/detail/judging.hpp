// SPDX-License-Identifier: MIT
// Receives the draws of a step as they arrive, has them verified on a pool of threads, and collects counts
// and correct programs. Nothing here depends on the order of arrival: counts are sums of integers, programs
// are sorted at the end.
#pragma once

#include "strata/concepts.hpp"
#include "strata/detail/entrance.hpp"
#include "strata/detail/queue.hpp"
#include "strata/detail/watch.hpp"
#include "strata/job.hpp"
#include "strata/report.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace strata::detail {

/// Tells every observer that listens; one call at a time.
template <class L, class... O> class audience {
 public:
  explicit audience(O&... observers) : observers_(observers...) {}

  static constexpr bool hears_draws = (hears_drawn<O, L> || ... || false);
  static constexpr bool hears_verdicts = (hears_judged<O, L> || ... || false);

  void tell(const events::step_begun<L>& e) {
    each([&](auto& o) {
      if constexpr (requires { o.step_begun(e); }) o.step_begun(e);
    });
  }
  void tell(const events::drawn<L>& e) {
    each([&](auto& o) {
      if constexpr (requires { o.drawn(e); }) o.drawn(e);
    });
  }
  void tell(const events::judged<L>& e) {
    each([&](auto& o) {
      if constexpr (requires { o.judged(e); }) o.judged(e);
    });
  }
  void tell(const events::step_done<L>& e) {
    each([&](auto& o) {
      if constexpr (requires { o.step_done(e); }) o.step_done(e);
    });
  }
  void tell(const events::run_done<L>& e) {
    each([&](auto& o) {
      if constexpr (requires { o.run_done(e); }) o.run_done(e);
    });
  }

 private:
  template <class F> void each(F f) {
    const std::scoped_lock lock(mutex_);
    std::apply([&](O&... o) { (f(o), ...); }, observers_);
  }

  std::mutex mutex_;
  std::tuple<O&...> observers_;
};

/// Sums of usage that do not depend on the order: costs are added in integral nano-dollars.
class usage_sum {
 public:
  /// Returns the sum after adding. What is negative or not a number counts as 0, what is absurdly large is
  /// cut.
  usage add(const usage& u) noexcept {
    constexpr std::uint64_t most = std::uint64_t{1} << 40U;
    const double cost = u.cost_usd > 0 ? std::min(u.cost_usd, 1000.0) * 1e9 : 0.0;
    const std::uint64_t in = std::min(u.input_tokens, most), out = std::min(u.output_tokens, most);
    const auto nano = static_cast<std::uint64_t>(std::llround(cost));
    return {sum(input_, in), sum(output_, out), static_cast<double>(sum(nano_, nano)) * 1e-9};
  }
  [[nodiscard]] usage get() const noexcept {
    return {input_.load(), output_.load(), static_cast<double>(nano_.load()) * 1e-9};
  }
  void reset() noexcept { input_ = output_ = nano_ = 0; }

 private:
  static std::uint64_t sum(std::atomic<std::uint64_t>& a, std::uint64_t more) noexcept {
    if (more == 0) return a.load(std::memory_order_relaxed); // sparing the cache line when nothing is counted
    return a.fetch_add(more, std::memory_order_relaxed) + more;
  }
  std::atomic<std::uint64_t> input_{0}, output_{0}, nano_{0};
};

/// A correct program, before it is known whether it is kept.
template <Language L> struct hit {
  std::uint32_t slot;
  candidate<L> found;
};

template <Language L, class V, class Audience> class judging {
 public:
  judging(const V& verifier, Audience& audience, watch& run, const limits& most)
      : verifier_(verifier), audience_(audience), run_(run), most_(most), threads_(thread_count(most)),
        queue_(256 * threads_, threads_), portions_(threads_), hits_(threads_) {
    pool_.reserve(threads_);
    try {
      for (std::size_t t = 0; t < threads_; ++t)
        pool_.emplace_back([this, t] { work(portions_[t], hits_[t]); });
    } catch (...) { // no more threads to be had: those there are must be let go first
      queue_.close();
      throw;
    }
  }
  judging(const judging&) = delete;
  judging& operator=(const judging&) = delete;
  ~judging() { queue_.close(); } // the pool joins itself

  /// Before the sampler is called.
  void begin(const job_batch<L>& batch) {
    batch_ = &batch;
    const std::size_t jobs = batch.jobs().size();
    cells_ = std::vector<cell>(batch.open().size() * batch.temperatures().size());
    seen_ = std::vector<std::atomic<bool>>(jobs);
    used_.reset();
  }

  /// Called by the sink from any thread.
  bool operator()(const job<L>& j, draw<L>&& d) noexcept {
    try {
      if (run_.failed()) return false;
      if (&j.setting() != &batch_->setting())
        throw std::logic_error("strata: the sampler delivered a job of another step");
      if (seen_[j.index()].exchange(true, std::memory_order_relaxed))
        throw std::logic_error("strata: the sampler delivered the same job twice");
      if constexpr (Audience::hears_draws) audience_.tell(events::drawn<L>{j, d});
      charge(d.used);
      if (d.program)
        queue_.push(item{j.index(), std::move(d)});
      else
        at(j).failed.fetch_add(1, std::memory_order_relaxed);
    } catch (...) {
      run_.fail();
    }
    return !run_.stopped();
  }

  /// Adds to what was used. Called by the sink from any thread.
  void charge(const usage& u) noexcept {
    (void)used_.add(u);
    const usage total = all_used_.add(u);
    if (total.cost_usd >= most_.cost_usd || total.input_tokens + total.output_tokens >= most_.tokens)
      run_.stop(ended::budget);
  }

  /// After the sampler returned: waits until everything is judged.
  void finish() { queue_.drain(); }

  [[nodiscard]] usage used() const noexcept { return used_.get(); }

  /// C: one entry per open task.
  [[nodiscard]] std::vector<tally> tallies() const {
    const auto temperatures = batch_->temperatures();
    std::vector<tally> all;
    all.reserve(batch_->open().size());
    for (std::size_t slot = 0; slot < batch_->open().size(); ++slot) {
      tally t{.task = batch_->open()[slot], .temperature = temperatures[0]};
      for (std::size_t k = 0; k < temperatures.size(); ++k) {
        const cell& c = cells_[slot * temperatures.size() + k];
        const std::size_t passed = c.passed.load(), judged = c.judged.load();
        t.all_successes += passed;
        t.all_samples += judged;
        t.failed_requests += c.failed.load();
        const bool better = passed != t.successes ? passed > t.successes : temperatures[k] < t.temperature;
        if (k == 0 || better) {
          t.successes = passed;
          t.samples = judged;
          t.temperature = temperatures[k];
        }
      }
      all.push_back(t);
    }
    return all;
  }

  /// Jobs that nothing was delivered for.
  [[nodiscard]] std::size_t missing() const {
    return static_cast<std::size_t>(std::ranges::count_if(seen_, [](const auto& s) { return !s.load(); }));
  }

  /// B: calls `f(slot, candidates)` once per solved task, in ascending order, candidates by sample. Empties
  /// the store.
  template <class F> void take_hits(F f) {
    std::vector<std::size_t> end(batch_->open().size()); // counting sort by slot, for there may be millions
    for (const auto& mine : hits_)
      for (const hit<L>& h : mine) ++end[h.slot];
    std::partial_sum(end.begin(), end.end(), end.begin());
    std::vector<candidate<L>*> sorted(end.empty() ? 0 : end.back());
    for (auto& mine : hits_)
      for (hit<L>& h : mine) sorted[--end[h.slot]] = &h.found; // leaves where the slot begins
    std::vector<candidate<L>> group;
    for (std::size_t slot = 0; slot < end.size(); ++slot) {
      const std::size_t past = slot + 1 < end.size() ? end[slot + 1] : sorted.size();
      const auto found = std::span(sorted).subspan(end[slot], past - end[slot]);
      if (found.empty()) continue;
      std::ranges::sort(found, {}, [](const candidate<L>* c) { return c->sample; });
      group.clear();
      for (candidate<L>* c : found) group.push_back(std::move(*c));
      f(slot, group);
    }
    for (auto& mine : hits_) mine = {};
  }

 private:
  struct cell {
    std::atomic<std::uint32_t> passed{0}, judged{0}, failed{0};
  };
  struct item {
    std::size_t index = 0; // of the job
    draw<L> drawn{};
  };

  static std::size_t thread_count(const limits& most) {
    const std::size_t wanted = most.threads != 0 ? most.threads : std::thread::hardware_concurrency();
    return std::clamp<std::size_t>(wanted, 1, 1024);
  }

  cell& at(const job<L>& j) {
    return cells_[j.slot() * batch_->temperatures().size() + j.temperature_index()];
  }

  void work(typename queue<item>::portion& mine, std::deque<hit<L>>& hits) noexcept {
    for (;;) {
      try {
        queue_.pop(mine);
      } catch (...) { // a program could not be moved
        run_.fail();
        continue;
      }
      if (mine.items.empty()) return;
      for (item& i : mine.items) {
        if (run_.failed()) break; // what is left is not worth judging
        try {
          judge(batch_->jobs()[i.index], i.drawn, hits);
        } catch (...) {
          run_.fail();
        }
      }
    }
  }

  void judge(const job<L>& j, draw<L>& d, std::deque<hit<L>>& hits) {
    using clock = std::chrono::steady_clock;
    bool passed = false;
    double score = 0;
    if constexpr (Audience::hears_verdicts) {
      const auto begun = clock::now();
      const verdict v = verdict_of(j, *d.program);
      const double seconds = std::chrono::duration<double>(clock::now() - begun).count();
      passed = v.passed;
      score = v.score;
      audience_.tell(events::judged<L>{j, d, v, seconds});
    } else {
      const verdict v = verdict_of(j, *d.program);
      passed = v.passed;
      score = v.score;
    }
    if (passed)
      hits.push_back({static_cast<std::uint32_t>(j.slot()),
                      {std::move(*d.program), j.sample(), j.temperature(), score}});
    cell& c = at(j);
    c.judged.fetch_add(1, std::memory_order_relaxed);
    if (passed) c.passed.fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] verdict verdict_of(const job<L>& j, const typename L::program& p) const {
    if constexpr (requires { verifier_.verify_sample(j, p); })
      return verifier_.verify_sample(j, p);
    else
      return verifier_.verify(j.task(), p);
  }

  const V& verifier_;
  Audience& audience_;
  watch& run_;
  const limits& most_;
  std::size_t threads_;
  const job_batch<L>* batch_ = nullptr;
  std::vector<cell> cells_;
  std::vector<std::atomic<bool>> seen_;
  usage_sum used_, all_used_;
  queue<item> queue_;
  std::vector<typename queue<item>::portion> portions_; // per thread
  std::vector<std::deque<hit<L>>> hits_;                // per thread; a deque grows without copying
  std::vector<std::jthread> pool_;                      // last: joins before anything else goes
};

} // namespace strata::detail
