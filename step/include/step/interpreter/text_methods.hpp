// SPDX-License-Identifier: MIT
// The methods of strings. Included by methods.hpp. Every one is charged for the whole of the texts it is
// given, however little of them it may look at. Letters and digits beyond ASCII are not classified and have
// no case here: methods that would need it refuse such text.
#pragma once

#include "step/interpreter/format.hpp"
#include "step/interpreter/native_arguments.hpp"
#include "step/interpreter/text_search.hpp"

#include <limits>
#include <string>

namespace step::interp {

namespace detail {

// ---- characters

inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_letter(char c) { return is_upper(c) || is_lower(c); }
inline bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
inline char upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }
inline char lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }

inline const std::string& ascii_self(const NativeArguments& a, std::string_view method) {
  const auto& s = a.text(0);
  if (!s.ascii()) beyond_ascii(method);
  return s.text;
}

/// A method that makes the text anew from each character and whether it follows a letter.
template <class F> Value mapped(Interpreter& in, const Arguments& args, std::string_view method, F f) {
  auto out = ascii_self(NativeArguments(args, method), method);
  bool after_letter = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool letter = is_letter(out[i]);
    out[i] = f(out[i], i, after_letter);
    after_letter = letter;
  }
  return in.make_string(std::move(out));
}
/// Whether there are characters and all of them are of a kind.
template <class F> Value every(const Arguments& args, std::string_view method, F f) {
  const auto& s = ascii_self(NativeArguments(args, method), method);
  return Value::boolean(!s.empty() && std::all_of(s.begin(), s.end(), f));
}
/// Whether there are letters and all of them are of a case.
template <class F> Value cased(const Arguments& args, std::string_view method, F wrong) {
  const auto& s = ascii_self(NativeArguments(args, method), method);
  return Value::boolean(std::any_of(s.begin(), s.end(), is_letter) &&
                        std::none_of(s.begin(), s.end(), wrong));
}

// ---- places

/// The part of a text that arguments `first` and `first + 1` select, as bytes; found is false where the start
/// lies behind the end of the text.
struct Part {
  Part(const NativeArguments& a, std::size_t first) : text(a.text(0)) {
    const auto place = [&](std::size_t i, std::int64_t otherwise) {
      const auto v = a[i];
      if (!v.is_set() || v.is_none()) return otherwise;
      if (!v.is_int()) type_error("slice indices must be integers or None or have an __index__ method");
      const auto at = v.as_int();
      return at < 0 ? std::max<std::int64_t>(at, -text.length) + text.length : at;
    };
    const auto from = place(first, 0), to = std::min(place(first + 1, text.length), text.length);
    found = from <= to;
    if (!found) return;
    begin = text.ascii() ? static_cast<std::size_t>(from) : code_points::offset(text.text, from);
    end = text.ascii() ? static_cast<std::size_t>(to) : code_points::offset(text.text, to);
  }
  [[nodiscard]] std::string_view view() const {
    return std::string_view(text.text).substr(begin, end - begin);
  }
  /// The index of the code point at an offset into view().
  [[nodiscard]] std::int64_t index(std::size_t at) const {
    return code_points::count(std::string_view(text.text).substr(0, begin + at));
  }
  const String& text;
  bool found = false;
  std::size_t begin = 0, end = 0;
};

/// find, rfind, index and rindex: -1 or, with `must`, a fault where there is none.
inline Value located(Interpreter& in, const Arguments& args, std::string_view method, bool last, bool must) {
  const NativeArguments a(args, method);
  const auto& part = a.string(1);
  const Part where(a, 2);
  auto at = std::string_view::npos;
  if (where.found)
    at = last ? find_last(in.meter(), where.view(), part) : find(in.meter(), where.view(), part);
  if (at == std::string_view::npos && must) type_error("substring not found");
  return Value::integer(at == std::string_view::npos ? -1 : where.index(at));
}

