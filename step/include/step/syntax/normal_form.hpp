// SPDX-License-Identifier: MIT
// Isomorphism of programs: two programs are isomorphic when their normal forms are equal.
// Experience keeps one representative per class, so that demonstrations differ in more than names and layout.
#pragma once

#include "step/syntax/printer.hpp"
#include "step/syntax/scope_tree.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace step::syntax {

namespace detail {

class NormalForm {
 public:
  explicit NormalForm(const Tree& tree) : scopes_(tree), bindings_(tree.names().size()) {
    find_imports(*tree.root);
    for (auto& [name, import] : imports_) import.dropped = import.dropped && !scopes_.bound(name);
    scope_of(
        *tree.root, [&] { write(tree.root); }, true);
  }

  std::string text;

 private:
  enum class State : std::uint8_t { unseen, numbered, kept };
  struct Binding {
    State state = State::unseen;
    bool outermost = false;
    std::size_t number = 0;
  };
  struct Import {
    std::string meaning;
    bool dropped = true; // no statement binds the name in another way
  };

  // ---- imports
  void find_imports(const Node& node) {
    if (node.kind == Kind::import_module || node.kind == Kind::import_from) {
      for (const Node* alias : node.children) {
        std::string meaning = node.kind == Kind::import_module ? "(name " : "(attribute ";
        meaning += alias->text;
        meaning += node.kind == Kind::import_module ? ")" : " (name step))";
        const bool known = node.kind == Kind::import_module || node.text == "step";
        auto [it, added] = imports_.try_emplace(alias->name, Import{meaning});
        if (!added && it->second.meaning != meaning) it->second.dropped = false;
        if (!known || alias->text.size() > 64)
          it->second.dropped = false; // a long name is not worth repeating
      }
    }
    for (const Node* child : node.children)
      if (child != nullptr) find_imports(*child);
  }

  // ---- names
  template <class Body> void scope_of(const Node& opener, Body&& body, bool outermost = false) {
    const Scope& scope = scopes_.of(opener);
    for (std::uint32_t name : scope.names) bindings_[name].push_back({State::unseen, outermost, 0});
    body();
    for (std::uint32_t name : scope.names) bindings_[name].pop_back();
  }

  /// A variable is written as its number. A name that the program's outermost scope reads before it binds it
  /// is an input that is rebound later: it keeps its name, so that programs on different inputs stay
  /// different.
  void reference(std::uint32_t name, std::string_view spelling, bool stored) {
    if (!bindings_[name].empty()) {
      Binding& binding = bindings_[name].back();
      if (binding.state == State::unseen) {
        const bool kept = binding.outermost && !stored;
        binding.state = kept ? State::kept : State::numbered;
        if (!kept) binding.number = next_++;
      }
      if (binding.state == State::numbered) {
        (text += '%') += std::to_string(binding.number);
        return;
      }
    } else if (auto it = imports_.find(name); it != imports_.end() && it->second.dropped) {
      text += it->second.meaning;
      return;
    }
    ((text += "(name ") += spelling) += ')';
  }

  void target(const Node& node) {
    switch (node.kind) {
    case Kind::name:
      return reference(node.name, node.text, true);
    case Kind::tuple:
    case Kind::list:
    case Kind::starred:
      open(node);
      for (const Node* part : node.children) {
        text += ' ';
        target(*part);
      }
      text += ')';
      return;
    default:
      return write(&node);
    }
  }

  // ---- nodes
  void open(const Node& node) {
    (text += '(') += name_of(node.kind);
    if (node.op != Op::none) (text += ' ') += name_of(node.op);
    if (!node.text.empty()) (text += ' ') += node.text;
  }
  void leaf(const Node& node, std::string_view value) {
    ((((text += '(') += name_of(node.kind)) += ' ') += value) += ')';
  }
  void next(const Node* node) {
    text += ' ';
    write(node);
  }
  void next(std::span<const Node* const> nodes) {
    for (const Node* node : nodes) next(node);
  }

  void write(const Node* pointer) {
    if (pointer == nullptr) {
      text += '-';
      return;
    }
    const Node& node = *pointer;
    switch (node.kind) {
    case Kind::name:
      return reference(node.name, node.text, false);
    case Kind::integer:
    case Kind::boolean:
      return leaf(node, std::to_string(node.integer));
    case Kind::real:
      return leaf(node, spelled(node.real));
    case Kind::string:
      return leaf(node, quoted(node.text));
    case Kind::fstring:
      return fstring(node);
    case Kind::block:
      return block(node);
    case Kind::function:
      text += "(function ";
      reference(node.name, node.text, true);
      return function(node);
    case Kind::lambda:
      text += "(lambda";
      return function(node);
    case Kind::list_comp:
    case Kind::set_comp:
    case Kind::dict_comp:
    case Kind::generator:
      return comprehension(node);
    default:
      break;
    }
    open(node);
    switch (node.kind) { // in the order of evaluation where it matters to names
    case Kind::call:
      call(node);
      break;
    case Kind::assign:
      next(node.children.back());
      for (const Node* part : node.children.first(node.children.size() - 1)) next_target(*part);
      break;
    case Kind::named:
      next(node.maybe(1));
      next_target(node.child(0));
      break;
    case Kind::for_loop:
      next(node.maybe(1));
      next_target(node.child(0));
      next(node.children.subspan(2));
      break;
    default:
      next(node.children);
    }
    text += ')';
  }
  void next_target(const Node& node) {
    text += ' ';
    target(node);
  }

