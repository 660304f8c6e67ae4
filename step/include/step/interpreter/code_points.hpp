// SPDX-License-Identifier: MIT
// Text is kept as UTF-8; Python counts and indexes code points. What is needed to go from one to the other,
// and the few properties of characters that the language knows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace step::interp::code_points {

[[nodiscard]] inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// How many there are in `s`.
[[nodiscard]] inline std::int64_t count(std::string_view s) {
  return std::ssize(s) - std::count_if(s.begin(), s.end(), is_continuation);
}

/// How many bytes the one that begins at `at` has; at least one also where `s` is not UTF-8.
[[nodiscard]] inline std::size_t width(std::string_view s, std::size_t at) {
  std::size_t end = at + 1;
  while (end < s.size() && is_continuation(s[end])) ++end;
  return end - at;
}

/// The offset of number `index`; requires 0 <= index <= count(s).
[[nodiscard]] inline std::size_t offset(std::string_view s, std::int64_t index) {
  std::size_t at = 0;
  for (; index > 0; --index) at += width(s, at);
  return at;
}

/// Where the last one of a text that is not empty begins.
[[nodiscard]] inline std::size_t last(std::string_view s) {
  auto at = s.size() - 1;
  while (at > 0 && is_continuation(s[at])) --at;
  return at;
}

/// The one that begins at `at`.
[[nodiscard]] inline std::uint32_t decode(std::string_view s, std::size_t at) {
  const auto first = static_cast<unsigned char>(s[at]);
  const auto bytes = width(s, at);
  if (bytes == 1) return first;
  std::uint32_t value = first & (bytes == 2 ? 0x1FU : bytes == 3 ? 0x0FU : 0x07U);
  for (std::size_t i = 1; i < bytes; ++i)
    value = (value << 6U) | (static_cast<unsigned char>(s[at + i]) & 0x3FU);
  return value;
}

/// What str.split() and str.strip() take for a blank.
[[nodiscard]] inline bool is_space(std::uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}
/// What str.splitlines() takes for the end of a line (together with "\r\n").
[[nodiscard]] inline bool is_line_end(std::uint32_t c) {
  return (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}
/// A decimal digit beyond ASCII; beyond the first 65536 code points anything counts as one.
[[nodiscard]] inline bool is_other_digit(std::uint32_t c) {
  constexpr std::uint32_t zeros[] = {0x660,  0x6F0,  0x7C0,  0x966,  0x9E6,  0xA66,  0xAE6,  0xB66,  0xBE6,
                                     0xC66,  0xCE6,  0xD66,  0xDE6,  0xE50,  0xED0,  0xF20,  0x1040, 0x1090,
                                     0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
                                     0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10};
  return c >= 0x10000 || std::any_of(std::begin(zeros), std::end(zeros),
                                     [&](std::uint32_t zero) { return c >= zero && c < zero + 10; });
}
/// Whether repr() shows it as it is: no control, format or private character, no blank other than ' '.
/// Unassigned code points count as printable.
[[nodiscard]] inline bool is_printable(std::uint32_t c) {
  if (c < 0x7F) return c >= 0x20;
  if (c <= 0xA0 || c == 0xAD || is_space(c)) return false;
  constexpr std::uint32_t others[][2] = {
      {0x600, 0x605},     {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},
      {0x8E2, 0x8E2},     {0x180E, 0x180E},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
      {0xD800, 0xF8FF},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
      {0x110CD, 0x110CD}, {0x13430, 0x13438}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0001, 0xE007F},
      {0xF0000, 0x10FFFF}};
  return std::none_of(std::begin(others), std::end(others),
                      [&](const auto& range) { return c >= range[0] && c <= range[1]; });
}

} // namespace step::interp::code_points
