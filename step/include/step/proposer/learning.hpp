// SPDX-License-Identifier: MIT
// Learns from a demonstration: replays its derivation as the decisions that the proposer would have made, and
// counts each in its context.
#pragma once

#include "step/proposer/demonstrations.hpp"
#include "step/proposer/interface.hpp"
#include "step/proposer/statistics.hpp"
#include "step/proposer/types.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace step::proposer {

/// Whether a dim is one of the outputs', in stream or buffer.
[[nodiscard]] inline bool in_outputs(const Interface& interface, const Dim& d) {
  for (const auto& o : interface.outputs) {
    const auto& s = o.type.shape;
    if (std::find(s.begin(), s.end(), d) != s.end()) return true;
    for (const auto& f : o.type.dtype.fields)
      if (std::find(f.buffer.begin(), f.buffer.end(), d) != f.buffer.end()) return true;
  }
  return false;
}

[[nodiscard]] inline Folded folded(const Interface& interface, const Dim& d) {
  return !(d == Dim(1)) && in_outputs(interface, d) ? Folded::present : Folded::absent;
}

/// The type at the end of an operand's path; counts the path's moves when `seen` is given.
inline std::optional<StreamType> follow(const Interface& interface, const StreamType& from,
                                        const std::vector<Move>& path, Statistics* seen = nullptr) {
  std::vector<StreamType> types{from};
  for (const auto& m : path) {
    auto next = after(m, types.back(), interface.sizes);
    if (!next) return std::nullopt;
    types.push_back(std::move(*next));
  }
  if (seen != nullptr) {
    auto last = begin_of(from.dtype, types.back().dtype);
    for (std::size_t i = 0; i <= path.size(); ++i) {
      const auto next = i == path.size() ? Pattern::end : pattern_of(path[i], types[i].rank());
      seen->add(Family::move, static_cast<Fact>(last), static_cast<Fact>(next));
      last = next;
    }
  }
  return std::move(types.back());
}

/// Counts the decisions of one derivation.
inline void learn(Statistics& seen, const Interface& interface, const Traced& traced) {
  const auto& functions = interface.functions;
  const auto inputs = interface.inputs.size();
  const auto& steps = traced.derivation.steps;
  std::vector<int> uses(traced.types.size(), 0), used(functions.size(), 0);
  const auto producer = [&](int value) {
    return static_cast<std::size_t>(value) < inputs
               ? nullptr
               : &functions[static_cast<std::size_t>(
                     steps[static_cast<std::size_t>(value) - inputs].functions[0])];
  };
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const auto& step = steps[s];
    const auto number = static_cast<std::size_t>(step.functions[0]);
    const auto& f = functions[number];
    const auto name = fact(stem(f.name)), shape = fact(outline(f));
    const bool reused = used[number] != 0;
    seen.add(Family::reuse, 0, reused ? 1 : 0);
    seen.add(Family::reuse_name, name, reused ? 1 : 0);
    std::size_t slot = 0;
    const Operand* before = nullptr;
    std::optional<StreamType> type_before, type;
    for (const auto& o : step.operands) {
      const auto* from = producer(o.value);
      const auto from_name = from != nullptr ? fact(stem(from->name)) : fact("<input>");
      const auto from_shape = from != nullptr ? fact(outline(*from)) : fact("<input>");
      seen.add(Family::next_name, from_name, fact(slot, name));
      seen.add(Family::next_outline, from_shape, fact(slot, shape));
      seen.add(Family::source_name, fact(slot, name), from_name);
      seen.add(Family::source_outline, fact(slot, shape), from_shape);
      seen.add(Family::again, 0, uses[static_cast<std::size_t>(o.value)] > 0 ? 1 : 0);
      seen.add(Family::newest, 0, static_cast<std::size_t>(o.value) + 1 == inputs + s ? 1 : 0);
      const auto& source = traced.types[static_cast<std::size_t>(o.value)];
      type = follow(interface, source, o.path, &seen);
      if (before != nullptr && type && type_before && type->dtype == type_before->dtype &&
          before->value != o.value) {
        const Fact older = before->value < o.value ? 1 : 0;
        seen.add(Family::order, shape, older);
        seen.add(Family::order_name, name, older);
      }
      before = &o;
      type_before = type;
      slot += source.dtype.fields.size();
      ++uses[static_cast<std::size_t>(o.value)];
    }
    if (step.index >= 0) ++uses[static_cast<std::size_t>(step.index)];
    if ((step.kind == StepKind::accum || step.kind == StepKind::scan) && type) {
      const Fact mode = step.kind == StepKind::scan ? 1 : 0;
      seen.add(Family::mode, shape, mode);
      seen.add(Family::mode_name, name, mode);
      auto kind = Folded::absent;
      for (std::size_t b = 0; b < static_cast<std::size_t>(step.folded) && b < type->shape.size(); ++b)
        kind = std::max(kind, folded(interface, type->shape[b]));
      const auto what = static_cast<Fact>(kind);
      seen.add(Family::folded, fact(mode), what);
      seen.add(Family::folded_name, fact(mode, name), what);
    }
    for (int g : step.functions) used[static_cast<std::size_t>(g)] = 1;
  }
  for (const auto& o : traced.derivation.outputs)
    static_cast<void>(follow(interface, traced.types[static_cast<std::size_t>(o.value)], o.path, &seen));
}

} // namespace step::proposer
