// SPDX-License-Identifier: MIT
// Draws one derivation: grows a dataflow graph from the inputs, one function at a time, every operand brought
// into form by the conversion planner, until all functions and streams are used and the outputs are reached.
// Only types are looked at.
#pragma once

#include "step/proposer/conversions.hpp"
#include "step/proposer/derivation.hpp"
#include "step/proposer/interface.hpp"
#include "step/proposer/learning.hpp"
#include "step/proposer/preferences.hpp"
#include "step/proposer/types.hpp"
#include "strata/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace step::proposer {

class Composer {
 public:
  /// Keeps references to the arguments. Not thread-safe: one per thread.
  Composer(const Interface& interface, Types& types, const Preferences& preferences)
      : interface_(interface), types_(types), likes_(preferences), planner_(types, preferences.costs),
        functions_(interface.functions) {
    for (int f = 0; f < std::ssize(functions_); ++f) units_.push_back({{f}});
    find_families();
    for (const auto& f : functions_) {
      auto& slots = goals_.emplace_back();
      const auto& fields = f.input.fields;
      for (std::size_t s = 0; s < fields.size(); ++s) {
        auto& lengths = slots.emplace_back();
        for (std::size_t n = 1; s + n <= fields.size(); ++n) {
          DType t;
          t.fields.assign(fields.begin() + static_cast<std::ptrdiff_t>(s),
                          fields.begin() + static_cast<std::ptrdiff_t>(s + n));
          const auto number = types.dtype(t);
          lengths.push_back({std::move(t), number});
        }
      }
    }
    for (const auto& i : interface.inputs)
      inputs_.push_back({types.intern(i.type), static_cast<int>(functions_.size())});
    for (const auto& o : interface.outputs) outputs_.push_back(types.intern(o.type));
  }

  /// One derivation that uses every function and every stream. When Prior::attempts tries bring none, the
  /// last unfinished one, with the newest value as output. Decisions are drawn with probability ~ exp(score /
  /// temperature).
  Derivation draw(strata::random_stream& random, double temperature) {
    random_ = &random;
    heat_ = std::max(temperature, 1e-3);
    for (int i = 0; i < likes_.prior.attempts; ++i)
      if (attempt()) break;
    if (result_.outputs.empty())
      for (std::size_t o = 0; o < outputs_.size(); ++o)
        result_.outputs.push_back(
            {std::ssize(values_) - 1 < 0 ? 0 : static_cast<int>(std::ssize(values_)) - 1, {}});
    return std::move(result_);
  }

 private:
  struct Goal {
    DType dtype;
    std::uint32_t number = 0;
  };
  struct Unit {
    std::vector<int> functions; ///< several: a family of experts
  };
  struct Value {
    TypeId type = 0;
    int producer = 0; ///< function, or the number of functions for an input
    int width = 1;    ///< branches of a bundle
    int index = -1;   ///< the value that routed a bundle
    int uses = 0;
  };
  struct Choice {
    double score = 0;
    int unit = 0, value = 0;
    std::size_t slot = 0;
    StepKind kind{};
  };
  struct Filling {
    std::size_t slot = 0;
    int value = 0;
    const Conversions* ways = nullptr;
    const Goal* goal = nullptr;
  };

  void find_families() {
    for (int f = 0; f < std::ssize(functions_); ++f) {
      const auto& a = functions_[static_cast<std::size_t>(f)];
      if (a.stateful) continue;
      std::vector<int> members;
      for (int g = 0; g < std::ssize(functions_); ++g) {
        const auto& b = functions_[static_cast<std::size_t>(g)];
        if (!b.stateful && a.input == b.input && a.output == b.output && stem(a.name) == stem(b.name))
          members.push_back(g);
      }
      if (members.size() > 1 && members[0] == f) {
        in_family_.resize(functions_.size());
        for (int m : members) in_family_[static_cast<std::size_t>(m)] = true;
        units_.push_back({std::move(members)});
      }
    }
    in_family_.resize(functions_.size());
  }

