// SPDX-License-Identifier: MIT
// Every program that differs from a given one in one place: a function more or less, another function,
// operand, configuration or output.
#pragma once

#include "step/syntax/parser.hpp"
#include "step/verifier/verifier.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace step_test {

/// A program as a graph of streams; a stream may have many readers, Copy is left to the text.
class ProgramGraph {
 public:
  struct Node {
    std::string op, fn;
    std::int64_t count = 0;
    std::vector<std::int64_t> levels;
    std::string size; ///< as a program writes it
    std::vector<std::size_t> inputs, outputs;
  };

  ProgramGraph(const step::Verifier& verifier, const std::string& impl) : task_(&verifier.task()) {
    const auto plan = verifier.plan(step::syntax::parse(impl));
    std::vector<std::size_t> stream(plan.streams.size()); // what a stream is a copy of
    for (std::size_t i = 0; i < stream.size(); ++i) stream[i] = i;
    for (const auto& n : plan.nodes) {
      if (n.op->name == "Copy") {
        for (std::size_t k = 0; k < n.outputs; ++k) stream[n.first_output + k] = stream[n.inputs[0]];
        continue;
      }
      auto& node = nodes_.emplace_back();
      node.op = std::string(n.op->name);
      if (n.config.fn != nullptr) node.fn = n.config.fn->name;
      node.count = n.config.count;
      node.levels = n.config.levels;
      node.size = n.config.size.text();
      for (const auto id : n.inputs) node.inputs.push_back(stream[id]);
      for (std::size_t k = 0; k < n.outputs; ++k) node.outputs.push_back(n.first_output + k);
    }
    for (const auto id : plan.outputs) outputs_.push_back(stream[id]);
    types_ = plan.streams;
    for (const auto& [symbol, size] : verifier.instance().bindings().all())
      if (symbol.name() != "E") symbols_.push_back(symbol.name());
  }

