// SPDX-License-Identifier: MIT
// Random choices of the scripted server as pure functions of what is asked, not of when it arrives.
// Equal seeds and requests therefore give equal answers and failures whatever the concurrency.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::llm::mock {

/// Mixes a number into a hash (the finisher of SplitMix64). O(1).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  std::uint64_t z = hash + 0x9E3779B97F4A7C15ULL * (value + 1);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

/// The same for a text, eight bytes at a time. O(text).
[[nodiscard]] inline std::uint64_t mix(std::uint64_t hash, std::string_view text) noexcept {
  std::uint64_t h = hash ^ (0xCBF29CE484222325ULL + text.size());
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    h = (h ^ word) * 0x9FB21C651E98DF25ULL;
    h ^= h >> 32U;
    text.remove_prefix(8);
  }
  std::uint64_t last = 0;
  std::memcpy(&last, text.data(), text.size());
  return mix(h, last);
}

/// A number in [0, 1).
[[nodiscard]] constexpr double unit(std::uint64_t hash) noexcept {
  return static_cast<double>(hash >> 11U) * 0x1p-53;
}

/// An identifier as providers make them: `prefix` and letters and digits.
[[nodiscard]] inline std::string identifier(std::string_view prefix, std::uint64_t hash, std::size_t length) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out(prefix);
  for (std::size_t i = 0; i < length; ++i) {
    if (i % 10 == 0) hash = mix(hash, i);
    out += alphabet[hash % alphabet.size()];
    hash /= alphabet.size();
  }
  return out;
}

} // namespace strata::llm::mock
