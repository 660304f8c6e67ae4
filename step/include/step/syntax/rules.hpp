// SPDX-License-Identifier: MIT
// What a program must not do although it parses: reach Python's reflection, use torch or the raw inputs,
// change streams, or redefine what the task defines. The task author's own snippets are not subject to these
// rules.
#pragma once

#include "step/fault.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::syntax {

/// What the task reserves: a program may not bind these names, not even as a parameter or in a comprehension.
/// Made once per task; the names must outlive it.
struct RuleContext {
  boost::unordered_flat_set<std::string_view, std::hash<std::string_view>> reserved;
};

namespace detail {

class RuleChecker {
 public:
  RuleChecker(const Tree& tree, const RuleContext& context) : names_(tree.names()), traits_(names_.size()) {
    for (std::size_t i = 0; i < traits_.size(); ++i)
      traits_[i] = {classify(names_[i]), context.reserved.contains(names_[i]), false, names_[i] == "step"};
    find_bindings(*tree.root);
  }

  void check(const Node& node) {
    switch (node.kind) {
    case Kind::name:
      return use(node);
    case Kind::attribute:
      return attribute(node);
    case Kind::keyword:
      if (is_dunder(node.text))
        fail(node, "the name `" + clipped(node.text) + "` cannot be used: it begins with '__'");
      return children(node);
    case Kind::call: {
      const bool outer = std::exchange(annotation_, false);
      children(node);
      annotation_ = outer;
      return;
    }
    case Kind::parameter:
      use(node);
      bind(node);
      annotation(node.maybe(1));
      if (node.maybe(0) != nullptr) check(node.child(0));
      return;
    case Kind::function:
      use(node);
      bind(node);
      check(node.child(0));
      annotation(node.maybe(2));
      return check(node.child(1));
    case Kind::assign:
      for (std::size_t i = 0; i + 1 < node.children.size(); ++i) target(node.child(i));
      return children(node);
    case Kind::augmented:
    case Kind::named:
    case Kind::for_loop:
    case Kind::clause:
      target(node.child(0));
      return children(node);
    case Kind::annotated:
      target(node.child(0));
      check(node.child(0));
      annotation(node.maybe(1));
      if (node.maybe(2) != nullptr) check(node.child(2));
      return;
    case Kind::remove:
    case Kind::nonlocal:
      for (const Node* name : node.children) target(*name);
      return children(node);
    case Kind::import_module:
      for (const Node* alias : node.children)
        if (alias->text != names_[alias->name]) imported(*alias);
      return;
    case Kind::import_from:
      for (const Node* alias : node.children) {
        if (alias->text == "Stream") fail(*alias, std::string(no_stream));
        if (alias->text.starts_with('_')) fail(*alias, "`" + clipped(alias->text) + "` cannot be imported");
        imported(*alias);
      }
      return;
    default:
      children(node);
    }
  }

 private:
  enum class Use : std::uint8_t { free, forbidden, unavailable, dunder, torch, inputs };
  struct Traits {
    Use use = Use::free;
    bool reserved = false;
    bool bound = false; // by the program, in whatever way
    bool step = false;  // the module, under whatever name
  };

  static constexpr std::string_view no_stream =
      "step.Stream cannot be built in a program: streams come from the inputs and the operators";

  [[noreturn]] static void fail(const Node& node, std::string message) {
    throw Fault{FaultKind::rejected, std::move(message), node.at};
  }
  static std::string clipped(std::string_view name) {
    return std::string(name.substr(0, 60)) + (name.size() > 60 ? ".." : "");
  }
  static bool is_dunder(std::string_view name) { return name.starts_with("__"); }

  static Use classify(std::string_view name) {
    // Names of the last line a program may use as names of its own; unbound they would be Python's.
    using Map = boost::unordered_flat_map<std::string_view, Use, std::hash<std::string_view>>;
    static const Map special = [] {
      Map map{{"torch", Use::torch}, {"input_data", Use::inputs}};
      for (std::string_view word : {"exec", "eval", "compile", "getattr", "setattr", "delattr", "hasattr",
                                    "globals", "locals", "type", "open", "super", "breakpoint", "memoryview",
                                    "classmethod", "staticmethod", "property", "help"})
        map.emplace(word, Use::forbidden);
      for (std::string_view word : {"vars", "dir", "input", "object", "exit", "quit"})
        map.emplace(word, Use::unavailable);
      return map;
    }();
    if (is_dunder(name)) return Use::dunder;
    const auto it = special.find(name);
    return it == special.end() ? Use::free : it->second;
  }

