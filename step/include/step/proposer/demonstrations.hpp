// SPDX-License-Identifier: MIT
// Reads demonstrations: runs a program's text over the types of its task, without data, and turns the
// recorded operators into a derivation, whoever wrote the program and in whatever style.
#pragma once

#include "step/meter.hpp"
#include "step/proposer/derivation.hpp"
#include "step/proposer/interface.hpp"
#include "step/proposer/types.hpp"
#include "step/syntax/parser.hpp"
#include "step/verifier/program_host.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::proposer {

/// A function as the typing rules want it: name and types, no body.
[[nodiscard]] inline Function bare(const FunctionInterface& f) {
  Function out;
  out.name = f.name;
  out.input = f.input;
  out.output = f.output;
  if (f.stateful) out.init.emplace(f.output.fields.size(), 0.0);
  return out;
}

/// A derivation with the type of every value: of the inputs, then of the results (of the first branch of a
/// bundle).
struct Traced {
  Derivation derivation;
  std::vector<StreamType> types;
};

namespace detail {

/// The operators that the text applies; throws Fault when it does not parse or type.
inline Plan record(const Interface& interface, const std::vector<Function>& functions,
                   std::string_view text) {
  Meter meter({.steps = 200'000}); // no data is touched
  const auto tree = syntax::parse(text);
  interp::Heap heap;
  auto* root = heap.make<interp::Frame>(tree, nullptr, nullptr, false);
  Plan plan;
  const auto meaning = [&](std::string_view name) -> interp::Value {
    for (std::size_t i = 0; i < interface.inputs.size(); ++i)
      if (interface.inputs[i].name == name) return heap.make<StreamObject>(static_cast<StreamId>(i));
    for (const auto& f : functions)
      if (f.name == name) return heap.make<FunctionHandle>(f);
    for (const auto& [symbol, size] : interface.sizes.all()) {
      if (symbol.name() == name) return heap.make<interp::DimObject>(Dim(symbol));
      if (symbol.name() + "_value" == name) return interp::Value::integer(size);
    }
    if (name == "step") return heap.make<interp::Module>("step");
    if (auto* native = interp::builtin(name)) return native;
    return {};
  };
  for (const auto& i : interface.inputs) plan.streams.push_back(i.type);
  for (std::size_t id = 0; id < tree.names().size(); ++id)
    if (auto v = meaning(tree.names()[id]); v.is_set()) root->slots[id] = v;
  ProgramHost host(plan, interface.sizes);
  interp::Interpreter in(heap, host);
  host.finish(in, in.run(tree, *root));
  return plan;
}

/// Plan -> derivation. Streams are followed back to the values they carry; branches of a Partition become one
/// bundle.
class Deriver {
 public:
  Deriver(const Plan& plan, const std::vector<Function>& functions) : plan_(plan), functions_(functions) {}

  std::optional<Traced> derive(std::size_t inputs) {
    streams_.resize(plan_.streams.size());
    for (std::size_t i = 0; i < inputs; ++i) {
      streams_[i] = {{{static_cast<int>(i), {}}}, -1, -1};
      out_.types.push_back(plan_.streams[i]);
    }
    for (const auto& n : plan_.nodes)
      if (!node(n)) return std::nullopt;
    for (auto id : plan_.outputs) {
      const auto& s = streams_[id];
      if (s.parts.size() != 1 || s.parts[0].value < 0) return std::nullopt;
      out_.derivation.outputs.push_back(s.parts[0]);
    }
    for (const auto& s : out_.derivation.steps)
      for (int f : s.functions)
        if (f < 0) return std::nullopt; // a branch was left out
    return std::move(out_);
  }

 private:
  struct Stream {
    std::vector<Operand> parts; ///< several when zipped
    int branch = -1;            ///< of a bundle
    int partition = -1;         ///< set while nothing has been applied to an output of Partition
  };
  struct Partition {
    std::vector<Operand> data;
    int index = -1, width = 0, step = -1;
  };

  bool node(const PlanNode& n) {
    const std::string_view name = n.op->name;
    const auto& in = streams_[n.inputs[0]];
    const auto& config = n.config;
    Stream out = in;
    const auto move = [&](Move m) {
      for (auto& p : out.parts) p.path.push_back(m);
    };
    const auto small = [](std::int64_t x) {
      return static_cast<std::uint8_t>(std::clamp<std::int64_t>(x, 0, 255));
    };
    if (name == "Promote")
      move({MoveKind::promote, small(config.count), {}});
    else if (name == "Bufferize")
      move({MoveKind::bufferize, small(config.count), {}});
    else if (name == "Streamify")
      move({MoveKind::streamify, 0, {}});
    else if (name == "Flatten")
      for (std::size_t i = 0; i < config.levels.size(); ++i)
        move({MoveKind::flatten, small(config.levels[0]), {}});
    else if (name == "Reshape") {
      auto levels = config.levels;
      std::sort(levels.rbegin(), levels.rend()); // the outermost first, so that the others keep their numbers
      for (auto l : levels) move({MoveKind::reshape, small(l), config.size});
    } else if (name == "Repeat" || name == "RepeatLast" || name == "RepeatRef")
      move({MoveKind::repeat, 0, plan_.streams[n.first_output].shape[0]});
    else if (name == "Zip")
      join(out, streams_[n.inputs[1]]);
    else if (name == "Partition")
      return partition(n);
    else if (name == "Merge")
      return merge(n);
    else if (name == "Map" || name == "Accum" || name == "Scan") {
      for (std::size_t i = 1; i < n.inputs.size(); ++i) join(out, streams_[n.inputs[i]]);
      const auto kind = name == "Map" ? StepKind::map : name == "Accum" ? StepKind::accum : StepKind::scan;
      return apply(n, kind, std::move(out));
    }
    for (std::uint32_t o = 0; o < n.outputs; ++o) streams_[n.first_output + o] = out;
    return true;
  }

  static void join(Stream& a, const Stream& b) {
    a.parts.insert(a.parts.end(), b.parts.begin(), b.parts.end());
    if (a.branch < 0) a.branch = b.branch;
    a.partition = -1;
  }
  [[nodiscard]] int number(const Function* fn) const { return static_cast<int>(fn - functions_.data()); }

  int add(Step step, const StreamType& type) {
    out_.derivation.steps.push_back(std::move(step));
    out_.types.push_back(type);
    return static_cast<int>(out_.types.size()) - 1;
  }

  bool partition(const PlanNode& n) {
    const auto &data = streams_[n.inputs[0]], &index = streams_[n.inputs[1]];
    if (data.branch >= 0 || index.branch >= 0 || index.parts.size() != 1) return false;
    partitions_.push_back({data.parts, index.parts[0].value, static_cast<int>(n.outputs), -1});
    for (std::uint32_t o = 0; o < n.outputs; ++o)
      streams_[n.first_output + o] = {
          {{-1, {}}}, static_cast<int>(o), static_cast<int>(partitions_.size()) - 1};
    return true;
  }

  bool apply(const PlanNode& n, StepKind kind, Stream in) {
    const auto& type = plan_.streams[n.first_output];
    const int f = number(n.config.fn);
    int value = -1;
    if (in.partition >= 0) {
      if (kind != StepKind::map) return false;
      auto& p = partitions_[static_cast<std::size_t>(in.partition)];
      if (p.step < 0) {
        Step s{StepKind::route, std::vector<int>(static_cast<std::size_t>(p.width), -1), 0, p.data, p.index};
        p.step = add(std::move(s), type);
      }
      value = p.step;
    } else {
      for (const auto& part : in.parts)
        if (part.value < 0) return false;
      const auto width = in.branch < 0 ? std::size_t{1} : branches(in);
      if (in.branch > 0) // the same step in another branch
        for (std::size_t s = 0; s < out_.derivation.steps.size(); ++s) {
          const auto& step = out_.derivation.steps[s];
          if (step.kind == kind && step.functions.size() == width && same(step.operands, in.parts) &&
              step.functions[static_cast<std::size_t>(in.branch)] < 0)
            value = first_result() + static_cast<int>(s);
        }
      if (value < 0) {
        Step s{kind, std::vector<int>(width, width == 1 ? f : -1), static_cast<int>(n.config.count), in.parts,
               -1};
        value = add(std::move(s), type);
      }
    }
    auto& step = out_.derivation.steps[static_cast<std::size_t>(value - first_result())];
    if (in.branch >= 0) step.functions[static_cast<std::size_t>(in.branch)] = f;
    streams_[n.first_output] = {{{value, {}}}, in.branch, -1};
    return true;
  }

  bool merge(const PlanNode& n) {
    const auto& first = streams_[n.inputs[0]];
    const auto& index = streams_[n.inputs.back()];
    if (index.parts.size() != 1 || index.parts[0].value < 0) return false;
    for (const auto& p : first.parts)
      if (p.value < 0) return false;
    Step s{StepKind::merge, {number(n.config.fn)}, 0, first.parts, index.parts[0].value};
    streams_[n.first_output] = {{{add(std::move(s), plan_.streams[n.first_output]), {}}}, -1, -1};
    return true;
  }

  [[nodiscard]] int first_result() const {
    return static_cast<int>(out_.types.size() - out_.derivation.steps.size());
  }
  [[nodiscard]] std::size_t branches(const Stream& s) const {
    for (const auto& p : s.parts)
      if (p.value >= first_result())
        return out_.derivation.steps[static_cast<std::size_t>(p.value - first_result())].functions.size();
    return 1;
  }
  static bool same(const std::vector<Operand>& a, const std::vector<Operand>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Operand& x, const Operand& y) { return x.value == y.value; });
  }

  const Plan& plan_;
  const std::vector<Function>& functions_;
  std::vector<Stream> streams_;
  std::vector<Partition> partitions_;
  Traced out_;
};

} // namespace detail

/// What a program does, or nothing when it is no valid program over this interface, or does something that no
/// derivation expresses. Bounded in time and memory whatever the text.
[[nodiscard]] inline std::optional<Traced> trace(const Interface& interface, std::string_view text) {
  std::vector<Function> functions;
  for (const auto& f : interface.functions) functions.push_back(bare(f));
  try {
    const auto plan = detail::record(interface, functions, text);
    return detail::Deriver(plan, functions).derive(interface.inputs.size());
  } catch (const Fault&) {
    return std::nullopt;
  }
}

} // namespace step::proposer
