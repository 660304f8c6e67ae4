// SPDX-License-Identifier: MIT
// Isomorphism of programs: two programs are isomorphic when their normal forms are equal.
// Experience keeps one representative per class, so that demonstrations differ in more than names and layout.
#pragma once

#include "step/syntax/printer.hpp"
#include "step/syntax/scope_tree.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace step::syntax {

namespace detail {

class NormalForm {
 public:
  explicit NormalForm(const Tree& tree) : scopes_(tree), bindings_(tree.names().size()) {
    read_.resize(tree.names().size());
    find_imports(*tree.root, tree.root);
    find_uses(*tree.root);
    for (auto& [name, import] : imports_)
      import.dropped = import.dropped && !scopes_.bound(name) && (import.plain || read_[name]);
    if (star_ && stays_) { // some name may be what it brings or what the program binds
      star_ = false;
      star_stays_ = true;
    }
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
    bool dropped = true; // what the name means is known wherever it is used
    bool plain = false;  // `import step`: no other name is bound, and it cannot fail
    Position at{};
  };

  // ---- imports
  static bool earlier(Position a, Position b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  }
  /// Operators are named so, and inputs, sizes and functions hardly ever are: what `from step import *`
  /// brings.
  static bool may_be_operator(std::string_view name) {
    return name.size() > 1 && name[0] >= 'A' && name[0] <= 'Z' && name[1] >= 'a' && name[1] <= 'z';
  }

  /// `block`: null where a statement may be skipped or come later than its place in the text says.
  void find_imports(const Node& node, const Node* block) {
    if (node.kind == Kind::import_module || node.kind == Kind::import_from)
      for (const Node* alias : node.children) found_import(node, *alias, block != nullptr);
    for (const Node* child : node.children)
      if (child != nullptr)
        find_imports(*child, &node == block && node.kind == Kind::block ? child : nullptr);
  }
  void found_import(const Node& statement, const Node& alias, bool surely) {
    const bool module = statement.kind == Kind::import_module;
    if (alias.text == "*") {
      star_ = true;
      if (!surely || statement.text != "step") stays_ = true;
      if (!star_at_) star_at_ = statement.at;
      return;
    }
    std::string meaning = module ? "(name " : "(attribute ";
    meaning += alias.text;
    meaning += module ? ")" : " (name step))";
    auto [it, added] = imports_.try_emplace(alias.name, Import{.meaning = meaning, .at = statement.at});
    Import& import = it->second;
    if (!added && import.meaning != meaning) import.dropped = false;
    const bool harmless = alias.text == "step" || alias.text == "math" || alias.text == "torch";
    import.plain = module && harmless && scopes_.spelling(alias.name) == alias.text;
    const bool known = module ? import.plain || alias.text == "step" : statement.text == "step";
    // a long name is not worth repeating
    if (!known || !surely || alias.text.size() > 64) import.dropped = false;
  }
  /// What is read and called, in which order.
  void find_uses(const Node& node) {
    if (is_call_of_print(node)) return;
    if (node.kind == Kind::name) {
      read_[node.name] = true;
      if (const auto it = imports_.find(node.name); it != imports_.end() && earlier(node.at, it->second.at))
        it->second.dropped = false;
      if (star_at_ && may_be_operator(node.text) &&
          (scopes_.bound(node.name) || imports_.contains(node.name) || earlier(node.at, *star_at_)))
        stays_ = true;
    }
    if (node.kind == Kind::keyword) {
      if (node.text.empty())
        any_keyword_ = true;
      else
        keywords_.insert(node.text);
    }
    if (node.kind == Kind::remove)
      for (const Node* target : node.children)
        if (target->kind == Kind::name) deleted_.insert(target->name);
    for (const Node* child : node.children)
      if (child != nullptr) find_uses(*child);
  }
  static bool is_call_of_print(const Node& node) {
    return node.kind == Kind::expression && node.child(0).kind == Kind::call &&
           node.child(0).child(0).kind == Kind::name && node.child(0).child(0).text == "print";
  }

  // ---- names
  template <class Body> void scope_of(const Node& opener, Body&& body, bool outermost = false) {
    const Scope& scope = scopes_.of(opener);
    for (std::uint32_t name : scope.names) bindings_[name].push_back({State::unseen, outermost, 0});
    body();
    for (std::uint32_t name : scope.names) bindings_[name].pop_back();
  }

