// SPDX-License-Identifier: MIT
// The upper part of Python 3.11's expression grammar: lists of expressions, `:=`, conditionals, lambdas,
// operators. Left-associative chains are loops. Comments name the grammar's rules where they differ in what
// they admit.
#pragma once

#include "step/syntax/targets.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace step::syntax::detail {

class OperatorParser : public TargetChecker {
 public:
  using TargetChecker::TargetChecker;

 protected:
  ~OperatorParser() = default;

  /// An atom with its attributes, calls and subscripts.
  virtual const Node* primary() = 0;

  // ---- lists of expressions
  /// star_expressions: a lone starred expression is passed on for the caller to judge.
  const Node* star_expressions() {
    const Position start = here();
    const Node* first = star_expression();
    if (!at(","_t)) return first;
    Nodes parts{first};
    while (accept(","_t) && starts_expression()) parts.push_back(star_expression());
    return build(Kind::tuple, start, parts);
  }
  const Node* value_list() { return no_lone_star(star_expressions()); }

  const Node* star_expression() { return at("*"_t) ? starred() : expression(); }
  const Node* star_named_expression() { return at("*"_t) ? starred() : named_expression(); }
  const Node* starred() {
    const Position start = where(take());
    return build(Kind::starred, start, {binary(1)});
  }

  [[nodiscard]] bool starts_expression() const {
    switch (peek().kind) {
    case TokenKind::name:
    case TokenKind::integer:
    case TokenKind::real:
    case TokenKind::imaginary:
    case TokenKind::string:
    case TokenKind::error:
      return true;
    case TokenKind::keyword:
      return at("None"_t) || at("True"_t) || at("False"_t) || at("not"_t) || at("lambda"_t) || at("await"_t);
    case TokenKind::symbol:
      return at("("_t) || at("["_t) || at("{"_t) || at("-"_t) || at("+"_t) || at("~"_t) || at("..."_t) ||
             at("*"_t);
    default:
      return false;
    }
  }

  /// Tokens that cannot continue an expression.
  static bool ends_expression(const Token& token) {
    return token.code == ","_t || token.code == ")"_t || token.code == "="_t || token.code == "]"_t ||
           token.kind == TokenKind::newline;
  }

  /// Targets of `for`, in statements and comprehensions; `in` ends them.
  const Node* loop_targets() {
    const Position start = here();
    auto one = [&] { return at("*"_t) ? starred() : binary(1); };
    const Node* target = one();
    if (at(","_t)) {
      Nodes parts{target};
      while (accept(","_t) && !at("in"_t)) parts.push_back(one());
      target = build(Kind::tuple, start, parts);
    }
    check_target(*target);
    expect("in"_t, "'in'");
    return target;
  }

  // ---- operators
  const Node* named_expression() {
    if (at(TokenKind::name) && peek(1).code == ":="_t) {
      const Position start = here();
      const Node* target = name_node();
      take();
      return build(Kind::named, start, {target, expression()});
    }
    const Node* node = expression();
    if (at(":="_t))
      fail("cannot use assignment expressions with " + std::string(description(*node)), node->at);
    return node;
  }

  const Node* expression() {
    if (at(TokenKind::name) && ends_expression(peek(1))) return name_node(); // by far the most frequent
    Nesting nesting(*this);
    if (at("lambda"_t)) return lambda();
    const std::size_t start = next_;
    const Node* value = disjunction();
    if (!accept("if"_t)) return value;
    const Node* condition = disjunction();
    expect("else"_t, "'else' after the 'if' of a conditional expression");
    const Node* otherwise = expression();
    return build(Kind::conditional, since(start), {condition, value, otherwise});
  }

  const Node* disjunction() {
    const std::size_t start = next_;
    const Node* first = conjunction();
    if (!at("or"_t)) return first;
    Nodes operands{first};
    while (accept("or"_t)) operands.push_back(conjunction());
    return build(Kind::logical, since(start), operands, Op::logical_or);
  }
  const Node* conjunction() {
    const std::size_t start = next_;
    const Node* first = inversion();
    if (!at("and"_t)) return first;
    Nodes operands{first};
    while (accept("and"_t)) operands.push_back(inversion());
    return build(Kind::logical, since(start), operands, Op::logical_and);
  }
  const Node* inversion() {
    std::vector<Position> nots;
    while (at("not"_t)) nots.push_back(where(take()));
    const Node* node = comparison();
    for (; !nots.empty(); nots.pop_back()) node = build(Kind::unary, nots.back(), {node}, Op::logical_not);
    return node;
  }

  const Node* comparison() {
    const std::size_t start = next_;
    const Node* first = binary(1);
    std::size_t position = next_;
    Op op = comparison_operator();
    if (op == Op::none) return first;
    Nodes parts{first};
    for (; op != Op::none; position = next_, op = comparison_operator())
      parts.push_back(build(Kind::operand, since(position), {binary(1)}, op));
    return build(Kind::compare, since(start), parts);
  }
  Op comparison_operator() {
    if (at("not"_t) && peek(1).code == "in"_t) {
      take(), take();
      return Op::not_in;
    }
    if (accept("is"_t)) return accept("not"_t) ? Op::is_not : Op::is;
    const auto symbol = [](std::uint64_t code) {
      switch (code) {
      case "<"_t:
        return Op::less;
      case "<="_t:
        return Op::less_equal;
      case ">"_t:
        return Op::greater;
      case ">="_t:
        return Op::greater_equal;
      case "=="_t:
        return Op::equal;
      case "!="_t:
        return Op::not_equal;
      case "in"_t:
        return Op::in;
      default:
        return Op::none;
      }
    };
    const Op op = symbol(peek().code);
    if (op != Op::none) take();
    return op;
  }