inline Value counted(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "count");
  const auto& part = a.string(1);
  const Part where(a, 2);
  if (!where.found) return Value::integer(0);
  const auto text = where.view();
  if (part.empty()) return Value::integer(code_points::count(text) + 1);
  const Searcher searcher(in.meter(), part);
  std::int64_t n = 0;
  for (auto at = searcher.find(text); at != std::string_view::npos;
       at = searcher.find(text, at + part.size())) {
    in.meter().step();
    ++n;
  }
  return Value::integer(n);
}

/// startswith and endswith, with one text or a tuple of them.
inline Value affixed(Interpreter& in, const Arguments& args, std::string_view method, bool front) {
  const NativeArguments a(args, method);
  const Part where(a, 2);
  const auto one = [&](Value v) {
    auto* s = v.as<String>();
    if (s == nullptr)
      type_error(std::string(method) + " first arg must be str or a tuple of str, not " +
                 std::string(type_name(v)));
    in.meter().bytes(s->text.size());
    return where.found && (front ? where.view().starts_with(s->text) : where.view().ends_with(s->text));
  };
  auto* many = a[1].as<Tuple>();
  if (many == nullptr) return Value::boolean(one(a[1]));
  for (auto v : many->items) {
    in.meter().step();
    if (one(v)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

// ---- parts

/// strip, lstrip and rstrip, of blanks or of the characters given.
inline Value stripped(Interpreter& in, const Arguments& args, std::string_view method, bool left,
                      bool right) {
  const NativeArguments a(args, method);
  std::string_view s = a.string(0);
  std::vector<std::uint32_t> others; // beyond ASCII
  std::array<bool, 128> remove{};
  const bool blanks = !a[1].is_set() || a[1].is_none();
  if (blanks) {
    for (std::uint32_t c = 0; c < remove.size(); ++c) remove[c] = code_points::is_space(c);
  } else {
    const auto& given = a.string(1);
    for (std::size_t i = 0; i < given.size(); i += code_points::width(given, i)) {
      const auto c = code_points::decode(given, i);
      if (c < remove.size())
        remove[c] = true;
      else
        others.push_back(c);
    }
    std::sort(others.begin(), others.end());
  }
  const auto goes = [&](std::size_t at) {
    const auto c = code_points::decode(s, at);
    if (c < remove.size()) return remove[c];
    in.meter().step();
    return blanks ? code_points::is_space(c) : std::binary_search(others.begin(), others.end(), c);
  };
  while (left && !s.empty() && goes(0)) s.remove_prefix(code_points::width(s, 0));
  while (right && !s.empty()) {
    const auto at = code_points::last(s);
    if (!goes(at)) break;
    s.remove_suffix(s.size() - at);
  }
  return in.make_string(std::string(s));
}

/// The parts between blanks, at most `most` cuts, from the left or from the right.
inline std::vector<Value> words(Interpreter& in, std::string_view s, std::int64_t most, bool from_right) {
  std::vector<std::pair<std::size_t, std::size_t>> spans; // of the words
  std::size_t begin = std::string_view::npos;
  for (std::size_t i = 0; i < s.size(); i += code_points::width(s, i)) {
    if (!code_points::is_space(code_points::decode(s, i))) {
      if (begin == std::string_view::npos) begin = i;
    } else if (begin != std::string_view::npos) {
      in.meter().step();
      spans.emplace_back(begin, i);
      begin = std::string_view::npos;
    }
  }
  if (begin != std::string_view::npos) spans.emplace_back(begin, s.size());
  if (const auto cuts = static_cast<std::uint64_t>(most); most >= 0 && spans.size() > cuts) {
    // what is not cut stays one part, with the blanks inside it and at the end of the text
    if (from_right) {
      const auto rest = spans.size() - static_cast<std::size_t>(cuts);
      spans[rest - 1].first = 0;
      spans.erase(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(rest - 1));
    } else {
      spans.resize(static_cast<std::size_t>(cuts) + 1);
      spans.back().second = s.size();
    }
  }
  std::vector<Value> out;
  for (const auto& [from, to] : spans) out.push_back(in.make_string(std::string(s.substr(from, to - from))));
  return out;
}

inline Value split(Interpreter& in, const Arguments& args, std::string_view method, bool from_right) {
  const NativeArguments a(args, method);
  const std::string_view s = a.string(0);
  const auto most = a.integer(2, -1);
  if (!a[1].is_set() || a[1].is_none()) return in.make_list(words(in, s, most, from_right));
  const auto& by = a.string(1);
  if (by.empty()) type_error("empty separator");
  std::vector<std::string_view> parts;
  if (from_right) {
    // found in the reversed text, so that overlapping separators are cut from the right
    const std::string backwards(s.rbegin(), s.rend()), reversed(by.rbegin(), by.rend());
    const Searcher searcher(in.meter(), reversed);
    std::size_t end = 0;
    for (auto at = searcher.find(backwards);
         at != std::string_view::npos && (most < 0 || std::ssize(parts) < most);
         at = searcher.find(backwards, end)) {
      in.meter().step();
      parts.push_back(s.substr(s.size() - at, at - end));
      end = at + by.size();
    }
    parts.push_back(s.substr(0, s.size() - end));
    std::reverse(parts.begin(), parts.end());
  } else {
    const Searcher searcher(in.meter(), by);
    std::size_t begin = 0;
    for (auto at = searcher.find(s); at != std::string_view::npos && (most < 0 || std::ssize(parts) < most);
         at = searcher.find(s, begin)) {
      in.meter().step();
      parts.push_back(s.substr(begin, at - begin));
      begin = at + by.size();
    }
    parts.push_back(s.substr(begin));
  }
  std::vector<Value> out;
  for (const auto part : parts) out.push_back(in.make_string(std::string(part)));
  return in.make_list(std::move(out));
}

inline Value split_lines(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "splitlines");
  const std::string_view s = a.string(0);
  const bool keep = a[1].is_set() && a.integer(1, 0) != 0;
  std::vector<Value> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < s.size();) {
    const auto c = code_points::decode(s, i);
    const auto end = i;
    i += code_points::width(s, i);
    if (!code_points::is_line_end(c)) continue;
    if (c == '\r' && i < s.size() && s[i] == '\n') ++i;
    out.push_back(in.make_string(std::string(s.substr(begin, (keep ? i : end) - begin))));
    begin = i;
  }
  if (begin < s.size()) out.push_back(in.make_string(std::string(s.substr(begin))));
  return in.make_list(std::move(out));
}

inline Value partition(Interpreter& in, const Arguments& args, bool last) {
  const NativeArguments a(args, last ? "rpartition" : "partition");
  const auto &s = a.string(0), &by = a.string(1);
  if (by.empty()) type_error("empty separator");
  const auto at = last ? find_last(in.meter(), s, by) : find(in.meter(), s, by);
  const auto none = [&] { return in.make_string({}); };
  if (at == std::string::npos) {
    std::vector<Value> parts{none(), none(), a[0]};
    if (!last) std::swap(parts[0], parts[2]);
    return in.make_tuple(std::move(parts));
  }
  std::vector<Value> parts{in.make_string(s.substr(0, at)), a[1], in.make_string(s.substr(at + by.size()))};
  return in.make_tuple(std::move(parts));
}

inline Value join(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "join");
  const auto& separator = a.string(0);
  std::string out;
  bool first = true;
  std::int64_t at = 0;
  for (auto v : in.items(a[1])) {
    auto* s = v.as<String>();
    if (s == nullptr)
      type_error("sequence item " + std::to_string(at) + ": expected str instance, " +
                 std::string(type_name(v)) + " found");
    ++at;
    in.meter().bytes(separator.size() + s->text.size());
    if (!std::exchange(first, false)) out += separator;
    out += s->text;
    if (out.size() > Interpreter::max_text) break; // make_string reports it
  }
  return in.make_string(std::move(out));
}