  /// A variable is written as its number. A name that the program's outermost scope reads before it surely
  /// binds it is an input that is rebound later: it keeps its name, so that programs on different inputs stay
  /// different.
  void reference(std::uint32_t name, std::string_view spelling, bool stored) {
    const bool brought = star_stays_ && may_be_operator(spelling);
    if (!bindings_[name].empty() && !brought) {
      Binding& binding = bindings_[name].back();
      if (binding.state == State::unseen) {
        const bool kept = binding.outermost && (!stored || branches_ > 0);
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
    } else if (star_ && may_be_operator(spelling)) {
      ((text += "(attribute ") += spelling) += " (name step))";
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
    case Kind::alias:
      text += ' ';
      reference(node.name, node.text == "*" ? node.text : scopes_.spelling(node.name), true);
      break;
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
    case Kind::if_else:
    case Kind::while_loop:
      next(node.maybe(0));
      ++branches_;
      next(node.children.subspan(1));
      --branches_;
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
    const bool acts = std::any_of(node.children.begin() + 1, node.children.end(),
                                  [this](const Node* part) { return may_act(*part); });
    if (acts) return next(node.children); // the order is that of evaluation
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
        // a call could tell its name from another
        if (any_keyword_ || keywords_.contains(parameter->text)) (text += " as ") += parameter->text;
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
      return std::all_of(node.children.begin(), node.children.end(), [&](const Node* alias) {
        return alias->text == "*" ? star_ : imports_.at(alias->name).dropped;
      });
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
  /// A print that surely does nothing: of what certainly has a value, and computing nothing that could fail.
  [[nodiscard]] bool is_print(const Node& node) const {
    if (node.kind != Kind::call || node.child(0).kind != Kind::name || node.child(0).text != "print")
      return false;
    const auto name = node.child(0).name;
    return bindings_[name].empty() && !imports_.contains(name) &&
           std::all_of(node.children.begin() + 1, node.children.end(),
                       [this](const Node* part) { return is_value(*part); });
  }
  [[nodiscard]] bool is_value(const Node& node) const {
    const auto all = [this](std::span<const Node* const> parts) {
      return std::all_of(parts.begin(), parts.end(),
                         [this](const Node* part) { return part != nullptr && is_value(*part); });
    };
    switch (node.kind) {
    case Kind::name:
      // one that nothing binds is an input, or else the program fails where it reads it again
      return bindings_[node.name].empty()
                 ? read_[node.name] && !scopes_.bound(node.name)
                 : bindings_[node.name].back().state == State::numbered && !deleted_.contains(node.name);
    case Kind::tuple:
    case Kind::list:
    case Kind::fstring:
      return all(node.children);
    case Kind::formatted: // with a format it may fail
      return node.maybe(1) == nullptr && is_value(node.child(0));
    case Kind::attribute:
      return (node.text == "shape" || node.text == "rank" || node.text == "dtype") && is_value(node.child(0));
    case Kind::call:
      return node.child(0).kind == Kind::name && bindings_[node.child(0).name].empty() &&
             (node.child(0).text == "len" || node.child(0).text == "str" || node.child(0).text == "repr") &&
             node.children.size() == 2 && is_value(node.child(1));
    default:
      return is_constant(node);
    }
  }
  /// Whether evaluating it could do more than compute a value: bind a name, call a method or a function of
  /// the program, use up an iterator.
  [[nodiscard]] bool may_act(const Node& node) const {
    if (node.kind == Kind::named || node.kind == Kind::foreign || node.kind == Kind::call) return true;
    return std::any_of(node.children.begin(), node.children.end(),
                       [this](const Node* child) { return child != nullptr && may_act(*child); });
  }

  ScopeTree scopes_;
  std::vector<std::vector<Binding>> bindings_; // per name, the innermost last
  std::unordered_map<std::uint32_t, Import> imports_;
  std::optional<Position> star_at_;               // of the first `from step import *`
  bool star_ = false;                             // one that only names operators which nothing else binds
  bool star_stays_ = false, stays_ = false;       // another one
  std::vector<bool> read_;                        // by name, prints aside
  std::unordered_set<std::string_view> keywords_; // that calls use
  bool any_keyword_ = false;                      // `**` in a call
  std::unordered_set<std::uint32_t> deleted_;
  std::size_t branches_ = 0; // around the current node: what they bind may stay unbound
  std::size_t next_ = 0;
};

} // namespace detail

/// The program with everything removed that does not matter to what it does. Names that it binds are numbered
/// in order of their first occurrence, each scope's own; free names, attributes and keywords stay. Layout,
/// comments, the spelling of literals, annotations, `pass`, constants and `print` as statements, and imports
/// vanish; an imported name is replaced by what it stands for; keyword arguments are sorted. What could fail
/// or act stays, and so do names that a call by keyword or `import *` could tell apart. Linear in the tree,
/// apart from the sorting.
inline std::string normal_form(const Tree& tree) { return detail::NormalForm(tree).text; }

/// A hash of the normal form, equal on every platform.
inline std::uint64_t isomorphism_key(const Tree& tree) {
  std::uint64_t hash = 0xCBF29CE484222325ULL; // FNV-1a
  for (char c : normal_form(tree)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

} // namespace step::syntax
