// SPDX-License-Identifier: MIT
// A verifier made of a function of a task and a program that returns a verdict or just whether the program is
// right. Enough for languages whose check needs no state; anything with settings is better off as a type of
// its own.
#pragma once

#include "strata/verdict.hpp"

#include <concepts>
#include <functional>
#include <type_traits>

namespace strata {

namespace detail {

template <class F, class Task, class Program>
using judgement = std::invoke_result_t<const F&, const Task&, const Program&>;
template <class F, class Task, class Program>
concept judges = std::invocable<const F&, const Task&, const Program&> &&
    (std::same_as<judgement<F, Task, Program>, bool> ||
     std::convertible_to<judgement<F, Task, Program>, verdict>);

} // namespace detail

/// `f(task, program)` is called from many threads at once. True becomes {passed, score 1}, false {not passed,
/// score 0}.
///
///     strata::from_predicate verifier{[](const task& t, const program& p) { return run(p) == t.answer; }};
template <class F> struct from_predicate {
  F f;

  template <class Task, class Program>
  requires detail::judges<F, Task, Program>
  [[nodiscard]] verdict verify(const Task& task, const Program& program) const {
    if constexpr (std::same_as<detail::judgement<F, Task, Program>, bool>) {
      const bool passed = std::invoke(f, task, program);
      return {passed, passed ? 1.0 : 0.0, {}};
    } else {
      return std::invoke(f, task, program);
    }
  }
};

template <class F> from_predicate(F) -> from_predicate<F>;

} // namespace strata
