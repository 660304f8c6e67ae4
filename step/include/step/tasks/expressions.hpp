// SPDX-License-Identifier: MIT
// The small expressions of task files: dims (`N*K`), dtypes (`Buffer(fp32, [D])`) and constants of `init`
// (`-inf`). They are read with the language's own parser, so they have Python's spelling and its limits.
#pragma once

#include "step/fault.hpp"
#include "step/syntax/parser.hpp"
#include "step/tasks/names.hpp"
#include "step/tasks/task_error.hpp"
#include "step/types/dtype.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace step {

/// Dims that are integers must lie in 1 .. largest_dim.
inline constexpr std::int64_t largest_dim = 1'000'000;

namespace detail {

using syntax::Kind;
using syntax::Node;
using syntax::Op;

/// Thrown by the readers below and given file and line by their caller.
struct ExpressionError {
  std::string message;
};

inline constexpr std::string_view known_dtypes =
    "known are fp32, Multihot(fp32, E), Buffer(fp32, [D]), and lists of these";

/// One expression, on one or more lines.
inline syntax::Tree parse_expression(std::string_view text) {
  syntax::ParseLimits limits;
  limits.bytes = 4096;
  limits.nesting = 40;
  limits.depth = 120;
  try {
    auto tree = syntax::parse(text, limits);
    const Node& root = *tree.root;
    if (root.children.size() != 1 || root.child(0).kind != Kind::expression)
      throw ExpressionError{excerpt(text) + " is not one expression; write for instance N, 16 or N*K"};
    return tree;
  } catch (const Fault& fault) {
    throw ExpressionError{excerpt(text) + " cannot be read: " + fault.message + "; correct the expression"};
  }
}

inline Dim dim_of(const Node& node) {
  switch (node.kind) {
  case Kind::name:
    if (const auto why = why_no_name(node.text); !why.empty() && !is_size_symbol(node.text))
      throw ExpressionError{"the symbol " + excerpt(node.text) + " " + why + "; choose another"};
    return Symbol::named(node.text);
  case Kind::integer:
    return Dim(node.integer);
  case Kind::unary:
    if (node.op == Op::negative) return -dim_of(node.child(0));
    if (node.op == Op::positive) return dim_of(node.child(0));
    break;
  case Kind::binary: {
    const Dim a = dim_of(node.child(0)), b = dim_of(node.child(1));
    switch (node.op) {
    case Op::add:
      return a + b;
    case Op::subtract:
      return a - b;
    case Op::multiply:
      return a * b;
    case Op::floor_divide:
      return floor_divide(a, b);
    default:
      break;
    }
    break;
  }
  default:
    break;
  }
  throw ExpressionError{"a dim is an integer, a symbol, or these with + - * //; correct it"};
}

inline Dim checked_dim(const Node& node) {
  try {
    Dim dim = dim_of(node);
    if (dim.is_constant() && (dim.constant() < 1 || dim.constant() > largest_dim))
      throw ExpressionError{"the dim " + std::to_string(dim.constant()) + " is not in 1.." +
                            std::to_string(largest_dim) + "; correct it"};
    return dim;
  } catch (const Fault& fault) {
    throw ExpressionError{"a dim cannot be used: " + fault.message + "; correct it"};
  }
}

inline Shape dims_of(const Node& node) {
  if (node.kind != Kind::list && node.kind != Kind::tuple)
    throw ExpressionError{"dims must be a list such as [N, M]; write one"};
  Shape shape;
  for (const Node* item : node.children) shape.push_back(checked_dim(*item));
  return shape;
}

inline Field field_of(const Node& node) {
  if (node.kind == Kind::name && node.text == "fp32") return {};
  if (node.kind == Kind::call && node.child(0).kind == Kind::name && node.children.size() == 3) {
    const auto callee = node.child(0).text;
    if (callee == "Multihot") {
      if (node.child(1).kind != Kind::name || node.child(1).text != "fp32")
        throw ExpressionError{"the element of a Multihot is fp32; write Multihot(fp32, E)"};
      Field field;
      field.experts = checked_dim(node.child(2));
      return field;
    }
    if (callee == "Buffer") {
      Field field = field_of(node.child(1));
      if (field.is_buffer()) throw ExpressionError{"a Buffer cannot hold a Buffer; list all dims in one"};
      field.buffer = dims_of(node.child(2));
      if (field.buffer.empty())
        throw ExpressionError{"a Buffer needs dims; write for instance Buffer(fp32, [D])"};
      return field;
    }
  }
  throw ExpressionError{"unknown dtype" +
                        (node.kind == Kind::name ? " " + excerpt(node.text) : std::string()) + "; " +
                        std::string(known_dtypes)};
}

inline DType dtype_of(const Node& node) {
  DType dtype;
  if (node.kind != Kind::list && node.kind != Kind::tuple) {
    dtype.fields = {field_of(node)};
    return dtype;
  }
  dtype.fields.clear();
  for (const Node* item : node.children) {
    if (item->kind == Kind::list || item->kind == Kind::tuple)
      throw ExpressionError{"tuples are flat; list the dtypes in one list"};
    dtype.fields.push_back(field_of(*item));
  }
  if (dtype.fields.empty()) throw ExpressionError{"an empty list is no dtype; " + std::string(known_dtypes)};
  return dtype;
}

inline std::optional<double> constant_of(const Node& node) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (node.kind) {
  case Kind::integer:
    return static_cast<double>(node.integer);
  case Kind::real:
    return node.real;
  case Kind::unary:
    if (const auto v = constant_of(node.child(0)); v && node.op == Op::negative)
      return -*v;
    else if (v && node.op == Op::positive)
      return v;
    return std::nullopt;
  case Kind::name:
    if (node.text == "inf") return infinity;
    return std::nullopt;
  case Kind::attribute: // torch.inf, math.inf, float.inf
    if (node.text == "inf" && node.child(0).kind == Kind::name) return infinity;
    return std::nullopt;
  case Kind::call: { // float('-inf'), float(0)
    if (node.children.size() != 2 || node.child(0).kind != Kind::name || node.child(0).text != "float")
      return std::nullopt;
    const Node& argument = node.child(1);
    if (argument.kind != Kind::string) return constant_of(argument);
    std::string_view word = argument.text;
    const bool negative = word.starts_with('-');
    if (negative || word.starts_with('+')) word.remove_prefix(1);
    if (word == "inf" || word == "Inf" || word == "infinity" || word == "Infinity")
      return negative ? -infinity : infinity;
    return std::nullopt;
  }
  default:
    return std::nullopt;
  }
}

} // namespace detail

