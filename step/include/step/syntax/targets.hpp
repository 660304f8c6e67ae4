// SPDX-License-Identifier: MIT
// What may stand on the left of an assignment, in a `for` or after `del`, and what Python calls everything
// else.
#pragma once

#include "step/syntax/literals.hpp"

#include <string>
#include <string_view>

namespace step::syntax::detail {

/// The name Python's error messages give to an expression.
inline std::string_view description(const Node& node) {
  switch (node.kind) {
  case Kind::name:
    return "name";
  case Kind::integer:
  case Kind::real:
  case Kind::string:
    return "literal";
  case Kind::fstring:
  case Kind::formatted:
    return "f-string expression";
  case Kind::none:
    return "None";
  case Kind::boolean:
    return node.integer != 0 ? "True" : "False";
  case Kind::ellipsis:
    return "ellipsis";
  case Kind::tuple:
    return "tuple";
  case Kind::list:
    return "list";
  case Kind::set:
    return "set display";
  case Kind::dict:
    return "dict literal";
  case Kind::attribute:
    return "attribute";
  case Kind::subscript:
    return "subscript";
  case Kind::call:
    return "function call";
  case Kind::starred:
    return "starred";
  case Kind::unary:
  case Kind::binary:
  case Kind::logical:
    return "expression";
  case Kind::compare:
    return "comparison";
  case Kind::conditional:
    return "conditional expression";
  case Kind::lambda:
    return "lambda";
  case Kind::list_comp:
    return "list comprehension";
  case Kind::set_comp:
    return "set comprehension";
  case Kind::dict_comp:
    return "dict comprehension";
  case Kind::generator:
    return "generator expression";
  case Kind::named:
    return "named expression";
  case Kind::foreign:
    if (node.text == "yield" || node.text == "await")
      return node.text == "yield" ? "yield expression" : "await expression";
    return "literal";
  default:
    return "statement";
  }
}

class TargetChecker : public LiteralParser {
 public:
  using LiteralParser::LiteralParser;

 protected:
  ~TargetChecker() = default;

  /// An assignment or loop target: names, attributes, subscripts, and tuples or lists of these, one part
  /// starred.
  void check_target(const Node& node, bool within_sequence = false) {
    switch (node.kind) {
    case Kind::name:
    case Kind::attribute:
    case Kind::subscript:
      return;
    case Kind::starred:
      if (!within_sequence) misuse("a starred assignment target must be in a list or tuple", node.at);
      if (node.child(0).kind == Kind::starred) fail("cannot assign to starred", node.at);
      return check_target(node.child(0));
    case Kind::tuple:
    case Kind::list: {
      bool starred = false;
      for (const Node* part : node.children) {
        check_target(*part, true);
        if (starred && part->kind == Kind::starred)
          misuse("multiple starred expressions in assignment", part->at);
        starred = starred || part->kind == Kind::starred;
      }
      return;
    }
    default:
      fail("cannot assign to " + std::string(description(node)), node.at);
    }
  }

  void check_single_target(const Node& node) {
    if (node.kind != Kind::name && node.kind != Kind::attribute && node.kind != Kind::subscript)
      fail("'" + std::string(description(node)) + "' is an illegal expression for augmented assignment",
           node.at);
  }

  void check_deletable(const Node& node) {
    switch (node.kind) {
    case Kind::name:
    case Kind::attribute:
    case Kind::subscript:
      return;
    case Kind::tuple:
    case Kind::list:
      for (const Node* part : node.children) check_deletable(*part);
      return;
    default:
      fail("cannot delete " + std::string(description(node)), node.at);
    }
  }

  /// A value that would need a surrounding tuple: `x = *a`.
  const Node* no_lone_star(const Node* node) {
    if (node->kind == Kind::starred) misuse("can't use starred expression here", node->at);
    return node;
  }
};

} // namespace step::syntax::detail
