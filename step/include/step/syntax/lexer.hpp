// SPDX-License-Identifier: MIT
// Python's lexical rules: from a Source to tokens, with indentation, brackets and line continuation resolved.
// An error becomes a last token of kind `error`, so that the parser reports whatever comes first in the text.
#pragma once

#include "step/syntax/source.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::syntax::detail {

enum class TokenKind : std::uint8_t {
  end,
  newline,
  indent,
  dedent,
  name,
  keyword,
  symbol,
  integer,
  real,
  imaginary,
  string,
  error
};

/// Up to eight characters packed into a number: keywords and symbols compare by it.
constexpr std::uint64_t code_of(std::string_view text) {
  std::uint64_t code = 0;
  for (char c : text) code = (code << 8) | static_cast<unsigned char>(c);
  return code;
}
inline namespace literals {
consteval std::uint64_t operator""_t(const char* text, std::size_t size) { return code_of({text, size}); }
} // namespace literals

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t begin = 0; ///< offsets into the source
  std::uint32_t end = 0;
  std::uint32_t line = 1; ///< of `begin`, counted from 1
  std::uint64_t code = 0; ///< of a keyword or symbol
};

inline bool is_keyword(std::string_view word) {
  if (word.size() > 8) return false;
  switch (code_of(word)) {
  case "False"_t:
  case "None"_t:
  case "True"_t:
  case "and"_t:
  case "as"_t:
  case "assert"_t:
  case "async"_t:
  case "await"_t:
  case "break"_t:
  case "class"_t:
  case "continue"_t:
  case "def"_t:
  case "del"_t:
  case "elif"_t:
  case "else"_t:
  case "except"_t:
  case "finally"_t:
  case "for"_t:
  case "from"_t:
  case "global"_t:
  case "if"_t:
  case "import"_t:
  case "in"_t:
  case "is"_t:
  case "lambda"_t:
  case "nonlocal"_t:
  case "not"_t:
  case "or"_t:
  case "pass"_t:
  case "raise"_t:
  case "return"_t:
  case "try"_t:
  case "while"_t:
  case "with"_t:
  case "yield"_t:
    return true;
  default:
    return false;
  }
}

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
inline bool is_ascii_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}
/// Letters outside ASCII that identifiers may contain: those which Python's NFKC normalisation leaves alone,
/// so that two different spellings are two different names (and no spelling of a forbidden name goes
/// unnoticed).
inline bool is_letter(std::uint32_t c) {
  auto within = [c](std::uint32_t low, std::uint32_t high) { return c >= low && c <= high; };
  return (within(0xC0, 0xFF) && c != 0xD7 && c != 0xF7) || within(0x100, 0x131) || within(0x386, 0x3CE) ||
         within(0x400, 0x481) || within(0x48A, 0x52F) || within(0x3041, 0x3096) || within(0x30A1, 0x30FA) ||
         within(0x4E00, 0x9FA5) || within(0xAC00, 0xD7A3);
}

class Lexer {
 public:
  Lexer(const Source& source, const ParseLimits& limits)
      : source_(source), text_(source.text()), limits_(limits), end_(text_.size()) {}

  /// The tokens of the whole text: the last one is of kind `end` or `error`.
  std::vector<Token> program() {
    tokens_.reserve(text_.size() / 3 + 8); // a token per three characters is typical
    return run();
  }

  /// The tokens of `source[begin, end)` as if it stood in parentheses (the expression of a formatted string).
  std::vector<Token> parenthesised(std::size_t begin, std::size_t end) {
    next_ = begin;
    end_ = end;
    embedded_ = true;
    line_start_ = false;
    brackets_.push_back({'(', begin});
    add(TokenKind::symbol, begin, begin, "("_t);
    return run();
  }