  struct BinaryOperator {
    Op op = Op::none;
    int level = 0;
  };
  [[nodiscard]] BinaryOperator binary_operator() const {
    switch (peek().code) {
    case "|"_t:
      return {Op::bit_or, 1};
    case "^"_t:
      return {Op::bit_xor, 2};
    case "&"_t:
      return {Op::bit_and, 3};
    case "<<"_t:
      return {Op::shift_left, 4};
    case ">>"_t:
      return {Op::shift_right, 4};
    case "+"_t:
      return {Op::add, 5};
    case "-"_t:
      return {Op::subtract, 5};
    case "*"_t:
      return {Op::multiply, 6};
    case "/"_t:
      return {Op::divide, 6};
    case "//"_t:
      return {Op::floor_divide, 6};
    case "%"_t:
      return {Op::modulo, 6};
    case "@"_t:
      return {Op::matmul, 6};
    default:
      return {};
    }
  }
  /// bitwise_or and below (level 1), by precedence.
  const Node* binary(int lowest) {
    const std::size_t start = next_;
    const Node* left = factor();
    for (;;) {
      const auto [op, level] = binary_operator();
      if (level < lowest || level == 0) return left;
      take();
      const Node* right = binary(level + 1);
      left = build(Kind::binary, since(start), {left, right}, op);
    }
  }

  const Node* factor() {
    std::vector<std::pair<Position, Op>> signs;
    while (at("-"_t) || at("+"_t) || at("~"_t)) {
      const Op op = at("-"_t) ? Op::negative : at("+"_t) ? Op::positive : Op::invert;
      signs.emplace_back(where(take()), op);
    }
    const Node* node = power();
    for (; !signs.empty(); signs.pop_back())
      node = build(Kind::unary, signs.back().first, {node}, signs.back().second);
    return node;
  }

  const Node* power() {
    Nesting nesting(*this);
    const std::size_t start = next_;
    const Node* base = awaited();
    if (!accept("**"_t)) return base;
    return build(Kind::binary, since(start), {base, factor()}, Op::power);
  }

  const Node* awaited() {
    if (!at("await"_t)) return primary();
    const Position start = where(take());
    reject("`await` is not part of the language", start);
    const Node* value = primary();
    return foreign("await", start, {value});
  }

  // ---- parameters, of `lambda` and `def`
  const Node* lambda() {
    const Position start = where(take());
    const Node* parameters = parameter_list(":"_t, false);
    expect(":"_t, "':' after the parameters of a lambda");
    const Node* body = expression();
    return build(Kind::lambda, start, {parameters, body});
  }

  const Node* parameter_list(std::uint64_t close, bool annotations) {
    const Position start = here();
    std::vector<Node*> list;
    std::unordered_set<std::string_view> names;
    bool slash = false, star = false, bare = false, defaults = false;
    while (!at(close)) {
      const Position position = here();
      if (!list.empty() && list.back()->op == Op::double_star)
        fail("arguments cannot follow var-keyword argument", position);
      if (accept("/"_t)) {
        if (slash || star || list.empty()) fail("'/' must follow the positional parameters, once", position);
        for (Node* parameter : list) parameter->op = Op::positional_only;
        slash = true;
      } else if (at("*"_t) && peek(1).code == ","_t) {
        if (star) fail("* argument may appear only once", position);
        take();
        star = bare = true;
      } else {
        Op op = star ? Op::keyword_only : Op::positional;
        if (accept("**"_t)) {
          if (bare) fail("named arguments must follow bare *", position);
          op = Op::double_star;
        } else if (accept("*"_t)) {
          if (star) fail("* argument may appear only once", position);
          op = Op::star;
          star = true;
        }
        Node* parameter = this->parameter(op, position, annotations);
        if (!names.insert(parameter->text).second)
          misuse("duplicate argument '" + std::string(parameter->text) + "' in function definition",
                 position);
        const bool has_default = parameter->children[0] != nullptr;
        if (op == Op::positional && defaults && !has_default)
          fail("non-default argument follows default argument", position);
        defaults = defaults || (op == Op::positional && has_default);
        bare = bare && op != Op::keyword_only;
        list.push_back(parameter);
      }
      if (!at(close)) expect(","_t, close == ")"_t ? "',' or ')'" : "',' or ':'");
    }
    if (bare) fail("named arguments must follow bare *", here());
    return build(Kind::parameters, start, Nodes(list.begin(), list.end()));
  }

  Node* parameter(Op op, Position position, bool annotations) {
    const std::string_view name = text(identifier("a parameter name"));
    const Node* annotation = nullptr;
    const Node* value = nullptr;
    if (annotations && accept(":"_t)) annotation = op == Op::star ? star_expression() : expression();
    const bool packed = op == Op::star || op == Op::double_star;
    if (at("="_t) && packed) fail("a packed argument cannot have a default value", here());
    if (accept("="_t)) value = expression();
    return named(build(Kind::parameter, position, {value, annotation}, op), name);
  }
};

} // namespace step::syntax::detail
