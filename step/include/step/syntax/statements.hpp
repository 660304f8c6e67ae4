// SPDX-License-Identifier: MIT
// Statements of the language: simple ones separated by ';', compound ones with their blocks.
// `elif` chains and statement lists are loops; only blocks recurse.
#pragma once

#include "step/syntax/foreign.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::syntax::detail {

class StatementParser final : public ForeignParser {
 public:
  using ForeignParser::ForeignParser;

  /// Parses the whole text; throws the first Fault that is not merely deferred.
  const Node* program() {
    const Position start = here();
    Nodes list;
    while (!at(TokenKind::end)) statement(list);
    return build(Kind::block, start, list);
  }
  [[nodiscard]] const std::optional<Fault>& deferred() const { return deferred_; }
  /// Whether the text holds anything that check_scopes() has rules for: most texts do not.
  [[nodiscard]] bool has_scope_rules() const { return scope_rules_; }

 private:
  // ---- blocks
  const Node* block(std::string_view owner, Position owner_at) override {
    expect(":"_t, "':'");
    const Position start = here();
    Nodes list;
    if (!at(TokenKind::newline)) {
      simple_statements(list);
      return build(Kind::block, start, list);
    }
    take();
    if (!at(TokenKind::indent)) {
      if (at(TokenKind::error)) fail();
      fail("expected an indented block after " + std::string(owner) + " on line " +
               std::to_string(owner_at.line),
           here());
    }
    take();
    const Position first = here();
    while (!at(TokenKind::dedent)) statement(list);
    take();
    return build(Kind::block, first, list);
  }

  void statement(Nodes& list) {
    switch (peek().code) {
    case "if"_t:
      list.push_back(if_statement());
      return;
    case "for"_t:
      list.push_back(for_statement());
      return;
    case "while"_t:
      list.push_back(while_statement());
      return;
    case "def"_t:
      list.push_back(function());
      return;
    case "class"_t:
      list.push_back(class_statement());
      return;
    case "try"_t:
      list.push_back(try_statement());
      return;
    case "with"_t:
      list.push_back(with_statement());
      return;
    case "async"_t:
      list.push_back(async_statement());
      return;
    case "@"_t:
      list.push_back(decorated());
      return;
    default:
      break;
    }
    if (at(TokenKind::indent)) fail("unexpected indent", here());
    if (at_match()) {
      list.push_back(match_statement());
    } else {
      simple_statements(list);
    }
  }

  const Node* if_statement() {
    struct Arm {
      Position at;
      const Node* condition;
      const Node* body;
    };
    std::vector<Arm> arms;
    do {
      const Position start = where(take());
      const Node* condition = named_expression();
      arms.push_back({start, condition, block(arms.empty() ? "'if' statement" : "'elif' statement", start)});
    } while (at("elif"_t));
    const Node* otherwise = else_block();
    for (std::size_t i = arms.size(); i-- > 0;) {
      const auto& [position, condition, body] = arms[i];
      const Node* node = build(Kind::if_else, position, {condition, body, otherwise});
      if (i == 0) return node;
      otherwise = build(Kind::block, position, {node});
    }
    return otherwise;
  }

  const Node* else_block() {
    const Position start = here();
    return accept("else"_t) ? block("'else' statement", start) : nullptr;
  }

  const Node* loop_body(std::string_view owner, Position start) {
    ++loops_;
    const Node* body = block(owner, start);
    --loops_;
    return body;
  }

  const Node* for_statement() override {
    const Position start = here();
    expect("for"_t, "'for'");
    const Node* target = loop_targets();
    const Node* iterable = value_list();
    const Node* body = loop_body("'for' statement", start);
    const Node* otherwise = else_block();
    return build(Kind::for_loop, start, {target, iterable, body, otherwise});
  }

  const Node* while_statement() {
    const Position start = where(take());
    const Node* condition = named_expression();
    const Node* body = loop_body("'while' statement", start);
    const Node* otherwise = else_block();
    return build(Kind::while_loop, start, {condition, body, otherwise});
  }

  const Node* function() override {
    const Position start = here();
    expect("def"_t, "'def'");
    const std::string_view name = text(identifier("a function name"));
    expect("("_t, "'('");
    const Node* parameters = parameter_list(")"_t, true);
    expect(")"_t, "')'");
    const Node* annotation = accept("->"_t) ? expression() : nullptr;
    const std::size_t loops = std::exchange(loops_, 0);
    ++functions_;
    const Node* body = block("function definition", start);
    --functions_;
    loops_ = loops;
    return named(build(Kind::function, start, {parameters, body, annotation}), name);
  }

  // ---- simple statements
  void simple_statements(Nodes& list) {
    do list.push_back(simple_statement());
    while (accept(";"_t) && !at(TokenKind::newline));
    if (at(TokenKind::newline)) {
      take();
      return;
    }
    const Node& last = *list.back();
    if (last.kind == Kind::expression && last.child(0).kind == Kind::name && last.child(0).text == "print" &&
        starts_expression() && !at(TokenKind::error))
      fail("missing parentheses in call to 'print'", last.at);
    fail();
  }

