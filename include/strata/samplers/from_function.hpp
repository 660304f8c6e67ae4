// SPDX-License-Identifier: MIT
// A sampler made of a function from a job to a draw or a program, called on one or several threads.
// Use it for local models and blocking clients; a client with many requests in flight does better to be a
// sampler itself.
#pragma once

#include "strata/job.hpp"

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata {

namespace detail {

template <class F, class L> using answer = std::invoke_result_t<F&, const job<L>&>;
template <class F, class L>
concept makes_draws = std::convertible_to<answer<F, L>, draw<L>>;
template <class F, class L>
concept makes_programs = std::convertible_to < answer<F, L>,
typename L::program > ;
template <class F, class L>
concept answers_jobs = makes_draws<F, L> || makes_programs<F, L>;

} // namespace detail

/// `f(const job<L>&)` returns a `draw<L>` or an `L::program`. With more than one thread `f` is called
/// concurrently. An exception from `f` ends the run: return a draw without program for a failed request.
///
///     strata::from_function sampler{[](const strata::job<toy>& j) { return guess(j.task(), j.random()); }};
template <class F> struct from_function {
  F f;
  std::size_t threads = 1;

  template <Language L>
  requires detail::answers_jobs<F, L>
  void sample(std::span<const job<L>> jobs, sink<L> out) {
    const auto deliver = [&](const job<L>& j) -> bool {
      if constexpr (detail::makes_draws<F, L>)
        return out(j, std::invoke(f, j));
      else
        return out(j, draw<L>{.program = std::invoke(f, j)});
    };
    if (threads <= 1) {
      for (const job<L>& j : jobs)
        if (out.stop_requested() || !deliver(j)) return;
      return;
    }
    std::atomic<std::size_t> next{0};
    std::atomic<bool> go_on{true};
    std::mutex mutex;
    std::exception_ptr error;
    {
      std::vector<std::jthread> pool;
      const auto work = [&]() noexcept {
        try {
          for (std::size_t i = 0; go_on && !out.stop_requested() && (i = next++) < jobs.size();)
            if (!deliver(jobs[i])) go_on = false;
        } catch (...) {
          const std::scoped_lock lock(mutex);
          if (!error) error = std::current_exception();
          go_on = false;
        }
      };
      try {
        for (std::size_t t = 0; t < std::min(threads, jobs.size()); ++t) pool.emplace_back(work);
      } catch (...) { // no more threads to be had
        go_on = false;
        throw;
      }
    }
    if (error) std::rethrow_exception(error);
  }
};

template <class F> from_function(F) -> from_function<F>;
template <class F> from_function(F, std::size_t) -> from_function<F>;

} // namespace strata
