// SPDX-License-Identifier: MIT
// The lower part of Python 3.11's expression grammar: atoms, containers, comprehensions, calls and
// subscripts, and the expressions inside formatted strings.
#pragma once

#include "step/syntax/operators.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace step::syntax::detail {

class ExpressionParser : public OperatorParser {
 public:
  using OperatorParser::OperatorParser;

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
    ++fields_;
    const Node* node = atom();
    if (!at(TokenKind::end)) fail();
    --fields_;
    exchange();
    next_ = after;
    return node;
  }

  const Node* primary() final {
    const std::size_t start = next_;
    const Node* node = atom();
    for (;;) {
      if (accept("."_t)) {
        const Token& name = identifier("a name after '.'");
        node = labelled(build(Kind::attribute, since(start), {node}), text(name));
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

  /// The keywords of a call: compared one by one while they are few, by hash in a text made to be slow.
  class KeywordNames {
   public:
    /// False when `name` is there already.
    bool insert(std::string_view name) {
      if (!many_.empty()) return many_.insert(name).second;
      if (std::find(few_.begin(), few_.end(), name) != few_.end()) return false;
      few_.push_back(name);
      if (few_.size() == few_.static_capacity) many_.insert(few_.begin(), few_.end());
      return true;
    }

   private:
    boost::container::small_vector<std::string_view, 8> few_;
    std::unordered_set<std::string_view> many_;
  };

  /// The arguments of a call, or the bases of a class, up to and including the ')'.
  void arguments(Nodes& parts) {
    KeywordNames keywords;
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
        if (!keywords.insert(keyword)) misuse("keyword argument repeated: " + std::string(keyword), start);
        Node* node = build(Kind::keyword, start, {expression()});
        parts.push_back(labelled(node, keyword));
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

  const Node* value_or_yield() { return at("yield"_t) ? yield() : value_list(); }
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
};

} // namespace step::syntax::detail
