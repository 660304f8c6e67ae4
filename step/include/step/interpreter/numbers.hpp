// SPDX-License-Identifier: MIT
// Arithmetic on numbers as Python defines it, and numbers from text. Integers are 64 bits: a result beyond
// them is Fault{limit}, never a wrong value. Complex numbers are outside the language.
#pragma once

#include "step/interpreter/host.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

namespace step::interp::detail {

[[noreturn]] inline void integer_too_large() { throw Fault(FaultKind::limit, "an integer beyond 64 bits"); }

[[nodiscard]] inline std::uint64_t magnitude(std::int64_t a) {
  return a < 0 ? 0 - static_cast<std::uint64_t>(a) : static_cast<std::uint64_t>(a);
}

// ---- integers

inline std::int64_t negated(std::int64_t a) {
  std::int64_t r = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, a, &r)) integer_too_large();
  return r;
}
inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) type_error("integer division or modulo by zero");
  if (b == -1) return negated(a);
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
inline std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) type_error("integer division or modulo by zero");
  if (b == -1) return 0;
  const auto r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// a / b correctly rounded, also where a or b is no double.
inline double true_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) type_error("division by zero");
  const auto x = magnitude(a), y = magnitude(b);
  constexpr std::uint64_t exact = 1ULL << 53U;
  if (x <= exact && y <= exact) return static_cast<double>(a) / static_cast<double>(b);
  if (x == 0) return 0;
  // a quotient of 55 bits or more; whatever is left over only matters for rounding
  const int shift =
      std::max(0, 55 + static_cast<int>(std::bit_width(y)) - static_cast<int>(std::bit_width(x)));
  __extension__ using Wide = unsigned __int128;
  const auto scaled = static_cast<Wide>(x) << static_cast<unsigned>(shift);
  auto quotient = static_cast<std::uint64_t>(scaled / y);
  if (scaled % y != 0) quotient |= 1U;
  const auto result = std::ldexp(static_cast<double>(quotient), -shift);
  return (a < 0) != (b < 0) ? -result : result;
}