  const Node* simple_statement() {
    const Position start = here();
    switch (peek().code) {
    case "pass"_t:
      take();
      return build(Kind::pass, start);
    case "break"_t:
      take();
      if (loops_ == 0) misuse("'break' outside loop", start);
      return build(Kind::break_loop, start);
    case "continue"_t:
      take();
      if (loops_ == 0) misuse("'continue' outside loop", start);
      return build(Kind::continue_loop, start);
    case "return"_t: {
      take();
      const Node* value = starts_expression() ? value_list() : nullptr;
      return build(Kind::return_value, start, {value});
    }
    case "assert"_t: {
      take();
      const Node* condition = expression();
      const Node* message = accept(","_t) ? expression() : nullptr;
      return build(Kind::assertion, start, {condition, message});
    }
    case "del"_t:
      return delete_statement();
    case "nonlocal"_t: {
      take();
      if (functions_ == 0) misuse("nonlocal declaration outside a nested function", start);
      Nodes names;
      do names.push_back(name_node());
      while (accept(","_t));
      return build(Kind::nonlocal, start, names);
    }
    case "import"_t:
      return import_statement();
    case "from"_t:
      return import_from();
    case "raise"_t:
      return raise_statement();
    case "global"_t:
      return global_statement();
    default:
      return expression_statement();
    }
  }

  const Node* delete_statement() {
    const Position start = where(take());
    Nodes targets;
    do {
      targets.push_back(star_expression());
      check_deletable(*targets.back());
    } while (accept(","_t) && starts_expression());
    return build(Kind::remove, start, targets);
  }

  const Node* expression_statement() {
    const Position start = here();
    if (at("yield"_t)) {
      const Node* node = yield();
      if (at("="_t)) fail("assignment to yield expression not possible", start);
      return build(Kind::expression, start, {node});
    }
    const Node* first = star_expressions();
    if (at("="_t)) return assignment(start, first);
    if (at(":"_t)) return annotated(start, first);
    if (const Op op = augmented_operator(); op != Op::none) {
      check_single_target(*first);
      take();
      const Node* value = value_or_yield();
      return build(Kind::augmented, start, {first, value}, op);
    }
    return build(Kind::expression, start, {no_lone_star(first)});
  }

  const Node* assignment(Position start, const Node* first) {
    Nodes parts{first};
    while (accept("="_t)) {
      check_target(*parts.back());
      if (at("yield"_t)) {
        parts.push_back(yield());
        break;
      }
      parts.push_back(star_expressions());
    }
    no_lone_star(parts.back());
    return build(Kind::assign, start, parts);
  }

  const Node* annotated(Position start, const Node* target) {
    if (target->kind == Kind::tuple || target->kind == Kind::list)
      fail("only single target (not " + std::string(description(*target)) + ") can be annotated", start);
    if (target->kind != Kind::name && target->kind != Kind::attribute && target->kind != Kind::subscript)
      fail("illegal target for annotation", start);
    take();
    const Node* annotation = expression();
    const Node* value = accept("="_t) ? value_or_yield() : nullptr;
    return build(Kind::annotated, start, {target, annotation, value});
  }

  [[nodiscard]] Op augmented_operator() const {
    switch (peek().code) {
    case "+="_t:
      return Op::add;
    case "-="_t:
      return Op::subtract;
    case "*="_t:
      return Op::multiply;
    case "/="_t:
      return Op::divide;
    case "//="_t:
      return Op::floor_divide;
    case "%="_t:
      return Op::modulo;
    case "**="_t:
      return Op::power;
    case "@="_t:
      return Op::matmul;
    case "<<="_t:
      return Op::shift_left;
    case ">>="_t:
      return Op::shift_right;
    case "&="_t:
      return Op::bit_and;
    case "|="_t:
      return Op::bit_or;
    case "^="_t:
      return Op::bit_xor;
    default:
      return Op::none;
    }
  }

  // ---- imports
  std::string dotted_name() {
    std::string name(text(identifier("a module name")));
    while (accept("."_t)) (name += '.') += text(identifier("a name after '.'"));
    return name;
  }

  const Node* alias(std::string_view what, Position position) {
    std::string_view bound = what.substr(0, what.find('.'));
    if (accept("as"_t)) bound = text(identifier("a name after 'as'"));
    Node* node = labelled(build(Kind::alias, position), what);
    node->name = tree_.intern(bound);
    return node;
  }

  const Node* import_statement() {
    const Position start = where(take());
    Nodes list;
    do {
      const Position position = here();
      const std::string module = dotted_name();
      if (module != "step" && module != "torch" && module != "math")
        reject("import of '" + std::string(clip(module)) +
                   "': only step, torch and math can be imported; remove it",
               position);
      list.push_back(alias(module, position));
    } while (accept(","_t));
    return build(Kind::import_module, start, list);
  }

  const Node* import_from() {
    const Position start = where(take());
    std::string module;
    for (; at("."_t) || at("..."_t); take()) module += at("."_t) ? "." : "...";
    if (module.empty() || !at("import"_t)) module += dotted_name();
    expect("import"_t, "'import'");
    if (module != "step")
      reject("import from '" + std::string(clip(module)) +
                 "': names can only be imported from step; remove it",
             start);
    Nodes list;
    if (const Position position = here(); accept("*"_t)) {
      if (functions_ > 0) misuse("import * inside a function", position);
      list.push_back(alias_of_all(position));
    } else {
      const bool parentheses = accept("("_t);
      for (;;) {
        const Position each = here();
        list.push_back(alias(text(identifier("a name to import")), each));
        if (!accept(","_t)) break;
        if (parentheses && at(")"_t)) break;
      }
      if (parentheses) expect(")"_t, "')' or ','");
    }
    return labelled(build(Kind::import_from, start, list), module);
  }
  const Node* alias_of_all(Position position) {
    Node* node = labelled(build(Kind::alias, position), "*");
    node->name = tree_.intern("*");
    return node;
  }

  std::size_t loops_ = 0;
  std::size_t functions_ = 0;
};

} // namespace step::syntax::detail
