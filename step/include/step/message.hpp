// SPDX-License-Identifier: MIT
// Texts that quote what somebody else wrote, made fit to be shown, stored and sent: of bounded length, and
// without characters that steer a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace step {

/// What a verdict's message may measure, in bytes; with its place in the program at most 2048.
inline constexpr std::size_t longest_message = 2000;

namespace detail {

/// Whether the byte can be shown as it is and is no part of a longer character.
constexpr bool plain(char c) { return (c >= 0x20 && c < 0x7f) || c == '\n'; }

/// The length of the well-formed UTF-8 sequence at the start of `text`, and its code point; 0 when there is
/// none.
inline std::size_t utf8_length(std::string_view text, std::uint32_t& point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  point = first;
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  point = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    point = (point << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = length > 2 && point < (length == 3 ? 0x800U : 0x10000U);
  return overlong || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF) ? 0 : length;
}

/// Controls, and what changes the direction of text.
constexpr bool steers(std::uint32_t c) {
  return (c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/// Bytes and code points as Python writes them: \x1b, \u202e.
inline void append_escape(std::string& out, std::uint32_t c) {
  const bool wide = c > 0xff;
  out += wide ? "\\u" : "\\x";
  for (int shift = wide ? 12 : 4; shift >= 0; shift -= 4)
    out += "0123456789abcdef"[(c >> static_cast<unsigned>(shift)) & 15U];
}

/// Where a character of `text` starts, at or before `at`; for malformed UTF-8 anywhere near.
inline std::size_t character_start(std::string_view text, std::size_t at) {
  for (int i = 0;
       i < 3 && at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; ++i)
    --at;
  return at;
}

} // namespace detail

/// The text, or its beginning and its end with a note between them, in at most `most` >= 128 bytes. No
/// character is cut in two. O(most).
[[nodiscard]] inline std::string clipped(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  constexpr std::size_t note = 48; // at least
  const auto head = detail::character_start(text, (most - note) / 3 * 2);
  auto tail = text.size() - (most - note) / 3;
  while (tail < text.size() && (static_cast<unsigned char>(text[tail]) & 0xC0U) == 0x80U) ++tail;
  return std::string(text.substr(0, head)) + " .. (" + std::to_string(tail - head) + " bytes left out) .. " +
         std::string(text.substr(tail));
}

/// The text as a message of at most `most` >= 256 bytes of well-formed UTF-8: what is too long is clipped in
/// the middle; malformed bytes, controls other than the line feed, and characters that change the direction
/// of text are escaped. O(most), and a look at the text.
[[nodiscard]] inline std::string bounded_message(std::string text, std::size_t most = longest_message) {
  bool fine = text.size() <= most;
  for (std::size_t i = 0; fine && i < text.size(); ++i) fine = detail::plain(text[i]);
  if (fine) return text;
  std::string out;
  const std::string some = clipped(text, most); // escaping only makes it longer
  for (std::size_t i = 0; i < some.size();) {
    std::uint32_t point = 0;
    const auto length = detail::utf8_length(std::string_view(some).substr(i), point);
    if (length == 0 || detail::steers(point))
      detail::append_escape(out, length == 0 ? static_cast<unsigned char>(some[i]) : point);
    else
      out.append(some, i, length);
    i += length == 0 ? 1 : length;
  }
  return clipped(out, most);
}

} // namespace step
