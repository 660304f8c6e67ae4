// SPDX-License-Identifier: MIT
// Python's format specifications, and what uses them: format(), f-strings, `%` and str.format().
// Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/numbers.hpp"
#include "step/interpreter/text.hpp"
#include "step/syntax/source.hpp"

#include <algorithm>
#include <cstdio>

namespace step::interp {

namespace detail {

/// `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`
struct FormatSpec {
  std::string fill = " "; ///< one character
  char align = 0;         ///< '<', '>', '^', '=' or 0
  char sign = 0;          ///< '+', '-', ' ' or 0
  bool no_negative_zero = false, alternate = false, zeros = false;
  std::size_t width = 0;
  char grouping = 0; ///< ',', '_' or 0
  int precision = -1;
  char type = 0;
};

inline constexpr std::size_t widest_format = 1000;

/// The digits at `at`; Fault{limit} beyond 1000.
inline std::size_t format_number(std::string_view s, std::size_t& at) {
  std::size_t n = 0;
  while (at < s.size() && s[at] >= '0' && s[at] <= '9') {
    n = n * 10 + static_cast<std::size_t>(s[at++] - '0');
    if (n > widest_format) throw Fault(FaultKind::limit, "a format width of more than 1000");
  }
  return n;
}

[[nodiscard]] inline FormatSpec parse_format_spec(std::string_view s) {
  FormatSpec spec;
  std::size_t i = 0;
  const auto at = [&](std::string_view any) {
    return i < s.size() && any.find(s[i]) != std::string_view::npos;
  };
  const auto is_align = [&](std::size_t k) {
    return k < s.size() && std::string_view("<>^=").find(s[k]) != std::string_view::npos;
  };
  bool filled = false;
  if (const auto bytes = s.empty() ? 0 : code_points::width(s, 0); bytes > 0 && is_align(bytes)) {
    filled = true;
    spec.fill = s.substr(0, bytes);
    spec.align = s[bytes];
    i = bytes + 1;
  } else if (is_align(0)) {
    spec.align = s[i++];
  }
  if (at("+- ")) spec.sign = s[i++];
  if (at("z")) spec.no_negative_zero = true, ++i;
  if (at("#")) spec.alternate = true, ++i;
  if (!filled && at("0")) {
    spec.zeros = true;
    spec.fill = "0";
    ++i;
  }
  spec.width = format_number(s, i);
  if (at(",_")) spec.grouping = s[i++];
  if (at(",_")) type_error("Cannot specify both ',' and '_'.");
  if (at(".")) {
    ++i;
    if (!at("0123456789")) type_error("Format specifier missing precision");
    spec.precision = static_cast<int>(format_number(s, i));
  }
  if (i < s.size()) spec.type = s[i++];
  if (i != s.size()) type_error("Invalid format specifier '" + clipped_text(std::string(s)) + "'");
  return spec;
}

[[noreturn]] inline void unknown_format(const FormatSpec& spec, Value v) {
  type_error("Unknown format code '" + std::string(1, spec.type) + "' for object of type '" +
             std::string(type_name(v)) + "'");
}

/// `digits` with separators; at least `least` characters by zeros in front.
inline std::string grouped(std::string digits, char separator, std::size_t group, std::size_t least) {
  if (separator == 0)
    return digits.size() < least ? std::string(least - digits.size(), '0') + digits : digits;
  const auto with_separators = [&](std::size_t n) { return n + (n - 1) / group; };
  auto n = digits.size();
  while (with_separators(n) < least) ++n;
  digits.insert(0, n - digits.size(), '0');
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    if (i != 0 && (n - i) % group == 0) out += separator;
    out += digits[i];
  }
  return out;
}

/// A number as sign, prefix ("0x"), digits and the rest (fraction, exponent, "%").
struct NumberText {
  std::string sign, prefix, digits, rest;
};

inline std::string padded(const std::string& body, std::int64_t length, const FormatSpec& spec, char align) {
  if (static_cast<std::uint64_t>(length) >= spec.width) return body;
  const auto pad = spec.width - static_cast<std::size_t>(length);
  const auto left = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
  std::string out;
  for (std::size_t i = 0; i < left; ++i) out += spec.fill;
  out += body;
  for (std::size_t i = left; i < pad; ++i) out += spec.fill;
  return out;
}

inline std::string assembled(const NumberText& n, const FormatSpec& spec, std::size_t group) {
  const bool inside = spec.align == '=' || (spec.align == 0 && spec.zeros);
  const bool zeros = inside && spec.fill == "0";
  const auto around = n.sign.size() + n.prefix.size() + n.rest.size();
  const auto least = zeros && spec.width > around ? spec.width - around : 0;
  const auto digits = grouped(n.digits, spec.grouping, group, least);
  const auto body = n.prefix + digits + n.rest;
  if (!inside)
    return padded(n.sign + body, std::ssize(n.sign) + std::ssize(body), spec,
                  spec.align == 0 ? '>' : spec.align);
  const auto size = n.sign.size() + body.size();
  std::string fill;
  for (auto i = size; i < spec.width; ++i) fill += spec.fill;
  return n.sign + n.prefix + fill + digits + n.rest;
}

inline std::string sign_text(bool negative, char sign) {
  return negative ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
}

inline std::string digits_in_base(std::uint64_t value, int base, bool upper = false) {
  char buffer[70];
  std::string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, base).ptr);
  if (upper)
    for (auto& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

/// The code point `value` as text, as chr().
inline std::string character(std::int64_t value) {
  if (value < 0 || value > 0x10FFFF) type_error("chr() arg not in range(0x110000)");
  if (value >= 0xD800 && value <= 0xDFFF)
    throw Fault(FaultKind::rejected, "half of a surrogate pair is not part of the language");
  std::string out;
  syntax::detail::append_utf8(out, static_cast<std::uint32_t>(value));
  return out;
}

/// Printed by the C library; the point is always '.': nothing here sets a locale.
inline std::string printed(const char* pattern, int precision, double d) {
  Meter::current().step(4 + static_cast<std::uint64_t>(precision) / 32);
  std::string out(2 * widest_format, '\0');
  out.resize(static_cast<std::size_t>(std::snprintf(out.data(), out.size(), pattern, precision, d)));
  return out;
}

/// |d| in the given style, split for grouping.
inline NumberText real_digits(double d, const FormatSpec& spec) {
  NumberText n;
  const auto type = spec.type;
  const bool upper = type == 'E' || type == 'F' || type == 'G';
  const bool percent = type == '%';
  d = std::fabs(percent ? d * 100 : d);
  std::string text;
  if (!std::isfinite(d)) {
    text = std::isnan(d) ? "nan" : "inf";
  } else if (type == 0 && spec.precision < 0) {
    text = real_text(d);
    if (spec.alternate && text.find('.') == std::string::npos) text.insert(text.find('e'), ".");
  } else {
    auto precision = spec.precision < 0 ? 6 : spec.precision;
    const char low = percent ? 'f' : type == 0 || type == 'n' ? 'g' : static_cast<char>(type | 0x20);
    if (low == 'g' && precision == 0) precision = 1;
    if (low == 'e') {
      text = printed(spec.alternate ? "%#.*e" : "%.*e", precision, d);
    } else if (low == 'f') {
      text = printed(spec.alternate ? "%#.*f" : "%.*f", precision, d);
    } else {
      text = printed(spec.alternate ? "%#.*g" : "%.*g", precision, d);
      if (type == 0) { // a float stays recognisable as one
        auto exponent = printed("%.*e", precision - 1, d);
        const auto e = exponent.find('e');
        if (std::atoi(exponent.c_str() + e + 1) == precision - 1) {
          auto mantissa = exponent.substr(0, e);
          if (mantissa.find('.') != std::string::npos) mantissa.resize(mantissa.find_last_not_of('0') + 1);
          if (mantissa.back() == '.') mantissa.pop_back();
          text = mantissa + exponent.substr(e);
        } else if (text.find_first_of(".e") == std::string::npos) {
          text += ".0";
        }
      }
    }
  }
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  n.digits = std::isfinite(d) ? text.substr(0, end) : text;
  n.rest = (std::isfinite(d) ? text.substr(end) : "") + (percent ? "%" : "");
  if (upper)
    for (auto* part : {&n.digits, &n.rest})
      for (auto& c : *part) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return n;
}

inline std::string format_real(Value v, const FormatSpec& spec) {
  if (spec.type != 0 && std::string_view("eEfFgGn%").find(spec.type) == std::string_view::npos)
    unknown_format(spec, v);
  if (spec.type == 'n' && spec.grouping != 0) type_error("Cannot specify ',' with 'n'.");
  const auto d = v.as_real();
  auto n = real_digits(d, spec);
  bool negative = std::signbit(d) && !std::isnan(d);
  if (spec.no_negative_zero && negative && std::isfinite(d) &&
      (n.digits + n.rest.substr(0, n.rest.find_first_of("eE"))).find_first_of("123456789") ==
          std::string::npos)
    negative = false;
  n.sign = sign_text(negative, spec.sign);
  if (!std::isfinite(d)) {
    auto plain = spec;
    plain.grouping = 0;
    return assembled(n, plain, 3);
  }
  return assembled(n, spec, 3);
}

inline std::string format_integer(Value v, const FormatSpec& spec) {
  const auto i = v.as_int();
  if (spec.type != 0 && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos)
    return format_real(Value::real(static_cast<double>(i)), spec);
  if (spec.type != 0 && std::string_view("bcdnoxX").find(spec.type) == std::string_view::npos)
    unknown_format(spec, v);
  if (spec.precision >= 0) type_error("Precision not allowed in integer format specifier");
  if (spec.no_negative_zero)
    type_error("Negative zero coercion (z) not allowed in format specifier with integer");
  const bool decimal = spec.type == 0 || spec.type == 'd';
  if (spec.grouping != 0 && (spec.type == 'n' || spec.type == 'c' || (spec.grouping == ',' && !decimal)))
    type_error("Cannot specify '" + std::string(1, spec.grouping) + "' with '" + std::string(1, spec.type) +
               "'.");
  NumberText n;
  if (spec.type == 'c') {
    if (spec.sign != 0) type_error("Sign not allowed with integer format specifier 'c'");
    if (spec.alternate) type_error("Alternate form (#) not allowed with integer format specifier 'c'");
    const auto text = character(i);
    return padded(text, 1, spec, spec.align == 0 || spec.align == '=' ? '>' : spec.align);
  }
  const int base = spec.type == 'b' ? 2 : spec.type == 'o' ? 8 : (spec.type | 0x20) == 'x' ? 16 : 10;
  n.sign = sign_text(i < 0, spec.sign);
  if (spec.alternate && base != 10) n.prefix = std::string("0") + spec.type;
  n.digits = digits_in_base(magnitude(i), base, spec.type == 'X');
  return assembled(n, spec, base == 10 ? 3 : 4);
}

inline std::string format_string(Interpreter& in, const String& s, const FormatSpec& spec, Value v) {
  if (spec.type != 0 && spec.type != 's') unknown_format(spec, v);
  if (spec.sign != 0) type_error("Sign not allowed in string format specifier");
  if (spec.no_negative_zero) type_error("Negative zero coercion (z) not allowed in string format specifier");
  if (spec.alternate) type_error("Alternate form (#) not allowed in string format specifier");
  if (spec.align == '=') type_error("'=' alignment not allowed in string format specifier");
  if (spec.grouping != 0) type_error("Cannot specify '" + std::string(1, spec.grouping) + "' with 's'.");
  in.meter().bytes(s.text.size());
  auto body = s.text;
  auto length = s.length;
  if (spec.precision >= 0 && length > spec.precision) {
    length = spec.precision;
    body.resize(code_points::offset(body, length));
  }
  return padded(body, length, spec, spec.align == 0 ? '<' : spec.align);
}

} // namespace detail