  /// Which names the program binds itself, and under which it imports step and torch.
  void find_bindings(const Node& node) {
    auto mark = [&](const Node& target) { traits_[target.name].bound = true; };
    switch (node.kind) {
    case Kind::parameter:
    case Kind::function:
      mark(node);
      break;
    case Kind::assign:
      for (std::size_t i = 0; i + 1 < node.children.size(); ++i) names_in(node.child(i), mark);
      break;
    case Kind::augmented:
    case Kind::annotated:
    case Kind::named:
    case Kind::for_loop:
    case Kind::clause:
      names_in(node.child(0), mark);
      break;
    case Kind::import_module:
      for (const Node* alias : node.children) {
        if (alias->text == "torch") traits_[alias->name].use = Use::torch;
        if (alias->text == "step") traits_[alias->name].step = true;
      }
      break;
    default:
      break;
    }
    for (const Node* child : node.children)
      if (child != nullptr && !child->children.empty()) find_bindings(*child);
  }
  template <class Visitor> static void names_in(const Node& target, Visitor&& visitor) {
    if (target.kind == Kind::name) visitor(target);
    if (target.kind == Kind::tuple || target.kind == Kind::list || target.kind == Kind::starred)
      for (const Node* part : target.children) names_in(*part, visitor);
  }

  void children(const Node& node) {
    for (const Node* child : node.children)
      if (child != nullptr) check(*child);
  }
  /// Annotations may name types: only what they call is checked.
  void annotation(const Node* node) {
    if (node == nullptr) return;
    const bool outer = std::exchange(annotation_, true);
    check(*node);
    annotation_ = outer;
  }

  void use(const Node& node) const {
    const Traits& traits = traits_[node.name];
    switch (traits.use) {
    case Use::free:
      return;
    case Use::unavailable:
      if (traits.bound) return;
      [[fallthrough]];
    case Use::forbidden:
      fail(node, "`" + std::string(node.text) +
                     "` cannot be used in a program; use the step operators on the inputs");
    case Use::dunder:
      fail(node, "the name `" + clipped(node.text) + "` cannot be used: it begins with '__'");
    case Use::torch:
      if (annotation_) return;
      fail(node, "torch cannot be used in a program; use the step operators and the task's functions");
    case Use::inputs:
      fail(node, "`input_data` cannot be used in a program; the inputs are the streams named in the task");
    }
  }

  void attribute(const Node& node) {
    if (node.text.starts_with('_'))
      fail(node, "the attribute `." + clipped(node.text) + "` cannot be used: it begins with '_'");
    const Node& object = node.child(0);
    if (node.text == "Stream" && !annotation_ && object.kind == Kind::name && traits_[object.name].step)
      fail(node, std::string(no_stream));
    if (node.text == "data" || node.text == "ctx")
      fail(node, "a program cannot see a stream's ." + std::string(node.text));
    check(object);
  }

  void imported(const Node& alias) const {
    const Traits& traits = traits_[alias.name];
    if (traits.use != Use::free && traits.use != Use::unavailable)
      fail(alias, "`" + clipped(names_[alias.name]) + "` cannot be bound by an import");
    bind(alias);
  }

  /// The program binds the name of `node`, be it by a statement, as a parameter or in a comprehension.
  void bind(const Node& node) const {
    if (traits_[node.name].reserved)
      fail(node, "`" + clipped(names_[node.name]) +
                     "` is defined by the task and cannot be redefined; choose another name");
  }

  /// Something is assigned to `node`.
  void target(const Node& node) const {
    switch (node.kind) {
    case Kind::name:
      return bind(node);
    case Kind::attribute:
      fail(node, "the attribute `." + clipped(node.text) +
                     "` cannot be assigned or deleted; bind a new name instead");
    case Kind::subscript: {
      const Node* object = &node.child(0);
      while (object->kind == Kind::subscript) object = &object->child(0);
      if (object->kind == Kind::attribute)
        fail(node, "an item of the attribute `." + clipped(object->text) + "` cannot be assigned or deleted");
      if (object->kind == Kind::name && traits_[object->name].reserved)
        fail(node,
             "an item of `" + clipped(object->text) + "` cannot be assigned or deleted: the task defines it");
      return;
    }
    default:
      for (const Node* part : node.children)
        if (part != nullptr) target(*part);
    }
  }

  const std::vector<std::string_view>& names_;
  std::vector<Traits> traits_;
  bool annotation_ = false;
};

} // namespace detail

/// Throws Fault{rejected}, which names the construct and what to do instead, at the first use of reflection,
/// torch, `input_data` or `step.Stream`, of a name that begins with `__` or an attribute that begins with
/// `_`, at the first assignment to an attribute, and at the first binding of a reserved name.
/// Linear in the tree.
inline void check_program_rules(const Tree& tree, const RuleContext& context) {
  detail::RuleChecker(tree, context).check(*tree.root);
}

} // namespace step::syntax
