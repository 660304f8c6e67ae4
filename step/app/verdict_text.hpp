// SPDX-License-Identifier: MIT
// A verdict for people and for scripts.
// Both forms are used by more than one command.
#pragma once

#include "json.hpp"

#include "step/verifier/verdict.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace app {

[[nodiscard]] inline json::value affine_json(step::Affine a) {
  if (a == step::Affine::error) return "error";
  return a == step::Affine::pass;
}
[[nodiscard]] inline std::string_view affine_text(step::Affine a) {
  return a == step::Affine::pass ? "pass" : a == step::Affine::violation ? "violation" : "error";
}

/// Adds pass .. seconds to an object; line and column are null when no place is to blame.
inline void put_verdict(json::object& out, const step::Verdict& v, double seconds) {
  out["pass"] = v.pass;
  const auto stage = step::name_of(v.stage);
  out["stage"] = json::string_view(stage.data(), stage.size());
  out["functional"] = v.functional;
  out["published"] = v.published;
  out["affine_flow"] = affine_json(v.affine_flow);
  out["affine_syntactic"] = affine_json(v.affine_syntactic);
  out["line"] = v.at.line == 0 ? json::value(nullptr) : json::value(v.at.line);
  out["column"] = v.at.line == 0 ? json::value(nullptr) : json::value(v.at.column);
  out["message"] = json_string(v.message);
  out["seconds"] = seconds;
}

/// Reads what `put_verdict` wrote; false when the stage is missing or unknown.
[[nodiscard]] inline bool read_verdict(const json::value& in, step::Verdict& v) {
  const auto affine = [&](std::string_view key) {
    const auto* value = member(in, key);
    if (value == nullptr || !value->is_bool()) return step::Affine::error;
    return value->get_bool() ? step::Affine::pass : step::Affine::violation;
  };
  const auto place = [&](std::string_view key) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(count_or(in, key), UINT32_MAX));
  };
  const std::string stage = text_or(in, "stage");
  int i = 0;
  while (i <= static_cast<int>(step::Stage::limit) && step::name_of(static_cast<step::Stage>(i)) != stage)
    ++i;
  if (i > static_cast<int>(step::Stage::limit)) return false;
  v.stage = static_cast<step::Stage>(i);
  v.pass = bool_or(in, "pass");
  v.functional = bool_or(in, "functional");
  v.published = bool_or(in, "published", v.pass); // strata 0.1.0 had no other check
  v.affine_flow = affine("affine_flow");
  v.affine_syntactic = affine("affine_syntactic");
  v.message = text_or(in, "message");
  v.at = {place("line"), place("column")};
  return true;
}

/// Characters that steer a terminal or change how others are shown: controls, line and paragraph separators,
/// the directions of text, what is invisible.
[[nodiscard]] constexpr bool steers(std::uint32_t c) {
  const auto within = [c](std::uint32_t low, std::uint32_t high) { return c >= low && c <= high; };
  return (c < 0x20 && c != '\n') || within(0x7f, 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
         within(0x200b, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f) || c == 0xfeff ||
         within(0xfff9, 0xfffb) || within(0xe0000, 0xe0fff);
}

/// The text without what could steer a terminal. Every text that is not our own passes through it.
[[nodiscard]] inline std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto point = step::syntax::detail::decode_utf8(text.substr(i));
    const bool control = point.length == 0 || steers(point.value);
    if (point.value == '\t' && point.length == 1)
      out += ' ';
    else if (control)
      out += '?';
    else
      out.append(text.substr(i, point.length));
    i += point.length == 0 ? 1 : point.length;
  }
  return out;
}

/// The source line a verdict points at with a caret below; empty when there is none.
[[nodiscard]] inline std::string pointed_line(std::string_view program, step::syntax::Position at) {
  if (at.line == 0) return "";
  std::size_t begin = 0;
  for (std::uint32_t line = 1; line < at.line; ++line) {
    begin = program.find('\n', begin);
    if (begin == std::string_view::npos) return "";
    ++begin;
  }
  std::string_view line = program.substr(begin, program.find('\n', begin) - begin);
  std::uint32_t column = at.column == 0 ? 1 : at.column;
  std::string shown = printable(line.substr(0, 400));
  if (line.size() > 400) shown += " ..";
  const std::string number = std::to_string(at.line);
  const std::size_t width = number.size() < 4 ? 4 : number.size();
  std::string out = std::string(width - number.size(), ' ') + number + " | " + shown + "\n";
  if (column <= 400) out += std::string(width, ' ') + " | " + std::string(column - 1, ' ') + "^\n";
  return out;
}

} // namespace app
