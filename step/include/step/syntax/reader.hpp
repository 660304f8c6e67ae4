// SPDX-License-Identifier: MIT
// What every part of the parser needs: a cursor over tokens, node construction, and the reporting of errors.
// Errors of Python's grammar are thrown at once; whatever is wrong beyond the grammar is kept until the text
// is parsed.
#pragma once

#include "step/syntax/lexer.hpp"

#include <boost/container/small_vector.hpp>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::syntax::detail {

/// Nodes on their way into a parent; few as a rule.
using Nodes = boost::container::small_vector<const Node*, 6>;

class TokenReader {
 public:
  TokenReader(const Source& source, const ParseLimits& limits, Tree& tree)
      : source_(source), limits_(limits), tree_(tree) {
    Lexer lexer(source, limits);
    tokens_ = lexer.program();
    lexical_fault_ = lexer.fault();
    unclosed_ = lexer.unclosed();
  }
  TokenReader(const TokenReader&) = delete;
  TokenReader& operator=(const TokenReader&) = delete;

 protected:
  ~TokenReader() = default;

  // ---- tokens
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] bool at(std::uint64_t code) const { return peek().code == code; }
  [[nodiscard]] bool at(TokenKind kind) const { return peek().kind == kind; }
  [[nodiscard]] bool at_word(std::string_view word) const {
    return at(TokenKind::name) && text(peek()) == word;
  }
  const Token& take() {
    const Token& token = peek();
    if (next_ + 1 < tokens_.size()) ++next_;
    return token;
  }
  bool accept(std::uint64_t code) {
    if (!at(code)) return false;
    take();
    return true;
  }
  void expect(std::uint64_t code, const char* what) {
    if (!accept(code)) fail(std::string("expected ") + what);
  }
  [[nodiscard]] std::string_view text(const Token& token) const {
    return source_.text(token.begin, token.end);
  }
  [[nodiscard]] Position where(const Token& token) const { return source_.at(token.begin, token.line); }
  [[nodiscard]] Position here() const { return where(peek()); }
  /// Where the token number `index` starts; cheaper to remember than a Position that may not be needed.
  [[nodiscard]] Position since(std::size_t index) const { return where(tokens_[index]); }

  // ---- errors
  [[noreturn]] static void fail(std::string message, Position position) {
    throw Fault{FaultKind::syntax, std::move(message), position};
  }
  /// The current token does not fit: says so, unless the lexer knows better.
  [[noreturn]] void fail(const std::string& expectation = {}) const {
    const Token& token = peek();
    if (token.kind == TokenKind::error || (unclosed_ && *unclosed_ < token.begin)) throw *lexical_fault_;
    std::string found;
    switch (token.kind) {
    case TokenKind::end:
      found = "the end of the text";
      break;
    case TokenKind::newline:
      found = "the end of the line";
      break;
    case TokenKind::indent:
      found = "an indented line";
      break;
    case TokenKind::dedent:
      found = "the end of the block";
      break;
    default:
      found = "'" + std::string(clip(text(token))) + "'";
    }
    if (token.kind == TokenKind::symbol && token.begin == token.end) found = "the end of the expression";
    if (fields_ > 0) fail("f-string: invalid syntax: unexpected " + found, where(token));
    fail("invalid syntax: " +
             (expectation.empty() ? "unexpected " + found : expectation + ", found " + found),
         where(token));
  }
  /// Notes what is wrong with a text that Python's own parser accepts; the first such fault is thrown in the
  /// end.
  void defer(FaultKind kind, std::string message, Position position) {
    if (!deferred_ && !limits_.whole_python) deferred_.emplace(kind, std::move(message), position);
  }
  void misuse(std::string message, Position position) {
    defer(FaultKind::syntax, std::move(message), position);
  }
  void reject(std::string message, Position position) {
    defer(FaultKind::rejected, std::move(message), position);
  }

  /// Held while parsing something that may contain itself.
  class Nesting {
   public:
    explicit Nesting(TokenReader& reader) : reader_(reader) {
      if (++reader_.nesting_ > 2 * reader_.limits_.nesting)
        throw Fault{FaultKind::limit, "the text is nested too deeply here; split it into several statements",
                    reader_.here()};
    }
    ~Nesting() { --reader_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    TokenReader& reader_;
  };

  // ---- nodes
  Node* build(Kind kind, Position position, std::span<const Node* const> children, Op op = Op::none) {
    Node node;
    node.kind = kind;
    node.op = op;
    node.at = position;
    node.children = tree_.keep(children);
    for (const Node* child : children)
      if (child != nullptr && child->height >= node.height)
        node.height = static_cast<std::uint16_t>(std::min(child->height + 1, 0xFFFF));
    scope_rules_ = scope_rules_ || kind == Kind::named || kind == Kind::nonlocal;
    return tree_.make(node);
  }
  Node* build(Kind kind, Position position, const Nodes& children, Op op = Op::none) {
    return build(kind, position, std::span<const Node* const>(children.data(), children.size()), op);
  }
  Node* build(Kind kind, Position position, std::initializer_list<const Node*> children = {},
              Op op = Op::none) {
    return build(kind, position, std::span<const Node* const>(children.begin(), children.size()), op);
  }
  /// A variable's name: sets both `text` and `name`.
  Node* named(Node* node, std::string_view identifier) {
    node->name = tree_.intern(identifier);
    node->text = tree_.names()[node->name];
    return node;
  }
  Node* labelled(Node* node, std::string_view label) {
    node->text = tree_.keep(label);
    return node;
  }
  Node* foreign(std::string_view what, Position position, std::span<const Node* const> children) {
    return labelled(build(Kind::foreign, position, children), what);
  }
  Node* foreign(std::string_view what, Position position, const Nodes& children) {
    return labelled(build(Kind::foreign, position, children), what);
  }
  Node* foreign(std::string_view what, Position position, std::initializer_list<const Node*> children) {
    return labelled(build(Kind::foreign, position, children), what);
  }
  const Token& identifier(const char* what) {
    if (!at(TokenKind::name)) fail(std::string("expected ") + what);
    return take();
  }
  const Node* name_node() {
    const Token& token = identifier("a name");
    return named(build(Kind::name, where(token)), text(token));
  }

  static std::string_view
  clip(std::string_view text) { // whole characters of the first line, at most 40 bytes
    text = text.substr(0, text.find('\n'));
    if (text.size() <= 40) return text;
    std::size_t size = 40;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
  }

  const Source& source_;
  const ParseLimits& limits_;
  Tree& tree_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::size_t nesting_ = 0;
  std::size_t fields_ = 0;   // of formatted strings around
  bool scope_rules_ = false; // some construct was seen that check_scopes() has rules for
  std::optional<Fault> lexical_fault_;
  std::optional<std::size_t> unclosed_;
  std::optional<Fault> deferred_;
};

} // namespace step::syntax::detail
