// SPDX-License-Identifier: MIT
// Truth, order and arithmetic on the interpreter's own values, as Python defines them. Integers are 64 bits:
// a result beyond them is a limit, not a wrap-around. Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace step::interp {

// ---- truth, length, order

inline bool Interpreter::truth(Value v) {
  switch (v.tag()) {
  case Value::Tag::none:
  case Value::Tag::unset:
    return false;
  case Value::Tag::boolean:
  case Value::Tag::integer:
    return v.as_int() != 0;
  case Value::Tag::real:
    return v.as_real() != 0;
  case Value::Tag::object:
    break;
  }
  if (is_host_object(v)) return host_.truth(v);
  if (auto* s = v.as<String>()) return !s->text.empty();
  switch (v.object()->object_type()) {
  case ObjectType::tuple:
  case ObjectType::list:
  case ObjectType::dict:
  case ObjectType::set:
  case ObjectType::range:
    return length(v) != 0;
  default:
    return true;
  }
}

inline std::int64_t Interpreter::length(Value v) {
  std::span<const Value> seq;
  if (sequence_items(v, seq)) return std::ssize(seq);
  if (auto* s = v.as<String>()) return std::ssize(s->text);
  if (auto* d = v.as<Dict>()) return static_cast<std::int64_t>(d->table.size());
  if (auto* s = v.as<Set>()) return static_cast<std::int64_t>(s->table.size());
  if (auto* r = v.as<Range>()) return r->size();
  if (is_host_object(v)) return host_.length(v);
  type_error("object of type '" + std::string(type_name(v)) + "' has no len()");
}

inline bool Interpreter::less(Value a, Value b) {
  if (a.is_number() && b.is_number())
    return a.is_int() && b.is_int() ? a.as_int() < b.as_int() : a.as_real() < b.as_real();
  if (auto* x = a.as<String>(), *y = b.as<String>(); x && y) return x->text < y->text;
  std::span<const Value> x, y;
  if ((a.as<Tuple>() && b.as<Tuple>()) || (a.as<List>() && b.as<List>())) {
    sequence_items(a, x);
    sequence_items(b, y);
    const Level level(*this);
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      meter_.step();
      if (!equal(x[i], y[i])) return less(x[i], y[i]);
    }
    return x.size() < y.size();
  }
  type_error("'<' not supported between '" + std::string(type_name(a)) + "' and '" +
             std::string(type_name(b)) + "'");
}

inline bool Interpreter::contains(Value container, Value v) {
  if (auto* d = container.as<Dict>()) return d->table.find(v) != nullptr;
  if (auto* s = container.as<Set>()) return s->table.find(v) != nullptr;
  if (auto* s = container.as<String>()) {
    auto* part = v.as<String>();
    if (part == nullptr) type_error("'in <string>' requires a string on the left");
    meter_.step(s->text.size() / 16);
    return s->text.find(part->text) != std::string::npos;
  }
  auto* it = iterate(container);
  for (Value x = it->next(*this); x.is_set(); x = it->next(*this)) {
    meter_.step();
    if (equal(x, v)) return true;
  }
  return false;
}

inline Value Interpreter::compare(syntax::Op op, Value a, Value b) {
  using syntax::Op;
  switch (op) {
  case Op::is:
  case Op::is_not: {
    const bool same = a.tag() == b.tag() && (a.is_object() ? a.object() == b.object() : equal(a, b));
    return Value::boolean(same == (op == Op::is));
  }
  case Op::in:
    return Value::boolean(contains(b, a));
  case Op::not_in:
    return Value::boolean(!contains(b, a));
  default:
    break;
  }
  if (is_host_object(a) || is_host_object(b)) return host_.compare(*this, op, a, b);
  switch (op) {
  case Op::equal:
    return Value::boolean(equal(a, b));
  case Op::not_equal:
    return Value::boolean(!equal(a, b));
  case Op::less:
    return Value::boolean(less(a, b));
  case Op::greater:
    return Value::boolean(less(b, a));
  // not the negation of the opposite: NaN compares false with everything
  case Op::less_equal:
    return Value::boolean(equal(a, b) || less(a, b));
  default:
    return Value::boolean(equal(a, b) || less(b, a));
  }
}