  void call(const Node& node) {
    std::vector<const Node*> keywords;
    for (const Node* part : node.children) {
      if (part->kind == Kind::keyword)
        keywords.push_back(part);
      else
        next(part);
    }
    std::stable_sort(keywords.begin(), keywords.end(),
                     [](const Node* a, const Node* b) { return a->text < b->text; });
    next(keywords);
  }

  void fstring(const Node& node) {
    auto is_text = [](const Node* part) { return part->kind == Kind::string; };
    if (std::all_of(node.children.begin(), node.children.end(), is_text)) {
      const std::string_view only = node.children.empty() ? std::string_view{} : node.child(0).text;
      ((text += "(string ") += quoted(only)) += ')';
      return;
    }
    open(node);
    next(node.children);
    text += ')';
  }

  void function(const Node& node) {
    const Node& parameters = node.child(0);
    text += " (defaults"; // evaluated in the scope around
    for (const Node* parameter : parameters.children) next(parameter->maybe(0));
    text += ") (parameters";
    scope_of(node, [&] {
      for (const Node* parameter : parameters.children) {
        ((text += " (") += name_of(parameter->op)) += ' ';
        reference(parameter->name, parameter->text, true);
        text += ')';
      }
      text += ')';
      next(node.maybe(1));
    });
    text += ')';
  }

  void comprehension(const Node& node) {
    open(node);
    auto first = std::find_if(node.children.begin(), node.children.end(),
                              [](const Node* part) { return part->kind == Kind::clause; });
    next((*first)->maybe(1)); // evaluated in the scope around
    scope_of(node, [&] {
      for (auto it = first; it != node.children.end(); ++it) {
        text += " (clause";
        if (it != first) next((*it)->maybe(1));
        next_target((*it)->child(0));
        next((*it)->children.subspan(2));
        text += ')';
      }
      for (auto it = node.children.begin(); it != first; ++it) next(*it);
    });
    text += ')';
  }

  // ---- statements
  void block(const Node& node) {
    text += "(block";
    for (const Node* statement : node.children) {
      if (has_no_effect(*statement)) continue;
      if (statement->kind != Kind::annotated) {
        next(statement);
        continue;
      }
      text += " (assign"; // without its annotation
      next(statement->maybe(2));
      next_target(statement->child(0));
      text += ')';
    }
    text += ')';
  }

  [[nodiscard]] bool has_no_effect(const Node& node) const {
    switch (node.kind) {
    case Kind::pass:
    case Kind::nonlocal:
      return true; // where a name is bound shows in its number
    case Kind::annotated:
      return node.maybe(2) == nullptr;
    case Kind::import_module:
    case Kind::import_from:
      return std::all_of(node.children.begin(), node.children.end(),
                         [&](const Node* alias) { return imports_.at(alias->name).dropped; });
    case Kind::expression:
      return is_constant(node.child(0)) || is_print(node.child(0));
    default:
      return false;
    }
  }
  static bool is_constant(const Node& node) {
    return node.kind == Kind::string || node.kind == Kind::integer || node.kind == Kind::real ||
           node.kind == Kind::none || node.kind == Kind::boolean || node.kind == Kind::ellipsis;
  }
  [[nodiscard]] bool is_print(const Node& node) const {
    return node.kind == Kind::call && node.child(0).kind == Kind::name && node.child(0).text == "print" &&
           bindings_[node.child(0).name].empty() && !may_act(node);
  }
  /// Whether evaluating it could do more than compute a value: bind a name, call a method or a function of
  /// the program.
  [[nodiscard]] bool may_act(const Node& node) const {
    if (node.kind == Kind::named || node.kind == Kind::foreign) return true;
    if (node.kind == Kind::call &&
        (node.child(0).kind != Kind::name || !bindings_[node.child(0).name].empty()))
      return true;
    return std::any_of(node.children.begin(), node.children.end(),
                       [this](const Node* child) { return child != nullptr && may_act(*child); });
  }

  ScopeTree scopes_;
  std::vector<std::vector<Binding>> bindings_; // per name, the innermost last
  std::unordered_map<std::uint32_t, Import> imports_;
  std::size_t next_ = 0;
};

} // namespace detail

/// The program with everything removed that does not matter to what it does. Names that it binds are numbered
/// in order of their first occurrence, each scope's own; free names, attributes and keywords stay. Layout,
/// comments, the spelling of literals, annotations, `pass`, constants and `print` as statements, and imports
/// vanish; an imported name is replaced by what it stands for; keyword arguments are sorted. Linear in the
/// tree, apart from the sorting.
inline std::string normal_form(const Tree& tree) { return detail::NormalForm(tree).text; }

/// A hash of the normal form, equal on every platform.
inline std::uint64_t isomorphism_key(const Tree& tree) {
  std::uint64_t hash = 0xCBF29CE484222325ULL; // FNV-1a
  for (char c : normal_form(tree)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

} // namespace step::syntax
