// SPDX-License-Identifier: MIT
// Prints a tree as one S-expression: for tests, and to see what the parser made of a text.
// Every node is `(kind ..)`; a missing child is `-`; strings are quoted, reals have 17 digits.
#pragma once

#include "step/syntax/ast.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace step::syntax {

/// The name of `kind` as in the enumeration.
inline std::string_view name_of(Kind kind) {
  static constexpr std::array<std::string_view, 53> names = {
      "name",       "integer",   "real",      "string",      "fstring",    "formatted",  "none",
      "boolean",    "ellipsis",  "tuple",     "list",        "set",        "dict",       "attribute",
      "subscript",  "slice",     "call",      "keyword",     "starred",    "unary",      "binary",
      "logical",    "compare",   "operand",   "conditional", "lambda",     "list_comp",  "set_comp",
      "generator",  "dict_comp", "clause",    "named",       "parameters", "parameter",  "block",
      "expression", "assign",    "augmented", "annotated",   "for_loop",   "while_loop", "if_else",
      "function",   "return",    "assert",    "del",         "pass",       "break",      "continue",
      "nonlocal",   "import",    "from",      "alias"};
  const auto i = static_cast<std::size_t>(kind);
  return i < names.size() ? names[i] : "foreign";
}

/// How `op` is written in a program; for a kind of parameter, what marks it.
inline std::string_view name_of(Op op) {
  static constexpr std::array<std::string_view, 35> names = {
      "",   "+",  "-",  "~",      "not", "and",    "or",      "+",     "-", "*",      "/", "//",
      "%",  "**", "@",  "<<",     ">>",  "&",      "|",       "^",     "<", "<=",     ">", ">=",
      "==", "!=", "is", "is not", "in",  "not in", "posonly", "plain", "*", "kwonly", "**"};
  return names[static_cast<std::size_t>(op)];
}

/// `text` in double quotes, with quotes, backslashes and control characters escaped.
inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      static constexpr char digits[] = "0123456789abcdef";
      ((out += "\\x") += digits[static_cast<unsigned char>(c) >> 4]) += digits[c & 0xF];
    } else {
      out += c;
    }
  }
  return out += '"';
}

/// The shortest of 17 significant digits that tells a real from every other.
inline std::string spelled(double value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.17g", value);
  return buffer.data();
}

namespace detail {
inline void dump(const Node* node, std::string& out) {
  if (node == nullptr) {
    out += '-';
    return;
  }
  (out += '(') += name_of(node->kind);
  if (node->op != Op::none) (out += ' ') += name_of(node->op);
  switch (node->kind) {
  case Kind::integer:
  case Kind::boolean:
    (out += ' ') += std::to_string(node->integer);
    break;
  case Kind::real:
    (out += ' ') += spelled(node->real);
    break;
  case Kind::string:
    (out += ' ') += quoted(node->text);
    break;
  case Kind::alias:
    ((out += ' ') += node->text) += ' ';
    break;
  default:
    if (!node->text.empty()) (out += ' ') += node->text;
  }
  for (const Node* child : node->children) {
    out += ' ';
    dump(child, out);
  }
  out += ')';
}
} // namespace detail

/// The tree under `node` on one line. Recursion is as deep as the tree.
inline std::string dump(const Node& node) {
  std::string out;
  detail::dump(&node, out);
  return out;
}

} // namespace step::syntax