  [[nodiscard]] int experts_of(const Value& v) const {
    const auto& t = types_[v.type].dtype;
    if (t.is_tuple() || !t.fields[0].is_multihot() || !t.fields[0].experts->is_bound(interface_.sizes))
      return 0;
    const auto n = t.fields[0].experts->evaluate(interface_.sizes);
    return n < 1 || n > 64 ? 0 : static_cast<int>(n);
  }

  /// Draws an index with probability ~ exp(score / temperature); nothing when all are impossible.
  std::optional<std::size_t> pick(std::span<const double> scores) {
    double best = impossible;
    for (double s : scores) best = std::max(best, s);
    if (best <= impossible) return std::nullopt;
    weights_.clear();
    double sum = 0;
    for (double s : scores) weights_.push_back(sum += s <= impossible ? 0.0 : std::exp((s - best) / heat_));
    const double x = random_->unit() * sum;
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (x < weights_[i]) return i;
    for (std::size_t i = scores.size(); i-- > 0;)
      if (scores[i] > impossible) return i;
    return std::nullopt;
  }

  /// How good it is to take a value.
  [[nodiscard]] double liking(int value) const {
    return likes_.again(values_[static_cast<std::size_t>(value)].uses > 0) +
           likes_.newest(value + 1 == std::ssize(values_));
  }

  bool attempt() {
    result_ = {};
    values_ = inputs_;
    used_.assign(functions_.size(), 0);
    routes_ = 0;
    const auto most = 2 * functions_.size() + 2;
    for (std::size_t step = 0; step < most; ++step) {
      if (std::find(used_.begin(), used_.end(), 0) == used_.end()) {
        const double more[] = {likes_.reuse.no, likes_.reuse.yes};
        if (pick(more) != 1U) return finish(); // what is left over now stays unused: a dead end
      }
      if (!grow()) return false;
    }
    return false;
  }

  // ---- one more step

  bool grow() {
    choices_.clear();
    scores_.clear();
    bool index = false;
    for (const auto& v : values_) index = index || experts_of(v) > 0;
    for (int u = 0; u < std::ssize(units_); ++u) {
      const auto& unit = units_[static_cast<std::size_t>(u)];
      const auto f = static_cast<std::size_t>(unit.functions[0]);
      const bool family = unit.functions.size() > 1, stateful = functions_[f].stateful;
      double base = likes_.reuse.no;
      for (int g : unit.functions)
        if (used_[static_cast<std::size_t>(g)] != 0) base = likes_.reuse.yes + likes_.of[f].reuse;
      for (int v = 0; v < std::ssize(values_); ++v) {
        const auto& value = values_[static_cast<std::size_t>(v)];
        const auto fields = types_[value.type].dtype.fields.size();
        std::size_t places = 0;
        for (std::size_t slot = 0; slot + fields <= goals_[f].size(); ++slot)
          places +=
              planner_.to(value.type, goals_[f][slot][fields - 1].dtype, goals_[f][slot][fields - 1].number)
                      .ways.empty()
                  ? 0U
                  : 1U;
        for (std::size_t slot = 0; places > 0 && slot + fields <= goals_[f].size(); ++slot) {
          const auto& goal = goals_[f][slot][fields - 1];
          const auto& ways = planner_.to(value.type, goal.dtype, goal.number);
          if (ways.ways.empty()) continue;
          const double score = base + liking(v) +
                               likes_.edge(static_cast<std::size_t>(value.producer), f, slot) +
                               likes_.prior.ease * ways.ease - std::log(static_cast<double>(places));
          const auto add = [&](StepKind kind, double extra) {
            choices_.push_back({score + extra, u, v, slot, kind});
            scores_.push_back(score + extra);
          };
          const bool bundle = value.width > 1;
          if (stateful) {
            add(bundle ? StepKind::merge : StepKind::accum, 0);
          } else if (bundle) {
            if (!family || std::ssize(unit.functions) == value.width) add(StepKind::map, 0);
          } else {
            if (!family) add(StepKind::map, in_family_[f] && index ? likes_.prior.unrouted : 0);
            if (index && (family || !in_family_[f]))
              add(StepKind::route, family ? 0 : likes_.prior.shared_expert);
          }
        }
      }
    }
    for (int tries = 0; tries < 6; ++tries) {
      const auto chosen = pick(scores_);
      if (!chosen) return false;
      if (apply(choices_[*chosen])) return true;
      scores_[*chosen] = impossible;
    }
    return false;
  }