/// format(v, spec), as Python: a specification that the type of v does not know is Fault{type}.
inline std::string format_value(Interpreter& in, Value v, std::string_view text) {
  in.meter().bytes(text.size());
  if (text.empty()) return in.text(v);
  if (auto* s = v.as<String>()) return detail::format_string(in, *s, detail::parse_format_spec(text), v);
  if (v.is_int()) return detail::format_integer(v, detail::parse_format_spec(text));
  if (v.is_real()) return detail::format_real(v, detail::parse_format_spec(text));
  if (v.is_object() && v.object()->object_type() == ObjectType::tensor)
    return detail::format_real(Value::real(in.host().number(v)), detail::parse_format_spec(text));
  type_error("unsupported format string passed to " + std::string(type_name(v)) + ".__format__");
}

namespace detail {

/// The conversion after '!': 'r', 's', 'a' or none.
inline Value converted(Interpreter& in, Value v, std::string_view conversion) {
  if (conversion.empty()) return v;
  if (conversion == "a") return in.make_string(ascii_text(in, v));
  return in.make_string(in.text(v, conversion == "r"));
}

// ---- pattern % values

/// Formats one pattern; values come from a tuple, from a dict by name, or are a single one.
class PercentFormat {
 public:
  PercentFormat(Interpreter& in, const String& pattern, Value values)
      : in_(in), pattern_(pattern.text), all_(values), values_(&all_, 1) {
    if (auto* t = values.as<Tuple>()) values_ = t->items;
  }
  Value run() {
    in_.meter().bytes(pattern_.size());
    for (at_ = 0; at_ < pattern_.size(); ++at_) {
      if (pattern_[at_] != '%')
        out_ += pattern_[at_];
      else
        field();
      if (out_.size() > Interpreter::max_text) break; // make_string reports it
    }
    // one that is no tuple may stay unused when it could be subscripted by name
    const bool mapping =
        all_.as<Dict>() != nullptr || all_.as<List>() != nullptr || all_.as<Range>() != nullptr;
    if (next_ < values_.size() && !named_ && !mapping)
      type_error("not all arguments converted during string formatting");
    return in_.make_string(std::move(out_));
  }

