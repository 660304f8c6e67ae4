// SPDX-License-Identifier: MIT
// Removes keys from texts, however they are spelt there, in time proportional to the text: a suffix automaton
// of all keys reads the text as it is, and once more while escapes are undone on the way.
#pragma once

#include "strata/llm/secret.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

namespace detail {

inline constexpr bool is_word_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}
inline constexpr int hex_digit(char c) noexcept {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// One character of a text, and how many bytes spell it.
struct spelling {
  std::size_t length = 1;
  int value = -1; ///< -1: none that a key could have
};

/// Undoes one escape: \u0041 \x41 \/ \" (behind any number of backslashes, for JSON within JSON), %41 %2541,
/// &#65; &#x41; &amp;. What is no escape is itself. `at` is below the size.
[[nodiscard]] inline spelling read_spelling(std::string_view text, std::size_t at) noexcept {
  const auto digits = [&](std::size_t from, std::size_t count) { // of a hexadecimal number; -1: it is none
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) {
      const int d = i < text.size() ? hex_digit(text[i]) : -1;
      if (d < 0) return -1;
      value = value * 16 + d;
    }
    return value;
  };
  const char c = text[at];
  if (c == '\\') {
    std::size_t end = at;
    while (end < text.size() && text[end] == '\\') ++end;
    if (end == text.size()) return {end - at, '\\'};
    const char kind = text[end];
    if (kind == 'u' || kind == 'x') {
      const std::size_t count = kind == 'u' ? 4 : 2;
      if (const int value = digits(end + 1, count); value >= 0)
        return {end + 1 + count - at, value < 0x80 ? value : -1};
    }
    const auto byte = static_cast<unsigned char>(kind);
    const bool sign = byte > 0x20 && byte < 0x7f && (!is_word_character(kind) || kind == '_' || kind == '-');
    if (sign && kind != '%' && kind != '&') return {end + 1 - at, kind};
    return {end - at, '\\'};
  }
  if (c == '%') {
    std::size_t from = at + 1;
    while (text.substr(from, 2) == "25" && digits(from + 2, 2) >= 0) from += 2;
    if (const int value = digits(from, 2); value >= 0) return {from + 2 - at, value < 0x80 ? value : -1};
  }
  if (c == '&') {
    for (const auto& [name, value] : {std::pair<std::string_view, char>{"&amp;", '&'},
                                      {"&quot;", '"'},
                                      {"&apos;", '\''},
                                      {"&lt;", '<'},
                                      {"&gt;", '>'}})
      if (text.substr(at, name.size()) == name) return {name.size(), value};
    if (text.substr(at, 2) == "&#") {
      std::size_t end = at + 2;
      const bool hex = end < text.size() && (text[end] == 'x' || text[end] == 'X');
      if (hex) ++end;
      int value = 0;
      const std::size_t first = end;
      for (; end < text.size() && end < first + 7; ++end) {
        const int d = hex_digit(text[end]);
        if (d < 0 || (!hex && d > 9)) break;
        value = std::min(value * (hex ? 16 : 10) + d, 0x100);
      }
      if (end > first && end < text.size() && text[end] == ';')
        return {end + 1 - at, value < 0x80 ? value : -1};
    }
  }
  const auto byte = static_cast<unsigned char>(c);
  return {1, byte < 0x80 ? byte : -1};
}

/// Finds parts of some words in a text whose escapes are undone. Immutable; states are at most twice as many
/// as the letters of the words.
class word_parts {
 public:
  explicit word_parts(const std::vector<std::string>& words) {
    class_of_.fill(0);
    for (const std::string& w : words)
      for (const char c : w)
        if (auto& k = class_of_[static_cast<unsigned char>(c)]; k == 0)
          k = static_cast<std::uint8_t>(classes_++);
    build(words);
    for (const char c : {'\\', '%', '&'}) class_of_[static_cast<unsigned char>(c)] |= escape;
  }

