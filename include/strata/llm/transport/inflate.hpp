// SPDX-License-Identifier: MIT
// Undoes gzip and deflate for servers that compress although they were asked not to. The result is bounded,
// so that a small body cannot fill the memory.
#pragma once

#include <boost/beast/zlib/inflate_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::llm::detail {

inline std::uint32_t crc32(std::string_view text) noexcept {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

/// Raw deflate data, at most `most` bytes of it; `used` tells how long the data was.
inline std::optional<std::string> inflated(std::string_view data, std::size_t most, std::size_t& used) {
  boost::beast::zlib::inflate_stream stream;
  boost::beast::zlib::z_params z;
  std::string out;
  char piece[16384];
  z.next_in = data.data();
  z.avail_in = data.size();
  for (;;) {
    z.next_out = piece;
    z.avail_out = sizeof piece;
    boost::beast::error_code error;
    stream.write(z, boost::beast::zlib::Flush::sync, error);
    const std::size_t got = sizeof piece - z.avail_out;
    if (out.size() + got > most) return std::nullopt;
    out.append(piece, got);
    if (error == boost::beast::zlib::error::end_of_stream) break;
    if (error || (got == 0 && z.avail_in == 0)) return std::nullopt;
  }
  used = data.size() - z.avail_in;
  return out;
}

/// The body without its encoding; nothing if it is not what its header says, or too long.
inline std::optional<std::string> decoded_body(std::string_view body, std::string_view encoding,
                                               std::size_t most) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(body[i]); };
  std::size_t used = 0;
  if (encoding == "deflate") { // with the zlib header, or, from some servers, without
    if (body.size() > 6 && (byte(0) & 15U) == 8 && (byte(0) * 256U + byte(1)) % 31 == 0 &&
        (byte(1) & 32U) == 0)
      return inflated(body.substr(2), most, used);
    return inflated(body, most, used);
  }
  if (encoding != "gzip" && encoding != "x-gzip") return std::nullopt;
  if (body.size() < 18 || byte(0) != 0x1F || byte(1) != 0x8B || byte(2) != 8) return std::nullopt;
  const unsigned flags = byte(3);
  std::size_t at = 10;
  if ((flags & 4U) != 0) at += 2U + byte(10) + 256U * byte(11);
  for (const unsigned zero_ended : {8U, 16U})
    if ((flags & zero_ended) != 0) {
      if (at >= body.size()) return std::nullopt;
      const std::size_t end = body.find('\0', at);
      if (end == std::string_view::npos) return std::nullopt;
      at = end + 1;
    }
  if ((flags & 2U) != 0) at += 2;
  if (at + 8 > body.size()) return std::nullopt;
  auto out = inflated(body.substr(at), most, used);
  const std::size_t tail = at + used;
  if (!out || tail + 8 > body.size()) return std::nullopt;
  std::uint32_t sum = 0;
  for (std::size_t i = 4; i-- > 0;) sum = sum << 8U | byte(tail + i);
  if (sum != crc32(*out)) return std::nullopt;
  return out;
}

} // namespace strata::llm::detail