 private:
  char take() {
    if (++at_ >= pattern_.size()) type_error("incomplete format");
    return pattern_[at_];
  }
  Value next() {
    if (next_ >= values_.size()) type_error("not enough arguments for format string");
    return values_[next_++];
  }
  std::size_t number(char& c, bool& negative) {
    negative = false;
    if (c == '*') {
      const auto v = next();
      if (!v.is_int()) type_error("* wants int");
      negative = v.as_int() < 0;
      if (magnitude(v.as_int()) > widest_format)
        throw Fault(FaultKind::limit, "a format width of more than 1000");
      c = take();
      return static_cast<std::size_t>(magnitude(v.as_int()));
    }
    const auto n = format_number(pattern_, at_);
    if (at_ >= pattern_.size()) type_error("incomplete format");
    c = pattern_[at_];
    return n;
  }

  void field() {
    FormatSpec spec;
    bool left = false;
    std::optional<Value> named;
    char c = take();
    if (c == '%') {
      out_ += '%';
      return;
    }
    if (c == '(') {
      auto* dict = all_.as<Dict>();
      if (dict == nullptr) type_error("format requires a mapping");
      const auto begin = at_ + 1;
      for (int open = 1; open > 0;) {
        c = take();
        open += c == '(' ? 1 : c == ')' ? -1 : 0;
      }
      named = in_.item(all_, in_.make_string(std::string(pattern_.substr(begin, at_ - begin))));
      named_ = true;
      c = take();
    }
    for (; c == '-' || c == '+' || c == ' ' || c == '#' || c == '0'; c = take()) {
      left = left || c == '-';
      spec.zeros = spec.zeros || c == '0';
      spec.alternate = spec.alternate || c == '#';
      if (c == '+' || (c == ' ' && spec.sign != '+')) spec.sign = c;
    }
    bool negative = false;
    spec.width = number(c, negative);
    left = left || negative;
    if (c == '.') {
      c = take();
      const auto precision = number(c, negative);
      spec.precision = negative ? 0 : static_cast<int>(precision);
    }
    if (c == 'h' || c == 'l' || c == 'L') c = take();
    if (std::string_view("diuoxXeEfFgGcrsa").find(c) == std::string_view::npos)
      type_error("unsupported format character '" +
                 std::string(1, static_cast<unsigned char>(c) < 0x80 ? c : '?') + "'");
    const auto v = named ? *named : next();
    if (left) spec.zeros = false;
    spec.align = left ? '<' : 0;
    if (spec.zeros) spec.fill = "0";
    out_ += convert(c, v, spec);
  }