  /// Calls `found(begin, end)`, in order, for every longest piece of the text that is a part of a word and
  /// has at least `part` characters or contains a whole word; with `part` 0 for every whole word. Pieces do
  /// not overlap. Stops when it returns false. O(text).
  /// What looks like an escape is one, or with `as_it_is` never: a word may follow on something that its
  /// first letters look like a part of, as in \ud83 in front of one that begins with f.
  template <class F> void find(std::string_view text, std::size_t part, bool as_it_is, F&& found) const {
    std::vector<std::size_t> begins(std::size_t{2} << bits_of(longest_)); // of the last characters
    const std::size_t mask = begins.size() - 1;
    std::uint32_t state = 0, length = 0;
    std::size_t count = 0; // of characters
    std::size_t from = 0, to = 0;
    bool pending = false;
    // Eight characters without an escape, whose last two no word has side by side, rule out every piece that
    // begins with one of the first seven.
    const bool may_skip = std::min(part == 0 ? shortest_ : part, shortest_) >= window;
    const auto skip = [&](std::size_t at) {
      while (at + window <= text.size() && !side_by_side(text[at + window - 2], text[at + window - 1]) &&
             (as_it_is || !holds_escape(text.data() + at)))
        at += window - 1;
      return at;
    };
    for (std::size_t at = may_skip ? skip(0) : 0; at < text.size();) {
      std::size_t next = at + 1;
      std::uint8_t letter = class_of_[static_cast<unsigned char>(text[at])];
      if ((letter & escape) != 0 && as_it_is) {
        letter = static_cast<std::uint8_t>(letter & ~escape);
      } else if ((letter & escape) != 0) {
        const spelling s = read_spelling(text, at);
        next = at + s.length;
        letter = s.value < 0
                     ? std::uint8_t{0}
                     : static_cast<std::uint8_t>(class_of_[static_cast<std::size_t>(s.value)] & ~escape);
      }
      step t = steps_[state * classes_ + letter];
      if (pending && t.longest != goes_on) {
        if (!found(from, to)) return;
        pending = false;
        t = steps_[letter];
        length = 0;
      }
      begins[count++ & mask] = at;
      state = t.to;
      length = std::min(length + 1, t.longest);
      const std::uint32_t whole =
          whole_[state].length <= length ? whole_[state].length : whole_[state].shorter;
      const std::uint32_t taken = part != 0 && length >= part ? length : whole;
      if (taken != 0) {
        const std::size_t begin = begins[(count - taken) & mask];
        from = pending ? std::min(from, begin) : begin;
        to = next;
        pending = true;
      } else if (may_skip && !pending && length < window - 1 && t.longest != goes_on) {
        const std::size_t begin = length == 0 ? next : begins[(count - length) & mask];
        if (const std::size_t later = skip(begin); later != begin) {
          state = length = 0;
          next = later;
        }
      }
      at = next;
    }
    if (pending) found(from, to);
  }

 private:
  static constexpr std::uint8_t escape = 0x80;
  static constexpr std::uint32_t goes_on = UINT32_MAX;
  /// Where a letter leads, and how long what has been read is then at most.
  struct step {
    std::uint32_t to = 0;
    std::uint32_t longest = 0;
  };
  /// The longest word that what has been read ends with: if that is long enough, and else.
  struct ending {
    std::uint32_t length = 0;
    std::uint32_t shorter = 0;
  };

