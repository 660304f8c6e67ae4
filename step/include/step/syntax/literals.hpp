// SPDX-License-Identifier: MIT
// Literals: numbers, strings with their prefixes and escapes, adjacent strings, and formatted strings as
// Python 3.11 reads them (the expressions inside are found first, then parsed as if in parentheses).
#pragma once

#include "step/syntax/reader.hpp"

#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace step::syntax::detail {

class LiteralParser : public TokenReader {
 public:
  using TokenReader::TokenReader;

 protected:
  ~LiteralParser() = default;

  /// Parses `source[begin, end)` as an expression in parentheses.
  virtual const Node* embedded(std::size_t begin, std::size_t end) = 0;

  // ---- numbers
  const Node* number() {
    const Token token = take();
    std::string digits;
    for (char c : text(token))
      if (c != '_') digits.push_back(c);
    if (token.kind == TokenKind::imaginary) {
      reject("complex numbers are not part of the language", where(token));
      return foreign("complex", where(token), {});
    }
    if (token.kind == TokenKind::real) {
      Node* node = build(Kind::real, where(token));
      node->real = to_real(digits);
      return node;
    }
    Node* node = build(Kind::integer, where(token));
    node->integer = to_integer(digits, token);
    return node;
  }

  // ---- strings
  /// One or more adjacent string literals.
  const Node* strings() {
    const Position start = here();
    Pieces pieces;
    bool formatted = false, bytes = false, characters = false;
    while (at(TokenKind::string)) {
      const Token token = take();
      std::size_t begin = token.begin;
      bool raw = false, format = false, binary = false;
      for (; source_.text()[begin] != '"' && source_.text()[begin] != '\''; ++begin) {
        const char prefix = static_cast<char>(source_.text()[begin] | 0x20);
        raw = raw || prefix == 'r';
        format = format || prefix == 'f';
        binary = binary || prefix == 'b';
      }
      const std::string_view body = source_.text().substr(begin, token.end - begin);
      const std::size_t quotes = body.size() >= 6 && body[1] == body[0] && body[2] == body[0] ? 3 : 1;
      begin += quotes;
      const std::size_t end = token.end - quotes;
      (binary ? bytes : characters) = true;
      if (bytes && characters) fail("cannot mix bytes and ordinary string literals", where(token));
      formatted = formatted || format;
      if (format) {
        std::size_t next = begin;
        format_parts(next, end, raw, 0, pieces);
      } else {
        decode(begin, end, raw, binary, pieces.text);
      }
    }
    if (bytes) {
      reject("bytes literals are not part of the language; use an ordinary string", start);
      return foreign("bytes", start, {});
    }
    if (!formatted) return labelled(build(Kind::string, start), pieces.text);
    flush(pieces, start);
    return build(Kind::fstring, start, pieces.nodes);
  }

 private:
  struct Pieces {
    std::string text; // literal characters not yet in `nodes`
    Nodes nodes;
  };

  void flush(Pieces& pieces, Position position) {
    if (pieces.text.empty()) return;
    pieces.nodes.push_back(labelled(build(Kind::string, position), pieces.text));
    pieces.text.clear();
  }