inline Value replaced(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "replace");
  const auto &s = a.string(0), &from = a.string(1), &to = a.string(2);
  auto left = a.integer(3, -1);
  if (left < 0) left = std::numeric_limits<std::int64_t>::max();
  std::string out;
  std::size_t begin = 0;
  const Searcher searcher(in.meter(), from);
  // an empty text is found before every character and at the end
  const auto next = [&](std::size_t at) {
    return from.empty() ? (at > s.size() ? std::string::npos : at) : searcher.find(s, at);
  };
  for (auto at = next(0); at != std::string::npos && left != 0; --left) {
    in.meter().step();
    in.meter().bytes(to.size());
    out.append(s, begin, at - begin);
    out += to;
    begin = at + from.size();
    if (out.size() > Interpreter::max_text) break; // make_string reports it
    at = from.empty() ? (at == s.size() ? std::string::npos : at + code_points::width(s, at)) : next(begin);
  }
  out.append(s, begin);
  return in.make_string(std::move(out));
}

/// ljust, rjust, center and zfill: the text with `left` and `right` fill characters around it.
inline Value justified(Interpreter& in, const Arguments& args, std::string_view method, char align) {
  const NativeArguments a(args, method);
  const auto& s = a.text(0);
  FormatSpec spec;
  if (a[2].is_set()) {
    if (a.text(2).length != 1) type_error("The fill character must be exactly one character long");
    spec.fill = a.string(2);
  }
  const auto width = a.integer(1, 0);
  if (width <= s.length) return a[0];
  if (width > static_cast<std::int64_t>(Interpreter::max_text))
    throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
  in.meter().bytes(static_cast<std::uint64_t>(width) * spec.fill.size());
  const auto pad = static_cast<std::size_t>(width - s.length);
  if (align == '=') { // zfill: the sign stays in front
    const auto sign = static_cast<std::size_t>(s.text.starts_with('-') || s.text.starts_with('+'));
    return in.make_string(s.text.substr(0, sign) + std::string(pad, '0') + s.text.substr(sign));
  }
  // where the fill is odd, center() puts the larger part on the left only if the width is odd
  const auto left = align == '<'   ? 0
                    : align == '>' ? pad
                                   : pad / 2 + (pad & static_cast<std::size_t>(width) & 1U);
  std::string out;
  for (std::size_t i = 0; i < left; ++i) out += spec.fill;
  out += s.text;
  for (std::size_t i = left; i < pad; ++i) out += spec.fill;
  return in.make_string(std::move(out));
}

