// SPDX-License-Identifier: MIT
// What the algorithm and a sampler exchange: jobs go in as one batch per step, draws come out one by one
// through a sink. `job_batch` and `sink` can be built by hand, so that a sampler is testable without running
// the algorithm.
#pragma once

#include "strata/experience.hpp"
#include "strata/limits.hpp"
#include "strata/random.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata {

/// What one or many draws cost. Zero where nothing is known.
struct usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  double cost_usd = 0;

  friend bool operator==(const usage&, const usage&) = default;
};

/// The answer to one job: a program, or the reason why the request failed. A reply from which no program
/// could be read is no failed request but a wrong program, so represent it as one; a failed request counts as
/// neither right nor wrong.
template <Language L> struct draw {
  std::optional<typename L::program> program{}; ///< absent: the request failed
  std::string failure{};                        ///< why, in one sentence
  usage used{};                                 ///< also for failed requests
};

template <Language L> class job;
template <Language L> class job_batch;

/// What all jobs of a step have in common. Lives as long as any of them.
template <Language L> class job_setting {
 public:
  /// Indices of the open tasks, ascending.
  [[nodiscard]] std::span<const std::size_t> open() const noexcept { return open_; }
  [[nodiscard]] std::span<const demonstration<L>> demonstrations() const noexcept { return shown_; }
  [[nodiscard]] std::span<const double> temperatures() const noexcept { return temperatures_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] std::size_t step() const noexcept { return step_; }

 private:
  friend class job<L>;
  friend class job_batch<L>;
  job_setting(std::span<const typename L::task> tasks, std::span<const std::size_t> open,
              std::vector<demonstration<L>> shown, std::vector<double> temperatures, std::uint64_t seed,
              std::size_t step)
      : tasks_(tasks), open_(open.begin(), open.end()), shown_(std::move(shown)),
        temperatures_(std::move(temperatures)), seed_(seed), step_(step) {}

  std::span<const typename L::task> tasks_;
  std::vector<std::size_t> open_;
  std::vector<demonstration<L>> shown_;
  std::vector<double> temperatures_;
  std::uint64_t seed_;
  std::size_t step_;
};

/// One program to be drawn. A job is known by its step: one that was kept from another step, or from another
/// run, is never taken for one of this step. What `demonstrations` points to lives until the call of `sample`
/// that received the job returns; everything else as long as the tasks.
template <Language L> class job {
 public:
  /// The task to be solved, and its index.
  [[nodiscard]] const typename L::task& task() const noexcept { return setting_->tasks_[task_index()]; }
  [[nodiscard]] std::size_t task_index() const noexcept { return setting_->open_[slot_]; }
  /// What to show the model, in the order of the prompt; the same for all jobs of a step.
  [[nodiscard]] std::span<const demonstration<L>> demonstrations() const noexcept { return setting_->shown_; }
  [[nodiscard]] double temperature() const noexcept { return setting_->temperatures_[temperature_index()]; }
  [[nodiscard]] std::size_t temperature_index() const noexcept {
    return sample_ % setting_->temperatures_.size();
  }
  /// Number of this sample within its task and step, over all temperatures.
  [[nodiscard]] std::size_t sample() const noexcept { return sample_; }
  /// Number of the step, from 0.
  [[nodiscard]] std::size_t step() const noexcept { return setting_->step_; }
  /// Position in the span handed to the sampler.
  [[nodiscard]] std::size_t index() const noexcept {
    return std::size_t{sample_} * setting_->open_.size() + slot_;
  }
  /// Position of the task among the open ones.
  [[nodiscard]] std::size_t slot() const noexcept { return slot_; }
  /// Identifies the job within the run; the source of all its randomness.
  [[nodiscard]] stream_key key() const noexcept {
    return {setting_->seed_, static_cast<std::uint32_t>(step()), static_cast<std::uint32_t>(task_index()),
            sample_};
  }
  /// The job's own random numbers, always from their beginning.
  [[nodiscard]] random_stream random() const noexcept { return random_stream(key()); }

  /// What it shares with the other jobs of its step; the address tells steps apart.
  [[nodiscard]] const job_setting<L>& setting() const noexcept { return *setting_; }

 private:
  friend class job_batch<L>;
  job(const std::shared_ptr<const job_setting<L>>& setting, std::uint32_t slot, std::uint32_t sample) noexcept
      : setting_(setting), slot_(slot), sample_(sample) {}

  // owned, so that no later step can be at the same address as long as a job of this one is kept somewhere
  std::shared_ptr<const job_setting<L>> setting_;
  std::uint32_t slot_; // 24 bytes a job, because there may be tens of millions
  std::uint32_t sample_;
};