  std::string convert(char c, Value v, FormatSpec spec) {
    switch (c) {
    case 's':
    case 'r':
    case 'a':
      return words(converted(in_, v, std::string_view(&c, 1)), spec);
    case 'c':
      spec.precision = -1;
      if (auto* s = v.as<String>(); s != nullptr && s->length == 1) return words(v, spec);
      if (!v.is_int()) type_error("%c requires int or char");
      return words(in_.make_string(character(v.as_int())), spec);
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
      return integer(c, v, spec);
    default:
      if (!v.is_number()) type_error("must be real number, not " + std::string(type_name(v)));
      spec.type = c;
      return format_real(Value::real(v.as_real()), spec);
    }
  }
  std::string words(Value text, FormatSpec spec) {
    spec.zeros = spec.alternate = false;
    spec.fill = " ";
    spec.sign = 0;
    if (spec.align == 0) spec.align = '>';
    return format_string(in_, *text.as<String>(), spec, text);
  }
  std::string integer(char c, Value v, const FormatSpec& spec) const {
    const bool decimal = c == 'd' || c == 'i' || c == 'u';
    if (v.is_real() && decimal) v = Value::integer(to_integer(v.as_real()));
    if (!v.is_int())
      type_error("%" + std::string(1, c) + " format: a" + (decimal ? " real number" : "n integer") +
                 " is required, not " + std::string(type_name(v)));
    NumberText n;
    const int base = decimal ? 10 : c == 'o' ? 8 : 16;
    n.sign = sign_text(v.as_int() < 0, spec.sign);
    if (spec.alternate && !decimal) n.prefix = std::string("0") + c;
    n.digits = digits_in_base(magnitude(v.as_int()), base, c == 'X');
    if (const auto least = static_cast<std::size_t>(std::max(spec.precision, 0)); n.digits.size() < least)
      n.digits.insert(0, least - n.digits.size(), '0');
    return assembled(n, spec, 3);
  }

