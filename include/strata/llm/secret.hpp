// SPDX-License-Identifier: MIT
// A key that cannot be printed, compared or serialised by accident, and the removal of keys from any text.
// Keys come from the environment; the only way out is `reveal_to`, which the transport calls.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// A key. Copies share it; the last one overwrites it in memory.
class secret {
 public:
  secret() = default;
  /// Blanks around it are dropped. Throws std::invalid_argument, without repeating it, if it contains
  /// anything but printable ASCII, since it could not be sent in a header.
  explicit secret(std::string_view value) {
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    for (const char c : value)
      if (c <= 0x20 || c == 0x7f)
        throw std::invalid_argument("the key contains blanks, control characters or letters outside ASCII");
    if (!value.empty()) value_ = std::make_shared<const wiped>(value);
  }

  [[nodiscard]] bool empty() const noexcept { return !value_; }
  /// Appends the key to what goes on the wire.
  void reveal_to(std::string& wire) const {
    if (value_) wire += value_->text;
  }

  bool operator==(const secret&) const = delete;
  template <class Stream> friend Stream& operator<<(Stream& out, const secret&) = delete;

 private:
  static bool blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  struct wiped {
    explicit wiped(std::string_view s) : text(s) {}
    wiped(const wiped&) = delete;
    wiped& operator=(const wiped&) = delete;
    ~wiped() {
      volatile char* p = const_cast<char*>(text.data()); // volatile: not optimised away
      for (std::size_t i = 0; i < text.size(); ++i) p[i] = 0;
    }
    const std::string text;
  };
  std::shared_ptr<const wiped> value_;
};

/// Replaces secrets in text by "[key]": as they are, percent-encoded, JSON-escaped, or cut off at the end of
/// the text. Everything that arrives from a server passes through one before anybody sees it.
class redactor {
 public:
  redactor() = default;
  explicit redactor(const secret& key) { add(key); }

  /// Also removes this one from now on. O(keys).
  void add(const secret& key);
  /// Replaces every occurrence of a key, and of any part of one that tells much of it: also a key that was
  /// cut off, or has a character escaped. O(text * length of the keys).
  void clean(std::string& text) const;
  /// Only whole keys; for long texts, where the other would take its time. Keys of fewer than `shortest`
  /// letters are left alone: in what a model wrote, a short one is a word. O(text * keys).
  void clean_whole(std::string& text, std::size_t shortest = 0) const;
  [[nodiscard]] std::string cleaned(std::string text) const {
    clean(text);
    return text;
  }
  [[nodiscard]] bool empty() const noexcept { return forms_.empty(); }
  /// Whether the text contains a key; those shorter than eight letters do not count.
  [[nodiscard]] bool found_in(std::string_view text) const noexcept {
    for (const std::string& form : forms_)
      if (form.size() >= telling && text.find(form) != std::string_view::npos) return true;
    return false;
  }

  /// Shorter keys are replaced as whole words only: they are no secrets.
  static constexpr std::size_t telling = 8;

 private:
  static constexpr std::string_view mark = "[key]";
  std::vector<std::string> forms_; // no copy of it leaves this class
};

namespace detail {

inline bool is_word_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

} // namespace detail

inline void redactor::add(const secret& key) {
  if (key.empty()) return;
  std::string plain;
  key.reveal_to(plain);
  std::string percent, escaped;
  for (const char c : plain) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    if (detail::is_word_character(c) || c == '.' || c == '~') {
      percent += c;
    } else {
      percent += '%';
      percent += hex[static_cast<unsigned char>(c) >> 4U];
      percent += hex[static_cast<unsigned char>(c) & 15U];
    }
    if (c == '/' || c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  for (std::string* form : {&plain, &percent, &escaped}) {
    bool known = false;
    for (const std::string& f : forms_) known = known || f == *form;
    if (!known) forms_.push_back(std::move(*form));
  }
}

inline void redactor::clean_whole(std::string& text, std::size_t shortest) const {
  for (const std::string& form : forms_) {
    if (form.size() < shortest) continue;
    for (std::size_t at = 0; (at = text.find(form, at)) != std::string::npos;) {
      const std::size_t end = at + form.size();
      const bool inside_word = (at > 0 && detail::is_word_character(text[at - 1])) ||
                               (end < text.size() && detail::is_word_character(text[end]));
      if (form.size() < telling && inside_word) {
        ++at;
        continue;
      }
      text.replace(at, form.size(), mark);
      at += mark.size();
    }
  }
}

inline void redactor::clean(std::string& text) const {
  clean_whole(text);
  constexpr std::size_t part = 10; // more of a key than its usual beginning ("sk-proj-")
  for (const std::string& form : forms_)
    for (std::size_t from = 0; from + part <= form.size(); ++from) {
      const std::string_view piece = std::string_view(form).substr(from, part);
      for (std::size_t at = 0; (at = text.find(piece, at)) != std::string::npos;) {
        std::size_t length = part;
        while (from + length < form.size() && at + length < text.size() &&
               text[at + length] == form[from + length])
          ++length;
        text.replace(at, length, mark);
        at += mark.size();
      }
    }
}

/// The environment, injected so that tests need not change the process's own.
using environment = std::function<std::string(const std::string& name)>; ///< empty if not set

/// The environment of this process.
[[nodiscard]] environment process_environment();

} // namespace strata::llm
