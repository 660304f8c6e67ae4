// SPDX-License-Identifier: MIT
// Which names a task may give to its inputs, functions and outputs: identifiers that neither Python nor the
// language uses, so that programs can say them and generated code can contain them.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace step {

/// True for [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] constexpr bool is_identifier(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

[[nodiscard]] constexpr bool is_python_keyword(std::string_view text) {
  constexpr std::array<std::string_view, 35> words = {
      "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
      "class", "continue", "def",   "del",    "elif", "else",   "except", "for",      "finally",
      "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
      "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"};
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// The symbols of sizes that every task has.
[[nodiscard]] constexpr bool is_size_symbol(std::string_view text) {
  return text == "M" || text == "N" || text == "K" || text == "D" || text == "E";
}

/// Empty when a task may use the name; else why not, to follow "the name 'x' ".
[[nodiscard]] inline std::string why_no_name(std::string_view text) {
  if (text.size() > 100) return "is longer than 100 characters";
  if (!is_identifier(text)) return "is not an identifier (letters, digits and _ only)";
  if (is_python_keyword(text)) return "is a Python keyword";
  if (text.starts_with("__")) return "begins with two underscores";
  if (is_size_symbol(text)) return "has a meaning in the language";
  for (const std::string_view word : {"step", "torch", "ctx", "input_data"})
    if (text == word) return "has a meaning in the language";
  return "";
}

} // namespace step
