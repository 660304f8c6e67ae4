// SPDX-License-Identifier: MIT
// Python's statements outside the language: they are parsed to tell "not Python" from "not in the language",
// and to let the published affine checker see what it would have seen. Each notes its rejection and leaves a
// `foreign` node.
#pragma once

#include "step/syntax/expressions.hpp"

#include <string_view>

namespace step::syntax::detail {

class ForeignParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

 protected:
  ~ForeignParser() = default;

  /// The suite after a ':'; `owner` names the statement in the message when there is none.
  virtual const Node* block(std::string_view owner, Position owner_at) = 0;
  virtual const Node* for_statement() = 0;
  virtual const Node* function() = 0;

  // ---- class, decorators, async
  const Node* class_statement() {
    const Position start = where(take());
    reject("classes are not part of the language; use functions and containers", start);
    Nodes parts{name_node()};
    if (accept("("_t)) arguments(parts);
    parts.push_back(block("class definition", start));
    return foreign("class", start, parts);
  }

  const Node* decorated() {
    const Position start = here();
    reject("decorators are not part of the language; define the function without one", start);
    Nodes parts;
    while (accept("@"_t)) {
      parts.push_back(named_expression());
      if (!at(TokenKind::newline)) fail("expected the end of the line");
      take();
    }
    const bool async = at("async"_t) && peek(1).code == "def"_t;
    parts.push_back(at("class"_t) ? class_statement() : async ? async_statement() : function());
    return foreign("decorated", start, parts);
  }

  const Node* async_statement() {
    const Position start = where(take());
    reject("`async` is not part of the language", start);
    const Node* inner = at("def"_t) ? function() : at("with"_t) ? with_statement() : for_statement();
    if (inner->kind == Kind::for_loop) return foreign("async", start, inner->children);
    return foreign("async", start, {inner});
  }

  // ---- with, try
  const Node* with_statement() {
    const Position start = where(take());
    reject("`with` is not part of the language; write its body directly", start);
    Nodes parts;
    const bool parentheses = parenthesised_items();
    if (parentheses) take();
    do {
      if (parentheses && at(")"_t)) break;
      parts.push_back(expression());
      if (accept("as"_t)) {
        const Node* target = at("*"_t) ? starred() : binary(1);
        check_target(*target);
        parts.push_back(target);
      }
    } while (accept(","_t));
    if (parentheses) expect(")"_t, "')' or ','");
    parts.push_back(block("'with' statement", start));
    return foreign("with", start, parts);
  }
  /// `with (a as b, c):` - the parentheses belong to the statement when one of the items has an `as`.
  [[nodiscard]] bool parenthesised_items() const {
    std::size_t depth = 0;
    bool as = false;
    for (std::size_t i = next_; i < tokens_.size(); ++i) {
      const std::uint64_t code = tokens_[i].code;
      if (code == "("_t || code == "["_t || code == "{"_t) ++depth;
      if (code == ")"_t || code == "]"_t || code == "}"_t) --depth;
      if (depth == 0) return as && i + 1 < tokens_.size() && tokens_[i + 1].code == ":"_t;
      as = as || (depth == 1 && code == "as"_t);
    }
    return false;
  }

  const Node* try_statement() {
    const Position start = where(take());
    reject("`try` is not part of the language: a program cannot catch errors", start);
    Nodes parts{block("'try' statement", start)};
    bool group = false, bare = false;
    std::size_t handlers = 0;
    for (; at("except"_t); ++handlers) {
      const Position position = where(take());
      if (bare) misuse("default 'except:' must be last", position);
      const bool star = accept("*"_t);
      if (handlers > 0 && star != group)
        fail("cannot have both 'except' and 'except*' on the same 'try'", position);
      group = star;
      bare = !star && at(":"_t);
      if (!bare) {
        parts.push_back(expression());
        if (accept("as"_t)) parts.push_back(name_node());
      }
      parts.push_back(block("'except' statement", position));
    }
    const Position rest = here();
    if (handlers > 0 && accept("else"_t)) parts.push_back(block("'else' statement", rest));
    const Position last = here();
    if (accept("finally"_t)) {
      parts.push_back(block("'finally' statement", last));
    } else if (handlers == 0) {
      fail("expected 'except' or 'finally' block");
    }
    return foreign("try", start, parts);
  }

  // ---- simple statements
  const Node* raise_statement() {
    const Position start = where(take());
    reject("`raise` is not part of the language; use `assert`", start);
    Nodes parts;
    if (starts_expression()) {
      parts.push_back(expression());
      if (accept("from"_t)) parts.push_back(expression());
    }
    return foreign("raise", start, parts);
  }

  const Node* global_statement() {
    const Position start = where(take());
    reject("`global` is not part of the language; use `nonlocal` or return the value", start);
    Nodes parts;
    do parts.push_back(name_node());
    while (accept(","_t));
    return foreign("global", start, parts);
  }

  // ---- match
  /// `match` begins a match statement when its line ends in ':' and an indented `case` follows; else it is a
  /// name.
  [[nodiscard]] bool at_match() const {
    if (!at_word("match")) return false;
    std::size_t i = next_ + 1;
    while (i < tokens_.size() && tokens_[i].kind != TokenKind::newline && tokens_[i].kind != TokenKind::end)
      ++i;
    return i + 2 < tokens_.size() && i > next_ + 2 && tokens_[i - 1].code == ":"_t &&
           tokens_[i + 1].kind == TokenKind::indent && tokens_[i + 2].kind == TokenKind::name &&
           text(tokens_[i + 2]) == "case";
  }