/// A dtype as text, for instance `Buffer(Multihot(fp32, M), [E])` or `[fp32, fp32]`; throws
/// detail::ExpressionError.
[[nodiscard]] inline DType parse_dtype(std::string_view text) {
  const auto tree = detail::parse_expression(text);
  return detail::dtype_of(tree.root->child(0).child(0));
}

/// One dim as text; throws detail::ExpressionError.
[[nodiscard]] inline Dim parse_dim(std::string_view text) {
  const auto tree = detail::parse_expression(text);
  return detail::checked_dim(tree.root->child(0).child(0));
}

/// A list of dims as text, innermost first; throws detail::ExpressionError.
[[nodiscard]] inline Shape parse_dims(std::string_view text) {
  const auto tree = detail::parse_expression(text);
  return detail::dims_of(tree.root->child(0).child(0));
}

/// A constant of `init`: a finite number or plus or minus infinity; throws detail::ExpressionError.
[[nodiscard]] inline double parse_constant(std::string_view text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (text == "-.inf" || text == "-.Inf" || text == "-.INF") return -infinity; // YAML's own spelling
  if (text == ".inf" || text == ".Inf" || text == ".INF" || text == "+.inf") return infinity;
  const auto tree = detail::parse_expression(text);
  const auto value = detail::constant_of(tree.root->child(0).child(0));
  if (!value || std::isnan(*value))
    throw detail::ExpressionError{excerpt(text) + " is no constant; write a number or -inf"};
  return *value;
}

} // namespace step
