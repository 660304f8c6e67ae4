// SPDX-License-Identifier: MIT
// All that the embedded proposer may know of a task: the types of its inputs and outputs, the names and types
// of its functions, and the sizes of the symbols. Function bodies, references, data and answers have no place
// in it.
#pragma once

#include "step/tasks/task.hpp"
#include "step/types/dtype.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::proposer {

struct StreamInterface {
  std::string name;
  StreamType type;
};

struct FunctionInterface {
  std::string name;
  DType input, output;
  bool stateful = false; ///< usable with Accum, Scan and Merge instead of Map
};

struct Interface {
  std::vector<StreamInterface> inputs;
  std::vector<FunctionInterface> functions;
  std::vector<StreamInterface> outputs;
  Bindings sizes;
};

namespace detail {

/// The size that `global` declares for a symbol in the form `ctx[S] = 3`, or through one integer name.
/// Sizes are declarations; nothing else of the snippet is looked at.
inline void declare_sizes(const syntax::Node& block, Bindings& sizes) {
  using syntax::Kind;
  std::vector<std::pair<std::string_view, std::int64_t>> integers;
  const auto value_of = [&](const syntax::Node& n) -> std::optional<std::int64_t> {
    if (n.kind == Kind::integer) return n.integer;
    if (n.kind == Kind::name)
      for (const auto& [name, value] : integers)
        if (name == n.text) return value;
    return std::nullopt;
  };
  for (const auto* s : block.children) {
    if (s == nullptr || s->kind != Kind::assign || s->children.size() != 2) continue;
    const auto &target = s->child(0), &source = s->child(1);
    const auto value = value_of(source);
    if (!value) continue;
    if (target.kind == Kind::name) integers.emplace_back(target.text, *value);
    if (target.kind == Kind::subscript && target.child(0).kind == Kind::name &&
        target.child(0).text == "ctx" && target.child(1).kind == Kind::name)
      sizes.set(Symbol::named(target.child(1).text), *value);
  }
}

} // namespace detail

/// The interface of a task under the sizes that it declares.
[[nodiscard]] inline Interface interface_of(const Task& task) {
  Interface out;
  for (const auto& [name, size] : default_sizes) out.sizes.set(Symbol::named(name), size);
  if (task.global.tree && task.global.tree->root != nullptr)
    detail::declare_sizes(*task.global.tree->root, out.sizes);
  for (const auto& i : task.inputs) out.inputs.push_back({i.name, i.type});
  for (const auto& f : task.functions)
    out.functions.push_back({f.name, f.input, f.output, f.init.has_value()});
  for (const auto& o : task.outputs) out.outputs.push_back({o.name, o.type});
  return out;
}

} // namespace step::proposer