inline Value expand_tabs(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "expandtabs");
  const auto& s = a.string(0);
  const auto size = a.integer(1, 8);
  if (size > 1000) throw Fault(FaultKind::limit, "expandtabs() of more than 1000 columns");
  std::string out;
  std::int64_t column = 0;
  for (const char c : s) {
    if (c == '\t') {
      const auto blanks = size > 0 ? size - column % size : 0;
      in.meter().bytes(static_cast<std::uint64_t>(blanks));
      out.append(static_cast<std::size_t>(blanks), ' ');
      column += blanks;
      if (out.size() > Interpreter::max_text) break; // make_string reports it
      continue;
    }
    out += c;
    if (!code_points::is_continuation(c)) ++column;
    if (c == '\n' || c == '\r') column = 0;
  }
  return in.make_string(std::move(out));
}

inline Value title(Interpreter& in, const Arguments& args) {
  return mapped(in, args, "title",
                [](char c, std::size_t, bool after) { return after ? lower(c) : upper(c); });
}

inline Value is_identifier(const Arguments& args) {
  const auto& s = ascii_self(NativeArguments(args, "isidentifier"), "isidentifier");
  return Value::boolean(!s.empty() && !is_ascii_digit(s[0]) && std::all_of(s.begin(), s.end(), [](char c) {
    return is_letter(c) || is_ascii_digit(c) || c == '_';
  }));
}
inline Value is_title(const Arguments& args) {
  const auto& s = ascii_self(NativeArguments(args, "istitle"), "istitle");
  bool letters = false, after = false;
  for (const char c : s) {
    if (is_upper(c) && after) return Value::boolean(false);
    if (is_lower(c) && !after) return Value::boolean(false);
    after = is_letter(c);
    letters = letters || after;
  }
  return Value::boolean(letters);
}

} // namespace detail