  const Node* match_statement() {
    const Position start = where(take());
    reject("`match` is not part of the language; use `if` and `elif`", start);
    const Node* subject = star_named_expression();
    if (at(","_t)) {
      Nodes list{subject};
      while (accept(","_t) && starts_expression()) list.push_back(star_named_expression());
      subject = build(Kind::tuple, start, list);
    } else if (subject->kind == Kind::starred) {
      fail("expected ','");
    }
    Nodes parts{subject};
    expect(":"_t, "':'");
    take(), take(); // seen by at_match(): the end of the line and the indentation
    while (!at(TokenKind::dedent)) {
      const Position position = here();
      if (!at_word("case")) fail("expected 'case'");
      take();
      parts.push_back(open_pattern());
      if (accept("if"_t)) parts.push_back(named_expression());
      parts.push_back(block("'case' statement", position));
    }
    take();
    return foreign("match", start, parts);
  }

  const Node* open_pattern() {
    const Position start = here();
    Nodes parts{sequence_item()};
    const bool sequence = at(","_t);
    while (accept(","_t) && !at(":"_t) && !at("if"_t)) parts.push_back(sequence_item());
    if (!sequence && parts[0]->text == "star") fail("expected ','");
    return foreign("pattern", start, parts);
  }

  const Node* sequence_item() {
    const Position start = here();
    if (accept("*"_t)) return foreign("star", start, {name_node()});
    return pattern();
  }

  const Node* pattern() {
    Nesting nesting(*this);
    const Position start = here();
    Nodes parts{closed_pattern()};
    while (accept("|"_t)) parts.push_back(closed_pattern());
    if (accept("as"_t)) {
      if (at_word("_")) fail("cannot use '_' as a target");
      parts.push_back(name_node());
      if (at("."_t) || at("("_t)) fail("invalid pattern target");
    }
    return foreign("pattern", start, parts);
  }

  const Node* closed_pattern() {
    const Position start = here();
    Nodes parts;
    if (at(TokenKind::name)) {
      const Node* value = name_node();
      while (accept("."_t)) value = named(build(Kind::attribute, start, {value}), text(identifier("a name")));
      parts.push_back(value);
      if (accept("("_t)) class_arguments(parts);
    } else if (accept("["_t)) {
      pattern_items(parts, "]"_t);
    } else if (accept("("_t)) {
      pattern_items(parts, ")"_t);
    } else if (accept("{"_t)) {
      mapping_items(parts);
    } else {
      parts.push_back(literal_pattern());
    }
    return foreign("pattern", start, parts);
  }

  const Node* literal_pattern() {
    if (at(TokenKind::string)) return strings();
    if (at("None"_t) || at("True"_t) || at("False"_t)) return atom();
    const bool negative = accept("-"_t);
    if (!at(TokenKind::integer) && !at(TokenKind::real) && !at(TokenKind::imaginary))
      fail("expected a pattern");
    const bool imaginary = at(TokenKind::imaginary);
    const Node* value = number();
    if (negative) value = build(Kind::unary, value->at, {value}, Op::negative);
    if (!at("+"_t) && !at("-"_t)) return value;
    take();
    if (imaginary || !at(TokenKind::imaginary)) fail("imaginary number required in complex literal");
    return build(Kind::binary, value->at, {value, number()}, Op::add);
  }

  void pattern_items(Nodes& parts, std::uint64_t close) {
    bool comma = false;
    while (!accept(close)) {
      parts.push_back(sequence_item());
      if (!at(close)) {
        expect(","_t, "','");
        comma = true;
      }
    }
    if (close == ")"_t && !comma && parts.size() == 1 && parts[0]->text == "star")
      fail("cannot use starred expression here", parts[0]->at);
  }

  void class_arguments(Nodes& parts) {
    bool keywords = false;
    while (!accept(")"_t)) {
      if (at(TokenKind::name) && peek(1).code == "="_t) {
        take(), take();
        keywords = true;
      } else if (keywords) {
        fail("positional patterns follow keyword patterns", here());
      }
      parts.push_back(pattern());
      if (!at(")"_t)) expect(","_t, "',' or ')'");
    }
  }

  void mapping_items(Nodes& parts) {
    bool rest = false;
    while (!accept("}"_t)) {
      if (rest) fail("expected '}'");
      if (accept("**"_t)) {
        if (at_word("_")) fail("expected a name");
        parts.push_back(name_node());
        rest = true;
      } else {
        if (at(TokenKind::name)) {
          const Node* key = name_node();
          if (!at("."_t)) fail("expected '.'");
          while (accept("."_t))
            key = named(build(Kind::attribute, key->at, {key}), text(identifier("a name")));
          parts.push_back(key);
        } else {
          parts.push_back(literal_pattern());
        }
        expect(":"_t, "':'");
        parts.push_back(pattern());
      }
      if (!at("}"_t)) expect(","_t, "',' or '}'");
    }
  }
};

} // namespace step::syntax::detail