  bool apply(const Choice& c) {
    const auto& unit = units_[static_cast<std::size_t>(c.unit)];
    const auto f = static_cast<std::size_t>(unit.functions[0]);
    int index = -1;
    if (c.kind == StepKind::route) {
      index = pick_index(unit);
      if (index < 0) return false;
    }
    if (!fill(c, f)) return false;
    // shapes that every operand can take
    shapes_.clear();
    for (const auto& w : fillings_[0].ways->ways) {
      double cost = w.cost;
      const auto shape = types_.shape_of(w.target);
      bool all = true;
      for (std::size_t i = 1; i < fillings_.size() && all; ++i) {
        const auto* other = find_shape(*fillings_[i].ways, shape);
        if (other == nullptr)
          all = false;
        else
          cost += other->cost;
      }
      if (all) shapes_.push_back({w.target, cost});
    }
    if (c.kind == StepKind::accum) return fold(unit, f);
    scores_of_shapes_.clear();
    for (const auto& [type, cost] : shapes_) {
      bool fits = true;
      if (c.kind == StepKind::route)
        fits = routed(types_[type].shape, types_[values_[static_cast<std::size_t>(index)].type].shape);
      if (c.kind == StepKind::merge) fits = is_fresh(types_[type].shape.back());
      scores_of_shapes_.push_back(fits ? -cost : impossible);
    }
    const auto chosen = pick(scores_of_shapes_);
    if (!chosen) return false;
    const auto type = shapes_[*chosen].first;
    Step step{c.kind, unit.functions, 0, {}, index};
    Value out{0, static_cast<int>(f), 1, -1, 0};
    const auto& shape = types_[type].shape;
    StreamType result{functions_[f].output, shape};
    const auto& first = values_[static_cast<std::size_t>(c.value)];
    if (c.kind == StepKind::route) {
      const auto outer = types_[values_[static_cast<std::size_t>(index)].type].shape.size();
      result.shape.resize(shape.size() - outer);
      result.shape.emplace_back(Symbol::fresh(static_cast<std::uint32_t>(routes_++)));
      out.width = experts_of(values_[static_cast<std::size_t>(index)]);
      out.index = index;
      if (unit.functions.size() == 1)
        step.functions.assign(static_cast<std::size_t>(out.width), static_cast<int>(f));
    } else if (c.kind == StepKind::merge) {
      step.index = first.index;
      const auto& of_index = types_[values_[static_cast<std::size_t>(first.index)].type].shape;
      result.shape.pop_back();
      result.shape.insert(result.shape.end(), of_index.begin(), of_index.end());
    } else if (first.width > 1) {
      out.width = first.width;
      out.index = first.index;
      if (unit.functions.size() == 1)
        step.functions.assign(static_cast<std::size_t>(out.width), static_cast<int>(f));
    }
    out.type = types_.intern(result);
    commit(std::move(step), out, types_.shape_of(type));
    return true;
  }

  /// Whether a stream of that shape can be routed by an index of that one: the index dims are its outermost.
  static bool routed(const Shape& data, const Shape& index) {
    return index.size() <= data.size() &&
           std::equal(index.begin(), index.end(), data.end() - std::ssize(index));
  }

  /// Whether a dim is the unknown size of a branch.
  static bool is_fresh(const Dim& d) {
    const auto s = d.symbol();
    return s && s->is_fresh();
  }

  int pick_index(const Unit& unit) {
    candidates_.clear();
    scores_of_values_.clear();
    for (int v = 0; v < std::ssize(values_); ++v) {
      const auto& value = values_[static_cast<std::size_t>(v)];
      const int n = value.width > 1 ? 0 : experts_of(value);
      if (n == 0 || (unit.functions.size() > 1 && n != std::ssize(unit.functions))) continue;
      candidates_.push_back(v);
      scores_of_values_.push_back(likes_.again(value.uses > 0));
    }
    const auto chosen = pick(scores_of_values_);
    return chosen ? candidates_[*chosen] : -1;
  }