  static constexpr std::size_t window = 8;
  static bool holds_escape(const char* eight) noexcept {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, eight, window);
    const auto has = [&](char c) { // a byte that is zero after the exclusive or
      const std::uint64_t x = bytes ^ (0x0101010101010101U * static_cast<unsigned char>(c));
      return ((x - 0x0101010101010101U) & ~x & 0x8080808080808080U) != 0;
    };
    return has('\\') || has('%') || has('&');
  }
  static std::size_t pair_of(char a, char b) noexcept {
    return std::size_t{static_cast<unsigned char>(a)} * 256 + static_cast<unsigned char>(b);
  }
  [[nodiscard]] bool side_by_side(char a, char b) const noexcept { return pairs_[pair_of(a, b)]; }

  static unsigned bits_of(std::size_t n) noexcept {
    unsigned bits = 0;
    for (; n != 0; n /= 2) ++bits;
    return bits;
  }

  void build(const std::vector<std::string>& words) {
    struct node {
      std::uint32_t length = 0;
      std::int64_t link = -1;
    };
    std::vector<node> nodes(1);
    std::vector<std::uint32_t> direct(classes_, 0); // 0: none, since nothing leads back to the beginning
    const auto add = [&](std::uint32_t length) {
      nodes.push_back({length, 0});
      direct.resize(direct.size() + classes_, 0);
      return static_cast<std::uint32_t>(nodes.size() - 1);
    };
    const auto split = [&](std::int64_t p, std::uint32_t q, std::size_t c) { // a copy of q for shorter texts
      const std::uint32_t copy = add(nodes[static_cast<std::size_t>(p)].length + 1);
      std::copy_n(direct.begin() + static_cast<std::ptrdiff_t>(q * classes_), classes_,
                  direct.begin() + static_cast<std::ptrdiff_t>(copy * classes_));
      nodes[copy].link = nodes[q].link;
      nodes[q].link = copy;
      for (; p >= 0 && direct[static_cast<std::size_t>(p) * classes_ + c] == q;
           p = nodes[static_cast<std::size_t>(p)].link)
        direct[static_cast<std::size_t>(p) * classes_ + c] = copy;
      return copy;
    };
    std::vector<std::uint32_t> ends;
    for (const std::string& w : words) {
      std::uint32_t last = 0;
      longest_ = std::max(longest_, w.size());
      shortest_ = std::min(shortest_, w.size());
      for (std::size_t i = 1; i < w.size(); ++i) pairs_.set(pair_of(w[i - 1], w[i]));
      for (const char letter : w) {
        const std::size_t c = class_of_[static_cast<unsigned char>(letter)];
        if (const std::uint32_t q = direct[last * classes_ + c]; q != 0) { // another word has this part
          last = nodes[q].length == nodes[last].length + 1 ? q : split(last, q, c);
          continue;
        }
        const std::uint32_t now = add(nodes[last].length + 1);
        std::int64_t p = last;
        for (; p >= 0 && direct[static_cast<std::size_t>(p) * classes_ + c] == 0;
             p = nodes[static_cast<std::size_t>(p)].link)
          direct[static_cast<std::size_t>(p) * classes_ + c] = now;
        if (p >= 0) {
          const std::uint32_t q = direct[static_cast<std::size_t>(p) * classes_ + c];
          nodes[now].link =
              nodes[q].length == nodes[static_cast<std::size_t>(p)].length + 1 ? q : split(p, q, c);
        }
        last = now;
      }
      ends.push_back(last);
    }
    std::vector<std::uint32_t> by_length(nodes.size());
    for (std::uint32_t i = 0; i < by_length.size(); ++i) by_length[i] = i;
    std::stable_sort(by_length.begin(), by_length.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return nodes[a].length < nodes[b].length; });
    whole_.resize(nodes.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
      // a later word may have split the state, but never moved the word's own end to a shorter one
      auto& w = whole_[ends[i]].length;
      w = std::max(w, static_cast<std::uint32_t>(words[i].size()));
    }
    steps_.resize(nodes.size() * classes_);
    for (const std::uint32_t s : by_length) {
      const std::int64_t link = nodes[s].link;
      if (link >= 0) {
        const ending& above = whole_[static_cast<std::size_t>(link)];
        whole_[s].shorter = above.length != 0 ? above.length : above.shorter;
        if (whole_[s].length == 0) whole_[s].length = whole_[s].shorter;
      }
      for (std::size_t c = 1; c < classes_; ++c) {
        step& t = steps_[s * classes_ + c];
        if (const std::uint32_t to = direct[s * classes_ + c]; to != 0) {
          t = {to, goes_on};
        } else if (link >= 0) {
          t = steps_[static_cast<std::size_t>(link) * classes_ + c];
          t.longest = std::min(t.longest, nodes[static_cast<std::size_t>(link)].length + 1);
        }
      }
    }
  }

  std::array<std::uint8_t, 256> class_of_{};
  std::size_t classes_ = 1; // 0: letters that no word has
  std::size_t longest_ = 0;
  std::size_t shortest_ = SIZE_MAX;
  std::bitset<65536> pairs_; // letters that are neighbours in a word
  std::vector<step> steps_;
  std::vector<ending> whole_;
};

} // namespace detail

/// Replaces secrets in text by "[key]": as they are, with any of their letters escaped as in JSON, URLs or
/// HTML, or in base64. Everything that arrives from a server passes through one before anybody sees it.
/// Copies share what they know.
class redactor {
 public:
  redactor() = default;
  explicit redactor(const secret& key) { add(key); }

