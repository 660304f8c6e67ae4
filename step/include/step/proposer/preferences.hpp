// SPDX-License-Identifier: MIT
// What the proposer likes, for one task: a general prior that knows only the language, shifted by the
// statistics of the demonstrations. Everything is looked up once per task, so that drawing a program touches
// plain arrays.
#pragma once

#include "step/proposer/interface.hpp"
#include "step/proposer/statistics.hpp"
#include "step/proposer/types.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace step::proposer {

/// The prior: log-odds of decisions without any demonstration, and how fast demonstrations outweigh it.
struct Prior {
  double operator_cost = 1.0; ///< nats per shape operator on a path
  double ease = 0;            ///< how much the choice of a function minds the way to it
  double again = 0.5;         ///< probability of taking a value that was taken before
  double newest = 0.5;        ///< probability of taking the newest value
  double reuse = 0.3;         ///< probability that a step applies a function a second time
  double unrouted = 0;        ///< for applying one of a family of experts without routing
  double shared_expert = 0;   ///< for one function as every expert
  double deeper = -0.5;       ///< for each folded dim beyond the first
  int attempts = 1;           ///< tries at a program that is complete
  double strength = 1.0;      ///< decisions that the prior of a context is worth
  double name_weight = 1.0, outline_weight = 0.7;
};

struct Preferences {
  Preferences(const Interface& interface, const Statistics& seen, const Prior& p) : prior(p) {
    const auto count = interface.functions.size();
    std::size_t slots = 1;
    for (const auto& f : interface.functions) slots = std::max(slots, f.input.fields.size());
    slots_ = slots;
    functions_ = count;
    edges_.assign((count + 1) * count * slots, 0);
    learn_edges(interface, seen);
    learn_functions(interface, seen);
    learn_moves(seen);
    const auto learn = [&](Family family, Fact context, double yes) {
      const auto total = seen.total(family, context);
      return YesNo{std::log(yes) + preference(seen.count(family, context, 1), total, yes, 4 * p.strength),
                   std::log(1 - yes) +
                       preference(seen.count(family, context, 0), total, 1 - yes, 4 * p.strength)};
    };
    again = learn(Family::again, 0, p.again);
    newest = learn(Family::newest, 0, p.newest);
    reuse = learn(Family::reuse, 0, p.reuse);
  }

  /// How well the result of `producer` (the number of functions: an input) suits a slot of a function.
  [[nodiscard]] double edge(std::size_t producer, std::size_t function, std::size_t slot) const {
    return edges_[(producer * functions_ + function) * slots_ + slot];
  }

  struct OfFunction {
    double scan = 0, accum = 0; ///< mode
    double folded[2][2] = {};   ///< [Scan?][Folded]
    double older_first = 0, newer_first = 0;
    double reuse = 0; ///< in addition, when it is applied again
  };

  /// Log-probabilities of a decision with two outcomes.
  struct YesNo {
    double yes = 0, no = 0;
    [[nodiscard]] double operator()(bool outcome) const { return outcome ? yes : no; }
  };

  Prior prior;
  YesNo again, newest, reuse;
  std::vector<OfFunction> of;
  PatternCosts costs{};

 private:
  void learn_edges(const Interface& interface, const Statistics& seen) {
    const auto count = functions_;
    std::vector<Fact> names, outlines;
    for (const auto& f : interface.functions) {
      names.push_back(fact(stem(f.name)));
      outlines.push_back(fact(outline(f)));
    }
    auto producers_by_name = names, producers_by_outline = outlines;
    producers_by_name.push_back(fact("<input>"));
    producers_by_outline.push_back(fact("<input>"));
    const auto learn = [&](Family next, Family source, const std::vector<Fact>& facts,
                           const std::vector<Fact>& producers, double weight) {
      std::vector<Fact> places; // distinct (function, slot)
      for (std::size_t f = 0; f < count; ++f)
        for (std::size_t s = 0; s < interface.functions[f].input.fields.size(); ++s) {
          const auto place = fact(s, facts[f]);
          if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
        }
      auto distinct = producers;
      std::sort(distinct.begin(), distinct.end());
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      for (std::size_t p = 0; p <= count; ++p) {
        double total = 0; // only of the alternatives that this task has
        for (const auto place : places) total += seen.count(next, producers[p], place);
        for (std::size_t f = 0; f < count; ++f)
          for (std::size_t s = 0; s < interface.functions[f].input.fields.size(); ++s) {
            const auto place = fact(s, facts[f]);
            double sources = 0;
            for (const auto d : distinct) sources += seen.count(source, place, d);
            edges_[(p * count + f) * slots_ + s] +=
                weight * 0.5 *
                (preference(seen.count(next, producers[p], place), total,
                            1.0 / static_cast<double>(places.size()), prior.strength) +
                 preference(seen.count(source, place, producers[p]), sources,
                            1.0 / static_cast<double>(distinct.size()), prior.strength));
          }
      }
    };
    if (count == 0) return;
    learn(Family::next_name, Family::source_name, names, producers_by_name, prior.name_weight);
    learn(Family::next_outline, Family::source_outline, outlines, producers_by_outline, prior.outline_weight);
  }

  void learn_functions(const Interface& interface, const Statistics& seen) {
    const auto both = [&](Family by_outline, Family by_name, Fact o, Fact n, Fact value, double p) {
      return prior.outline_weight * preference(seen.count(by_outline, o, value), seen.total(by_outline, o), p,
                                               2 * prior.strength) +
             prior.name_weight *
                 preference(seen.count(by_name, n, value), seen.total(by_name, n), p, prior.strength);
    };
    for (const auto& f : interface.functions) {
      OfFunction x;
      const auto o = fact(outline(f)), n = fact(stem(f.name));
      x.accum = both(Family::mode, Family::mode_name, o, n, 0, 0.5);
      x.scan = both(Family::mode, Family::mode_name, o, n, 1, 0.5);
      for (std::uint64_t mode = 0; mode < 2; ++mode)
        for (std::uint64_t what = 0; what < 2; ++what)
          x.folded[mode][what] =
              both(Family::folded, Family::folded_name, fact(mode), fact(mode, n), what, 0.5);
      x.older_first = both(Family::order, Family::order_name, o, n, 1, 0.5);
      x.newer_first = both(Family::order, Family::order_name, o, n, 0, 0.5);
      x.reuse =
          prior.name_weight * preference(seen.count(Family::reuse_name, n, 1),
                                         seen.total(Family::reuse_name, n), prior.reuse, 2 * prior.strength);
      of.push_back(x);
    }
  }

  void learn_moves(const Statistics& seen) {
    constexpr double p = 1.0 / static_cast<double>(patterns - 4); // nothing begins twice
    for (std::size_t from = 0; from < patterns; ++from)
      for (std::size_t to = 0; to < patterns; ++to) {
        const auto shift = preference(seen.count(Family::move, from, to), seen.total(Family::move, from), p,
                                      3 * prior.strength);
        const double base = to == static_cast<std::size_t>(Pattern::end) ? 0.1 : prior.operator_cost;
        costs[from][to] = std::max(0.05, base - 0.5 * shift);
      }
  }

  std::size_t slots_ = 1, functions_ = 0;
  std::vector<double> edges_;
};

} // namespace step::proposer