// ---- arithmetic

namespace detail {

[[noreturn]] inline void integer_too_large() { throw Fault(FaultKind::limit, "an integer beyond 64 bits"); }

inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) type_error("integer division or modulo by zero");
  if (b == -1) {
    std::int64_t r = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &r)) integer_too_large();
    return r;
  }
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
inline std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) type_error("integer division or modulo by zero");
  if (b == -1) return 0;
  const auto r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
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
    if (b == 0) type_error("division by zero");
    return Value::real(static_cast<double>(a) / static_cast<double>(b));
  case Op::floor_divide:
    return Value::integer(floor_divide(a, b));
  case Op::modulo:
    return Value::integer(modulo(a, b));
  case Op::power: {
    if (b < 0) {
      if (a == 0) type_error("0 cannot be raised to a negative power");
      return Value::real(std::pow(static_cast<double>(a), static_cast<double>(b)));
    }
    if (a == 0 || a == 1) return Value::integer(b == 0 ? 1 : a);
    if (a == -1) return Value::integer(b % 2 == 0 ? 1 : -1);
    if (b > 64) integer_too_large();
    r = 1;
    for (; b > 0; --b)
      if (__builtin_mul_overflow(r, a, &r)) integer_too_large();
    return Value::integer(r);
  }
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
    return Value::real(std::floor(a / b));
  case Op::modulo: {
    if (b == 0) type_error("float modulo");
    const auto r = std::fmod(a, b);
    return Value::real(r != 0 && (r < 0) != (b < 0) ? r + b : r);
  }
  case Op::power:
    if (a == 0 && b < 0) type_error("0.0 cannot be raised to a negative power");
    if (a < 0 && b != std::floor(b)) type_error("a negative number to a fractional power is complex");
    return Value::real(std::pow(a, b));
  default:
    type_error("unsupported operand types: 'float' and 'float'");
  }
}

inline std::optional<Dim> as_dim(Value v) {
  if (v.is_int()) return Dim(v.as_int());
  if (auto* d = v.as<DimObject>()) return d->dim;
  return std::nullopt;
}

} // namespace detail