  Interpreter& in_;
  std::string_view pattern_;
  Value all_;
  std::span<const Value> values_;
  std::size_t at_ = 0, next_ = 0;
  bool named_ = false;
  std::string out_;
};

inline Value percent_format(Interpreter& in, const String& pattern, Value values) {
  return PercentFormat(in, pattern, values).run();
}

// ---- pattern.format(..)

/// Formats one pattern with the arguments of str.format(); its fields may be numbered by themselves or by
/// hand.
class BraceFormat {
 public:
  BraceFormat(Interpreter& in, std::span<const Value> positional,
              std::span<const std::pair<std::string_view, Value>> keywords)
      : in_(in), positional_(positional), keywords_(keywords) {}

  std::string run(std::string_view pattern, int nesting = 0) {
    if (nesting > 1) type_error("Max string recursion exceeded");
    in_.meter().bytes(pattern.size());
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const char c = pattern[i];
      if (c != '{' && c != '}') {
        out += c;
      } else if (i + 1 < pattern.size() && pattern[i + 1] == c) {
        out += pattern[++i];
      } else if (c == '}') {
        type_error("Single '}' encountered in format string");
      } else {
        const auto begin = i + 1;
        int open = 1;
        while (open > 0) {
          if (++i >= pattern.size())
            type_error(begin == pattern.size() ? "Single '{' encountered in format string"
                                               : "expected '}' before end of string");
          open += pattern[i] == '{' ? 1 : pattern[i] == '}' ? -1 : 0;
        }
        out += field(pattern.substr(begin, i - begin), nesting);
      }
      if (out.size() > Interpreter::max_text) break; // make_string reports it
    }
    return out;
  }

