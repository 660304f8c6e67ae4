// SPDX-License-Identifier: MIT
// The concepts a run is put together from: a sampler and a verifier for the language, three policies, and
// observers. Each table numbers what is required; s, v, f, .. are objects of the type, L the language.
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
/// | # | expression             | returns | semantics |
/// |---|------------------------|---------|--------------------------------------------------------------------------|
/// | 1 | `s.sample(jobs, sink)` | ignored | called once per step with all its jobs, a `std::span<const
/// job<L>>`, and a `sink<L>`. Calls `sink(job, draw)` once per job, in any order, from any threads; all calls
/// have returned before `sample` does | | 2 | after `sink` returned false or `sink.stop_requested()` | |
/// starts no further request and returns soon; jobs without a draw are left out | | 3 | an exception | | ends
/// the run and leaves `improve`; a failed request is no exception but a draw without program |
///
/// A job without a draw when nobody asked to stop counts as a failed request. To be reproducible a sampler
/// takes its randomness from `job.random()`. Models: `from_function`, `table`, `replay`.
template <class S, class L>
concept Sampler = Language<L> && requires(S& s, std::span<const job<L>> jobs, sink<L> out) {
  s.sample(jobs, out);
};

/// Decides whether a program solves a task.
///
/// | # | expression              | returns   | semantics |
/// |---|-------------------------|-----------|-----------------------------------------------------------------------|
/// | 1 | `v.verify(task, program)` | `verdict` | `v` is const: called from many threads at once. Equal
/// arguments give equal verdicts | | 2 | an exception            |           | the environment is broken:
/// ends the run and leaves `improve`           |
///
/// Models: `from_predicate`, `cached`.
template <class V, class L>
concept Verifier = Language<L> &&
    requires(const V& v, const typename L::task& task, const typename L::program& p) {
  { v.verify(task, p) } -> std::convertible_to<verdict>;
};

/// Chooses which correct programs of a newly solved task become experience.
///
/// | # | expression       | returns                    | semantics |
/// |---|------------------|----------------------------|----------------------------------------------------------------|
/// | 1 | `f.keep(s, random)` | `std::vector<std::size_t>` | `f` is const, `s` a `const solved<L>&`, `random`
/// a `random_stream&` of this step and task. Indices into `s.candidates`, each at most once; may be empty |
/// | 2 | copy             |                            | copyable |
///
/// Models: `one_per_task` (default), `one_per_class`, `shortest`, `keep_all`.
template <class F, class L>
concept Filter = Language<L> && std::copy_constructible<F> &&
    requires(const F& f, const solved<L>& s, random_stream& r) {
  { f.keep(s, r) } -> std::convertible_to<std::vector<std::size_t>>;
};

/// Sorts experience into strata of difficulty.
///
/// | # | expression      | returns                | semantics |
/// |---|-----------------|------------------------|------------------------------------------------------------------------|
/// | 1 | `s.stratify(D)` | `std::vector<stratum>` | `s` is const, `D` a `std::span<const experience<L>>`,
/// never empty. At least one stratum, hardest first; members are indices into `D`. A stratum may be empty or
/// repeat another: that step re-samples | | 2 | copy            |                        | copyable |
///
/// Models: `quantile` (default), `single`, `fixed_thresholds`, `by_step`.
template <class S, class L>
concept Stratifier = Language<L> && std::copy_constructible<S> &&
    requires(const S& s, std::span<const experience<L>> d) {
  { s.stratify(d) } -> std::convertible_to<std::vector<stratum>>;
};

/// Chooses the demonstrations of a step.
///
/// | # | expression             | returns                    | semantics |
/// |---|------------------------|----------------------------|------------------------------------------------------------|
/// | 1 | `s.select(E, D, random)` | `std::vector<std::size_t>` | `s` is const, `E` the strata up to the
/// current one, a `std::span<const stratum>`, `D` all experience, `random` a `random_stream&` of this step.
/// Indices into `D` in the order of the prompt | | 2 | copy                   |                            |
/// copyable                                                   |
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

/// Watches a run. At least one of the five; the others may be absent. A member of one of these names must
/// accept its event.
///
/// | # | expression        | called |
/// |---|-------------------|------------------------------------------------------------------------------------------|
/// | 1 | `o.step_begun(e)` | with `const events::step_begun<L>&` before the sampler | | 2 | `o.drawn(e)` |
/// with `const events::drawn<L>&` as draws arrive, in order of arrival, on the sampler's thread | | 3 |
/// `o.judged(e)`     | with `const events::judged<L>&` after verification, in the order of completion, on a
/// verifying thread | | 4 | `o.step_done(e)`  | with `const events::step_done<L>&` when the step is over | |
/// 5 | `o.run_done(e)`   | with `const events::run_done<L>&` at the end |
///
/// Calls are serialised over all observers of a run, so no locks are needed; of one job `drawn` comes before
/// `judged`. An exception ends the run and leaves `improve`. Models: `recorder`, `counters`.
template <class O, class L>
concept Observer =
    Language<L> && !detail::mistaken_handler<O, L> &&
    (detail::hears_step_begun<O, L> || detail::hears_drawn<O, L> || detail::hears_judged<O, L> ||
     detail::hears_step_done<O, L> || detail::hears_run_done<O, L>);

} // namespace strata
