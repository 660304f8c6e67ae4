// SPDX-License-Identifier: MIT
// What the scripted server puts on the wire for one request: bytes, pauses between them, and how it ends.
// Framing is done here, because some of it has to be wrong on purpose.
#pragma once

#include "strata/llm/mock/prices.hpp"
#include "strata/llm/token_usage.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::llm::mock {

/// What happens to the connection afterwards.
enum class ending : std::uint8_t {
  keep,       ///< the next request may come
  close,      ///< closed in order
  idle_close, ///< closed in order without having said so
  reset,      ///< TCP reset
  hold,       ///< nothing for settings::silence_for, then a reset
};

/// What is to be counted once it is known whether the reply arrived.
struct receipt {
  std::string model{};
  std::uint64_t identity = 0;
  std::uint64_t first = 0; ///< sample number of the first choice
  std::uint64_t choices = 0;
  bool numbered = false; ///< the numbers were taken from the conversation's counter, not from a seed
  bool usable = true;    ///< false: broken on purpose
  token_usage used{};
  picodollars cost = 0;
  std::optional<std::uint64_t> logged{}; ///< where the log has its line
};

struct script {
  struct piece {
    double delay_ms = 0; ///< before it
    std::size_t size = 0;
  };
  std::string bytes{};
  std::vector<piece> pieces{}; ///< of `bytes`, in order; all of it
  ending end = ending::keep;
  bool break_next_connection = false;
  std::optional<receipt> counts{};

  /// Adds a piece.
  void say(std::string_view text, double delay_ms = 0) {
    bytes += text;
    pieces.push_back({delay_ms, text.size()});
  }
  /// Adds to the last piece.
  void go_on(std::string_view text) {
    bytes += text;
    if (pieces.empty()) pieces.push_back({});
    pieces.back().size += text.size();
  }
};

[[nodiscard]] inline std::string_view reason_of(int status) noexcept {
  switch (status) {
  case 200:
    return "OK";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 402:
    return "Payment Required";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Payload Too Large";
  case 422:
    return "Unprocessable Entity";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  default:
    return "Unknown";
  }
}

/// Status line and headers up to the blank line, which is not included. `more` are whole lines.
[[nodiscard]] inline std::string http_head(int status, std::string_view type, std::string_view more) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out += reason_of(status);
  out += "\r\ncontent-type: ";
  out += type;
  out += "\r\n";
  out += more;
  return out;
}

/// The end of a head for a body of that size.
[[nodiscard]] inline std::string sized(std::size_t bytes) {
  return "content-length: " + std::to_string(bytes) + "\r\n\r\n";
}
inline constexpr std::string_view chunked = "transfer-encoding: chunked\r\n\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// One chunk of a body; nothing for nothing, since an empty chunk would be the last.
[[nodiscard]] inline std::string chunk(std::string_view data) {
  if (data.empty()) return {};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string size;
  for (std::size_t n = data.size(); n != 0; n /= 16) size.insert(size.begin(), digits[n % 16]);
  std::string out;
  out.reserve(data.size() + size.size() + 4);
  out += size;
  out += "\r\n";
  out += data;
  out += "\r\n";
  return out;
}

/// The data in gzip's format, in stored blocks: valid for every reader, and no compressor is needed. O(data).
[[nodiscard]] inline std::string gzip(std::string_view data) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  const auto number = [&](std::uint32_t n, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((n >> (8 * i)) & 0xFFU);
  };
  std::string_view left = data;
  do {
    const std::string_view block = left.substr(0, 65535);
    left.remove_prefix(block.size());
    out += left.empty() ? '\1' : '\0';
    number(static_cast<std::uint32_t>(block.size()), 2);
    number(~static_cast<std::uint32_t>(block.size()), 2);
    out += block;
  } while (!left.empty());
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  number(~crc, 4);
  number(static_cast<std::uint32_t>(data.size()), 4);
  return out;
}

} // namespace strata::llm::mock
