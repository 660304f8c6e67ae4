// SPDX-License-Identifier: MIT
// Searching text in time linear in its length, whatever it contains: the programs that ask for it are not
// trusted.
#pragma once

#include "step/meter.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace step::interp::detail {

/// Finds one text in others. A long one is searched by Knuth, Morris and Pratt's algorithm.
class Searcher {
 public:
  explicit Searcher(Meter& meter, std::string_view needle) : meter_(meter), needle_(needle) {
    if (needle.size() <= small) return;
    meter_.bytes(needle.size() * 8);
    border_.resize(needle.size() + 1);
    for (std::uint32_t i = 1, k = 0; i < needle.size(); border_[++i] = k) {
      while (k > 0 && needle[i] != needle[k]) k = border_[k];
      if (needle[i] == needle[k]) ++k;
    }
  }
  /// Where `needle` first begins in `text` at or after `from`; npos when nowhere. Charged for what is read.
  [[nodiscard]] std::size_t find(std::string_view text, std::size_t from = 0) const {
    if (from > text.size() || needle_.size() > text.size() - from) return std::string_view::npos;
    const auto result = border_.empty() ? text.find(needle_, from) : long_find(text, from);
    meter_.bytes((result == std::string_view::npos ? text.size() : result) - from + needle_.size());
    return result;
  }

 private:
  static constexpr std::size_t small = 8; // at most so many comparisons for each byte

  [[nodiscard]] std::size_t long_find(std::string_view text, std::size_t from) const {
    std::uint32_t k = 0;
    for (std::size_t i = from; i < text.size(); ++i) {
      while (k > 0 && text[i] != needle_[k]) k = border_[k];
      if (text[i] == needle_[k] && ++k == needle_.size()) return i + 1 - k;
    }
    return std::string_view::npos;
  }

  Meter& meter_;
  std::string_view needle_;
  std::vector<std::uint32_t> border_; ///< [n]: the longest proper border of the first n characters
};

[[nodiscard]] inline std::size_t find(Meter& meter, std::string_view text, std::string_view needle,
                                      std::size_t from = 0) {
  return Searcher(meter, needle).find(text, from);
}

/// Where `needle` last begins in `text`; npos when nowhere.
[[nodiscard]] inline std::size_t find_last(Meter& meter, std::string_view text, std::string_view needle) {
  if (needle.size() > text.size()) return std::string_view::npos;
  meter.bytes(2 * text.size());
  const std::string backwards(text.rbegin(), text.rend()), reversed(needle.rbegin(), needle.rend());
  const auto at = find(meter, backwards, reversed);
  return at == std::string_view::npos ? at : text.size() - at - needle.size();
}

} // namespace step::interp::detail
