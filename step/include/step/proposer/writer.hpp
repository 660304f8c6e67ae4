// SPDX-License-Identifier: MIT
// Writes a derivation as program text: one operator per line, names E<k> after those of the inputs, paths
// that two operands share written once, and a Copy wherever a stream is taken more than once.
#pragma once

#include "step/proposer/derivation.hpp"
#include "step/proposer/interface.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace step::proposer {

class Writer {
 public:
  explicit Writer(const Interface& interface) : interface_(interface) {}

  /// The text of a derivation over this interface. O(size of the derivation).
  std::string write(const Derivation& d) {
    text_.clear();
    nodes_.clear();
    next_ = 0;
    const auto values = interface_.inputs.size() + d.steps.size();
    for (std::size_t v = 0; v < values; ++v) nodes_.push_back({-1, {}, {}, 0, {}, {}}); // node v is value v
    for (std::size_t i = 0; i < interface_.inputs.size(); ++i)
      nodes_[i].names = {{interface_.inputs[i].name}};
    // first pass: how often every stream is taken
    std::vector<std::vector<int>> taken;
    for (const auto& s : d.steps) {
      auto& nodes = taken.emplace_back();
      for (const auto& o : s.operands) nodes.push_back(take(o));
      if (s.index >= 0) {
        nodes.push_back(s.index);
        nodes_[static_cast<std::size_t>(s.index)].uses += 1;
      }
    }
    std::vector<int> returned;
    for (const auto& o : d.outputs) returned.push_back(node(o));
    // second pass: text
    for (std::size_t s = 0; s < d.steps.size(); ++s)
      write_step(d.steps[s], taken[s], interface_.inputs.size() + s);
    std::string result;
    for (int n : returned) result += (result.empty() ? "" : ", ") + whole(n, 0);
    return text_ + "return " + result + "\n";
  }

 private:
  struct Node {
    int parent; // another node, or -1 for a value
    Move move;
    std::vector<int> children;
    int uses; // how often the stream is taken
    std::vector<std::vector<std::string>>
        names;                      // for every branch: the names of its copies; one when there is one stream
    std::vector<std::size_t> given; // for every branch: how many names were handed out
  };

  /// The node at the end of an operand's path, without taking it.
  int node(const Operand& o) {
    int at = o.value;
    for (const auto& m : o.path) {
      int found = -1;
      for (int c : nodes_[static_cast<std::size_t>(at)].children)
        if (nodes_[static_cast<std::size_t>(c)].move == m) found = c;
      if (found < 0) {
        found = static_cast<int>(nodes_.size());
        nodes_.push_back({at, m, {}, 0, {}, {}});
        nodes_[static_cast<std::size_t>(at)].children.push_back(found);
        ++nodes_[static_cast<std::size_t>(at)].uses;
      }
      at = found;
    }
    return at;
  }
  int take(const Operand& o) {
    const int n = node(o);
    ++nodes_[static_cast<std::size_t>(n)].uses;
    return n;
  }

  std::string fresh() {
    for (;;) {
      auto name = "E" + std::to_string(next_++);
      const auto same = [&](const auto& x) { return x.name == name; };
      const auto later = [&](const StreamInterface& x) { // names continue after those of the inputs
        return x.name.size() > 1 && x.name[0] == 'E' &&
               x.name.find_first_not_of("0123456789", 1) == std::string::npos &&
               (x.name.size() > name.size() || (x.name.size() == name.size() && x.name >= name));
      };
      if (std::none_of(interface_.inputs.begin(), interface_.inputs.end(), later) &&
          std::none_of(interface_.functions.begin(), interface_.functions.end(), same))
        return name;
    }
  }
  void line(const std::string& target, const std::string& value) { text_ += target + " = " + value + "\n"; }

  static std::string text(const Move& m) {
    const auto at = std::to_string(m.at);
    switch (m.kind) {
    case MoveKind::promote:
      return "step.Promote(b=" + at + ")";
    case MoveKind::flatten:
      return "step.Flatten(L=[" + at + "])";
    case MoveKind::bufferize:
      return "step.Bufferize(a=" + at + ")";
    case MoveKind::streamify:
      return "step.Streamify()";
    case MoveKind::repeat:
      return "step.Repeat(n=" + m.size.text() + ")";
    case MoveKind::reshape:
      return "step.Reshape(S=" + m.size.text() + ", L=[" + at + "])";
    }
    return {};
  }