inline Value Interpreter::binary(syntax::Op op, Value a, Value b) {
  using syntax::Op;
  if (a.is_int() && b.is_int()) {
    if (a.is_bool() && b.is_bool() && (op == Op::bit_and || op == Op::bit_or || op == Op::bit_xor))
      return Value::boolean(detail::integer_binary(op, a.as_int(), b.as_int()).as_bool());
    return detail::integer_binary(op, a.as_int(), b.as_int());
  }
  if (a.is_number() && b.is_number()) return detail::real_binary(op, a.as_real(), b.as_real());
  if (is_host_object(a) || is_host_object(b)) return host_.binary(*this, op, a, b);
  if (a.as<DimObject>() || b.as<DimObject>()) {
    const auto x = detail::as_dim(a), y = detail::as_dim(b);
    if (x && y) {
      meter_.step(16);
      switch (op) {
      case Op::add:
        return make_dim(*x + *y);
      case Op::subtract:
        return make_dim(*x - *y);
      case Op::multiply:
        return make_dim(*x * *y);
      case Op::floor_divide:
        return make_dim(floor_divide(*x, *y));
      case Op::divide:
        if (auto q = exact_divide(*x, *y)) return make_dim(*q);
        type_error("the size " + x->text() + " / " + y->text() + " is not whole");
      case Op::modulo:
        return make_dim(*x - *y * floor_divide(*x, *y));
      case Op::power:
        if (b.is_int()) return make_dim(x->power(b.as_int()));
        break;
      default:
        break;
      }
    }
  }
  if (op == Op::add) {
    if (auto* x = a.as<String>(), *y = b.as<String>(); x && y) return make_string(x->text + y->text);
    const bool tuples = a.as<Tuple>() && b.as<Tuple>(), lists = a.as<List>() && b.as<List>();
    std::span<const Value> x, y;
    if ((tuples || lists) && sequence_items(a, x) && sequence_items(b, y)) {
      meter_.step(x.size() + y.size());
      std::vector<Value> joined(x.begin(), x.end());
      joined.insert(joined.end(), y.begin(), y.end());
      return tuples ? make_tuple(std::move(joined)) : make_list(std::move(joined));
    }
  }
  if (op == Op::multiply && (a.is_int() || b.is_int())) {
    const auto times = std::max<std::int64_t>(0, a.is_int() ? a.as_int() : b.as_int());
    const auto sequence = a.is_int() ? b : a;
    if (auto* s = sequence.as<String>()) {
      if (!s->text.empty() && times > static_cast<std::int64_t>(max_text / s->text.size()))
        throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
      std::string repeated;
      if (!s->text.empty())
        for (std::int64_t i = 0; i < times; ++i) repeated += s->text;
      return make_string(std::move(repeated));
    }
    if (std::span<const Value> part; sequence_items(sequence, part)) {
      std::int64_t total = 0;
      if (__builtin_mul_overflow(times, std::ssize(part), &total))
        total = std::numeric_limits<std::int64_t>::max();
      meter_.step(static_cast<std::uint64_t>(total));
      std::vector<Value> repeated;
      repeated.reserve(static_cast<std::size_t>(total));
      if (!part.empty())
        for (std::int64_t i = 0; i < times; ++i) repeated.insert(repeated.end(), part.begin(), part.end());
      return sequence.as<Tuple>() ? make_tuple(std::move(repeated)) : make_list(std::move(repeated));
    }
  }
  if (op == Op::modulo && a.as<String>()) { // '%s' formatting: only what a message needs
    std::string out;
    std::span<const Value> values(&b, 1);
    if (auto* t = b.as<Tuple>()) values = t->items;
    const auto& pattern = a.as<String>()->text;
    std::size_t next = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '%' || i + 1 == pattern.size()) {
        out += pattern[i];
      } else if (pattern[++i] == '%') {
        out += '%';
      } else {
        if (next == values.size()) type_error("not enough arguments for format string");
        out += text(values[next++], pattern[i] == 'r');
      }
    }
    return make_string(std::move(out));
  }
  if (auto* x = a.as<Set>(), *y = b.as<Set>(); x && y) {
    auto* out = heap_.make<Set>();
    for (const auto& e : x->table.entries())
      if (e.key.is_set() &&
          (op == Op::bit_or || op == Op::bit_xor || (y->table.find(e.key) != nullptr) == (op == Op::bit_and)))
        out->table.set(e.key, Value::none());
    if (op == Op::bit_or || op == Op::bit_xor)
      for (const auto& e : y->table.entries()) {
        if (!e.key.is_set()) continue;
        if (op == Op::bit_xor && x->table.find(e.key) != nullptr)
          out->table.erase(e.key);
        else
          out->table.set(e.key, Value::none());
      }
    if (op == Op::bit_and || op == Op::bit_or || op == Op::bit_xor || op == Op::subtract) return out;
  }
  if (auto* x = a.as<Dict>(), *y = b.as<Dict>(); x && y && op == Op::bit_or) {
    auto* out = heap_.make<Dict>();
    for (auto* d : {x, y})
      for (const auto& e : d->table.entries())
        if (e.key.is_set()) out->table.set(e.key, e.value);
    return out;
  }
  type_error("unsupported operand types: '" + std::string(type_name(a)) + "' and '" +
             std::string(type_name(b)) + "'");
}

} // namespace step::interp
