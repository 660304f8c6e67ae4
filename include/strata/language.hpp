// SPDX-License-Identifier: MIT
// What the library must know of the language being written: the type of a task and the type of a program.
// Everything else here is optional and has a default: when two programs are the same, and how long one is.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace strata {

/// A language is a type, usually an empty struct:
/// 1. `L::task`: an object type, what is asked for; only ever read, possibly by several threads at once.
/// 2. `L::program`: a movable type, one answer.
/// 3. `L::isomorphism_key(p)`, optional, static: equal for programs that are the same but for names and
///    layout; equality-comparable, faster with a `std::hash`. Default: the program itself.
/// 4. `L::code_length(p)`, optional, static -> an integer: the shorter, the better a demonstration.
///    Default: `strata::code_length` of a text, else 0.
///
/// The policies call 3 and 4 with correct programs only and on one thread.
template <class L>
concept Language = requires {
  typename L::task;
  typename L::program;
  requires std::is_object_v<typename L::task>;
  requires std::movable<typename L::program>;
};

/// Number of characters of code: blank lines, white space at either end of a line, and comments from
/// `comment` to the end of the line are not counted. A comment sign inside a '..' or ".." literal is code,
/// and so are the characters of a literal that spans lines (''' or """). An empty `comment` means that there
/// are none. O(text).
[[nodiscard]] constexpr std::size_t code_length(std::string_view text,
                                                std::string_view comment = "#") noexcept {
  std::size_t total = 0;
  std::size_t length = 0; // of this line up to its last character that is not a space
  std::size_t width = 0;  // the same with the spaces since
  char quote = 0;         // the literal we are in
  bool long_quote = false;
  const auto count = [&](char c) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
    if (space && length == 0) return;
    ++width;
    if (!space) length = width;
  };
  const auto end_line = [&] {
    total += length;
    length = width = 0;
    if (!long_quote) quote = 0; // an unterminated literal must not swallow the rest
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      end_line();
    } else if (quote != 0) {
      count(c);
      if (c == '\\' && i + 1 < text.size() && text[i + 1] != '\n') {
        count(text[++i]);
      } else if (c == quote) {
        if (!long_quote) {
          quote = 0;
        } else if (text.substr(i, 3) == std::string_view(quote == '"' ? "\"\"\"" : "'''")) {
          count(text[++i]);
          count(text[++i]);
          quote = 0;
          long_quote = false;
        }
      }
    } else if (!comment.empty() && text.substr(i, comment.size()) == comment) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else {
      count(c);
      if (c == '"' || c == '\'') {
        quote = c;
        long_quote = text.substr(i, 3) == std::string_view(c == '"' ? "\"\"\"" : "'''");
        if (long_quote) {
          count(text[++i]);
          count(text[++i]);
        }
      }
    }
  }
  end_line();
  return total;
}

namespace detail {

template <class L>
concept names_length = requires(const typename L::program& p) {
  { L::code_length(p) } -> std::integral;
};

} // namespace detail

/// The length of a program: what `L::code_length` says, else that of its text, else 0.
template <Language L> [[nodiscard]] std::size_t length_of(const typename L::program& program) {
  if constexpr (detail::names_length<L>)
    return static_cast<std::size_t>(L::code_length(program));
  else if constexpr (std::convertible_to<const typename L::program&, std::string_view>)
    return code_length(std::string_view(program));
  else
    return 0;
}

} // namespace strata