inline double real_power(double a, double b) {
  if (a == 0 && b < 0 && std::isfinite(b)) type_error("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b))
    throw Fault(FaultKind::rejected,
                "a negative number to a fractional power is complex: complex numbers are "
                "not part of the language");
  const auto r = std::pow(a, b);
  if (std::isinf(r) && std::isfinite(a) && std::isfinite(b)) type_error("numerical result out of range");
  return r;
}

inline Value integer_power(std::int64_t a, std::int64_t b) {
  if (b < 0) {
    if (a == 0) type_error("0 cannot be raised to a negative power");
    return Value::real(real_power(static_cast<double>(a), static_cast<double>(b)));
  }
  if (a == 0 || a == 1) return Value::integer(b == 0 ? 1 : a);
  if (a == -1) return Value::integer(b % 2 == 0 ? 1 : -1);
  if (b > 64) integer_too_large();
  std::int64_t r = 1;
  for (; b > 0; --b)
    if (__builtin_mul_overflow(r, a, &r)) integer_too_large();
  return Value::integer(r);
}

/// pow(a, b, m)
inline std::int64_t modular_power(std::int64_t a, std::int64_t b, std::int64_t m) {
  if (m == 0) type_error("pow() 3rd argument cannot be 0");
  __extension__ using Wide = __int128;
  const auto n = static_cast<Wide>(magnitude(m));
  auto base = static_cast<Wide>(a) % n;
  if (base < 0) base += n;
  if (b < 0) { // the inverse, by Euclid
    Wide r = n, next = base, x = 0, y = 1;
    while (next != 0) {
      const auto q = r / next;
      r = std::exchange(next, r - q * next);
      x = std::exchange(y, x - q * y);
    }
    if (r != 1) type_error("base is not invertible for the given modulus");
    base = x < 0 ? x + n : x;
  }
  Wide result = 1 % n;
  for (auto e = magnitude(b); e != 0; e >>= 1U) {
    if ((e & 1U) != 0) result = result * base % n;
    base = base * base % n;
  }
  if (m < 0 && result != 0) result -= n;
  return static_cast<std::int64_t>(result);
}

inline Value integer_binary(syntax::Op op, std::int64_t a, std::int64_t b) {
  using syntax::Op;
  std::int64_t r = 0;
  switch (op) {
  case Op::add:
    if (__builtin_add_overflow(a, b, &r)) integer_too_large();
    return Value::integer(r);
  case Op::subtract:
    if (__builtin_sub_overflow(a, b, &r)) integer_too_large();
    return Value::integer(r);
  case Op::multiply:
    if (__builtin_mul_overflow(a, b, &r)) integer_too_large();
    return Value::integer(r);
  case Op::divide:
    return Value::real(true_divide(a, b));
  case Op::floor_divide:
    return Value::integer(floor_divide(a, b));
  case Op::modulo:
    return Value::integer(modulo(a, b));
  case Op::power:
    return integer_power(a, b);
  case Op::shift_left:
    if (b < 0) type_error("negative shift count");
    if (a == 0) return Value::integer(0);
    if (b > 62 || __builtin_mul_overflow(a, std::int64_t{1} << b, &r)) integer_too_large();
    return Value::integer(r);
  case Op::shift_right:
    if (b < 0) type_error("negative shift count");
    return Value::integer(a >> (b > 63 ? 63 : b));
  case Op::bit_and:
    return Value::integer(a & b);
  case Op::bit_or:
    return Value::integer(a | b);
  case Op::bit_xor:
    return Value::integer(a ^ b);
  default:
    type_error("unsupported operand types: 'int' and 'int'");
  }
}

// ---- reals

/// Python's floor division and remainder, which agree with each other.
inline std::pair<double, double> real_divmod(double a, double b) {
  auto remainder = std::fmod(a, b);
  auto quotient = (a - remainder) / b;
  if (remainder != 0) {
    if ((b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
  } else {
    remainder = std::copysign(0.0, b);
  }
  if (quotient == 0) return {std::copysign(0.0, a / b), remainder};
  const auto floor = std::floor(quotient);
  return {quotient - floor > 0.5 ? floor + 1 : floor, remainder};
}

inline Value real_binary(syntax::Op op, double a, double b) {
  using syntax::Op;
  switch (op) {
  case Op::add:
    return Value::real(a + b);
  case Op::subtract:
    return Value::real(a - b);
  case Op::multiply:
    return Value::real(a * b);
  case Op::divide:
    if (b == 0) type_error("float division by zero");
    return Value::real(a / b);
  case Op::floor_divide:
    if (b == 0) type_error("float floor division by zero");
    return Value::real(real_divmod(a, b).first);
  case Op::modulo:
    if (b == 0) type_error("float modulo");
    return Value::real(real_divmod(a, b).second);
  case Op::power:
    return Value::real(real_power(a, b));
  default:
    type_error("unsupported operand types: 'float' and 'float'");
  }
}

/// Towards zero, as int().
inline std::int64_t to_integer(double d) {
  if (std::isnan(d)) type_error("cannot convert float NaN to integer");
  if (std::isinf(d)) type_error("cannot convert float infinity to integer");
  if (!(d >= -0x1p63 && d < 0x1p63)) integer_too_large();
  return static_cast<std::int64_t>(d);
}

/// To `digits` places, a tie to even; exact, as the decimal digits of a double are.
inline double rounded(double d, std::int64_t digits) {
  if (!std::isfinite(d) || digits > 323) return d;
  if (digits < -308) return std::copysign(0.0, d);
  Meter::current().step(digits >= 0 ? 4 : 32); // prints all digits there are
  std::string text(1500, '\0');
  const auto print = [&](int places) {
    text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.*f", places, d)));
  };
  if (digits >= 0) {
    print(static_cast<int>(digits));
  } else {
    print(1074); // all there are
    const auto point = text.find('.');
    const auto sign = static_cast<std::size_t>(text[0] == '-');
    const auto cut = static_cast<std::size_t>(-digits); // digits before the point that go
    auto whole = text.substr(sign, point - sign);
    if (whole.size() < cut) return std::copysign(0.0, d);
    const auto kept = whole.size() - cut;
    const auto rest = whole.substr(kept) + text.substr(point + 1);
    const bool beyond = rest.find_first_not_of('0', 1) != std::string::npos;
    const bool odd = kept > 0 && (whole[kept - 1] - '0') % 2 != 0;
    const bool up = rest[0] > '5' || (rest[0] == '5' && (beyond || odd));
    whole = "0" + whole.substr(0, kept) + std::string(cut, '0');
    for (auto i = kept; up; --i) {
      if (whole[i]++ != '9') break;
      whole[i] = '0';
    }
    text = (sign != 0 ? "-" : "") + whole;
  }
  const auto result = std::strtod(text.c_str(), nullptr);
  if (std::isinf(result)) type_error("rounded value too large to represent");
  return result;
}
inline std::int64_t rounded(std::int64_t value, std::int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -19) return 0;
  __extension__ using Wide = __int128;
  Wide unit = 1;
  for (; digits < 0; ++digits) unit *= 10;
  auto quotient = static_cast<Wide>(value) / unit, rest = static_cast<Wide>(value) % unit;
  if (rest < 0) rest += unit, --quotient;
  if (rest * 2 > unit || (rest * 2 == unit && quotient % 2 != 0)) ++quotient;
  const auto result = quotient * unit;
  if (result > std::numeric_limits<std::int64_t>::max() || result < std::numeric_limits<std::int64_t>::min())
    integer_too_large();
  return static_cast<std::int64_t>(result);
}

// ---- from text

[[noreturn]] inline void beyond_ascii(std::string_view function) {
  throw Fault(FaultKind::rejected,
              std::string(function) + "() of characters beyond ASCII is not part of the language");
}

/// Without the blanks around it.
inline std::string_view trimmed(std::string_view s) {
  while (!s.empty() && code_points::is_space(code_points::decode(s, 0)))
    s.remove_prefix(code_points::width(s, 0));
  while (!s.empty()) {
    const auto at = code_points::last(s);
    if (!code_points::is_space(code_points::decode(s, at))) break;
    s.remove_suffix(s.size() - at);
  }
  return s;
}

/// Digits of other scripts are numbers to Python and outside the language here.
inline void check_digits(std::string_view s, std::string_view function) {
  for (std::size_t i = 0; i < s.size(); i += code_points::width(s, i))
    if (code_points::is_other_digit(code_points::decode(s, i))) beyond_ascii(function);
}

/// int(text, base). Fault{type} where Python raises.
inline std::int64_t parse_integer(const String& text, std::int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) type_error("int() base must be >= 2 and <= 36, or 0");
  const auto fail = [&] {
    type_error("invalid literal for int() with base " + std::to_string(base) + ": '" +
               text.text.substr(0, text.ascii() ? 40 : 0) + "'");
  };
  Meter::current().bytes(8 * text.text.size()); // its digits cost more than copying them
  auto s = trimmed(text.text);
  check_digits(s, "int");
  const bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) s.remove_prefix(1);
  const auto prefix = [&](char letter) { return s.size() > 1 && s[0] == '0' && (s[1] | 0x20) == letter; };
  const bool any = base == 0;
  bool prefixed = false;
  for (const auto& [letter, b] : {std::pair('x', 16), std::pair('o', 8), std::pair('b', 2)}) {
    if (prefixed || !prefix(letter) || (!any && base != b)) continue;
    base = b;
    prefixed = true;
    s.remove_prefix(2);
  }
  if (any && !prefixed) {
    base = 10;
    if (s.size() > 1 && s[0] == '0' && s.find_first_not_of("0_") != std::string_view::npos) fail();
  }
  bool digit = false, after_digit = prefixed;
  std::uint64_t value = 0;
  bool overflow = false;
  for (const char c : s) {
    if (c == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    const char low = static_cast<char>(c | 0x20);
    const int d = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'z' ? low - 'a' + 10 : 99;
    if (d >= base) fail();
    overflow = overflow || __builtin_mul_overflow(value, static_cast<std::uint64_t>(base), &value) ||
               __builtin_add_overflow(value, static_cast<std::uint64_t>(d), &value);
    digit = after_digit = true;
  }
  if (!digit || !after_digit) fail();
  if (overflow || value > (1ULL << 63U) - (negative ? 0 : 1)) integer_too_large();
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

/// float(text). Fault{type} where Python raises.
inline double parse_real(const String& text) {
  const auto fail = [&] {
    type_error("could not convert string to float: '" + text.text.substr(0, text.ascii() ? 40 : 0) + "'");
  };
  Meter::current().bytes(16 * text.text.size());
  auto s = trimmed(text.text);
  check_digits(s, "float");
  const bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) s.remove_prefix(1);
  std::string plain; // without underscores, in lower case
  for (std::size_t i = 0; i < s.size(); ++i) {
    const auto is_digit = [&](std::size_t k) { return k < s.size() && s[k] >= '0' && s[k] <= '9'; };
    if (s[i] != '_')
      plain += s[i] >= 'A' && s[i] <= 'Z' ? static_cast<char>(s[i] | 0x20) : s[i];
    else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1))
      fail();
  }
  double value = 0;
  if (plain == "inf" || plain == "infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (plain == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (plain.empty() || plain.find_first_not_of("0123456789.e+-") != std::string::npos || plain[0] == '-' ||
        plain[0] == '+')
      fail();
    const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
    if (end != plain.data() + plain.size() || error == std::errc::invalid_argument) fail();
    if (error == std::errc::result_out_of_range) value = std::strtod(plain.c_str(), nullptr);
  }
  return negative ? -value : value;
}

} // namespace step::interp::detail
