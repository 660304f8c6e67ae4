// SPDX-License-Identifier: MIT
// HTTP messages as plain data: what codecs make and read, and what the transport carries.
// The key is not part of a request: the transport adds it when it writes to the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// Names are compared without regard to case.
struct http_header {
  std::string name{};
  std::string value{};

  friend bool operator==(const http_header&, const http_header&) = default;
};

/// How the key is sent.
enum class key_header : std::uint8_t { bearer, x_api_key };

/// A POST of JSON. `path` is appended to the base URL.
struct http_request {
  std::string path{};
  std::vector<http_header> headers{};
  std::string body{};
  key_header key = key_header::bearer;
  bool streamed = false; ///< the reply is asked for as server-sent events
};

/// The media type in a Content-Type: in lower case, without parameters and blanks.
[[nodiscard]] inline std::string media_type_of(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  std::string out;
  for (const char c : content_type)
    if (c != ' ' && c != '\t') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// A whole response, with its body decoded.
struct http_response {
  int status = 0;
  std::vector<http_header> headers{};
  std::string body{};

  /// The media type of the body in lower case, without parameters; empty if it is not said. O(headers).
  [[nodiscard]] std::string media_type() const {
    const std::string* type = header("content-type");
    return type == nullptr ? std::string() : media_type_of(*type);
  }
  /// The first header of that name, in lower case; null if there is none. O(headers).
  [[nodiscard]] const std::string* header(std::string_view lower_case_name) const noexcept {
    for (const http_header& h : headers) {
      if (h.name.size() != lower_case_name.size()) continue;
      bool equal = true;
      for (std::size_t i = 0; i < h.name.size() && equal; ++i) {
        const char c = h.name[i];
        equal = (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == lower_case_name[i];
      }
      if (equal) return &h.value;
    }
    return nullptr;
  }
};

} // namespace strata::llm