  /// Calls f(name, program) for every one.
  void each_mutant(const std::function<void(const std::string&, const std::string&)>& f) const {
    emit_ = &f;
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      of_functions(n);
      of_configuration(n);
      of_operands(n);
      for (std::size_t i = 0; i < nodes_[n].inputs.size(); ++i)
        insertions(
            nodes_[n].inputs[i], n,
            [n, i](ProgramGraph& g, std::size_t id, std::size_t more) { g.nodes_[n + more].inputs[i] = id; },
            label(n) + " operand " + std::to_string(i));
    }
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const auto name = "output " + std::to_string(o);
      insertions(
          outputs_[o], nodes_.size(),
          [o](ProgramGraph& g, std::size_t id, std::size_t) { g.outputs_[o] = id; }, name);
      for (const auto id : defined_before(nodes_.size()))
        if (id != outputs_[o] && types_[id] == types_[outputs_[o]])
          change(name + " is s" + std::to_string(id), [&](ProgramGraph& g) { g.outputs_[o] = id; });
    }
  }

  /// Straight-line text, with a Copy for every further reader.
  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> readers(types_.size()), used(types_.size());
    for (const auto& n : nodes_)
      for (const auto id : n.inputs) ++readers[id];
    for (const auto id : outputs_) ++readers[id];
    std::string out;
    const auto name = [](std::size_t id) { return "s" + std::to_string(id); };
    const auto copies = [&](std::size_t id) {
      for (std::size_t k = 0; k + 1 < readers[id]; ++k)
        out +=
            name(id) + "_" + std::to_string(k) + ", " + name(id) + " = step.Copy().apply(" + name(id) + ")\n";
    };
    const auto use = [&](std::size_t id) {
      const auto k = used[id]++;
      return k + 1 < readers[id] ? name(id) + "_" + std::to_string(k) : name(id);
    };
    for (std::size_t i = 0; i < task_->inputs.size(); ++i) {
      out += name(i) + " = " + task_->inputs[i].name + "\n";
      copies(i);
    }
    for (const auto& n : nodes_) {
      std::vector<std::string> in;
      for (const auto id : n.inputs) in.push_back(use(id));
      const auto joined = [](const std::vector<std::string>& items) {
        std::string all;
        for (const auto& item : items) all += (all.empty() ? "" : ", ") + item;
        return all;
      };
      std::string argument = in.size() == 1 ? in[0] : "(" + joined(in) + ")";
      if (n.op == "Merge") argument = "([" + joined({in.begin(), in.end() - 1}) + "], " + in.back() + ")";
      std::vector<std::string> results;
      for (const auto id : n.outputs) results.push_back(name(id));
      out += joined(results) + (n.op == "Partition" && results.size() == 1 ? "," : "") + " = step." + n.op +
             "(" + configuration(n) + ").apply(" + argument + ")\n";
      for (const auto id : n.outputs) copies(id);
    }
    out += "return ";
    for (std::size_t o = 0; o < outputs_.size(); ++o) out += (o == 0 ? "" : ", ") + use(outputs_[o]);
    return out + "\n";
  }

 private:
  static std::string configuration(const Node& n) {
    std::string levels = "L=[";
    for (const auto l : n.levels) levels += (levels.size() > 3 ? ", " : "") + std::to_string(l);
    levels += "]";
    if (n.op == "Map" || n.op == "Merge") return "fn=" + n.fn;
    if (n.op == "Accum" || n.op == "Scan") return "fn=" + n.fn + ", b=" + std::to_string(n.count);
    if (n.op == "Promote") return "b=" + std::to_string(n.count);
    if (n.op == "Bufferize") return "a=" + std::to_string(n.count);
    if (n.op == "Flatten") return levels;
    if (n.op == "Reshape") return "S=" + n.size + ", " + levels;
    if (n.op == "Repeat" || n.op == "RepeatLast") return "n=" + n.size;
    if (n.op == "Partition") return "N=" + n.size;
    return "";
  }
  [[nodiscard]] std::string label(std::size_t n) const {
    return std::to_string(n) + " " + nodes_[n].op + "(" + configuration(nodes_[n]) + ")";
  }
  [[nodiscard]] std::vector<std::size_t> defined_before(std::size_t n) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < task_->inputs.size(); ++i) out.push_back(i);
    for (std::size_t k = 0; k < n; ++k)
      out.insert(out.end(), nodes_[k].outputs.begin(), nodes_[k].outputs.end());
    return out;
  }
  void change(const std::string& name, const std::function<void(ProgramGraph&)>& edit) const {
    auto other = *this;
    edit(other);
    (*emit_)(name, other.text());
  }
  std::size_t add_stream(const step::StreamType& type) {
    types_.push_back(type);
    return types_.size() - 1;
  }

  /// The function more: between stream `from` and its reader before node `at`.
  void insertions(std::size_t from, std::size_t at,
                  const std::function<void(ProgramGraph&, std::size_t, std::size_t)>& connect,
                  const std::string& place) const {
    const auto& type = types_[from];
    const auto insert = [&](const std::string& name, std::vector<Node> chain,
                            std::vector<std::size_t> with = {}) {
      change(place + ": " + name, [&](ProgramGraph& g) {
        auto id = from;
        for (auto& node : chain) {
          node.inputs = {id};
          if (node.op == "Map") node.inputs.insert(node.inputs.end(), with.begin(), with.end());
          id = g.add_stream(type);
          node.outputs = {id};
        }
        const auto more = chain.size();
        g.nodes_.insert(g.nodes_.begin() + static_cast<std::ptrdiff_t>(at), chain.begin(), chain.end());
        connect(g, id, more);
      });
    };
    for (const auto& fn : task_->functions) {
      const Node map{
          .op = "Map", .fn = fn.name, .count = 0, .levels = {}, .size = "", .inputs = {}, .outputs = {}};
      const auto other = [&](std::string op, std::int64_t count, std::string size = "") {
        return Node{std::move(op), op == "Scan" ? fn.name : "", count, {}, std::move(size), {}, {}};
      };
      if (fn.init) {
        if (fn.input == type.dtype && fn.output == type.dtype)
          for (std::int64_t b = 1; b <= type.rank(); ++b) {
            auto scan = other("Scan", b);
            scan.fn = fn.name;
            insert("Scan " + fn.name + " b=" + std::to_string(b), {scan});
          }
        continue;
      }
      if (fn.input == type.dtype && fn.output == type.dtype) insert("Map " + fn.name, {map});
      if (fn.input.fields.size() == 2 && fn.output == type.dtype && !type.dtype.is_tuple())
        for (const auto id : defined_before(at)) {
          if (types_[id].shape != type.shape || types_[id].dtype.is_tuple()) continue;
          if (fn.input.fields[0] == type.dtype.fields[0] && fn.input.fields[1] == types_[id].dtype.fields[0])
            insert("Map " + fn.name + " with s" + std::to_string(id), {map}, {id});
        }
      if (type.dtype.is_tuple() || fn.input.is_tuple() || fn.output.is_tuple()) continue;
      const auto &in = fn.input.fields[0], &out = fn.output.fields[0], &held = type.dtype.fields[0];
      // element-wise on the content of a buffer
      if (held.is_buffer() && in == out && !in.is_buffer() && in.experts == held.experts)
        insert("opened, Map " + fn.name, {other("Streamify", 0), map,
                                          other("Bufferize", static_cast<std::int64_t>(held.buffer.size()))});
      // a function of buffers on what repeats one value
      if (in.is_buffer() && in.buffer.size() == 1 && out == held && !held.is_buffer() &&
          in.experts == held.experts)
        insert("repeated, Map " + fn.name,
               {other("Repeat", 0, in.buffer[0].text()), other("Bufferize", 1), map});
      // a function of buffers on a row
      if (in == out && in.is_buffer() && !held.is_buffer() && in.experts == held.experts &&
          type.shape.size() > in.buffer.size() &&
          std::equal(in.buffer.begin(), in.buffer.end(), type.shape.begin()))
        insert("buffered, Map " + fn.name,
               {other("Bufferize", static_cast<std::int64_t>(in.buffer.size())), map, other("Streamify", 0)});
    }
  }

  /// A function less, or another.
  void of_functions(std::size_t n) const {
    const auto& node = nodes_[n];
    if (node.outputs.size() == 1)
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        if (types_[node.inputs[i]] == types_[node.outputs[0]])
          change(label(n) + " left out for operand " + std::to_string(i), [&](ProgramGraph& g) {
            const auto from = node.outputs[0], to = node.inputs[i];
            g.nodes_.erase(g.nodes_.begin() + static_cast<std::ptrdiff_t>(n));
            for (auto& other : g.nodes_) std::replace(other.inputs.begin(), other.inputs.end(), from, to);
            std::replace(g.outputs_.begin(), g.outputs_.end(), from, to);
          });
    if (node.fn.empty()) return;
    const auto& fn = *task_->function(node.fn);
    for (const auto& other : task_->functions)
      if (&other != &fn && other.input == fn.input && other.output == fn.output &&
          other.init.has_value() == fn.init.has_value())
        change(label(n) + " with " + other.name, [&](ProgramGraph& g) { g.nodes_[n].fn = other.name; });
  }

  void of_configuration(std::size_t n) const {
    const auto& node = nodes_[n];
    const auto rank = types_[node.inputs[0]].rank();
    const auto with = [&](const std::string& what, const std::function<void(Node&)>& edit) {
      change(label(n) + " with " + what, [&](ProgramGraph& g) { edit(g.nodes_[n]); });
    };
    if (node.op == "Accum" || node.op == "Scan" || node.op == "Promote" || node.op == "Bufferize")
      for (std::int64_t b = 0; b <= rank + 1; ++b)
        if (b != node.count) with(std::to_string(b), [&](Node& m) { m.count = b; });
    if (node.op == "Accum") with("Scan", [](Node& m) { m.op = "Scan"; });
    if (node.op == "Scan") with("Accum", [](Node& m) { m.op = "Accum"; });
    if (node.op == "Repeat" || node.op == "RepeatLast" || node.op == "Reshape")
      for (const auto& symbol : symbols_)
        if (symbol != node.size) with(symbol, [&](Node& m) { m.size = symbol; });
    if (node.op == "Flatten" || node.op == "Reshape")
      for (std::int64_t first = 0; first <= rank; ++first)
        for (std::int64_t last = first; last <= rank; ++last) {
          std::vector<std::int64_t> levels;
          for (auto l = first; l <= last; ++l) levels.push_back(l);
          if (levels != node.levels)
            with("L=" + std::to_string(first) + ".." + std::to_string(last),
                 [&](Node& m) { m.levels = levels; });
        }
  }

  void of_operands(std::size_t n) const {
    const auto& node = nodes_[n];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      for (std::size_t k = i + 1; k < node.inputs.size(); ++k)
        if (node.inputs[i] != node.inputs[k])
          change(label(n) + " operands " + std::to_string(i) + " and " + std::to_string(k) + " swapped",
                 [&](ProgramGraph& g) { std::swap(g.nodes_[n].inputs[i], g.nodes_[n].inputs[k]); });
      for (const auto id : defined_before(n))
        if (id != node.inputs[i] && types_[id] == types_[node.inputs[i]])
          change(label(n) + " operand " + std::to_string(i) + " is s" + std::to_string(id),
                 [&](ProgramGraph& g) { g.nodes_[n].inputs[i] = id; });
    }
    if (node.op == "Partition")
      for (std::size_t i = 0; i < node.outputs.size(); ++i)
        for (std::size_t k = i + 1; k < node.outputs.size(); ++k)
          change(label(n) + " results " + std::to_string(i) + " and " + std::to_string(k) + " swapped",
                 [&](ProgramGraph& g) { std::swap(g.nodes_[n].outputs[i], g.nodes_[n].outputs[k]); });
  }

  const step::Task* task_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> outputs_;
  std::vector<step::StreamType> types_;
  std::vector<std::string> symbols_;
  mutable const std::function<void(const std::string&, const std::string&)>* emit_ = nullptr;
};

} // namespace step_test
