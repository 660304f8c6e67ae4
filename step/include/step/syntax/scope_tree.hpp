// SPDX-License-Identifier: MIT
// Which scope binds a name: Python's static scoping over a syntax tree.
// Functions, lambdas and comprehensions open scopes; what imports bind is left out: they are aliases, not
// variables.
#pragma once

#include "step/syntax/ast.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace step::syntax::detail {

/// The names that one scope binds.
struct Scope {
  std::unordered_set<std::uint32_t> names;
  std::unordered_set<std::uint32_t> elsewhere; // declared nonlocal
  bool comprehension = false;
};

/// Builds the scopes of a tree, keyed by the node that opens them (the root block for the outermost).
class ScopeTree {
 public:
  explicit ScopeTree(const Tree& tree) : spellings_(tree.names()) {
    open(*tree.root, false);
    visit(*tree.root);
  }

  [[nodiscard]] const Scope& of(const Node& opener) const { return scopes_.at(&opener); }
  [[nodiscard]] std::string_view spelling(std::uint32_t name) const { return spellings_[name]; }
  /// Whether any scope binds the name.
  [[nodiscard]] bool bound(std::uint32_t name) const { return bound_.contains(name); }

 private:
  Scope& open(const Node& opener, bool comprehension) {
    Scope& scope = scopes_[&opener];
    scope.comprehension = comprehension;
    path_.push_back(&scope);
    return scope;
  }

  void bind(std::uint32_t name, Scope& scope) {
    scope.names.insert(name);
    bound_.insert(name);
  }
  void bind(std::uint32_t name) { bind(name, *path_.back()); }
  void bind_in_function(std::uint32_t name) {
    for (std::size_t i = path_.size(); i-- > 0;)
      if (!path_[i]->comprehension) return bind(name, *path_[i]);
  }
  void targets(const Node& node) {
    if (node.kind == Kind::name) bind(node.name);
    if (node.kind == Kind::tuple || node.kind == Kind::list || node.kind == Kind::starred)
      for (const Node* part : node.children) targets(*part);
  }

  void children(const Node& node) {
    for (const Node* child : node.children)
      if (child != nullptr) visit(*child);
  }

  void visit(const Node& node) {
    switch (node.kind) {
    case Kind::function:
      bind(node.name);
      [[fallthrough]];
    case Kind::lambda:
      children(node.child(0)); // defaults
      open(node, false);
      for (const Node* parameter : node.child(0).children) bind(parameter->name);
      visit(node.child(1));
      close();
      return;
    case Kind::list_comp:
    case Kind::set_comp:
    case Kind::dict_comp:
    case Kind::generator:
      open(node, true);
      children(node);
      path_.pop_back();
      return;
    case Kind::assign:
      for (std::size_t i = 0; i + 1 < node.children.size(); ++i) targets(node.child(i));
      break;
    case Kind::augmented:
    case Kind::annotated:
    case Kind::for_loop:
    case Kind::clause:
      targets(node.child(0));
      break;
    case Kind::named:
      bind_in_function(node.child(0).name);
      break;
    case Kind::remove:
      for (const Node* part : node.children) targets(*part);
      break;
    case Kind::nonlocal:
      for (const Node* name : node.children) path_.back()->elsewhere.insert(name->name);
      return;
    default:
      break;
    }
    children(node);
  }

  void close() {
    Scope& scope = *path_.back();
    for (std::uint32_t name : scope.elsewhere) scope.names.erase(name);
    path_.pop_back();
  }

  std::span<const std::string_view> spellings_;
  std::unordered_map<const Node*, Scope> scopes_; // references stay valid
  std::unordered_set<std::uint32_t> bound_;
  std::vector<Scope*> path_;
};

} // namespace step::syntax::detail
