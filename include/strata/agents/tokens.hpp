// SPDX-License-Identifier: MIT
// How many tokens a text has, nearly: tokenizers differ by model, so this counts what most of them do with
// program text. For estimates and reservations only; what is billed is what the provider reports.
#pragma once

#include "strata/llm/message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata::agents {

/// A run of letters counts one token per six, of digits one per three, a run of blanks or line ends one
/// (a single blank belongs to the word behind it), two other signs in a row one, and two bytes outside ASCII
/// one. O(text).
[[nodiscard]] constexpr std::uint64_t approximate_tokens(std::string_view text) noexcept {
  enum class sort : std::uint8_t { letter, digit, blank, sign, other };
  const auto sort_of = [](char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return sort::letter;
    if (c >= '0' && c <= '9') return sort::digit;
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') return sort::blank;
    return static_cast<unsigned char>(c) >= 0x80U ? sort::other : sort::sign;
  };
  std::uint64_t total = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const sort s = sort_of(text[begin]);
    std::size_t end = begin + 1;
    while (end < text.size() && sort_of(text[end]) == s) ++end;
    const std::uint64_t length = end - begin;
    switch (s) {
    case sort::letter:
      total += (length + 5) / 6;
      break;
    case sort::digit:
      total += (length + 2) / 3;
      break;
    case sort::blank:
      total += length == 1 && text[begin] == ' ' ? 0 : 1;
      break;
    case sort::sign:
    case sort::other:
      total += (length + 1) / 2;
      break;
    }
    begin = end;
  }
  return total;
}

/// Fewer tokens than this a text does not have: hardly a token spans two words. O(text).
[[nodiscard]] constexpr std::uint64_t fewest_tokens(std::string_view text) noexcept {
  std::uint64_t words = 0, others = 0;
  bool within = false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    words += letter && !within ? 1 : 0;
    within = letter;
    others += static_cast<unsigned char>(c) >= 0x80U ? 1 : 0;
  }
  return words / 2 + others / 16;
}

/// Of a whole prompt, with four tokens for the frame of each message.
[[nodiscard]] inline std::uint64_t approximate_tokens(const llm::conversation& prompt) noexcept {
  std::uint64_t total = 3;
  for (const llm::message& m : prompt) total += 4 + approximate_tokens(m.text);
  return total;
}

} // namespace strata::agents