  static const Conversion* find_shape_in(const Conversions& c, const Types& types, std::uint32_t shape) {
    for (const auto& w : c.ways)
      if (types.shape_of(w.target) == shape) return &w;
    return nullptr;
  }
  const Conversion* find_shape(const Conversions& c, std::uint32_t shape) const {
    return find_shape_in(c, types_, shape);
  }

  /// Chooses a value for every component of f's input, beginning with the choice at hand.
  bool fill(const Choice& c, std::size_t f) {
    fillings_.clear();
    const auto place = [&](int value, std::size_t slot) {
      const auto type = values_[static_cast<std::size_t>(value)].type;
      const auto& goal = goals_[f][slot][types_[type].dtype.fields.size() - 1];
      fillings_.push_back({slot, value, &planner_.to(type, goal.dtype, goal.number), &goal});
    };
    place(c.value, c.slot);
    const auto& lead = values_[static_cast<std::size_t>(c.value)];
    const auto lead_fields = types_[lead.type].dtype.fields.size();
    ++values_[static_cast<std::size_t>(c.value)].uses;
    bool ok = true;
    for (std::size_t slot = 0; slot < goals_[f].size() && ok;) {
      if (slot == c.slot) {
        slot += lead_fields;
        continue;
      }
      const auto room = slot < c.slot ? c.slot - slot : goals_[f].size() - slot;
      candidates_.clear();
      scores_of_values_.clear();
      for (int v = 0; v < std::ssize(values_); ++v) {
        const auto& value = values_[static_cast<std::size_t>(v)];
        const auto fields = types_[value.type].dtype.fields.size();
        if (fields > room || value.width != lead.width || value.index != lead.index) continue;
        const auto& goal = goals_[f][slot][fields - 1];
        const auto& ways = planner_.to(value.type, goal.dtype, goal.number);
        if (ways.ways.empty()) continue;
        double score = liking(v) + likes_.edge(static_cast<std::size_t>(value.producer), f, slot) +
                       likes_.prior.ease * ways.ease;
        if (v != c.value && fields == lead_fields && goal.number == goals_[f][c.slot][lead_fields - 1].number)
          score += (v < c.value) == (slot < c.slot) ? likes_.of[f].older_first : likes_.of[f].newer_first;
        candidates_.push_back(v);
        scores_of_values_.push_back(score);
      }
      const auto chosen = pick(scores_of_values_);
      if (!chosen) {
        ok = false;
        break;
      }
      const int v = candidates_[*chosen];
      place(v, slot);
      ++values_[static_cast<std::size_t>(v)].uses;
      slot += types_[values_[static_cast<std::size_t>(v)].type].dtype.fields.size();
    }
    for (const auto& x : fillings_) --values_[static_cast<std::size_t>(x.value)].uses; // commit counts again
    return ok;
  }

  bool fold(const Unit& unit, std::size_t f) {
    folds_.clear();
    scores_of_shapes_.clear();
    const auto& likes = likes_.of[f];
    for (const auto& [type, cost] : shapes_) {
      const auto& t = types_[type];
      double base = -cost;
      auto what = Folded::absent;
      for (std::int64_t b = 1; b <= t.rank(); ++b) {
        what = std::max(what, folded(interface_, t.shape[static_cast<std::size_t>(b - 1)]));
        if (b > 1) base += likes_.prior.deeper;
        for (int scan = 0; scan < 2; ++scan) {
          folds_.push_back({type, static_cast<int>(b), scan != 0});
          scores_of_shapes_.push_back(base + (scan != 0 ? likes.scan : likes.accum) +
                                      likes.folded[scan][static_cast<std::size_t>(what)]);
        }
      }
    }
    const auto chosen = pick(scores_of_shapes_);
    if (!chosen) return false;
    const auto [type, b, scan] = folds_[*chosen];
    StreamType result{functions_[f].output, types_[type].shape};
    if (!scan) result.shape.erase(result.shape.begin(), result.shape.begin() + b);
    commit({scan ? StepKind::scan : StepKind::accum, unit.functions, b, {}, -1},
           {types_.intern(result), static_cast<int>(f), 1, -1, 0}, types_.shape_of(type));
    return true;
  }

