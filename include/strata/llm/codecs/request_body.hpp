// SPDX-License-Identifier: MIT
// Writes the JSON of a request member by member, straight into a string.
// Shared by the codecs; there is no tree in between, because a step sends thousands of long prompts.
#pragma once

#include "strata/llm/codecs/utf8.hpp"
#include "strata/llm/model.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// The members of one JSON object. `done()` closes it.
class request_body {
 public:
  explicit request_body(std::size_t about) { text_.reserve(about + 256); }

  /// Begins a member; its value is appended to what is returned.
  std::string& name(std::string_view key) {
    text_ += text_.empty() ? '{' : ',';
    append_json_string(text_, key);
    text_ += ':';
    return text_;
  }
  /// To continue the value of the last member.
  std::string& tail() noexcept { return text_; }
  void add(std::string_view key, std::string_view value) { append_json_string(name(key), value); }
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, bool value) { name(key) += value ? "true" : "false"; }
  void add(std::string_view key, std::uint64_t value) { name(key) += std::to_string(value); }
  void add(std::string_view key, std::uint32_t value) { add(key, std::uint64_t{value}); }
  void add(std::string_view key, double value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    name(key).append(digits, end);
  }
  void add(std::string_view key, const std::vector<std::string>& values) {
    std::string& out = name(key);
    out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out += ',';
      append_json_string(out, values[i]);
    }
    out += ']';
  }
  /// Members that are JSON already, without braces.
  void raw(std::string_view members) {
    if (members.empty()) return;
    text_ += text_.empty() ? '{' : ',';
    text_ += members;
  }
  [[nodiscard]] std::string done() && {
    text_ += text_.empty() ? "{}" : "}";
    return std::move(text_);
  }

 private:
  std::string text_;
};

/// Tokens to be written, at most.
[[nodiscard]] inline std::uint32_t sent_max_tokens(const capabilities& takes,
                                                   const chat_request& q) noexcept {
  return takes.max_output_tokens == 0 ? q.max_tokens : std::min(q.max_tokens, takes.max_output_tokens);
}
/// Nothing if it is not sent.
[[nodiscard]] inline std::optional<double> sent_temperature(const capabilities& takes,
                                                            const chat_request& q) noexcept {
  if (!takes.temperature || !q.temperature) return std::nullopt;
  return std::min(std::max(*q.temperature, takes.min_temperature), takes.max_temperature);
}
/// Choices asked for at once.
[[nodiscard]] inline std::uint32_t sent_choices(const capabilities& takes, const chat_request& q) noexcept {
  if (!takes.temperature_with_n && sent_temperature(takes, q) == 0.0) return 1;
  return std::max(1U, std::min(q.n, takes.max_n));
}

/// What is sent instead of an effort the model does not accept: the nearest, the lower of two equally near.
[[nodiscard]] inline effort accepted_effort(effort wanted, const std::vector<effort>& accepted) noexcept {
  if (wanted == effort::unset || accepted.empty()) return wanted;
  effort best = accepted.front();
  const auto distance = [&](effort e) { return std::abs(static_cast<int>(e) - static_cast<int>(wanted)); };
  for (const effort e : accepted)
    if (distance(e) < distance(best) || (distance(e) == distance(best) && e < best)) best = e;
  return best;
}

} // namespace strata::llm
