// SPDX-License-Identifier: MIT
// Reads JSON that a server sent: bounded in depth and memory, lenient where servers are sloppy (broken UTF-8,
// lone surrogates, numbers in odd shape), and without a way to ask for what is not there.
#pragma once

#include "strata/llm/codecs/utf8.hpp"
#include "strata/llm/token_usage.hpp"

#include <boost/json/memory_resource.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>

namespace strata::llm {

namespace detail {

// Memory for one document, given back all at once; refuses to grow beyond a limit.
class bounded_memory final : public boost::json::memory_resource {
 public:
  explicit bounded_memory(std::size_t limit) : left_(limit) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    return memory_.allocate(bytes, align);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t left_;
  boost::json::monotonic_resource memory_;
};

// Replaces what is no UTF-8, and escaped surrogates without their partner.
inline std::string repaired_json(std::string_view text) {
  const auto surrogate = [&](std::size_t at) -> unsigned { // the value of \uXXXX at `at`, or 0
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
    unsigned value = 0;
    for (std::size_t i = at + 2; i < at + 6; ++i) {
      const char c = text[i];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return 0;
      value = value * 16 + static_cast<unsigned>(digit);
    }
    return value >= 0xD800 && value <= 0xDFFF ? value : 0;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      const unsigned first = surrogate(i);
      if (first == 0) {
        if (static_cast<unsigned char>(text[i + 1]) < 0x80) {
          out.append(text, i, 2);
          i += 2;
        } else {
          out += text[i++];
        }
      } else if (first < 0xDC00 && surrogate(i + 6) >= 0xDC00) {
        out.append(text, i, 12);
        i += 12;
      } else {
        out += "\\ufffd";
        i += 6;
      }
      continue;
    }
    const std::size_t n = utf8_sequence(text.substr(i));
    if (n == 0)
      out += replacement_character;
    else
      out.append(text, i, n);
    i += n == 0 ? 1 : n;
  }
  return out;
}

} // namespace detail

/// One JSON document, or nothing. At most 64 levels deep; memory at most `limit` bytes.
[[nodiscard]] inline std::optional<boost::json::value> read_json(std::string_view text,
                                                                 std::size_t limit = std::size_t{64} << 20U) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= 0x20) text.remove_prefix(1);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  boost::json::parse_options lenient;
  lenient.max_depth = 64;
  const auto attempt = [&](std::string_view s) -> std::optional<boost::json::value> {
    try {
      boost::json::error_code error;
      auto value =
          boost::json::parse({s.data(), s.size()}, error,
                             boost::json::make_shared_resource<detail::bounded_memory>(limit), lenient);
      if (error) return std::nullopt;
      return value;
    } catch (const std::exception&) { // out of the memory it may use
      return std::nullopt;
    }
  };
  if (auto value = attempt(text)) return value;
  const std::string repaired = detail::repaired_json(text);
  return repaired == text ? std::nullopt : attempt(repaired);
}

/// The member of an object; null if `from` is null or no object, or the member is absent or null.
[[nodiscard]] inline const boost::json::value* member(const boost::json::value* from,
                                                      std::string_view name) noexcept {
  if (from == nullptr || !from->is_object()) return nullptr;
  const auto* found = from->get_object().if_contains({name.data(), name.size()});
  return found == nullptr || found->is_null() ? nullptr : found;
}

/// The string, or empty.
[[nodiscard]] inline std::string text_of(const boost::json::value* v) {
  if (v == nullptr || !v->is_string()) return {};
  std::string text(v->get_string().data(), v->get_string().size());
  make_valid_utf8(text);
  return text;
}

/// A count: an integer, also written as 12.0 or 1e3, from 0 to `largest_count`.
[[nodiscard]] inline std::optional<std::uint64_t> count_of(const boost::json::value* v) noexcept {
  if (v == nullptr) return std::nullopt;
  if (v->is_uint64() && v->get_uint64() <= largest_count) return v->get_uint64();
  if (v->is_int64() && v->get_int64() >= 0) {
    const auto n = static_cast<std::uint64_t>(v->get_int64());
    return n <= largest_count ? std::optional(n) : std::nullopt;
  }
  if (v->is_double()) {
    const double d = v->get_double();
    if (d >= 0 && d <= static_cast<double>(largest_count) && std::floor(d) == d)
      return static_cast<std::uint64_t>(d);
  }
  return std::nullopt;
}

/// There is something that is no count.
[[nodiscard]] inline bool miscounted(const boost::json::value* v) noexcept {
  return v != nullptr && !count_of(v);
}

/// A code that is a string with some servers and a number with others.
[[nodiscard]] inline std::string code_of(const boost::json::value* v) {
  if (v == nullptr) return {};
  if (v->is_string()) return text_of(v);
  if (v->is_int64()) return std::to_string(v->get_int64());
  if (const auto n = count_of(v)) return std::to_string(*n);
  return {};
}

} // namespace strata::llm