 private:
  std::string field(std::string_view text, int nesting) {
    std::size_t end = 0;
    for (bool bracket = false; end < text.size() && (bracket || (text[end] != '!' && text[end] != ':'));
         ++end) {
      if (text[end] == '{') type_error("unexpected '{' in field name");
      bracket = text[end] == '[' || (bracket && text[end] != ']');
    }
    auto v = value(text.substr(0, end));
    auto rest = text.substr(end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2) type_error("end of string while looking for conversion specifier");
      const auto conversion = rest.substr(1, 1);
      if (std::string_view("rsa").find(conversion) == std::string_view::npos)
        type_error("Unknown conversion specifier");
      if (rest.size() > 2 && rest[2] != ':') type_error("expected ':' after conversion specifier");
      v = converted(in_, v, conversion);
      rest.remove_prefix(2);
    }
    if (rest.starts_with(':')) rest.remove_prefix(1);
    return format_value(in_, v,
                        rest.find('{') != std::string_view::npos || rest.find('}') != std::string_view::npos
                            ? run(rest, nesting + 1)
                            : std::string(rest));
  }

  Value value(std::string_view name) {
    const auto end = std::min(name.find_first_of(".["), name.size());
    const auto first = name.substr(0, end);
    const bool digits = !first.empty() && first.find_first_not_of("0123456789") == std::string_view::npos;
    Value v;
    if (first.empty() || digits) {
      if (manual_ && *manual_ != digits)
        type_error("cannot switch between manual and automatic field numbering");
      manual_ = digits;
      const auto i = digits ? index(first) : next_++;
      if (i >= positional_.size()) type_error("Replacement index " + std::to_string(i) + " out of range");
      v = positional_[i];
    } else {
      for (const auto& [key, given] : keywords_)
        if (key == first) v = given;
      if (!v.is_set()) type_error("KeyError: '" + clipped_text(std::string(first)) + "'");
    }
    auto rest = name.substr(end);
    while (!rest.empty()) {
      if (rest[0] == '.')
        throw Fault(FaultKind::rejected,
                    "an attribute in a field of str.format() is not part of the language; "
                    "read it before");
      if (rest[0] != '[') type_error("Only '.' or '[' may follow ']' in format field specifier");
      const auto close = rest.find(']');
      if (close == std::string_view::npos) type_error("Missing ']' in format string");
      const auto key = rest.substr(1, close - 1);
      if (key.empty()) type_error("Empty attribute in format string");
      const bool number = key.find_first_not_of("0123456789") == std::string_view::npos;
      v = in_.item(v, number ? Value::integer(static_cast<std::int64_t>(index(key)))
                             : in_.make_string(std::string(key)));
      rest.remove_prefix(close + 1);
    }
    return v;
  }
  static std::size_t index(std::string_view digits) {
    if (digits.size() > 9) type_error("Too many decimal digits in format string");
    std::size_t n = 0;
    for (const char c : digits) n = n * 10 + static_cast<std::size_t>(c - '0');
    return n;
  }

  Interpreter& in_;
  std::span<const Value> positional_;
  std::span<const std::pair<std::string_view, Value>> keywords_;
  std::optional<bool> manual_;
  std::size_t next_ = 0;
};

} // namespace detail

inline Value Interpreter::format(const syntax::Node& n, Frame& f) {
  std::string out;
  for (const auto* part : n.children) {
    if (part->kind == syntax::Kind::string) {
      out += part->text;
      continue;
    }
    const auto v = evaluate(part->child(0), f);
    std::string spec;
    if (part->maybe(1) != nullptr)
      if (auto* s = format(*part->maybe(1), f).as<String>()) spec = s->text;
    here_ = part->at;
    out += format_value(*this, detail::converted(*this, v, part->text), spec);
    if (out.size() > max_text) throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
  }
  return make_string(std::move(out));
}

} // namespace step::interp
