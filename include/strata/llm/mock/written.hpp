// SPDX-License-Identifier: MIT
// The contents of a reply before it is put into a protocol's shape: texts, why they ended, usage,
// identifiers.
#pragma once

#include "strata/llm/codecs/utf8.hpp"
#include "strata/llm/mock/call.hpp"
#include "strata/llm/token_usage.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::mock {

enum class end_of_text : std::uint8_t { stop, stop_sequence, length, refusal };

/// One choice.
struct written_text {
  std::string text{};
  end_of_text why = end_of_text::stop;
  std::string stopped_at{}; ///< the stop sequence
  std::uint64_t tokens = 0;
};

/// A reply, ready to be rendered.
struct written_reply {
  std::vector<written_text> choices{};
  token_usage used{};
  std::string id{};
  std::string model{};
  std::int64_t created = 0; ///< seconds since 1970
  bool hour_marks = false;
  bool with_usage = true;
  bool odd_numbers = false;
};

/// The longest part of at most `bytes` bytes that does not split a character.
[[nodiscard]] inline std::string_view whole_characters(std::string_view text, std::size_t bytes) noexcept {
  if (bytes >= text.size()) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

/// The text as far as stop sequences and the token limit of the request let it go. O(text * sequences).
[[nodiscard]] inline written_text finish_text(std::string text, const call& q) {
  make_valid_utf8(text);
  written_text out;
  std::size_t end = std::string::npos;
  for (const std::string& s : q.stop)
    if (const std::size_t at = text.find(s); at < end) {
      end = at;
      out.stopped_at = s;
    }
  if (end != std::string::npos) {
    text.resize(end);
    out.why = end_of_text::stop_sequence;
  }
  if (q.max_tokens && tokens_of(text) > *q.max_tokens) {
    text.resize(whole_characters(text, 4 * static_cast<std::size_t>(*q.max_tokens)).size());
    out.why = end_of_text::length;
    out.stopped_at.clear();
  }
  if (q.max_tokens && *q.max_tokens == 0) out.why = end_of_text::length;
  out.tokens = tokens_of(text);
  out.text = std::move(text);
  return out;
}

} // namespace strata::llm::mock
