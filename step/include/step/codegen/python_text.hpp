// SPDX-License-Identifier: MIT
// Putting foreign text into a generated Python file so that it stays where it was put: literals are escaped,
// and code is indented line by line except inside string literals, whose content it must not change.
#pragma once

#include "step/fault.hpp"
#include "step/syntax/lexer.hpp"
#include "step/syntax/parser.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace step::codegen {

/// A Python string literal with only printable ASCII characters in it. Malformed UTF-8 becomes U+FFFD.
[[nodiscard]] inline std::string python_string(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto point = syntax::detail::decode_utf8(text.substr(i));
    const std::uint32_t c = point.length == 0 ? 0xFFFD : point.value;
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, static_cast<char>(c));
    else if (c == '\n')
      out += "\\n";
    else if (c >= 0x20 && c < 0x7f)
      out.push_back(static_cast<char>(c));
    else {
      out += "\\U";
      for (unsigned shift = 32; shift > 0; shift -= 4) out.push_back(hex[(c >> (shift - 4)) & 15U]);
    }
    i += point.length == 0 ? 1 : point.length;
  }
  return out + "\"";
}

/// A comment's text: one line, printable ASCII.
[[nodiscard]] inline std::string python_comment(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 200)) out.push_back(c >= 0x20 && c < 0x7f ? c : ' ');
  return out;
}

/// A piece of Python that can be put into a function without ending it early.
class PythonBlock {
 public:
  /// Throws Fault when the text is no complete Python: only complete Python can be put anywhere safely.
  explicit PythonBlock(std::string_view text)
      : source_(text, {}), tree_(syntax::parse(text, whole_python())) {
    const syntax::ParseLimits limits = whole_python(); // the lexer refers to it
    syntax::detail::Lexer lexer(source_, limits);
    const auto tokens = lexer.program();
    const std::string_view code = source_.text();
    std::vector<bool> in_string(code.size() + 1, false); // line starts only
    bool first = true;
    for (const auto& token : tokens) {
      using enum syntax::detail::TokenKind;
      if (token.kind == string)
        for (std::size_t i = token.begin; i < token.end; ++i)
          if (code[i] == '\n') in_string[i + 1] = true;
      if (first && token.kind != newline && token.kind != indent && token.kind != end) {
        const std::size_t line = code.rfind('\n', token.begin) + 1; // npos + 1 is 0
        margin_ = code.substr(line, token.begin - line);
        first = false;
      }
    }
    for (std::size_t begin = 0; begin < code.size();) {
      const std::size_t end = code.find('\n', begin);
      lines_.push_back({code.substr(begin, end - begin), begin, in_string[begin]});
      begin = end + 1;
    }
  }

  [[nodiscard]] bool has_statements() const { return !tree_.root->children.empty(); }

  /// The lines, each indented by `indent` spaces in place of the margin of the first one. `prefix` is put
  /// before the last statement when that is an expression; `last_is_expression` says whether it is.
  [[nodiscard]] std::string indented(std::size_t indent, std::string_view prefix = "") const {
    const std::size_t target = prefix.empty() ? std::string::npos : offset_of_last();
    std::string out;
    for (const Line& line : lines_) {
      std::string_view text = line.text;
      std::size_t begin = line.begin;
      if (!line.in_string) {
        if (text.find_first_not_of(" \t\f") == std::string_view::npos) {
          out += '\n';
          continue;
        }
        if (text.starts_with(margin_)) {
          text.remove_prefix(margin_.size());
          begin += margin_.size();
        }
        out.append(indent, ' ');
      }
      if (target != std::string::npos && target >= begin && target < begin + text.size()) {
        out.append(text.substr(0, target - begin)).append(prefix).append(text.substr(target - begin));
      } else {
        out.append(text);
      }
      out += '\n';
    }
    return out;
  }
  [[nodiscard]] bool last_is_expression() const {
    return has_statements() && tree_.root->children.back()->kind == syntax::Kind::expression;
  }

 private:
  struct Line {
    std::string_view text;
    std::size_t begin; ///< offset in the source
    bool in_string;    ///< starts inside a string literal
  };
  static syntax::ParseLimits whole_python() {
    syntax::ParseLimits limits;
    limits.whole_python = true;
    return limits;
  }
  [[nodiscard]] std::size_t offset_of_last() const {
    const auto at = tree_.root->children.back()->at;
    const Line& line = lines_.at(at.line - 1);
    std::size_t offset = line.begin;
    for (std::uint32_t column = 1; column < at.column; ++column)
      offset += syntax::detail::decode_utf8(source_.text().substr(offset)).length;
    return offset;
  }

  syntax::detail::Source source_;
  syntax::Tree tree_;
  std::string_view margin_;
  std::vector<Line> lines_;
};

} // namespace step::codegen