/// How many samples of a task one step draws: `samples` at each of the `temperatures`.
struct sampling {
  std::size_t samples = 64;
  std::vector<double> temperatures = {0.4, 0.7, 1.0};
};

/// All jobs of one step. The order is breadth-first: every open task gets its first sample before any gets
/// its second, and temperatures alternate, so that a step that is cut short has treated tasks and
/// temperatures alike.
template <Language L> class job_batch {
 public:
  /// `open` are indices into `tasks`; these, and what `shown` points to, must outlive the batch.
  /// At most `most` jobs are made. Throws std::invalid_argument if `how` asks for no samples or has no
  /// temperatures, std::length_error if numbers exceed 32 bits, std::out_of_range if an index does.
  job_batch(std::span<const typename L::task> tasks, std::span<const std::size_t> open,
            std::vector<demonstration<L>> shown, const sampling& how, std::uint64_t seed = 0,
            std::size_t step = 0, std::size_t most = std::numeric_limits<std::size_t>::max()) {
    constexpr std::size_t wide = last_sample;
    if (how.samples == 0) throw std::invalid_argument("strata: sampling.samples is 0; ask for at least one");
    if (how.temperatures.empty())
      throw std::invalid_argument("strata: sampling.temperatures is empty; give at least one");
    if (tasks.size() >= wide || step >= wide || how.samples > wide / how.temperatures.size())
      throw std::length_error("strata: tasks, steps, and samples per task must be fewer than 2^32 - 3");
    for (const std::size_t t : open)
      if (t >= tasks.size()) throw std::out_of_range("strata: an open task is not among the tasks");
    setting_.reset(new job_setting<L>(tasks, open, std::move(shown), how.temperatures, seed, step));
    const std::size_t per_task = how.samples * how.temperatures.size();
    const std::size_t all = open.empty() || per_task <= most / open.size() ? per_task * open.size() : most;
    jobs_.reserve(all);
    for (std::size_t s = 0; jobs_.size() < all; ++s)
      for (std::size_t slot = 0; slot < open.size() && jobs_.size() < all; ++slot)
        jobs_.push_back(job<L>(setting_, static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(s)));
    cut_ = all / (open.empty() ? 1 : open.size()) < per_task && !open.empty();
  }
  job_batch(const job_batch&) = delete;
  job_batch& operator=(const job_batch&) = delete;
  ~job_batch() = default;

  [[nodiscard]] std::span<const job<L>> jobs() const noexcept { return jobs_; }
  [[nodiscard]] const job_setting<L>& setting() const noexcept { return *setting_; }
  [[nodiscard]] std::span<const std::size_t> open() const noexcept { return setting_->open(); }
  [[nodiscard]] std::span<const demonstration<L>> demonstrations() const noexcept {
    return setting_->demonstrations();
  }
  [[nodiscard]] std::span<const double> temperatures() const noexcept { return setting_->temperatures(); }
  /// Whether `most` left out jobs.
  [[nodiscard]] bool cut() const noexcept { return cut_; }

 private:
  std::shared_ptr<const job_setting<L>> setting_;
  std::vector<job<L>> jobs_;
  bool cut_ = false;
};