  void commit(Step step, Value out, std::uint32_t shape) {
    std::sort(fillings_.begin(), fillings_.end(),
              [](const Filling& a, const Filling& b) { return a.slot < b.slot; });
    for (const auto& x : fillings_) {
      auto& value = values_[static_cast<std::size_t>(x.value)];
      ++value.uses;
      step.operands.push_back(
          {x.value, planner_.path(value.type, *find_shape(*x.ways, shape), x.goal->dtype)});
    }
    if (step.index >= 0) ++values_[static_cast<std::size_t>(step.index)].uses;
    for (int g : step.functions) used_[static_cast<std::size_t>(g)] = 1;
    result_.steps.push_back(std::move(step));
    values_.push_back(out);
  }

  // ---- the end

  /// Assigns values to the outputs, when that leaves no stream unused; false otherwise.
  bool finish() {
    std::vector<int> assigned(outputs_.size(), -1);
    int dangling = 0;
    for (const auto& v : values_) dangling += v.uses == 0 ? 1 : 0;
    if (dangling > std::ssize(outputs_)) return false;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      candidates_.clear();
      scores_of_values_.clear();
      const auto& goal = types_[outputs_[o]].dtype;
      for (int v = 0; v < std::ssize(values_); ++v) {
        const auto& value = values_[static_cast<std::size_t>(v)];
        if (value.width > 1 || std::find(assigned.begin(), assigned.end(), v) != assigned.end()) continue;
        const auto* way = find_target(planner_.to(value.type, goal), outputs_[o]);
        if (way == nullptr) continue;
        candidates_.push_back(v);
        scores_of_values_.push_back(likes_.again(value.uses > 0) - way->cost +
                                    (value.producer == std::ssize(functions_) ? -2.0 : 0.0));
      }
      const auto chosen = pick(scores_of_values_);
      if (!chosen) return false;
      assigned[o] = candidates_[*chosen];
      dangling -= values_[static_cast<std::size_t>(assigned[o])].uses == 0 ? 1 : 0;
    }
    if (dangling != 0) return false;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const auto& goal = types_[outputs_[o]].dtype;
      const auto type = values_[static_cast<std::size_t>(assigned[o])].type;
      result_.outputs.push_back(
          {assigned[o], planner_.path(type, *find_target(planner_.to(type, goal), outputs_[o]), goal)});
    }
    return true;
  }
  static const Conversion* find_target(const Conversions& c, TypeId target) {
    for (const auto& w : c.ways)
      if (w.target == target) return &w;
    return nullptr;
  }

  static constexpr double impossible = -1e8;

  const Interface& interface_;
  Types& types_;
  const Preferences& likes_;
  Planner planner_;
  const std::vector<FunctionInterface>& functions_;
  std::vector<Unit> units_;
  std::vector<bool> in_family_;
  std::vector<std::vector<std::vector<Goal>>> goals_; // [function][slot][fields - 1]
  std::vector<Value> inputs_;
  std::vector<TypeId> outputs_;

  // the derivation being drawn
  strata::random_stream* random_ = nullptr;
  double heat_ = 1;
  Derivation result_;
  std::vector<Value> values_;
  std::vector<char> used_;
  int routes_ = 0;

  // scratch
  struct Fold {
    TypeId type;
    int folded;
    bool scan;
  };
  std::vector<double> weights_, scores_, scores_of_shapes_, scores_of_values_;
  std::vector<Choice> choices_;
  std::vector<Filling> fillings_;
  std::vector<std::pair<TypeId, double>> shapes_;
  std::vector<int> candidates_;
  std::vector<Fold> folds_;
};

} // namespace step::proposer
