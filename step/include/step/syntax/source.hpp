// SPDX-License-Identifier: MIT
// A program text made ready for the lexer: line ends normalised, byte order mark dropped, UTF-8 checked.
// It turns byte offsets into lines and columns in logarithmic time.
#pragma once

#include "step/fault.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace step::syntax {

/// What parsing may cost. Exceeding a limit throws Fault{limit}.
struct ParseLimits {
  std::size_t bytes = std::size_t{256} * 1024; ///< of text
  std::size_t nesting = 200;                   ///< brackets inside brackets; blocks inside blocks: half of it
  std::size_t depth = 1000;                    ///< of the tree: what a recursive consumer has to survive
  /// Accept everything that Python's own parser accepts: constructs outside the language become
  /// `Kind::foreign` and errors that Python finds only after parsing (`break` outside a loop, ..) are
  /// ignored.
  bool whole_python = false;
};

namespace detail {

/// The length of the UTF-8 sequence at the start of `text`, and its code point; length 0 when malformed.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};

inline CodePoint decode_utf8(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return {};
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  std::uint32_t value = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3FU);
  }
  static constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

inline void append_utf8(std::string& out, std::uint32_t c) {
  auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)),
        put(0x80 | (c & 0x3F));
  }
}

class Source {
 public:
  /// Throws Fault{limit} for a text of more than `limits.bytes`, Fault{syntax} for a NUL or malformed UTF-8.
  Source(std::string_view text, const ParseLimits& limits) {
    if (text.size() > limits.bytes || text.size() >= 0x7FFFFFFF)
      throw Fault{
          FaultKind::limit, "the text is longer than " + std::to_string(limits.bytes) + " bytes", {1, 1}};
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    text_.reserve(text.size() + 1);
    for (std::size_t i = 0; i < text.size();) { // a line end of any kind becomes a line feed
      const std::size_t end = std::min(text.find('\r', i), text.size());
      text_.append(text, i, end - i);
      if (end == text.size()) break;
      text_.push_back('\n');
      i = end + (text.substr(end + 1).starts_with('\n') ? 2 : 1);
    }
    if (!text_.ends_with('\n')) text_.push_back('\n');
    index();
  }

  /// The normalised text; it ends in a line feed.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] std::string_view text(std::size_t begin, std::size_t end) const {
    return std::string_view(text_).substr(begin, end - begin);
  }

  [[nodiscard]] Position at(std::size_t offset) const {
    return at(offset, static_cast<std::uint32_t>(std::upper_bound(lines_.begin(), lines_.end(), offset) -
                                                 lines_.begin()));
  }
  /// The same when the line, counted from 1, is known.
  [[nodiscard]] Position at(std::size_t offset, std::uint32_t line) const {
    const std::size_t start = lines_[line - 1];
    const std::size_t column =
        characters_.empty() ? offset - start : characters_[offset] - characters_[start];
    return {line, static_cast<std::uint32_t>(column + 1)};
  }
  /// The line of `offset`, which is not before line `from`; fast when it is near.
  [[nodiscard]] std::uint32_t line_of(std::size_t offset, std::uint32_t from) const {
    while (from < lines_.size() && lines_[from] <= offset) ++from;
    return from;
  }

 private:
  void index() {
    lines_.push_back(0);
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', end + 1))
      lines_.push_back(static_cast<std::uint32_t>(end + 1));
    if (const auto nul = text_.find('\0'); nul != std::string::npos)
      throw Fault{FaultKind::syntax, "the text contains a NUL character", at(nul)};
    unsigned char bits = 0;
    for (const char c : text_) bits = static_cast<unsigned char>(bits | static_cast<unsigned char>(c));
    if (bits < 0x80) return;
    characters_.assign(text_.size() + 1, 0);
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < text_.size();) {
      const std::size_t length = decode_utf8(std::string_view(text_).substr(i)).length;
      characters_[i] = count++;
      if (length == 0) throw Fault{FaultKind::syntax, "the text is not valid UTF-8", at(i)};
      for (std::size_t k = 1; k < length; ++k) characters_[i + k] = count;
      i += length;
    }
    characters_[text_.size()] = count;
  }

  std::string text_;
  std::vector<std::uint32_t> lines_;      // offset of the start of each line
  std::vector<std::uint32_t> characters_; // characters before each offset; empty for an ASCII text
};

} // namespace detail
} // namespace step::syntax
