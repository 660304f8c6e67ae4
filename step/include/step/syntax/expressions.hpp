// SPDX-License-Identifier: MIT
// Python 3.11's expression grammar by recursive descent; left-associative chains are loops.
// Comments name the grammar's rules where they differ in what they admit.
#pragma once

#include "step/syntax/targets.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace step::syntax::detail {

class ExpressionParser : public TargetChecker {
 public:
  using TargetChecker::TargetChecker;

 protected:
  ~ExpressionParser() = default;

  const Node* embedded(std::size_t begin, std::size_t end) final {
    Nesting nesting(*this);
    Lexer lexer(source_, limits_);
    std::vector<Token> inner = lexer.parenthesised(begin, end);
    std::optional<Fault> fault = lexer.fault();
    std::optional<std::size_t> open;
    auto exchange = [&] {
      std::swap(tokens_, inner);
      std::swap(lexical_fault_, fault);
      std::swap(unclosed_, open);
    };
    exchange();
    const std::size_t after = std::exchange(next_, 0);
    const Node* node = atom();
    if (!at(TokenKind::end)) fail();
    exchange();
    next_ = after;
    return node;
  }

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
  const Node* value_or_yield() { return at("yield"_t) ? yield() : value_list(); }

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
    Nodes parts{first};
    for (;;) {
      const Position position = here();
      const Op op = comparison_operator();
      if (op == Op::none) break;
      parts.push_back(build(Kind::operand, position, {binary(1)}, op));
    }
    return parts.size() == 1 ? first : build(Kind::compare, since(start), parts);
  }
  Op comparison_operator() {
    if (at("not"_t) && peek(1).code == "in"_t) {
      take(), take();
      return Op::not_in;
    }
    if (accept("is"_t)) return accept("not"_t) ? Op::is_not : Op::is;
    static constexpr std::pair<std::uint64_t, Op> table[] = {
        {"<"_t, Op::less},   {"<="_t, Op::less_equal}, {">"_t, Op::greater}, {">="_t, Op::greater_equal},
        {"=="_t, Op::equal}, {"!="_t, Op::not_equal},  {"in"_t, Op::in}};
    for (auto [code, op] : table)
      if (accept(code)) return op;
    return Op::none;
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

  const Node* primary() {
    const std::size_t start = next_;
    const Node* node = atom();
    for (;;) {
      if (accept("."_t)) {
        const Token& name = identifier("a name after '.'");
        node = named(build(Kind::attribute, since(start), {node}), text(name));
      } else if (at("("_t)) {
        node = call(node, start);
      } else if (accept("["_t)) {
        const Node* index = subscripts();
        expect("]"_t, "']'");
        node = build(Kind::subscript, since(start), {node, index});
      } else {
        return node;
      }
    }
  }

  // ---- subscripts and calls
  const Node* subscripts() {
    const Position start = here();
    const Node* first = subscript();
    if (!at(","_t) && first->kind != Kind::starred) return first;
    Nodes parts{first};
    while (accept(","_t) && !at("]"_t)) parts.push_back(subscript());
    return build(Kind::tuple, start, parts);
  }
  const Node* subscript() {
    const Position start = here();
    if (at("*"_t)) return starred_argument();
    const Node* lower = at(":"_t) ? nullptr : named_expression();
    if (!at(":"_t)) return lower;
    if (lower != nullptr && lower->kind == Kind::named && lower->at == start)
      fail("an assignment expression in a slice needs parentheses", lower->at);
    take();
    auto bound = [&]() -> const Node* {
      return at(":"_t) || at(","_t) || at("]"_t) ? nullptr : expression();
    };
    const Node* upper = bound();
    const Node* step = accept(":"_t) ? bound() : nullptr;
    return build(Kind::slice, start, {lower, upper, step});
  }
  const Node* starred_argument() {
    const Position start = where(take());
    return build(Kind::starred, start, {expression()});
  }

  const Node* call(const Node* callee, std::size_t start) {
    take();
    Nodes parts{callee};
    arguments(parts);
    return build(Kind::call, since(start), parts);
  }

  /// The arguments of a call, or the bases of a class, up to and including the ')'.
  void arguments(Nodes& parts) {
    std::unordered_set<std::string_view> keywords;
    bool named_seen = false, unpacked_seen = false;
    const std::size_t first = parts.size();
    while (!at(")"_t)) {
      const Position start = here();
      if (accept("**"_t)) {
        parts.push_back(build(Kind::keyword, start, {expression()}));
        unpacked_seen = true;
      } else if (at("*"_t)) {
        if (unpacked_seen) fail("iterable argument unpacking follows keyword argument unpacking", start);
        parts.push_back(starred_argument());
      } else if (at(TokenKind::name) && peek(1).code == "="_t) {
        const std::string_view keyword = text(take());
        take();
        if (!keywords.insert(keyword).second)
          misuse("keyword argument repeated: " + std::string(keyword), start);
        Node* node = build(Kind::keyword, start, {expression()});
        parts.push_back(named(node, keyword));
        named_seen = true;
      } else {
        const Node* value = named_expression();
        if (at("="_t)) fail("expression cannot contain assignment, perhaps you meant \"==\"?", start);
        if (at("for"_t) || at("async"_t)) {
          value = generator(value, start);
          if (parts.size() != first || !at(")"_t)) fail("generator expression must be parenthesized", start);
        }
        if (unpacked_seen) fail("positional argument follows keyword argument unpacking", start);
        if (named_seen) fail("positional argument follows keyword argument", start);
        parts.push_back(value);
      }
      if (!at(")"_t)) expect(","_t, "',' or ')'");
    }
    take();
  }

  // ---- atoms
  const Node* atom() {
    const Token& token = peek();
    switch (token.kind) {
    case TokenKind::name:
      return name_node();
    case TokenKind::integer:
    case TokenKind::real:
    case TokenKind::imaginary:
      return number();
    case TokenKind::string:
      return strings();
    default:
      break;
    }
    const Position start = here();
    switch (token.code) {
    case "None"_t:
      take();
      return build(Kind::none, start);
    case "..."_t:
      take();
      return build(Kind::ellipsis, start);
    case "True"_t:
    case "False"_t: {
      Node* node = build(Kind::boolean, start);
      node->integer = take().code == "True"_t ? 1 : 0;
      return node;
    }
    case "("_t:
      return parenthesis();
    case "["_t:
      return bracket();
    case "{"_t:
      return brace();
    default:
      fail();
    }
  }

  const Node* parenthesis() {
    const Position start = where(take());
    if (accept(")"_t)) return build(Kind::tuple, start);
    if (at("yield"_t)) {
      const Node* node = yield();
      expect(")"_t, "')'");
      return node;
    }
    const Node* first = star_named_expression();
    if (at("for"_t) || at("async"_t)) {
      if (first->kind == Kind::starred) fail("iterable unpacking cannot be used in comprehension", first->at);
      const Node* node = generator(first, start);
      expect(")"_t, "')'");
      return node;
    }
    if (!at(","_t)) {
      expect(")"_t, "')' or ','");
      if (first->kind == Kind::starred) fail("cannot use starred expression here", first->at);
      return first;
    }
    return build(Kind::tuple, start, elements(first, ")"_t, "')' or ','"));
  }

  const Node* bracket() {
    const Position start = where(take());
    if (accept("]"_t)) return build(Kind::list, start);
    const Node* first = star_named_expression();
    if (at("for"_t) || at("async"_t)) return comprehension(Kind::list_comp, start, {first}, "]"_t);
    return build(Kind::list, start, elements(first, "]"_t, "']' or ','"));
  }

  Nodes elements(const Node* first, std::uint64_t close, const char* expected) {
    Nodes parts{first};
    while (!accept(close)) {
      expect(","_t, expected);
      if (!at(close)) parts.push_back(star_named_expression());
    }
    return parts;
  }

  const Node* brace() {
    const Position start = where(take());
    if (accept("}"_t)) return build(Kind::dict, start);
    if (!at("**"_t)) {
      const Position inside = here();
      const Node* first = star_named_expression();
      const bool key = first->kind != Kind::starred && (first->kind != Kind::named || first->at != inside);
      if (!at(":"_t) || !key) {
        if (at("for"_t) || at("async"_t)) return comprehension(Kind::set_comp, start, {first}, "}"_t);
        return build(Kind::set, start, elements(first, "}"_t, "'}' or ','"));
      }
      return dict(start, first);
    }
    return dict(start, nullptr);
  }

  /// From the first ':' or `**` on.
  const Node* dict(Position start, const Node* key) {
    Nodes parts;
    for (;;) {
      if (key == nullptr && accept("**"_t)) {
        parts.push_back(nullptr);
        parts.push_back(binary(1));
      } else {
        if (key == nullptr) key = expression();
        expect(":"_t, "':' after a dictionary key");
        parts.push_back(key);
        parts.push_back(expression());
      }
      if (parts.size() == 2 && (at("for"_t) || at("async"_t))) {
        if (key == nullptr) fail("dict unpacking cannot be used in dict comprehension", start);
        return comprehension(Kind::dict_comp, start, std::move(parts), "}"_t);
      }
      key = nullptr;
      if (accept("}"_t)) break;
      expect(","_t, "'}' or ','");
      if (accept("}"_t)) break;
    }
    return build(Kind::dict, start, parts);
  }

  // ---- comprehensions
  const Node* generator(const Node* element, Position start) {
    Nodes parts{element};
    clauses(parts);
    return build(Kind::generator, start, parts);
  }
  const Node* comprehension(Kind kind, Position start, Nodes parts, std::uint64_t close) {
    if (parts[0]->kind == Kind::starred)
      fail("iterable unpacking cannot be used in comprehension", parts[0]->at);
    clauses(parts);
    expect(close, close == "]"_t ? "']'" : "'}'");
    return build(kind, start, parts);
  }
  void clauses(Nodes& parts) {
    while (at("for"_t) || at("async"_t)) {
      const Position start = here();
      const bool async = accept("async"_t);
      if (async) reject("asynchronous comprehensions are not part of the language", start);
      expect("for"_t, "'for'");
      Nodes clause{loop_targets()};
      clause.push_back(disjunction());
      while (accept("if"_t)) clause.push_back(disjunction());
      parts.push_back(build(Kind::clause, start, clause));
    }
  }

  const Node* yield() {
    Nesting nesting(*this);
    const Position start = where(take());
    reject("`yield` is not part of the language; build a list instead", start);
    if (accept("from"_t)) {
      const Node* value = expression();
      return foreign("yield", start, {value});
    }
    if (!starts_expression()) return foreign("yield", start, {});
    const Node* value = value_list();
    return foreign("yield", start, {value});
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