  /// What went wrong, when the last token is of kind `error`.
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }
  /// The innermost bracket that is still open at the end of the text.
  [[nodiscard]] std::optional<std::size_t> unclosed() const { return unclosed_; }

 private:
  struct Indent {
    std::size_t column, alternative; // tabs to multiples of eight, and tabs as one column
  };

  std::vector<Token> run() {
    try {
      while (step()) {
      }
    } catch (Fault& fault) {
      fault_ = std::move(fault);
      add(TokenKind::error, next_, next_);
    }
    return std::move(tokens_);
  }

  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return next_ + ahead < end_ ? text_[next_ + ahead] : '\0';
  }
  void add(TokenKind kind, std::size_t begin, std::size_t end, std::uint64_t code = 0) {
    line_ = source_.line_of(begin, line_);
    tokens_.push_back(
        {kind, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), line_, code});
  }
  [[noreturn]] void fail(std::string message, std::size_t at, FaultKind kind = FaultKind::syntax) const {
    throw Fault{kind, std::move(message), source_.at(std::min(at, text_.size() - 1))};
  }

  bool step() {
    while (line_start_)
      if (!indentation()) return finish();
    while (peek() == ' ' || peek() == '\t' || peek() == '\f') ++next_;
    if (next_ >= end_) return finish();
    const char c = peek();
    if (c == '#') {
      while (next_ < end_ && peek() != '\n') ++next_;
    } else if (c == '\n') {
      if (brackets_.empty()) {
        add(TokenKind::newline, next_, next_);
        line_start_ = true;
      }
      ++next_;
    } else if (c == '\\') {
      continuation();
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
    } else if (is_ascii_word(c) || static_cast<unsigned char>(c) >= 0x80) {
      word();
    } else if (c == '"' || c == '\'') {
      string(next_);
    } else {
      symbol();
    }
    return true;
  }

  bool finish() {
    if (embedded_) {
      add(TokenKind::symbol, end_, end_, ")"_t);
    } else if (!brackets_.empty()) {
      const auto [bracket, at] = brackets_.back();
      unclosed_ = at;
      fail(std::string("'") + bracket + "' was never closed", at);
    } else {
      for (std::size_t i = 1; i < indents_.size(); ++i)
        add(TokenKind::dedent, text_.size() - 1, text_.size() - 1);
    }
    add(TokenKind::end, std::min(end_, text_.size() - 1), std::min(end_, text_.size() - 1));
    return false;
  }

  void continuation() {
    if (peek(1) != '\n') fail("unexpected character after the line continuation character '\\'", next_ + 1);
    next_ += 2;
    if (next_ >= end_) fail("the text ends after a line continuation '\\'", next_ - 2);
  }

  /// Reads the blanks at the start of a line and emits what they mean; false at the end of the text.
  bool indentation() {
    line_start_ = false;
    Indent here{0, 0};
    std::size_t continued = 0;
    for (;; ++next_) {
      const char c = peek();
      if (c == ' ') {
        ++here.column, ++here.alternative;
      } else if (c == '\t') {
        here.column = (here.column / 8 + 1) * 8, ++here.alternative;
      } else if (c == '\f') {
        here = {0, 0};
      } else if (c == '\\') {
        if (continued == 0) continued = here.column;
        continuation();
        --next_;
      } else {
        break;
      }
    }
    if (next_ >= end_) return false;
    if (peek() == '#' || peek() == '\n') {
      while (peek() != '\n') ++next_;
      ++next_;
      line_start_ = true;
      return true;
    }
    if (continued != 0) here = {continued, continued};
    if (indents_.empty()) indents_.push_back(here);
    if (here.column > indents_.back().column) {
      if (here.alternative <= indents_.back().alternative) inconsistent();
      if (indents_.size() > limits_.nesting / 2)
        fail("more than " + std::to_string(limits_.nesting / 2) + " nested blocks", next_, FaultKind::limit);
      indents_.push_back(here);
      add(TokenKind::indent, next_, next_);
      return true;
    }
    while (indents_.size() > 1 && here.column < indents_.back().column) {
      indents_.pop_back();
      add(TokenKind::dedent, next_, next_);
    }
    if (here.column != indents_.back().column)
      fail("unindent does not match any outer indentation level", next_);
    if (here.alternative != indents_.back().alternative) inconsistent();
    return true;
  }
  [[noreturn]] void inconsistent() const {
    fail("inconsistent use of tabs and spaces in indentation", next_);
  }

  void word() {
    const std::size_t begin = next_;
    while (next_ < end_) {
      if (is_ascii_word(peek())) {
        ++next_;
        continue;
      }
      const CodePoint c = decode_utf8(text_.substr(next_, end_ - next_));
      if (c.value < 0x80) break;
      if (!is_letter(c.value))
        fail("invalid character '" + std::string(text_.substr(next_, c.length)) + "'; use ASCII letters",
             next_);
      next_ += c.length;
    }
    const std::string_view name = text_.substr(begin, next_ - begin);
    if ((peek() == '"' || peek() == '\'') && is_prefix(name)) return string(begin);
    if (is_keyword(name)) return add(TokenKind::keyword, begin, next_, code_of(name));
    add(TokenKind::name, begin, next_);
  }

  static bool is_prefix(std::string_view name) {
    if (name.size() > 2) return false;
    auto lower = [&](std::size_t i) { return i < name.size() ? static_cast<char>(name[i] | 0x20) : '\0'; };
    const char a = lower(0), b = lower(1);
    if (b == '\0') return a == 'r' || a == 'u' || a == 'b' || a == 'f';
    return (a == 'r' && (b == 'b' || b == 'f')) || ((a == 'b' || a == 'f') && b == 'r');
  }

  /// A whole string literal whose opening quote is next; the token covers prefix and quotes.
  void string(std::size_t begin) {
    const char quote = peek();
    const bool triple = peek(1) == quote && peek(2) == quote;
    next_ += triple ? 3 : 1;
    for (;; ++next_) {
      if (next_ >= end_ || (peek() == '\n' && !triple)) {
        next_ = begin;
        fail(triple ? "unterminated triple-quoted string" : "unterminated string", begin);
      }
      if (peek() == '\\') {
        ++next_;
      } else if (peek() == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
        next_ += triple ? 3 : 1;
        return add(TokenKind::string, begin, next_);
      }
    }
  }

  // ---- numbers
  void number() {
    const std::size_t begin = next_;
    if (peek() == '0' && hexadecimal_or_so(begin)) return;
    bool zeros = peek() == '0';
    if (peek() != '.') digits("decimal", 10);
    if (zeros) // only zeros may follow a leading zero, unless the number turns out to be real
      zeros = text_.substr(begin, next_ - begin).find_first_not_of("0_") != std::string_view::npos;
    TokenKind kind = TokenKind::integer;
    if (peek() == '.') {
      kind = TokenKind::real;
      ++next_;
      if (is_digit(peek())) digits("decimal", 10);
    }
    if ((peek() == 'e' || peek() == 'E') && (is_digit(peek(1)) || ((peek(1) == '+' || peek(1) == '-')))) {
      kind = TokenKind::real;
      next_ += is_digit(peek(1)) ? 1 : 2;
      if (!is_digit(peek())) fail("invalid decimal literal", begin);
      digits("decimal", 10);
    }
    if (peek() == 'j' || peek() == 'J') {
      kind = TokenKind::imaginary;
      ++next_;
    }
    if (kind == TokenKind::integer && zeros)
      fail("leading zeros are not permitted in a decimal number; use 0o for an octal number", begin);
    end_of_number("decimal", begin);
    add(kind, begin, next_);
  }

  bool hexadecimal_or_so(std::size_t begin) {
    const char letter = static_cast<char>(peek(1) | 0x20);
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (base == 0) return false;
    const char* what = base == 16 ? "hexadecimal" : base == 8 ? "octal" : "binary";
    next_ += 2;
    if (peek() == '_') ++next_;
    digits(what, base);
    if (is_digit(peek())) fail(std::string("invalid digit in ") + what + " literal", begin);
    end_of_number(what, begin);
    add(TokenKind::integer, begin, next_);
    return true;
  }

  void digits(const char* what, int base) {
    auto fits = [&](char c) { return hex_value(c) >= 0 && hex_value(c) < base; };
    for (;;) {
      if (!fits(peek())) fail(std::string("invalid ") + what + " literal", next_);
      while (fits(peek())) ++next_;
      if (peek() != '_') return;
      ++next_;
    }
  }

  /// A number may be followed directly by a keyword that can follow an expression (`1if x else 2`), not by
  /// other letters.
  void end_of_number(const char* what, std::size_t begin) const {
    const char c = peek();
    if (!is_ascii_word(c) && static_cast<unsigned char>(c) < 0x80) return;
    const std::string_view rest = text_.substr(next_, end_ - next_);
    for (std::string_view word : {"and", "else", "for", "if", "in", "is", "or", "not"})
      if (rest.starts_with(word)) return;
    fail(std::string("invalid ") + what + " literal", begin);
  }

  // ---- symbols
  void symbol() {
    const std::size_t length = symbol_length();
    if (length == 0) fail(std::string("invalid character '") + peek() + "'", next_);
    if (length == 1) bracket(peek());
    add(TokenKind::symbol, next_, next_ + length, code_of(text_.substr(next_, length)));
    next_ += length;
  }
  /// The length of the longest symbol here; 0 when there is none.
  [[nodiscard]] std::size_t symbol_length() const {
    const char c = peek(), second = peek(1);
    switch (c) {
    case '(':
    case ')':
    case ',':
    case '[':
    case ']':
    case '{':
    case '}':
    case '~':
    case ';':
      return 1;
    case '.':
      return second == '.' && peek(2) == '.' ? 3 : 1;
    case '*':
    case '/':
    case '<':
    case '>': // may be doubled
      if (second == c) return peek(2) == '=' ? 3 : 2;
      return second == '=' ? 2 : 1;
    case '-':
      return second == '=' || second == '>' ? 2 : 1;
    case '%':
    case '&':
    case '+':
    case ':':
    case '=':
    case '@':
    case '^':
    case '|':
      return second == '=' ? 2 : 1;
    case '!':
      return second == '=' ? 2 : 0;
    default:
      return 0;
    }
  }

  void bracket(char c) {
    if (c == '(' || c == '[' || c == '{') {
      if (brackets_.size() >= limits_.nesting)
        fail("more than " + std::to_string(limits_.nesting) + " nested brackets", next_, FaultKind::limit);
      brackets_.push_back({c, next_});
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets_.size() <= (embedded_ ? 1U : 0U)) fail(std::string("unmatched '") + c + "'", next_);
      const char open = brackets_.back().first;
      if ((open == '(') != (c == ')') || (open == '[') != (c == ']'))
        fail(std::string("closing '") + c + "' does not match opening '" + open + "' on line " +
                 std::to_string(source_.at(brackets_.back().second).line),
             next_);
      brackets_.pop_back();
    }
  }

  const Source& source_;
  std::string_view text_;
  const ParseLimits& limits_;
  std::size_t next_ = 0;
  std::size_t end_;
  std::uint32_t line_ = 1; // of the last token
  bool embedded_ = false;
  bool line_start_ = true;
  std::vector<std::pair<char, std::size_t>> brackets_;
  std::vector<Indent> indents_;
  std::vector<Token> tokens_;
  std::optional<Fault> fault_;
  std::optional<std::size_t> unclosed_;
};

} // namespace step::syntax::detail
