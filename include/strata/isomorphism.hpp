// SPDX-License-Identifier: MIT
// When two programs count as the same: their isomorphism key, and the grouping of programs by it.
// Filters choose one program of a class, metrics count classes.
#pragma once

#include "strata/language.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strata {

namespace detail {

template <class L>
concept names_isomorphism = requires(const typename L::program& p) {
  L::isomorphism_key(p);
};

template <class T>
concept hashable = std::equality_comparable<T> && requires(const T& t) {
  { std::hash<T>{}(t) } -> std::convertible_to<std::size_t>;
};

} // namespace detail

/// The class of a program: what `L::isomorphism_key` says, else the program itself.
template <Language L> [[nodiscard]] decltype(auto) isomorphism_key(const typename L::program& program) {
  if constexpr (detail::names_isomorphism<L>)
    return L::isomorphism_key(program);
  else
    return (program);
}

/// Groups `values`, a random-access range whose elements `program_of` maps to programs, by isomorphism key.
/// Returns indices, classes and members in order of first appearance.
/// O(n) if keys have a `std::hash`, else O(n * classes). Keys must be equality-comparable.
template <Language L, class Range, class Projection = std::identity>
[[nodiscard]] std::vector<std::vector<std::size_t>> isomorphism_classes(const Range& values,
                                                                        Projection program_of = {}) {
  using key = std::remove_cvref_t<decltype(isomorphism_key<L>(std::declval<const typename L::program&>()))>;
  static_assert(std::equality_comparable<key>, "strata: to group programs, give the language a static "
                                               "isomorphism_key(program) or its program an operator==");
  std::vector<std::vector<std::size_t>> classes;
  if constexpr (std::equality_comparable<key>) {
    std::conditional_t<detail::hashable<key>, std::unordered_map<key, std::size_t>, std::vector<key>> seen;
    for (std::size_t i = 0; i < values.size(); ++i) {
      decltype(auto) mine = isomorphism_key<L>(std::invoke(program_of, values[i]));
      std::size_t c = 0;
      if constexpr (detail::hashable<key>) {
        c = seen.try_emplace(mine, classes.size()).first->second;
      } else {
        while (c < seen.size() && !(seen[c] == mine)) ++c;
        if (c == seen.size()) seen.push_back(mine);
      }
      if (c == classes.size()) classes.emplace_back();
      classes[c].push_back(i);
    }
  }
  return classes;
}

} // namespace strata
