// SPDX-License-Identifier: MIT
// How a run learns: the three policies of the algorithm with the paper's as defaults, and how much to sample.
// The `any_` types hold a policy of any type, so that `{.stratifier = quantile{4}}` needs no template
// arguments.
#pragma once

#include "strata/concepts.hpp"
#include "strata/filters/one_per_task.hpp"
#include "strata/selectors/cumulative.hpp"
#include "strata/stratifiers/quantile.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata {

namespace detail {

// lets copies go past the converting constructors
template <class T, class Any>
concept other_than = !std::same_as<std::remove_cvref_t<T>, Any>;

} // namespace detail

/// Any `Filter` for L.
template <Language L> class any_filter {
 public:
  template <detail::other_than<any_filter> F>
  any_filter(F policy) { // NOLINT(google-explicit-constructor): conversion is the purpose
    static_assert(Filter<F, L>,
                  "strata: this filter does not satisfy strata::Filter: it must be copyable and have "
                  "keep(const solved<L>&, random_stream&) const -> std::vector<std::size_t>");
    if constexpr (Filter<F, L>)
      keep_ = [p = std::move(policy)](const solved<L>& s, random_stream& r) -> indices {
        return p.keep(s, r);
      };
  }
  [[nodiscard]] std::vector<std::size_t> keep(const solved<L>& s, random_stream& r) const {
    return keep_(s, r);
  }

 private:
  using indices = std::vector<std::size_t>;
  std::function<indices(const solved<L>&, random_stream&)> keep_;
};

/// Any `Stratifier` for L.
template <Language L> class any_stratifier {
 public:
  template <detail::other_than<any_stratifier> S>
  any_stratifier(S policy) { // NOLINT(google-explicit-constructor): conversion is the purpose
    static_assert(Stratifier<S, L>,
                  "strata: this stratifier does not satisfy strata::Stratifier: it must be copyable and "
                  "have stratify(std::span<const experience<L>>) const -> std::vector<stratum>");
    if constexpr (Stratifier<S, L>)
      stratify_ = [p = std::move(policy)](entries d) -> std::vector<stratum> { return p.stratify(d); };
  }
  [[nodiscard]] std::vector<stratum> stratify(std::span<const experience<L>> d) const { return stratify_(d); }

 private:
  using entries = std::span<const experience<L>>;
  std::function<std::vector<stratum>(entries)> stratify_;
};

/// Any `Selector` for L.
template <Language L> class any_selector {
 public:
  template <detail::other_than<any_selector> S>
  any_selector(S policy) { // NOLINT(google-explicit-constructor): conversion is the purpose
    static_assert(Selector<S, L>,
                  "strata: this selector does not satisfy strata::Selector: it must be copyable and have "
                  "select(std::span<const stratum>, std::span<const experience<L>>, random_stream&) const -> "
                  "std::vector<std::size_t>");
    if constexpr (Selector<S, L>)
      select_ = [p = std::move(policy)](so_far e, entries d, random_stream& r) -> indices {
        return p.select(e, d, r);
      };
  }
  [[nodiscard]] std::vector<std::size_t> select(std::span<const stratum> e, std::span<const experience<L>> d,
                                                random_stream& r) const {
    return select_(e, d, r);
  }

 private:
  using indices = std::vector<std::size_t>;
  using so_far = std::span<const stratum>;
  using entries = std::span<const experience<L>>;
  std::function<indices(so_far, entries, random_stream&)> select_;
};

/// How to learn. Equal policies and equal draws give equal reports.
template <Language L> struct policies {
  any_filter<L> filter = one_per_task{};
  any_stratifier<L> stratifier = quantile{};
  any_selector<L> selector = cumulative{};
  strata::sampling sampling{}; ///< 64 samples at each of the temperatures 0.4, 0.7, 1.0
  std::uint64_t seed = 0;      ///< of all random choices
  /// What an earlier run learnt: D begins with it, and its tasks count as solved.
  std::vector<strata::experience<L>> experience{};
  std::size_t first_step = 0; ///< number of the first step; after an earlier run, the number of its steps
};

} // namespace strata