  /// Also removes this one from now on. O(keys).
  void add(const secret& key);
  /// Replaces every occurrence of a key, and of any part of one that tells much of it: ten characters.
  /// O(text).
  void clean(std::string& text) const { replace(text, telling_part, 0); }
  /// Only whole keys, for what a model wrote. Keys of fewer than `shortest` letters are left alone: there, a
  /// short one is a word. O(text * keys shorter than `telling`).
  void clean_whole(std::string& text, std::size_t shortest = 0) const { replace(text, 0, shortest); }
  [[nodiscard]] std::string cleaned(std::string text) const {
    clean(text);
    return text;
  }
  [[nodiscard]] bool empty() const noexcept { return words_.empty() && short_.empty(); }
  /// Whether the text contains a key; those shorter than `telling` letters do not count. O(text).
  [[nodiscard]] bool found_in(std::string_view text) const {
    bool found = false;
    const auto note = [&](std::size_t, std::size_t) { return !(found = true); };
    if (parts_) parts_->find(text, 0, true, note);
    if (parts_ && !found && may_escape(text)) parts_->find(text, 0, false, note);
    return found;
  }

  /// Shorter keys are replaced as whole words only: they are no secrets.
  static constexpr std::size_t telling = 8;

 private:
  static constexpr std::string_view mark = "[key]";
  static constexpr std::size_t telling_part = 10; // more of a key than its usual beginning ("sk-proj-")
  void replace(std::string& text, std::size_t part, std::size_t shortest) const;
  static bool may_escape(std::string_view text) noexcept {
    return text.find('\\') != std::string_view::npos || text.find('%') != std::string_view::npos ||
           text.find('&') != std::string_view::npos;
  }

  // no copy of these leaves this class
  std::vector<std::string> words_; // what is looked for anywhere
  std::vector<std::string> short_;
  std::shared_ptr<const detail::word_parts> parts_;
};

inline void redactor::add(const secret& key) {
  if (key.empty()) return;
  std::string plain;
  key.reveal_to(plain);
  const auto know = [](std::vector<std::string>& all, std::string word) {
    if (std::find(all.begin(), all.end(), word) == all.end()) all.push_back(std::move(word));
  };
  if (plain.size() < telling) return know(short_, std::move(plain));
  std::string word; // as it is read: a key may itself look like an escape
  for (std::size_t at = 0; at < plain.size();) {
    const auto s = detail::read_spelling(plain, at);
    if (s.value >= 0) word += static_cast<char>(s.value);
    at += s.length;
  }
  if (!word.empty()) know(words_, std::move(word));
  know(words_, plain);
  constexpr std::size_t longest_encoded = 512;
  if (plain.size() <= longest_encoded)
    for (const std::string_view letters :
         {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"})
      for (std::size_t before = 0; before < 3; ++before) { // bytes in front of it: three alignments
        std::string encoded;
        const auto bit = [&](std::size_t i) {
          return static_cast<unsigned char>(plain[i / 8 - before]) >> (7 - i % 8) & 1U;
        };
        const std::size_t end = 8 * (before + plain.size()) / 6;
        for (std::size_t i = (8 * before + 5) / 6; i < end; ++i) {
          unsigned value = 0;
          for (std::size_t k = 0; k < 6; ++k) value = value << 1U | bit(6 * i + k);
          encoded += letters[value];
        }
        know(words_, std::move(encoded));
      }
  parts_ = std::make_shared<const detail::word_parts>(words_);
}

inline void redactor::replace(std::string& text, std::size_t part, std::size_t shortest) const {
  std::string out;
  std::size_t done = 0;
  const auto put = [&](std::size_t begin, std::size_t end) {
    out.append(text, done, begin - done).append(mark);
    done = end;
    return true;
  };
  const auto take = [&] {
    if (done == 0) return;
    out.append(text, done);
    text = std::move(out);
    out.clear();
    done = 0;
  };
  if (parts_) {
    std::vector<std::pair<std::size_t, std::size_t>> pieces;
    const auto note = [&](std::size_t begin, std::size_t end) {
      pieces.emplace_back(begin, end);
      return true;
    };
    parts_->find(text, part, true, note);
    const std::size_t plain = pieces.size();
    if (may_escape(text)) parts_->find(text, part, false, note);
    std::inplace_merge(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(plain), pieces.end());
    for (std::size_t i = 0; i < pieces.size();) { // what overlaps is one
      auto [begin, end] = pieces[i];
      for (++i; i < pieces.size() && pieces[i].first < end; ++i) end = std::max(end, pieces[i].second);
      put(begin, end);
    }
    take();
  }
  for (const std::string& word : short_) {
    if (word.size() < shortest) continue;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
      const std::size_t end = at + word.size();
      const bool inside_word = (at > 0 && detail::is_word_character(text[at - 1])) ||
                               (end < text.size() && detail::is_word_character(text[end]));
      if (inside_word) {
        ++at;
      } else {
        put(at, end);
        at = end;
      }
    }
    take();
  }
}

} // namespace strata::llm
