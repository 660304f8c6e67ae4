// SPDX-License-Identifier: MIT
// Arithmetic, comparison, indexing and iteration on the interpreter's own values, as Python defines them.
// Integers are 64 bits: a result beyond them is a limit, not a wrap-around. Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter.hpp"

#include <cmath>

namespace step::interp {

// ---- what a host does not define

[[noreturn]] inline void unsupported(std::string_view what, Value v) {
  type_error("'" + std::string(type_name(v)) + "' object " + std::string(what));
}
inline Value Host::attribute(Interpreter&, Value object, std::string_view name) {
  type_error("'" + std::string(type_name(object)) + "' object has no attribute '" + std::string(name) + "'");
}
inline Value Host::call(Interpreter&, Value callee, const Arguments&) {
  unsupported("is not callable", callee);
}
inline Value Host::import_name(Interpreter&, std::string_view, std::string_view) { return {}; }
inline Value Host::binary(Interpreter&, syntax::Op, Value a, Value b) {
  type_error("unsupported operand types: '" + std::string(type_name(a)) + "' and '" +
             std::string(type_name(b)) + "'");
}
inline Value Host::unary(Interpreter&, syntax::Op, Value v) { unsupported("has no such unary operator", v); }
inline Value Host::compare(Interpreter&, syntax::Op op, Value a, Value b) {
  if (op == syntax::Op::equal) return Value::boolean(equal(a, b));
  if (op == syntax::Op::not_equal) return Value::boolean(!equal(a, b));
  type_error("cannot compare '" + std::string(type_name(a)) + "' and '" + std::string(type_name(b)) + "'");
}
inline double Host::number(Value v) { unsupported("cannot be converted to a number", v); }
inline std::int64_t Host::length(Value v) { unsupported("has no len()", v); }
inline Value Host::item(Interpreter&, Value v, Value) { unsupported("is not subscriptable", v); }
inline void Host::set_item(Interpreter&, Value v, Value, Value) {
  unsupported("does not support item assignment", v);
}
inline Iterator* Host::iterate(Interpreter&, Value v) { unsupported("is not iterable", v); }
inline std::string Host::text(Value v) { return "<" + std::string(type_name(v)) + ">"; }

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

/// The index into a sequence of `size`, negative ones from the end.
inline std::size_t checked_index(Value index, std::int64_t size, std::string_view what) {
  if (!index.is_int())
    type_error(std::string(what) + " indices must be integers, not " + std::string(type_name(index)));
  auto i = index.as_int();
  if (i < 0) i += size;
  if (i < 0 || i >= size) type_error(std::string(what) + " index out of range");
  return static_cast<std::size_t>(i);
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

// ---- indexing

namespace detail {

struct SliceRange {
  std::int64_t start = 0, step = 1, count = 0;
};

/// Python's rule for `seq[lower:upper:step]`.
inline SliceRange resolve(const Slice& s, std::int64_t size) {
  const auto part = [](Value v, std::int64_t otherwise) {
    if (v.is_none()) return otherwise;
    if (!v.is_int()) type_error("slice indices must be integers or None");
    return v.as_int();
  };
  const auto step = part(s.step, 1);
  if (step == 0) type_error("slice step cannot be zero");
  const auto low = step > 0 ? 0 : -1, high = step > 0 ? 0 : -1;
  const auto clamp = [&](std::int64_t i) {
    if (i < 0) i = i < -size ? low : std::max<std::int64_t>(i + size, low);
    return std::min(i, size + high);
  };
  const auto start = s.lower.is_none() ? (step > 0 ? 0 : size - 1) : clamp(part(s.lower, 0));
  const auto stop = s.upper.is_none() ? (step > 0 ? size : -1) : clamp(part(s.upper, 0));
  return {start, step, Range(start, stop, step).size()};
}

} // namespace detail

inline Value Interpreter::item(Value object, Value index) {
  if (is_host_object(object)) return host_.item(*this, object, index);
  if (auto* d = object.as<Dict>()) {
    if (auto* e = d->table.find(index)) return e->value;
    type_error("KeyError: " + text(index, true));
  }
  std::span<const Value> seq;
  const bool sequence = sequence_items(object, seq);
  if (auto* s = index.as<Slice>()) {
    if (sequence) {
      const auto r = detail::resolve(*s, std::ssize(seq));
      std::vector<Value> part;
      for (std::int64_t i = 0; i < r.count; ++i)
        part.push_back(seq[static_cast<std::size_t>(r.start + i * r.step)]);
      return object.as<Tuple>() ? make_tuple(std::move(part)) : make_list(std::move(part));
    }
    if (auto* str = object.as<String>()) {
      const auto r = detail::resolve(*s, std::ssize(str->text));
      std::string part;
      for (std::int64_t i = 0; i < r.count; ++i)
        part += str->text[static_cast<std::size_t>(r.start + i * r.step)];
      return make_string(std::move(part));
    }
    if (auto* range = object.as<Range>()) {
      const auto r = detail::resolve(*s, range->size());
      std::vector<Value> part;
      meter_.step(static_cast<std::uint64_t>(r.count));
      for (std::int64_t i = 0; i < r.count; ++i)
        part.push_back(Value::integer(range->at(r.start + i * r.step)));
      return make_list(std::move(part));
    }
  }
  if (sequence) return seq[detail::checked_index(index, std::ssize(seq), type_name(object))];
  if (auto* s = object.as<String>())
    return make_string(std::string(1, s->text[detail::checked_index(index, std::ssize(s->text), "string")]));
  if (auto* r = object.as<Range>())
    return Value::integer(r->at(static_cast<std::int64_t>(detail::checked_index(index, r->size(), "range"))));
  unsupported("is not subscriptable", object);
}

inline void Interpreter::set_item(Value object, Value index, Value v) {
  if (is_host_object(object)) return host_.set_item(*this, object, index, v);
  if (object.is_object() && object.object()->frozen())
    throw Fault(FaultKind::rejected,
                "cannot change a " + std::string(type_name(object)) + " that the task defines");
  if (auto* d = object.as<Dict>()) return d->table.set(index, v);
  if (auto* l = object.as<List>()) {
    if (auto* s = index.as<Slice>()) {
      const auto values = items(v);
      const auto r = detail::resolve(*s, std::ssize(l->items));
      if (r.step == 1) {
        const auto at = l->items.begin() + r.start;
        l->items.insert(l->items.erase(at, at + r.count), values.begin(), values.end());
      } else {
        if (std::ssize(values) != r.count)
          type_error("a slice with a step needs as many values as it has places");
        for (std::int64_t i = 0; i < r.count; ++i)
          l->items[static_cast<std::size_t>(r.start + i * r.step)] = values[static_cast<std::size_t>(i)];
      }
      meter_.step(l->items.size());
      return;
    }
    l->items[detail::checked_index(index, std::ssize(l->items), "list")] = v;
    return;
  }
  unsupported("does not support item assignment", object);
}

inline void Interpreter::delete_item(Value object, Value index) {
  if (object.is_object() && object.object()->frozen())
    throw Fault(FaultKind::rejected,
                "cannot change a " + std::string(type_name(object)) + " that the task defines");
  if (auto* d = object.as<Dict>()) {
    if (!d->table.erase(index)) type_error("KeyError: " + text(index, true));
  } else if (auto* l = object.as<List>()) {
    meter_.step(l->items.size());
    if (auto* s = index.as<Slice>()) {
      const auto r = detail::resolve(*s, std::ssize(l->items));
      std::vector<bool> gone(l->items.size());
      for (std::int64_t i = 0; i < r.count; ++i) gone[static_cast<std::size_t>(r.start + i * r.step)] = true;
      std::vector<Value> kept;
      for (std::size_t i = 0; i < gone.size(); ++i)
        if (!gone[i]) kept.push_back(l->items[i]);
      l->items = std::move(kept);
    } else {
      l->items.erase(l->items.begin() +
                     static_cast<std::ptrdiff_t>(detail::checked_index(index, std::ssize(l->items), "list")));
    }
  } else {
    unsupported("does not support item deletion", object);
  }
}

// ---- iteration

/// Over a tuple or list by index, so that a list may change while it is walked, as in Python.
struct SequenceIterator : Iterator {
  explicit SequenceIterator(Value s, bool r = false) : sequence(s), reversed(r) {
    std::span<const Value> seq;
    sequence_items(sequence, seq);
    if (reversed) at = seq.size();
  }
  Value next(Interpreter&) override {
    std::span<const Value> seq;
    sequence_items(sequence, seq);
    if (reversed) return at == 0 || at > seq.size() ? Value() : seq[--at];
    return at < seq.size() ? seq[at++] : Value();
  }
  Value sequence;
  bool reversed;
  std::size_t at = 0;
};

struct RangeIterator : Iterator {
  explicit RangeIterator(const Range& r) : start(r.start), step(r.step), count(r.size()) {}
  Value next(Interpreter&) override { return at < count ? Value::integer(start + at++ * step) : Value(); }
  std::int64_t start, step, count, at = 0;
};

struct StringIterator : Iterator {
  explicit StringIterator(String* s) : string(s) {}
  Value next(Interpreter& in) override {
    return at < string->text.size() ? in.make_string(std::string(1, string->text[at++])) : Value();
  }
  String* string;
  std::size_t at = 0;
};

/// Over the keys of a dict or set as they are now.
struct TableIterator : Iterator {
  explicit TableIterator(HashTable& t) : table(&t) {}
  Value next(Interpreter&) override {
    while (at < table->entries().size())
      if (const auto key = table->entries()[at++].key; key.is_set()) return key;
    return {};
  }
  HashTable* table;
  std::size_t at = 0;
};

inline Iterator* Interpreter::iterate(Value v) {
  if (auto* it = v.as<Iterator>()) {
    if (it->frozen()) throw Fault(FaultKind::rejected, "cannot advance an iterator that the task defines");
    return it;
  }
  if (v.as<Tuple>() || v.as<List>()) return heap_.make<SequenceIterator>(v);
  if (auto* r = v.as<Range>()) return heap_.make<RangeIterator>(*r);
  if (auto* s = v.as<String>()) return heap_.make<StringIterator>(s);
  if (auto* d = v.as<Dict>()) return heap_.make<TableIterator>(d->table);
  if (auto* s = v.as<Set>()) return heap_.make<TableIterator>(s->table);
  if (is_host_object(v)) return host_.iterate(*this, v);
  type_error("'" + std::string(type_name(v)) + "' object is not iterable");
}

inline std::vector<Value> Interpreter::items(Value v) {
  if (std::span<const Value> seq; sequence_items(v, seq)) {
    meter_.step(seq.size());
    return {seq.begin(), seq.end()};
  }
  std::vector<Value> out;
  auto* it = iterate(v);
  for (auto x = it->next(*this); x.is_set(); x = it->next(*this)) {
    meter_.step();
    out.push_back(x);
  }
  return out;
}

} // namespace step::interp
