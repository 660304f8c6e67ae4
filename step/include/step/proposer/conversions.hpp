// SPDX-License-Identifier: MIT
// The conversion planner: from a stream type to every type that a few shape operators reach, cheapest path
// first. What a path costs depends on the idioms seen in demonstrations; where it leads is decided by the
// typing rules.
#pragma once

#include "step/proposer/types.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <queue>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace step::proposer {

/// A way from a source type to a target type.
struct Conversion {
  TypeId target = 0;
  std::uint32_t state = 0; ///< end of the path in the search it comes from
  double cost = 0;
};

/// The conversions of one source type to one dtype; at most one per target, cheapest first.
struct Conversions {
  std::vector<Conversion> ways;
  double ease = 0; ///< log of the sum of exp(-cost); how much the dtype is within reach
};

class Planner {
 public:
  static constexpr int longest = 6;
  static constexpr std::size_t most_states = 600;
  static constexpr double most_cost = 5;

  Planner(Types& types, const PatternCosts& costs) : types_(types), costs_(costs) {}

  /// Every way to a stream of that dtype; empty when there is none. Memoised.
  const Conversions& to(TypeId source, const DType& goal) { return to(source, goal, types_.dtype(goal)); }
  const Conversions& to(TypeId source, const DType& goal, std::uint32_t goal_number) {
    const auto key = std::uint64_t{source} << 32U | goal_number;
    if (auto it = found_.find(key); it != found_.end()) return it->second;
    auto conversions = collect(source, goal, goal_number);
    return found_.emplace(key, std::move(conversions)).first->second;
  }
  /// The operators of a way that `to(source, ..)` returned.
  [[nodiscard]] std::vector<Move> path(TypeId source, const Conversion& way, const DType& goal) {
    const auto& states = search(source, begin_of(types_[source].dtype, goal)).states;
    std::vector<Move> moves;
    for (auto s = way.state; states[s].parent != none; s = states[s].parent) moves.push_back(states[s].move);
    std::reverse(moves.begin(), moves.end());
    return moves;
  }

 private:
  static constexpr std::uint32_t none = 0xffff'ffffU;
  struct State {
    TypeId type = 0;
    std::uint32_t parent = none;
    Move move{};
    Pattern last{};
    int length = 0;
    double cost = 0;
  };
  struct Search {
    std::vector<State> states; // in order of cost
  };

  const Search& search(TypeId source, Pattern begin) {
    const auto key = std::uint64_t{source} << 8U | static_cast<std::uint64_t>(begin);
    if (auto it = searches_.find(key); it != searches_.end()) return it->second;
    Search s;
    struct Open {
      double cost;
      std::uint32_t order; // ties in the order of discovery
      State state;
    };
    const auto later = [](const Open& a, const Open& b) {
      return a.cost != b.cost ? a.cost > b.cost : a.order > b.order;
    };
    std::priority_queue<Open, std::vector<Open>, decltype(later)> open(later);
    std::unordered_map<std::uint64_t, bool> done;
    std::uint32_t order = 0;
    open.push({0, order++, {source, none, {}, begin, 0, 0}});
    while (!open.empty() && s.states.size() < most_states) {
      auto next = open.top();
      open.pop();
      const auto mark = std::uint64_t{next.state.type} << 8U | static_cast<std::uint64_t>(next.state.last);
      if (!done.emplace(mark, true).second) continue;
      const auto here = static_cast<std::uint32_t>(s.states.size());
      s.states.push_back(next.state);
      if (next.state.length == longest) continue;
      const auto last = static_cast<std::size_t>(next.state.last);
      for (const auto& t : types_.transitions(next.state.type)) {
        const auto cost = next.cost + costs_[last][static_cast<std::size_t>(t.pattern)];
        if (cost > most_cost) continue;
        open.push({cost, order++, {t.to, here, t.move, t.pattern, next.state.length + 1, cost}});
      }
    }
    return searches_.emplace(key, std::move(s)).first->second;
  }

  Conversions collect(TypeId source, const DType& goal, std::uint32_t goal_number) {
    const auto& found = search(source, begin_of(types_[source].dtype, goal));
    Conversions out;
    std::unordered_map<TypeId, std::size_t> at;
    for (std::uint32_t i = 0; i < found.states.size(); ++i) {
      const auto& s = found.states[i];
      if (types_.dtype_of(s.type) != goal_number) continue;
      const auto cost =
          s.cost + costs_[static_cast<std::size_t>(s.last)][static_cast<std::size_t>(Pattern::end)];
      const Conversion way{s.type, i, cost};
      auto [it, added] = at.emplace(s.type, out.ways.size());
      if (added)
        out.ways.push_back(way);
      else if (cost < out.ways[it->second].cost)
        out.ways[it->second] = way;
    }
    double sum = 0;
    for (const auto& w : out.ways) sum += std::exp(-w.cost);
    out.ease = sum > 0 ? std::log(sum) : -1e9;
    return out;
  }

  Types& types_;
  PatternCosts costs_;
  std::unordered_map<std::uint64_t, Search> searches_;
  std::unordered_map<std::uint64_t, Conversions> found_;
};

} // namespace step::proposer