  std::size_t width(int n) {
    auto& x = nodes_[static_cast<std::size_t>(n)];
    if (x.names.empty()) make(n);
    return nodes_[static_cast<std::size_t>(n)].names.size();
  }
  /// Writes the shape operator that makes node n.
  void make(int n) {
    const int parent = nodes_[static_cast<std::size_t>(n)].parent;
    const auto branches = width(parent);
    for (std::size_t e = 0; e < branches; ++e) {
      const auto from = one(parent, e);
      auto name = fresh();
      line(name, text(nodes_[static_cast<std::size_t>(n)].move) + ".apply(" + from + ")");
      nodes_[static_cast<std::size_t>(n)].names.push_back({std::move(name)});
    }
  }
  /// A name of branch e of node n that nothing has consumed yet.
  std::string one(int n, std::size_t e) {
    const auto branches = width(n);
    auto& x = nodes_[static_cast<std::size_t>(n)];
    if (x.given.empty()) {
      x.given.assign(branches, 0);
      for (std::size_t b = 0; b < branches; ++b) // all copies at the first use
        for (int copies = 1; copies < x.uses; ++copies) {
          auto left = fresh(), right = fresh();
          line(left + ", " + right, "step.Copy().apply(" + x.names[b].back() + ")");
          x.names[b].back() = std::move(left);
          x.names[b].push_back(std::move(right));
        }
    }
    auto& given = x.given[e];
    return x.names[e][std::min(given++, x.names[e].size() - 1)];
  }
  /// A name of node n for returning it, which consumes nothing.
  std::string whole(int n, std::size_t e) {
    static_cast<void>(width(n));
    const auto& x = nodes_[static_cast<std::size_t>(n)];
    return x.names[e].back();
  }

  /// The operands in branch e, zipped if a single stream is needed.
  std::string argument(const std::vector<int>& nodes, std::size_t count, std::size_t e, bool zipped) {
    std::string left = one(nodes[0], e);
    if (count == 1) return left;
    if (!zipped) {
      for (std::size_t i = 1; i < count; ++i) left += ", " + one(nodes[i], e);
      return "(" + left + ")";
    }
    for (std::size_t i = 1; i < count; ++i) {
      auto right = one(nodes[i], e);
      auto name = fresh();
      line(name, "step.Zip().apply((" + left + ", " + right + "))");
      left = std::move(name);
    }
    return left;
  }
  const std::string& name_of(int f) const { return interface_.functions[static_cast<std::size_t>(f)].name; }

  void write_step(const Step& s, const std::vector<int>& nodes, std::size_t value) {
    const auto count = s.operands.size();
    std::vector<std::vector<std::string>> made;
    const auto add = [&](std::string name) { made.push_back({std::move(name)}); };
    switch (s.kind) {
    case StepKind::map: {
      std::size_t branches = 1;
      for (std::size_t i = 0; i < count; ++i) branches = std::max(branches, width(nodes[i]));
      for (std::size_t e = 0; e < branches; ++e) {
        const auto in = argument(nodes, count, e, false);
        auto name = fresh();
        line(name, "step.Map(fn=" + name_of(s.functions[std::min(e, s.functions.size() - 1)]) + ").apply(" +
                       in + ")");
        add(std::move(name));
      }
      break;
    }
    case StepKind::accum:
    case StepKind::scan: {
      const auto in = argument(nodes, count, 0, true);
      auto name = fresh();
      line(name, std::string(s.kind == StepKind::scan ? "step.Scan" : "step.Accum") + "(fn=" +
                     name_of(s.functions[0]) + ", b=" + std::to_string(s.folded) + ").apply(" + in + ")");
      add(std::move(name));
      break;
    }
    case StepKind::route: {
      const auto data = argument(nodes, count, 0, true);
      const auto index = one(nodes.back(), 0);
      const auto branches = s.functions.size();
      std::vector<std::string> parts;
      std::string targets;
      for (std::size_t e = 0; e < branches; ++e) {
        parts.push_back(fresh());
        targets += (e != 0 ? ", " : "") + parts.back();
      }
      if (branches == 1) targets = "[" + targets + "]";
      line(targets,
           "step.Partition(N=" + std::to_string(branches) + ").apply((" + data + ", " + index + "))");
      for (std::size_t e = 0; e < branches; ++e) {
        auto name = fresh();
        line(name, "step.Map(fn=" + name_of(s.functions[e]) + ").apply(" + parts[e] + ")");
        add(std::move(name));
      }
      break;
    }
    case StepKind::merge: {
      std::string streams;
      for (std::size_t e = 0; e < width(nodes[0]); ++e) {
        const auto in = argument(nodes, count, e, true);
        streams += (e != 0 ? ", " : "") + in;
      }
      const auto index = one(nodes.back(), 0);
      auto name = fresh();
      line(name, "step.Merge(fn=" + name_of(s.functions[0]) + ").apply(([" + streams + "], " + index + "))");
      add(std::move(name));
      break;
    }
    }
    nodes_[value].names = std::move(made);
  }

  const Interface& interface_;
  std::vector<Node> nodes_;
  std::string text_;
  int next_ = 0;
};

} // namespace step::proposer
