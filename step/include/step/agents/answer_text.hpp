// SPDX-License-Identifier: MIT
// A model's answer as lines: line ends made equal, hidden thinking removed, code fences found.
// Everything is linear in the text, and no text is copied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace step::agents::detail {

using Lines = std::vector<std::string_view>;

[[nodiscard]] inline std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}
[[nodiscard]] inline std::string_view trimmed(std::string_view line) {
  line.remove_prefix(indent_of(line));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  return line;
}
[[nodiscard]] inline bool blank(std::string_view line) { return indent_of(line) == line.size(); }

/// The text with \n as its only line end, without byte order mark and without what stands before the last
/// `</think>`; empty if thinking begins and never ends.
[[nodiscard]] inline std::string normalised(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  constexpr std::string_view opens = "<think>", closes = "</think>";
  if (const auto end = text.rfind(closes); end != std::string_view::npos)
    text.remove_prefix(end + closes.size());
  else if (const auto begin = text.find_first_not_of(" \t\r\n");
           begin != std::string_view::npos && text.substr(begin).starts_with(opens))
    return {};
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

[[nodiscard]] inline Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

/// The lines without the indentation that all of them have, and without blank ones at either end.
[[nodiscard]] inline std::string dedented(const Lines& lines) {
  std::size_t margin = std::string_view::npos;
  std::size_t first = lines.size(), last = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (blank(lines[i])) continue;
    margin = std::min(margin, indent_of(lines[i]));
    first = std::min(first, i);
    last = i;
  }
  std::string out;
  for (std::size_t i = first; first < lines.size() && i <= last; ++i) {
    if (!blank(lines[i])) out += lines[i].substr(margin);
    out += '\n';
  }
  return out;
}

/// What stands between two fences, or outside of all.
struct Block {
  Lines lines;
  bool fenced = false;
  bool open = false; ///< its end is the end of the text: it may be cut off
};

/// The fenced blocks in order, then one with everything outside of them. A fence is a line that begins with
/// three or more backticks or tildes; it ends at the next line of as many and nothing else.
[[nodiscard]] inline std::vector<Block> blocks_of(std::string_view text) {
  std::vector<Block> out;
  Block outside{{}, false, true};
  char sign = 0;
  std::size_t length = 0;
  for (const auto line : lines_of(text)) {
    const auto code = trimmed(line);
    const char c = code.empty() ? ' ' : code.front();
    std::size_t run = 0;
    if (c == '`' || c == '~') run = std::min(code.find_first_not_of(c), code.size());
    if (sign == 0 && run >= 3) {
      sign = c;
      length = run;
      out.push_back({{}, true, true});
    } else if (sign != 0 && c == sign && run >= length && run == code.size()) {
      out.back().open = false;
      sign = 0;
    } else if (sign != 0) {
      out.back().lines.push_back(line);
    } else {
      outside.lines.push_back(line);
    }
  }
  out.push_back(std::move(outside));
  return out;
}

} // namespace step::agents::detail
