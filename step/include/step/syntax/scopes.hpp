// SPDX-License-Identifier: MIT
// Python's rules on names that need the tree: where `:=` may bind inside comprehensions, and what `nonlocal`
// may name. They run after parsing; an error is a Fault{syntax}, as in Python.
#pragma once

#include "step/fault.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace step::syntax::detail {

class ScopeChecker {
 public:
  void check(const Node& root) {
    functions_.emplace_back();
    visit(root);
  }

 private:
  using Names = std::vector<std::uint32_t>;
  struct Function {
    std::unordered_set<std::uint32_t> parameters;
    std::unordered_set<std::uint32_t> seen; // names read or bound so far
    std::unordered_set<std::uint32_t> nonlocals;
  };

  void visit(const Node& node) {
    switch (node.kind) {
    case Kind::name:
      seen(node);
      return;
    case Kind::function:
      seen(node);
      return function(node.child(0), node.child(1), node.maybe(2));
    case Kind::lambda:
      return function(node.child(0), node.child(1), nullptr);
    case Kind::nonlocal:
      return nonlocal(node);
    case Kind::annotated:
      if (node.child(0).kind == Kind::name && functions_.back().nonlocals.contains(node.child(0).name))
        throw Fault{FaultKind::syntax,
                    "annotated name '" + std::string(node.child(0).text) + "' can't be nonlocal", node.at};
      return children(node);
    case Kind::named:
      return named(node);
    case Kind::list_comp:
    case Kind::set_comp:
    case Kind::dict_comp:
    case Kind::generator:
      return comprehension(node);
    default:
      children(node);
    }
  }
  void children(const Node& node) {
    for (const Node* child : node.children)
      if (child != nullptr) visit(*child);
  }

  void seen(const Node& node) { functions_.back().seen.insert(node.name); }

  void function(const Node& parameters, const Node& body, const Node* annotation) {
    Function inner;
    for (const Node* parameter : parameters.children) {
      inner.parameters.insert(parameter->name);
      children(*parameter); // defaults and annotations belong to the scope around
    }
    if (annotation != nullptr) visit(*annotation);
    auto outside = std::exchange(targets_, {});
    functions_.push_back(std::move(inner));
    visit(body);
    functions_.pop_back();
    targets_ = std::move(outside);
  }

  void nonlocal(const Node& node) {
    Function& here = functions_.back();
    for (const Node* name : node.children) {
      auto fail = [&](const char* why) {
        throw Fault{FaultKind::syntax, "name '" + std::string(name->text) + "' " + why, name->at};
      };
      if (here.parameters.contains(name->name)) fail("is parameter and nonlocal");
      if (here.seen.contains(name->name)) fail("is used before its nonlocal declaration");
      here.nonlocals.insert(name->name);
    }
  }

  void named(const Node& node) {
    const Node& target = node.child(0);
    if (iterables_ > 0)
      throw Fault{FaultKind::syntax,
                  "assignment expression cannot be used in a comprehension iterable expression", node.at};
    if (auto it = targets_.find(target.name); it != targets_.end() && it->second > 0)
      throw Fault{FaultKind::syntax,
                  "assignment expression cannot rebind comprehension iteration variable '" +
                      std::string(target.text) + "'",
                  node.at};
    children(node);
  }

  void comprehension(const Node& node) {
    auto clauses = [&](auto&& visitor) {
      bool first = true;
      for (const Node* child : node.children) {
        if (child->kind != Kind::clause) continue;
        visitor(*child, first);
        first = false;
      }
    };
    auto iterable = [&](const Node& clause) {
      ++iterables_;
      visit(clause.child(1));
      --iterables_;
    };
    clauses([&](const Node& clause, bool first) {
      if (first) iterable(clause);
    });
    Names names;
    clauses([&](const Node& clause, bool) { collect(clause.child(0), names); });
    for (std::uint32_t name : names) ++targets_[name];
    clauses([&](const Node& clause, bool first) {
      visit(clause.child(0));
      if (!first) iterable(clause);
      for (const Node* condition : clause.children.subspan(2)) visit(*condition);
    });
    for (const Node* child : node.children)
      if (child->kind != Kind::clause) visit(*child);
    for (std::uint32_t name : names) --targets_[name];
  }
  static void collect(const Node& target, Names& names) {
    if (target.kind == Kind::name) names.push_back(target.name);
    if (target.kind == Kind::tuple || target.kind == Kind::list || target.kind == Kind::starred)
      for (const Node* part : target.children) collect(*part, names);
  }

  std::vector<Function> functions_;
  // iteration variables of the comprehensions around, up to the nearest function, with how many bind each
  std::unordered_map<std::uint32_t, std::size_t> targets_;
  std::size_t iterables_ = 0;
};

inline void check_scopes(const Node& root) { ScopeChecker().check(root); }

} // namespace step::syntax::detail
