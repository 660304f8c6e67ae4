// SPDX-License-Identifier: MIT
// Makes any bytes valid UTF-8, and writes text as a JSON string.
// What servers send and what prompts contain is never trusted to be well-formed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::llm {

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at the beginning of `text`, 0 if there is none. No overlong
/// forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] constexpr std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  if (text.empty()) return 0;
  const unsigned c = at(0);
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return follows(1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF)
    return follows(1, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  if (c >= 0xF0 && c <= 0xF4)
    return follows(1, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

/// Replaces every byte that is no UTF-8, and every NUL, by U+FFFD. O(text); no allocation if nothing is
/// wrong.
inline void make_valid_utf8(std::string& text) {
  std::size_t good = 0;
  while (good < text.size() && text[good] != '\0') {
    const std::size_t n = utf8_sequence(std::string_view(text).substr(good));
    if (n == 0) break;
    good += n;
  }
  if (good == text.size()) return;
  std::string fixed(text, 0, good);
  for (std::size_t i = good; i < text.size();) {
    const std::size_t n = text[i] == '\0' ? 0 : utf8_sequence(std::string_view(text).substr(i));
    if (n == 0)
      fixed += replacement_character;
    else
      fixed.append(text, i, n);
    i += n == 0 ? 1 : n;
  }
  text = std::move(fixed);
}

/// Appends `text` as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD.
inline void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0; // text[copied, i) goes out as it is
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    if (c >= 0x80)
      if (const std::size_t n = utf8_sequence(text.substr(i)); n != 0) {
        i += n;
        continue;
      }
    out.append(text, copied, i - copied);
    copied = ++i;
    switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      if (c >= 0x80) {
        out += replacement_character;
      } else {
        out += "\\u00";
        out += hex[c >> 4U];
        out += hex[c & 15U];
      }
    }
  }
  out.append(text, copied);
  out += '"';
}

} // namespace strata::llm
