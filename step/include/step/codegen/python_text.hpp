// SPDX-License-Identifier: MIT
// Putting foreign text into a generated Python file so that it stays where it was put: literals are escaped,
// and code is indented line by line except inside string literals, whose content it must not change.
#pragma once

#include "step/fault.hpp"
#include "step/syntax/lexer.hpp"
#include "step/syntax/parser.hpp"
#include "step/syntax/scope_tree.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

/// Throws Fault for what the language allows and Python does not compile inside a function: an import of `*`,
/// a `nonlocal` of what no function around binds, and nesting beyond Python's limits.
class CompilableCheck {
 public:
  CompilableCheck(const syntax::Tree& tree, std::span<const std::string> parameters)
      : scopes_(tree), parameters_(parameters) {
    if (tree.root->height > most_levels)
      throw Fault{
          FaultKind::limit, "the code is nested more deeply than Python can compile; use fewer levels", {}};
    functions_.push_back(&scopes_.of(*tree.root));
    visit(*tree.root);
  }

 private:
  static constexpr int most_levels = 90; // Python: 100 levels of indentation, and a stack for expressions
  static constexpr int most_loops = 20;

  void visit(const syntax::Node& node) {
    using syntax::Kind;
    switch (node.kind) {
    case Kind::import_from:
      if (node.child(0).text == "*")
        throw Fault{FaultKind::rejected,
                    "Python does not allow `from step import *` inside a function, which the text becomes; "
                    "import the "
                    "names one by one",
                    node.at};
      break;
    case Kind::nonlocal:
      for (const auto* name : node.children) nonlocal(*name);
      return;
    case Kind::function:
    case Kind::lambda: {
      for (const auto* parameter : node.child(0).children) visit(*parameter);
      functions_.push_back(&scopes_.of(node));
      const int loops = std::exchange(loops_, 0);
      visit(node.child(1));
      loops_ = loops;
      functions_.pop_back();
      return;
    }
    case Kind::for_loop:
    case Kind::while_loop:
      if (++loops_ > most_loops)
        throw Fault{FaultKind::limit, "Python compiles at most 20 loops inside each other", node.at};
      children(node);
      --loops_;
      return;
    default:
      break;
    }
    children(node);
  }
  void children(const syntax::Node& node) {
    for (const auto* child : node.children)
      if (child != nullptr) visit(*child);
  }
  void nonlocal(const syntax::Node& name) const {
    for (std::size_t i = 0; i + 1 < functions_.size(); ++i)
      if (functions_[i]->names.contains(name.name)) return;
    if (functions_.size() > 1 &&
        std::find(parameters_.begin(), parameters_.end(), name.text) != parameters_.end())
      return;
    throw Fault{FaultKind::rejected,
                "no function around binds `" + std::string(name.text.substr(0, 60)) +
                    "`, which `nonlocal` names; remove it",
                name.at};
  }

  syntax::detail::ScopeTree scopes_;
  std::span<const std::string> parameters_;
  std::vector<const syntax::detail::Scope*> functions_; // around the current node
  int loops_ = 0;
};

/// A piece of Python that can be put into a function without ending it early.
class PythonBlock {
 public:
  /// Throws Fault when the text is not in the language, which is the part of Python that may be put anywhere,
  /// or when Python would not compile it inside a function. `parameters`: of that function.
  explicit PythonBlock(std::string_view text, std::span<const std::string> parameters = {})
      : source_(text, {}), tree_(syntax::parse(text)) {
    const CompilableCheck compilable(tree_, parameters);
    const syntax::ParseLimits limits; // the lexer refers to it
    syntax::detail::Lexer lexer(source_, limits);
    const auto tokens = lexer.program();
    const std::string_view code = source_.text();
    std::vector<bool> in_string(code.size() + 1, false); // line starts only
    bool first = true;
    int brackets = 0;
    for (const auto& token : tokens) {
      using enum syntax::detail::TokenKind;
      const std::string_view word = code.substr(token.begin, token.end - token.begin);
      if (word == "(" || word == "[" || word == "{") {
        if (++brackets > most_brackets)
          throw Fault{FaultKind::limit, "brackets are nested more deeply than Python can compile", {}};
      } else if (word == ")" || word == "]" || word == "}") {
        --brackets;
      }
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

  [[nodiscard]] const syntax::Tree& tree() const { return tree_; }
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
  static constexpr int most_brackets = 150; // Python: 200
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
