// SPDX-License-Identifier: MIT
// BLAKE2b (RFC 7693) without a key, 128 bits long: names texts and requests by their content.
// Chosen because it is cryptographic, fast without special instructions, and `b2sum -l 128` repeats it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::store {

/// 128 bits that two different texts never share in practice.
using digest = std::array<std::uint8_t, 16>;

/// 32 hexadecimal digits.
[[nodiscard]] inline std::string to_hex(const digest& d) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * d.size());
  for (const std::uint8_t byte : d) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

/// Reads what `to_hex` wrote; false if it is something else.
[[nodiscard]] inline bool from_hex(std::string_view text, digest& d) {
  if (text.size() != 2 * d.size()) return false;
  digest read{};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = std::string_view("0123456789abcdef").find(text[i]);
    if (value == std::string_view::npos) return false;
    read[i / 2] = static_cast<std::uint8_t>(std::size_t{read[i / 2]} << 4U | value);
  }
  d = read;
  return true;
}

/// The hash of what was added so far; one use. O(bytes), about 1 GB/s.
class blake2b {
 public:
  void add(std::string_view bytes) noexcept {
    while (!bytes.empty()) {
      if (filled_ == block_.size()) compress(false); // the last block is kept back: it is marked as last
      const std::size_t part = std::min(block_.size() - filled_, bytes.size());
      std::copy_n(bytes.begin(), part, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += part;
      bytes.remove_prefix(part);
    }
  }

  [[nodiscard]] digest finish() noexcept {
    std::fill(block_.begin() + static_cast<std::ptrdiff_t>(filled_), block_.end(), char{0});
    compress(true);
    digest d{};
    for (std::size_t i = 0; i < d.size(); ++i)
      d[i] = static_cast<std::uint8_t>(state_[i / 8] >> (8 * (i % 8)));
    return d;
  }

 private:
  static constexpr std::array<std::uint64_t, 8> start = {
      0x6a09e667f3bcc908U, 0xbb67ae8584caa73bU, 0x3c6ef372fe94f82bU, 0xa54ff53a5f1d36f1U,
      0x510e527fade682d1U, 0x9b05688c2b3e6c1fU, 0x1f83d9abfb41bd6bU, 0x5be0cd19137e2179U};
  static constexpr std::uint8_t order[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                                 {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                                 {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                                 {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                                 {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                                 {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                                 {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                                 {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                                 {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                                 {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

  static constexpr std::uint64_t rotate(std::uint64_t x, unsigned by) noexcept {
    return (x >> by) | (x << (64U - by));
  }

  void compress(bool last) noexcept {
    total_ += filled_;
    std::array<std::uint64_t, 16> m{};
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(m.data(), block_.data(), block_.size());
    } else {
      for (std::size_t i = 0; i < block_.size(); ++i)
        m[i / 8] |= std::uint64_t{static_cast<unsigned char>(block_[i])} << (8 * (i % 8));
    }
    std::array<std::uint64_t, 16> v{};
    std::copy(state_.begin(), state_.end(), v.begin());
    std::copy(start.begin(), start.end(), v.begin() + 8);
    v[12] ^= total_;
    if (last) v[14] = ~v[14];
    const auto mix = [&](std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint64_t x,
                         std::uint64_t y) {
      v[a] += v[b] + x;
      v[d] = rotate(v[d] ^ v[a], 32);
      v[c] += v[d];
      v[b] = rotate(v[b] ^ v[c], 24);
      v[a] += v[b] + y;
      v[d] = rotate(v[d] ^ v[a], 16);
      v[c] += v[d];
      v[b] = rotate(v[b] ^ v[c], 63);
    };
#pragma GCC unroll 12
    for (std::size_t round = 0; round < 12; ++round) {
      const auto& s = order[round % 10];
      mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
      mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
      mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
      mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
      mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
      mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
      mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
      mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (std::size_t i = 0; i < 8; ++i) state_[i] ^= v[i] ^ v[i + 8];
    filled_ = 0;
  }

  // parameter block: 16 bytes of digest, no key, fanout and depth 1
  std::array<std::uint64_t, 8> state_ = {
      start[0] ^ 0x01010010U, start[1], start[2], start[3], start[4], start[5], start[6], start[7]};
  std::array<char, 128> block_{};
  std::size_t filled_ = 0;
  std::uint64_t total_ = 0;
};

/// The hash of one text.
[[nodiscard]] inline digest digest_of(std::string_view text) noexcept {
  blake2b hash;
  hash.add(text);
  return hash.finish();
}

} // namespace strata::store