  std::int64_t to_integer(const std::string& digits, const Token& token) {
    std::string_view rest = digits;
    int base = 10;
    if (rest.size() > 1 && rest[0] == '0') {
      const char letter = static_cast<char>(rest[1] | 0x20);
      base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
      if (base != 10) rest.remove_prefix(2);
    }
    std::int64_t value = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), value, base).ec != std::errc{}) {
      defer(FaultKind::limit, "integer too large: " + std::string(clip(digits)), where(token));
      return std::numeric_limits<std::int64_t>::max();
    }
    return value;
  }

  /// Correctly rounded; what is too large is infinite and what is too small is zero, as in Python.
  static double to_real(const std::string& digits) {
    double value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc::result_out_of_range) return value;
    const std::size_t exponent = std::min(digits.find_first_of("eE"), digits.size());
    const std::size_t point = std::min(digits.find('.'), exponent);
    const std::size_t first = digits.find_first_of("123456789");
    auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
    if (exponent < digits.size()) {
      const bool negative = digits[exponent + 1] == '-';
      std::int64_t power = 0;
      for (std::size_t i = exponent + 1; i < digits.size() && power < 100'000'000; ++i)
        if (is_digit(digits[i])) power = power * 10 + (digits[i] - '0');
      magnitude += negative ? -power : power;
    }
    return magnitude > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  }

  // ---- escapes
  void decode(std::size_t begin, std::size_t end, bool raw, bool binary, std::string& out) {
    const std::string_view body = source_.text();
    for (std::size_t i = begin; i < end; ++i) {
      if (binary && static_cast<unsigned char>(body[i]) >= 0x80)
        fail("bytes can only contain ASCII characters", source_.at(i));
      if (raw || body[i] != '\\' || i + 1 == end) {
        out.push_back(body[i]);
      } else {
        i = escape(i, end, binary, out) - 1;
      }
    }
  }

  /// Decodes the escape at `at`; returns the offset after it.
  std::size_t escape(std::size_t at, std::size_t end, bool binary, std::string& out) {
    static constexpr std::string_view letters = "\\'\"abfnrtv";
    static constexpr std::string_view meanings = "\\'\"\a\b\f\n\r\t\v";
    const char c = source_.text()[at + 1];
    if (c == '\n') return at + 2;
    if (const std::size_t i = letters.find(c); i != std::string_view::npos) {
      out.push_back(meanings[i]);
      return at + 2;
    }
    if (c >= '0' && c <= '7') {
      std::uint32_t value = 0;
      std::size_t i = at + 1;
      for (; i < end && i < at + 4 && source_.text()[i] >= '0' && source_.text()[i] <= '7'; ++i)
        value = value * 8 + static_cast<std::uint32_t>(source_.text()[i] - '0');
      append_utf8(out, value);
      return i;
    }
    if (c == 'x') return numbered(at, end, 2, out);
    if (!binary && c == 'u') return numbered(at, end, 4, out);
    if (!binary && c == 'U') return numbered(at, end, 8, out);
    if (!binary && c == 'N') {
      const std::size_t close = source_.text(at, end).find('}');
      if (at + 2 >= end || source_.text()[at + 2] != '{' || close == std::string_view::npos || close == 3)
        fail("malformed \\N character escape", source_.at(at));
      reject("characters by name (\\N{..}) are not part of the language; write the character itself",
             source_.at(at));
      return at + close + 1;
    }
    out.push_back('\\'); // an unknown escape stands for itself
    return at + 1;
  }

  std::size_t numbered(std::size_t at, std::size_t end, std::size_t digits, std::string& out) {
    std::uint32_t value = 0;
    for (std::size_t i = at + 2; i < at + 2 + digits; ++i) {
      const int digit = i < end ? hex_value(source_.text()[i]) : -1;
      if (digit < 0) fail(std::string("truncated \\") + source_.text()[at + 1] + " escape", source_.at(at));
      value = (value << 4) | static_cast<std::uint32_t>(digit);
    }
    if (value > 0x10FFFF) fail("illegal Unicode character in an escape", source_.at(at));
    if (value >= 0xD800 && value <= 0xDFFF) {
      reject("half of a surrogate pair in a string; write the character itself", source_.at(at));
      value = 0xFFFD;
    }
    append_utf8(out, value);
    return at + 2 + digits;
  }

  // ---- formatted strings
  /// Reads literal text and `{..}` fields from `next` to `end`, or, inside a format specification (level >
  /// 0), to its '}'.
  void format_parts(std::size_t& next, std::size_t end, bool raw, int level, Pieces& out) {
    const std::string_view body = source_.text();
    while (next < end) {
      const char c = body[next];
      if (c == '{' && level == 0 && next + 1 < end && body[next + 1] == '{') {
        out.text.push_back('{');
        next += 2;
      } else if (c == '{') {
        field(next, end, raw, level, out);
      } else if (c == '}' && level > 0) {
        return;
      } else if (c == '}') {
        if (next + 1 >= end || body[next + 1] != '}')
          fail("f-string: single '}' is not allowed", source_.at(next));
        out.text.push_back('}');
        next += 2;
      } else if (c == '\\' && !raw && next + 1 < end && body[next + 1] != '{' && body[next + 1] != '}') {
        next = escape(next, end, false, out.text);
      } else {
        out.text.push_back(c);
        ++next;
      }
    }
  }

  void field(std::size_t& next, std::size_t end, bool raw, int level, Pieces& out) {
    if (level >= 2) fail("f-string: expressions nested too deeply", source_.at(next));
    const std::string_view body = source_.text();
    const Position start = source_.at(next);
    const std::size_t begin = next + 1;
    const std::size_t stop = end_of_expression(begin, end);
    if (source_.text(begin, stop).find_first_not_of(" \t\n\f\r") == std::string_view::npos)
      fail("f-string: empty expression not allowed", start);
    const Node* expression = embedded(begin, stop);
    next = stop;
    auto current = [&] { return next < end ? body[next] : '\0'; };
    bool shown = false;
    if (current() == '=') {
      shown = true;
      ++next;
      while (current() == ' ' || current() == '\t' || current() == '\n' || current() == '\f') ++next;
      out.text += source_.text(begin, next);
    }
    std::string conversion;
    if (current() == '!') {
      ++next;
      conversion = next < end ? std::string(1, current()) : "";
      if (conversion != "r" && conversion != "s" && conversion != "a")
        fail("f-string: invalid conversion: expected 's', 'r' or 'a'", source_.at(next));
      ++next;
    }
    const Node* specification = nullptr;
    if (current() == ':') {
      const Position at = source_.at(++next);
      Pieces pieces;
      format_parts(next, end, raw, level + 1, pieces);
      flush(pieces, at);
      specification = build(Kind::fstring, at, pieces.nodes);
    }
    if (current() != '}') fail("f-string: expecting '}'", source_.at(std::min(next, end)));
    ++next;
    if (shown && conversion.empty() && specification == nullptr) conversion = "r";
    flush(out, start);
    out.nodes.push_back(labelled(build(Kind::formatted, start, {expression, specification}), conversion));
  }

  /// Where the expression of a field ends: at the first '!', ':', '=' or '}' outside brackets and strings.
  std::size_t end_of_expression(std::size_t begin, std::size_t end) const {
    const std::string_view body = source_.text();
    std::string open;
    char quote = 0;
    bool triple = false;
    for (std::size_t i = begin; i < end; ++i) {
      const char c = body[i];
      const char following = i + 1 < end ? body[i + 1] : '\0';
      const bool three = i + 2 < end && following == c && body[i + 2] == c;
      if (c == '\\') fail("f-string expression part cannot include a backslash", source_.at(i));
      if (quote != 0) {
        if (c != quote || (triple && !three)) continue;
        if (triple) i += 2;
        quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
        triple = three;
        if (triple) i += 2;
      } else if (c == '(' || c == '[' || c == '{') {
        open.push_back(c);
      } else if (c == '#') {
        fail("f-string expression part cannot include '#'", source_.at(i));
      } else if (open.empty() && (c == '!' || c == ':' || c == '}' || c == '=' || c == '<' || c == '>')) {
        if (following == '=' && (c == '!' || c == '=' || c == '<' || c == '>')) {
          ++i;
        } else if (c != '<' && c != '>') {
          return i;
        }
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.empty()) fail(std::string("f-string: unmatched '") + c + "'", source_.at(i));
        const char opening = open.back();
        if ((opening == '(') != (c == ')') || (opening == '[') != (c == ']'))
          fail(std::string("f-string: closing '") + c + "' does not match opening '" + opening + "'",
               source_.at(i));
        open.pop_back();
      }
    }
    if (quote != 0) fail("f-string: unterminated string", source_.at(begin));
    if (!open.empty())
      fail(std::string("f-string: '") + open.back() + "' was never closed", source_.at(begin));
    fail("f-string: expecting '}'", source_.at(begin));
  }
};

} // namespace step::syntax::detail
