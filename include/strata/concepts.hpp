// SPDX-License-Identifier: MIT
// The concepts a run is put together from: a sampler and a verifier for the language, three policies, and
// observers. Each lists what is required by number: the expression, what it returns, what it means.
#pragma once

#include "strata/events.hpp"
#include "strata/experience.hpp"
#include "strata/job.hpp"
#include "strata/language.hpp"
#include "strata/random.hpp"
#include "strata/verdict.hpp"

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace strata {

/// Draws programs, usually by asking a model.
///
/// For `S& s`, `std::span<const job<L>> jobs`, `sink<L> out`:
/// 1. `s.sample(jobs, out)` -> ignored. Called once per step, with all its jobs. Calls `out(job, draw)` once
///    per job, in any order and from any threads; all these calls have returned before `sample` does.
/// 2. After `out` returned false, or `out.stop_requested()`: begins no further job, finishes those it has
///    begun, and returns. Jobs without a draw are then left out; otherwise they count as failed requests.
/// 3. A failed request is a draw without program. An exception ends the run and leaves `improve`.
/// 4. To be reproducible, all randomness comes from `job.random()`.
///
/// Models: `from_function`, `table`, `replay`.
template <class S, class L>
concept Sampler = Language<L> && requires(S& s, std::span<const job<L>> jobs, sink<L> out) {
  s.sample(jobs, out);
};

/// Decides whether a program solves a task.
///
/// For `const V& v`, `const L::task& t`, `const L::program& p`:
/// 1. `v.verify(t, p)` -> `verdict`. Called from many threads at once. Equal arguments give equal verdicts.
/// 2. A wrong program, however wrong, is a verdict. An exception ends the run and leaves `improve`.
/// 3. Where there is a member `verify_sample(job, p)`, it is called in its place, with the `job<L>` that `p`
///    was drawn for: for a verifier that knows the verdicts of samples from an earlier run.
///
/// Models: `from_predicate`, `cached`.
template <class V, class L>
concept Verifier = Language<L> &&
    requires(const V& v, const typename L::task& task, const typename L::program& p) {
  { v.verify(task, p) } -> std::convertible_to<verdict>;
};

/// Chooses which correct programs of a newly solved task become experience.
///
/// For `const F& f`, `const solved<L>& s`, `random_stream& random`, the stream of this step and task:
/// 1. `f.keep(s, random)` -> `std::vector<std::size_t>`: indices into `s.candidates`, each at most once;
///    may be empty.
/// 2. F is copyable.
///
/// Models: `one_per_task` (default), `one_per_class`, `shortest`, `keep_all`.
template <class F, class L>
concept Filter = Language<L> && std::copy_constructible<F> &&
    requires(const F& f, const solved<L>& s, random_stream& r) {
  { f.keep(s, r) } -> std::convertible_to<std::vector<std::size_t>>;
};

/// Sorts experience into strata of difficulty.
///
/// For `const S& s`, `std::span<const experience<L>> d`, never empty:
/// 1. `s.stratify(d)` -> `std::vector<stratum>`: at least one, hardest first; members are indices into `d`.
///    A stratum may be empty or repeat another: its step re-samples.
/// 2. S is copyable.
///
/// Models: `quantile` (default), `single`, `fixed_thresholds`, `by_step`.
template <class S, class L>
concept Stratifier = Language<L> && std::copy_constructible<S> &&
    requires(const S& s, std::span<const experience<L>> d) {
  { s.stratify(d) } -> std::convertible_to<std::vector<stratum>>;
};

/// Chooses the demonstrations of a step.
///
/// For `const S& s`, `std::span<const stratum> e`, the strata up to the current one, `random_stream& random`,
/// the stream of this step, and `std::span<const experience<L>> d`, all experience, never empty:
/// 1. `s.select(e, d, random)` -> `std::vector<std::size_t>`: indices into `d` in the order of the prompt.
/// 2. S is copyable.
///
/// Models: `cumulative` (default), `easiest_first`, `hardest_k`, `random_k`, `all`.
template <class S, class L>
concept Selector = Language<L> && std::copy_constructible<S> &&
    requires(const S& s, std::span<const stratum> e, std::span<const experience<L>> d, random_stream& r) {
  { s.select(e, d, r) } -> std::convertible_to<std::vector<std::size_t>>;
};

namespace detail {

template <class O, class L>
concept hears_step_begun = requires(O& o, const events::step_begun<L>& e) {
  o.step_begun(e);
};
template <class O, class L>
concept hears_drawn = requires(O& o, const events::drawn<L>& e) {
  o.drawn(e);
};
template <class O, class L>
concept hears_judged = requires(O& o, const events::judged<L>& e) {
  o.judged(e);
};
template <class O, class L>
concept hears_step_done = requires(O& o, const events::step_done<L>& e) {
  o.step_done(e);
};
template <class O, class L>
concept hears_run_done = requires(O& o, const events::run_done<L>& e) {
  o.run_done(e);
};

// A handler of the right name that does not accept its event would be passed over in silence. The address of
// a member exists unless it is a template or overloaded, and those are left alone.
template <class O, class L>
concept mistaken_handler = (requires { &O::step_begun; } && !hears_step_begun<O, L>) ||
                           (requires { &O::drawn; } && !hears_drawn<O, L>) ||
                           (requires { &O::judged; } && !hears_judged<O, L>) ||
                           (requires { &O::step_done; } && !hears_step_done<O, L>) ||
                           (requires { &O::run_done; } && !hears_run_done<O, L>);

} // namespace detail

/// Watches a run. At least one of the five; the others may be absent, but a member of one of these names must
/// accept its event.
///
/// For `O& o`, and `e` a const reference to `events::step_begun<L>` and so on:
/// 1. `o.step_begun(e)`: before the sampler is called.
/// 2. `o.drawn(e)`: as draws arrive, in the order of arrival, on the sampler's threads.
/// 3. `o.judged(e)`: after verification, in the order of completion, on the verifying threads.
/// 4. `o.step_done(e)`: when the step is over and what it taught is stored.
/// 5. `o.run_done(e)`: at the end, unless an exception ends the run.
/// 6. Calls are serialised over all observers of a run, so no locks are needed. Of one job, `drawn` comes
///    before `judged`. An exception ends the run and leaves `improve`.
///
/// Models: `recorder`, `counters`.
template <class O, class L>
concept Observer =
    Language<L> && !detail::mistaken_handler<O, L> &&
    (detail::hears_step_begun<O, L> || detail::hears_drawn<O, L> || detail::hears_judged<O, L> ||
     detail::hears_step_done<O, L> || detail::hears_run_done<O, L>);

} // namespace strata
