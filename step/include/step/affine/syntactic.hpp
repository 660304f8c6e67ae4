// SPDX-License-Identifier: MIT
// The published affine checker: counts, per name, how often it is written as a plain argument of `.apply`.
// It looks at the text only; the checker that follows stream values is another one.
#pragma once

#include "step/syntax/parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace step::affine {

enum class Outcome : std::uint8_t { pass, violation, error };

/// "pass", "violation" or "error".
inline std::string_view to_string(Outcome outcome) {
  return outcome == Outcome::pass ? "pass" : outcome == Outcome::violation ? "violation" : "error";
}

struct SyntacticReport {
  Outcome outcome = Outcome::pass;
  std::string name;      ///< of a violation: the first name that reached a count of 2
  std::size_t count = 0; ///< its final count
  syntax::Position
      at; ///< where it was counted the second time; of an error: where the text stops being Python
};

namespace detail {

class SyntacticChecker {
 public:
  explicit SyntacticChecker(const syntax::Tree& tree)
      : names_(tree.names()), stands_for_(names_.size()), counts_(names_.size(), 0) {
    for (std::size_t i = 0; i < stands_for_.size(); ++i) stands_for_[i] = static_cast<std::uint32_t>(i);
    zip_ = static_cast<std::uint32_t>(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == "zip") zip_ = static_cast<std::uint32_t>(i);
    visit(*tree.root);
  }

  [[nodiscard]] SyntacticReport report() const {
    if (!violated_) return {};
    return {Outcome::violation, std::string(names_[offender_]), counts_[offender_], at_};
  }

 private:
  using Node = syntax::Node;
  using Kind = syntax::Kind;

  /// A node before its parts, parts in source order.
  void visit(const Node& node) {
    switch (node.kind) {
    case Kind::call:
      if (node.child(0).kind == Kind::attribute && node.child(0).text == "apply")
        for (const Node* argument : node.children.subspan(1)) count(*argument);
      return children(node);
    case Kind::for_loop:
      map(node.child(0), node.child(1));
      return children(node);
    case Kind::list_comp:
      for (const Node* clause : node.children.subspan(1)) map(clause->child(0), clause->child(1));
      return children(node);
    case Kind::conditional:
      return parts({node.maybe(1), node.maybe(0), node.maybe(2)});
    case Kind::function:
      return parts({node.maybe(0), node.maybe(2), node.maybe(1)});
    case Kind::parameter:
      return parts({node.maybe(1), node.maybe(0)});
    default:
      return children(node);
    }
  }
  void children(const Node& node) {
    for (const Node* child : node.children)
      if (child != nullptr && !child->children.empty()) visit(*child);
  }
  void parts(std::initializer_list<const Node*> nodes) {
    for (const Node* node : nodes)
      if (node != nullptr) visit(*node);
  }

  void count(const Node& argument) {
    if (argument.kind == Kind::tuple) {
      for (const Node* part : argument.children) count(*part);
    } else if (argument.kind == Kind::name) {
      const std::uint32_t name = stands_for_[argument.name];
      if (++counts_[name] == 2 && !violated_) {
        violated_ = true;
        offender_ = name;
        at_ = argument.at;
      }
    }
  }

  /// What the targets of a loop over bare names count for from now on.
  void map(const Node& target, const Node& iterable) {
    if (target.kind == Kind::name && iterable.kind == Kind::name) {
      stands_for_[target.name] = iterable.name;
    } else if (target.kind == Kind::tuple && iterable.kind == Kind::call && is_zip(iterable.child(0))) {
      std::size_t position = 0;
      for (const Node* argument : iterable.children.subspan(1)) {
        if (argument->kind == Kind::keyword) continue;
        if (position == target.children.size()) break;
        const Node& part = target.child(position++);
        if (part.kind == Kind::name && argument->kind == Kind::name) stands_for_[part.name] = argument->name;
      }
    }
  }
  [[nodiscard]] bool is_zip(const Node& callee) const {
    return callee.kind == Kind::name && callee.name == zip_;
  }

  const std::vector<std::string_view>& names_;
  std::vector<std::uint32_t> stands_for_; // one level: never followed twice
  std::vector<std::size_t> counts_;
  std::uint32_t zip_ = 0;
  bool violated_ = false;
  std::uint32_t offender_ = 0;
  syntax::Position at_;
};

} // namespace detail

/// Visits the tree in source order. For every call of an attribute named `apply`, each bare name among its
/// positional arguments and inside tuples there is counted; lists, keywords, stars, subscripts, attributes
/// and conditionals are not. In `for` and list comprehensions a target over a bare name counts for that name,
/// a tuple target over `zip` of bare names position by position; one level only, and from then on. Passes
/// when no count exceeds 1.
inline SyntacticReport check_syntactic(const syntax::Tree& tree) {
  return detail::SyntacticChecker(tree).report();
}

/// The same for a text, which may use all of Python: only what is not Python (or exceeds the limits) gives an
/// error.
inline SyntacticReport check_syntactic(std::string_view text, syntax::ParseLimits limits = {}) {
  limits.whole_python = true;
  try {
    return check_syntactic(syntax::parse(text, limits));
  } catch (const Fault& fault) {
    return {Outcome::error, {}, 0, fault.at};
  }
}

} // namespace step::affine