inline constexpr Method text_methods[] = {
    {ObjectType::string, "join", "iterable, /", detail::join},
    {ObjectType::string, "split", "sep=, maxsplit=",
     [](Interpreter& in, const Arguments& a) { return detail::split(in, a, "split", false); }},
    {ObjectType::string, "rsplit", "sep=, maxsplit=",
     [](Interpreter& in, const Arguments& a) { return detail::split(in, a, "rsplit", true); }},
    {ObjectType::string, "splitlines", "keepends=", detail::split_lines},
    {ObjectType::string, "partition", "sep, /",
     [](Interpreter& in, const Arguments& a) { return detail::partition(in, a, false); }},
    {ObjectType::string, "rpartition", "sep, /",
     [](Interpreter& in, const Arguments& a) { return detail::partition(in, a, true); }},
    {ObjectType::string, "replace", "old, new, count=, /", detail::replaced},
    {ObjectType::string, "format", "*arguments, **keywords",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "format");
       return in.make_string(
           detail::BraceFormat(in, args.positional.subspan(1), args.keywords).run(a.string(0)));
     }},
    {ObjectType::string, "startswith", "prefix, start=, end=, /",
     [](Interpreter& in, const Arguments& a) { return detail::affixed(in, a, "startswith", true); }},
    {ObjectType::string, "endswith", "suffix, start=, end=, /",
     [](Interpreter& in, const Arguments& a) { return detail::affixed(in, a, "endswith", false); }},
    {ObjectType::string, "removeprefix", "prefix, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "removeprefix");
       const auto &s = a.string(0), &part = a.string(1);
       return in.make_string(s.starts_with(part) ? s.substr(part.size()) : s);
     }},
    {ObjectType::string, "removesuffix", "suffix, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "removesuffix");
       const auto &s = a.string(0), &part = a.string(1);
       return in.make_string(s.ends_with(part) ? s.substr(0, s.size() - part.size()) : s);
     }},
    {ObjectType::string, "find", "sub, start=, end=, /",
     [](Interpreter& in, const Arguments& a) { return detail::located(in, a, "find", false, false); }},
    {ObjectType::string, "rfind", "sub, start=, end=, /",
     [](Interpreter& in, const Arguments& a) { return detail::located(in, a, "rfind", true, false); }},
    {ObjectType::string, "index", "sub, start=, end=, /",
     [](Interpreter& in, const Arguments& a) { return detail::located(in, a, "index", false, true); }},
    {ObjectType::string, "rindex", "sub, start=, end=, /",
     [](Interpreter& in, const Arguments& a) { return detail::located(in, a, "rindex", true, true); }},
    {ObjectType::string, "count", "sub, start=, end=, /", detail::counted},
    {ObjectType::string, "upper", "",
     [](Interpreter& in, const Arguments& a) {
       return detail::mapped(in, a, "upper", [](char c, std::size_t, bool) { return detail::upper(c); });
     }},
    {ObjectType::string, "lower", "",
     [](Interpreter& in, const Arguments& a) {
       return detail::mapped(in, a, "lower", [](char c, std::size_t, bool) { return detail::lower(c); });
     }},
    {ObjectType::string, "casefold", "",
     [](Interpreter& in, const Arguments& a) {
       return detail::mapped(in, a, "casefold", [](char c, std::size_t, bool) { return detail::lower(c); });
     }},
    {ObjectType::string, "swapcase", "",
     [](Interpreter& in, const Arguments& a) {
       return detail::mapped(in, a, "swapcase", [](char c, std::size_t, bool) {
         return detail::is_upper(c) ? detail::lower(c) : detail::upper(c);
       });
     }},
    {ObjectType::string, "capitalize", "",
     [](Interpreter& in, const Arguments& a) {
       return detail::mapped(in, a, "capitalize", [](char c, std::size_t i, bool) {
         return i == 0 ? detail::upper(c) : detail::lower(c);
       });
     }},
    {ObjectType::string, "title", "", detail::title},
    {ObjectType::string, "strip", "chars=, /",
     [](Interpreter& in, const Arguments& a) { return detail::stripped(in, a, "strip", true, true); }},
    {ObjectType::string, "lstrip", "chars=, /",
     [](Interpreter& in, const Arguments& a) { return detail::stripped(in, a, "lstrip", true, false); }},
    {ObjectType::string, "rstrip", "chars=, /",
     [](Interpreter& in, const Arguments& a) { return detail::stripped(in, a, "rstrip", false, true); }},
    {ObjectType::string, "ljust", "width, fillchar=, /",
     [](Interpreter& in, const Arguments& a) { return detail::justified(in, a, "ljust", '<'); }},
    {ObjectType::string, "rjust", "width, fillchar=, /",
     [](Interpreter& in, const Arguments& a) { return detail::justified(in, a, "rjust", '>'); }},
    {ObjectType::string, "center", "width, fillchar=, /",
     [](Interpreter& in, const Arguments& a) { return detail::justified(in, a, "center", '^'); }},
    {ObjectType::string, "zfill", "width, /",
     [](Interpreter& in, const Arguments& a) { return detail::justified(in, a, "zfill", '='); }},
    {ObjectType::string, "expandtabs", "tabsize=", detail::expand_tabs},
    {ObjectType::string, "isdigit", "",
     [](Interpreter&, const Arguments& a) { return detail::every(a, "isdigit", detail::is_ascii_digit); }},
    {ObjectType::string, "isdecimal", "",
     [](Interpreter&, const Arguments& a) { return detail::every(a, "isdecimal", detail::is_ascii_digit); }},
    {ObjectType::string, "isnumeric", "",
     [](Interpreter&, const Arguments& a) { return detail::every(a, "isnumeric", detail::is_ascii_digit); }},
    {ObjectType::string, "isalpha", "",
     [](Interpreter&, const Arguments& a) { return detail::every(a, "isalpha", detail::is_letter); }},
    {ObjectType::string, "isalnum", "",
     [](Interpreter&, const Arguments& a) {
       return detail::every(a, "isalnum",
                            [](char c) { return detail::is_letter(c) || detail::is_ascii_digit(c); });
     }},
    {ObjectType::string, "isspace", "",
     [](Interpreter&, const Arguments& a) {
       return detail::every(a, "isspace",
                            [](char c) { return code_points::is_space(static_cast<unsigned char>(c)); });
     }},
    {ObjectType::string, "isprintable", "",
     [](Interpreter&, const Arguments& args) {
       const auto& s = detail::ascii_self(NativeArguments(args, "isprintable"), "isprintable");
       return Value::boolean(std::all_of(s.begin(), s.end(), [](char c) { return c >= ' ' && c < 0x7F; }));
     }},
    {ObjectType::string, "isascii", "",
     [](Interpreter&, const Arguments& args) {
       return Value::boolean(NativeArguments(args, "isascii").text(0).ascii());
     }},
    {ObjectType::string, "isupper", "",
     [](Interpreter&, const Arguments& a) { return detail::cased(a, "isupper", detail::is_lower); }},
    {ObjectType::string, "islower", "",
     [](Interpreter&, const Arguments& a) { return detail::cased(a, "islower", detail::is_upper); }},
    {ObjectType::string, "istitle", "", [](Interpreter&, const Arguments& a) { return detail::is_title(a); }},
    {ObjectType::string, "isidentifier", "",
     [](Interpreter&, const Arguments& a) { return detail::is_identifier(a); }},
};

} // namespace step::interp