template <Language L> class sink;

namespace detail {

/// What a sink can refer to; another sink is copied instead.
template <class F, class L>
concept receiver =
    !std::same_as<std::remove_cv_t<F>, sink<L>> && std::invocable<F&, const job<L>&, draw<L>&&>;

} // namespace detail

/// Where a sampler delivers draws: cheap to copy, callable from any thread, also from several at once.
/// Calling it may block for as long as a verification takes (back-pressure). In a run it never throws: an
/// error ends the run after `sample` has returned. `sample` returns only when no thread of the sampler will
/// call it any more; a run's sink that is called later returns false, and the run ends with std::logic_error.
template <Language L> class sink {
 public:
  /// Refers to `f`, which is called as `f(const job<L>&, draw<L>&&)` and returns whether to go on, or void
  /// for always. If it has the members `charge`, `end` or `failed`, they are called, too.
  template <detail::receiver<L> F>
  explicit sink(F& f, std::stop_token stop = {}) noexcept
      : self_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))), // cast back below
        calls_(&calls_of<F>), stop_(std::move(stop)) {}
  /// The same, keeping `f`: for sinks that may be called after `sample` has returned.
  template <detail::receiver<L> F>
  explicit sink(std::shared_ptr<F> f, std::stop_token stop = {}) noexcept
      : self_(f.get()), calls_(&calls_of<F>), stop_(std::move(stop)), keep_(std::move(f)) {}

  /// Delivers the answer to `j`, at most once per job. False means: begin nothing new. What has been begun
  /// should be finished and delivered: leaving out what takes longer would make success rates too high.
  bool operator()(const job<L>& j, draw<L> d) const { return calls_->deliver(self_, j, std::move(d)); }

  /// Adds to the usage of the run what no draw accounts for: that of jobs which were begun and are left out.
  void charge(const usage& u) const { calls_->charge(self_, u); }
  /// The sampler cannot go on; the run ends with this reason, and jobs not delivered are left out.
  void end(ended why) const { calls_->end(self_, why); }

  /// Becomes signalled when nothing new is to be begun, as when a delivery returns false.
  [[nodiscard]] const std::stop_token& stop_token() const noexcept { return stop_; }
  [[nodiscard]] bool stop_requested() const noexcept { return stop_.stop_requested(); }
  /// Whether the run ends with an exception: what has been begun is of no use any more.
  [[nodiscard]] bool failed() const { return calls_->failed(self_); }

 private:
  struct calls {
    bool (*deliver)(void*, const job<L>&, draw<L>&&);
    void (*charge)(void*, const usage&);
    void (*end)(void*, ended);
    bool (*failed)(void*);
  };
  template <class F>
  static constexpr calls calls_of{
      .deliver = [](void* self, const job<L>& j, draw<L>&& d) -> bool {
        if constexpr (std::is_void_v<std::invoke_result_t<F&, const job<L>&, draw<L>&&>>) {
          (*static_cast<F*>(self))(j, std::move(d));
          return true;
        } else {
          return static_cast<bool>((*static_cast<F*>(self))(j, std::move(d)));
        }
      },
      .charge =
          []([[maybe_unused]] void* self, [[maybe_unused]] const usage& u) {
            if constexpr (requires(F & f) { f.charge(u); }) static_cast<F*>(self)->charge(u);
          },
      .end =
          []([[maybe_unused]] void* self, [[maybe_unused]] ended why) {
            if constexpr (requires(F & f) { f.end(why); }) static_cast<F*>(self)->end(why);
          },
      .failed = []([[maybe_unused]] void* self) -> bool {
        if constexpr (requires(F & f) { f.failed(); })
          return static_cast<F*>(self)->failed();
        else
          return false;
      }};

  void* self_;
  const calls* calls_;
  std::stop_token stop_;
  std::shared_ptr<void> keep_;
};

} // namespace strata
