// SPDX-License-Identifier: MIT
// JSON for the command: bounded reading by Boost.JSON, and writing with plain decimal numbers and well-formed
// UTF-8 whatever the texts contain.
#pragma once

#include "step/syntax/source.hpp"

#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace app {

namespace json = boost::json;

/// The text as a JSON string value; malformed UTF-8 becomes U+FFFD.
[[nodiscard]] inline json::string json_string(std::string_view text) {
  json::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto length = step::syntax::detail::decode_utf8(text.substr(i)).length;
    out.append(length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(i, length));
    i += length == 0 ? 1 : length;
  }
  return out;
}

namespace detail {

inline void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      out.append("\\u00").append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
    else
      out.push_back(c);
  }
  out.push_back('"');
}

inline void write(std::string& out, const json::value& value, int indent, int depth) {
  const auto line = [&](int at) {
    if (indent > 0) out.append(1, '\n').append(static_cast<std::size_t>(indent * at), ' ');
  };
  switch (value.kind()) {
  case json::kind::null:
    out += "null";
    break;
  case json::kind::bool_:
    out += value.get_bool() ? "true" : "false";
    break;
  case json::kind::int64:
    out += std::to_string(value.get_int64());
    break;
  case json::kind::uint64:
    out += std::to_string(value.get_uint64());
    break;
  case json::kind::double_: {
    if (!std::isfinite(value.get_double())) {
      out += "null";
      break;
    }
    std::array<char, 400> buffer{}; // 309 digits, or 324 zeros behind the point and what follows
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value.get_double(),
                                   std::chars_format::fixed)
                         .ptr;
    out.append(buffer.data(), end);
    break;
  }
  case json::kind::string:
    write_string(out, value.get_string());
    break;
  case json::kind::array: {
    const bool flat = depth >= 2; // rows of a table stay on one line
    out.push_back('[');
    bool first = true;
    for (const auto& item : value.get_array()) {
      if (!first) out += indent > 0 && flat ? ", " : ",";
      if (!flat) line(depth + 1);
      write(out, item, flat ? 0 : indent, depth + 1);
      first = false;
    }
    if (!first && !flat) line(depth);
    out.push_back(']');
    break;
  }
  case json::kind::object: {
    const bool flat = depth >= 2;
    out.push_back('{');
    bool first = true;
    for (const auto& [key, item] : value.get_object()) {
      if (!first) out += ",";
      if (flat && indent > 0 && !first) out += " ";
      if (!flat) line(depth + 1);
      write_string(out, key);
      out += indent > 0 ? ": " : ":";
      write(out, item, flat ? 0 : indent, depth + 1);
      first = false;
    }
    if (!first && !flat) line(depth);
    out.push_back('}');
    break;
  }
  }
}

} // namespace detail

/// One line without line feed, or indented when `indent` > 0.
[[nodiscard]] inline std::string to_text(const json::value& value, int indent = 0) {
  std::string out;
  detail::write(out, value, indent, 0);
  return out;
}

/// Parses one JSON text at most 32 levels deep. Returns null and sets `error` when it is malformed.
[[nodiscard]] inline json::value parse_json(std::string_view text, std::string& error) {
  json::error_code code;
  json::parse_options options;
  options.max_depth = 32;
  json::value value = json::parse(text, code, {}, options);
  if (code) {
    error = code.message();
    return nullptr;
  }
  return value;
}

/// Members of an object of unknown content, with a fallback where they are absent or of another kind.
[[nodiscard]] inline const json::value* member(const json::value& object, std::string_view key) {
  return object.is_object() ? object.get_object().if_contains(key) : nullptr;
}
[[nodiscard]] inline std::string text_or(const json::value& object, std::string_view key,
                                         std::string_view other = "") {
  const auto* v = member(object, key);
  return v != nullptr && v->is_string() ? std::string(v->get_string().c_str(), v->get_string().size())
                                        : std::string(other);
}
[[nodiscard]] inline double number_or(const json::value& object, std::string_view key, double other = 0) {
  const auto* v = member(object, key);
  if (v == nullptr || !v->is_number()) return other;
  const double number = v->is_double()  ? v->get_double()
                        : v->is_int64() ? static_cast<double>(v->get_int64())
                                        : static_cast<double>(v->get_uint64());
  return std::isfinite(number) ? number : other;
}
/// A count: 0 .. 2^53, else `other`.
[[nodiscard]] inline std::uint64_t count_or(const json::value& object, std::string_view key,
                                            std::uint64_t other = 0) {
  const double number = number_or(object, key, -1);
  return number >= 0 && number <= 0x1p53 ? static_cast<std::uint64_t>(number) : other;
}
[[nodiscard]] inline bool bool_or(const json::value& object, std::string_view key, bool other = false) {
  const auto* v = member(object, key);
  return v != nullptr && v->is_bool() ? v->get_bool() : other;
}

} // namespace app
