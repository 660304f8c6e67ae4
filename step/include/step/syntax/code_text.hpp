// SPDX-License-Identifier: MIT
// How much code a text holds: comments, blank lines and trailing blanks do not count.
// Works on any text, whether or not it parses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace step::syntax {

/// `text` without comments, blank lines, trailing blanks and the indentation of its first line; lines end in
/// '\n'. Strings are kept as they are. Linear in the text.
inline std::string code_only(std::string_view text) {
  std::string out, line;
  std::size_t base = std::string::npos; // indentation of the first line of code
  char quote = 0;
  bool triple = false, escaped = false; // of the string; its line ends in a backslash
  bool continued = false;               // the line began inside a string
  auto end_line = [&] {
    if (quote == 0) line.erase(line.find_last_not_of(" \t\f\r") + 1);
    if (!line.empty() || quote != 0 || continued) {
      std::size_t indentation = std::min(line.find_first_not_of(" \t"), line.size());
      if (base == std::string::npos) base = indentation;
      indentation = continued ? 0 : std::min(indentation, base);
      out.append(line, indentation).push_back('\n');
    }
    line.clear();
    if (!triple && !escaped) quote = 0; // an unterminated string ends with its line
    escaped = false;
    continued = quote != 0;
  };
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      end_line();
      continue;
    }
    const bool three = i + 2 < text.size() && text[i + 1] == c && text[i + 2] == c;
    if (quote == 0 && c == '#') {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
      continue;
    }
    line.push_back(c);
    if (quote != 0 && c == '\\') {
      const std::size_t next = i + 1 + (text.substr(i + 1).starts_with("\r\n") ? 1 : 0);
      escaped = next < text.size() && text[next] == '\n';
      if (!escaped && next < text.size()) line.push_back(text[++i]);
    } else if (quote == 0 ? c == '"' || c == '\'' : c == quote && (!triple || three)) {
      if (quote == 0) triple = three;
      if (triple) line.append(2, c), i += 2;
      quote = quote == 0 ? c : '\0';
    }
  }
  end_line();
  return out;
}

/// Lines of code.
inline std::size_t code_lines(std::string_view text) {
  const std::string code = code_only(text);
  return static_cast<std::size_t>(std::count(code.begin(), code.end(), '\n'));
}

/// Characters of code, line ends included.
inline std::size_t code_length(std::string_view text) {
  const std::string code = code_only(text);
  return static_cast<std::size_t>(
      std::count_if(code.begin(), code.end(), [](char c) { // UTF-8: count first bytes
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      }));
}

} // namespace step::syntax
