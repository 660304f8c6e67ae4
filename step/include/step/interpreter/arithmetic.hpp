// SPDX-License-Identifier: MIT
// Truth, length and the binary operators on the interpreter's own values, as Python defines them.
// Included by interpreter.hpp.
#pragma once

#include "step/interpreter/format.hpp"
#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/set_operations.hpp"
#include "step/interpreter/text.hpp"

#include <algorithm>

namespace step::interp {

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
  switch (v.object()->object_type()) {
  case ObjectType::string:
  case ObjectType::tuple:
  case ObjectType::list:
  case ObjectType::dict:
  case ObjectType::dict_keys:
  case ObjectType::dict_values:
  case ObjectType::dict_items:
  case ObjectType::set:
  case ObjectType::frozenset:
  case ObjectType::range:
    return length(v) != 0;
  default:
    return true;
  }
}

inline std::int64_t Interpreter::length(Value v) {
  std::span<const Value> seq;
  if (sequence_items(v, seq)) return std::ssize(seq);
  if (auto* s = v.as<String>()) return s->length;
  if (auto* d = v.as<Dict>()) return static_cast<std::int64_t>(d->table.size());
  if (auto* s = v.as<Set>()) return static_cast<std::int64_t>(s->table.size());
  if (auto* r = v.as<Range>()) return r->size();
  if (auto* d = v.as<DictView>()) return static_cast<std::int64_t>(d->dict->table.size());
  if (is_host_object(v)) return host_.length(v);
  type_error("object of type '" + std::string(type_name(v)) + "' has no len()");
}

namespace detail {

inline std::optional<Dim> as_dim(Value v) {
  if (v.is_int()) return Dim(v.as_int());
  if (auto* d = v.as<DimObject>()) return d->dim;
  return std::nullopt;
}

/// The operators on symbolic sizes; unset when `op` is none of them.
inline Value dim_binary(Interpreter& in, syntax::Op op, Value a, Value b) {
  using syntax::Op;
  const auto x = as_dim(a), y = as_dim(b);
  if (!x || !y) return {};
  in.meter().step(16);
  switch (op) {
  case Op::add:
    return in.make_dim(*x + *y);
  case Op::subtract:
    return in.make_dim(*x - *y);
  case Op::multiply:
    return in.make_dim(*x * *y);
  case Op::floor_divide:
    return in.make_dim(step::floor_divide(*x, *y));
  case Op::divide:
    if (auto q = exact_divide(*x, *y)) return in.make_dim(*q);
    type_error("the size " + clipped_text(x->text()) + " / " + clipped_text(y->text()) + " is not whole");
  case Op::modulo:
    return in.make_dim(*x - *y * step::floor_divide(*x, *y));
  case Op::power:
    if (b.is_int()) return in.make_dim(x->power(b.as_int()));
    return {};
  default:
    return {};
  }
}

/// `sequence * times`; unset when `sequence` is none.
inline Value repeated(Interpreter& in, Value sequence, std::int64_t times) {
  times = std::max<std::int64_t>(0, times);
  if (auto* s = sequence.as<String>()) {
    if (!s->text.empty() && times > static_cast<std::int64_t>(Interpreter::max_text / s->text.size()))
      throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
    std::string text;
    if (!s->text.empty())
      for (std::int64_t i = 0; i < times; ++i) text += s->text;
    return in.make_string(std::move(text));
  }
  std::span<const Value> part;
  if (!sequence_items(sequence, part)) return {};
  std::int64_t total = 0;
  if (__builtin_mul_overflow(times, std::ssize(part), &total))
    total = std::numeric_limits<std::int64_t>::max();
  in.meter().step(static_cast<std::uint64_t>(total));
  std::vector<Value> items;
  items.reserve(static_cast<std::size_t>(total));
  if (!part.empty())
    for (std::int64_t i = 0; i < times; ++i) items.insert(items.end(), part.begin(), part.end());
  return sequence.as<Tuple>() ? in.make_tuple(std::move(items)) : in.make_list(std::move(items));
}

/// `a + b` of two strings, tuples or lists; unset for others.
inline Value joined(Interpreter& in, Value a, Value b) {
  if (auto* x = a.as<String>(), *y = b.as<String>(); x && y) {
    in.meter().bytes(x->text.size() + y->text.size());
    return in.make_string(x->text + y->text);
  }
  const bool tuples = a.as<Tuple>() && b.as<Tuple>(), lists = a.as<List>() && b.as<List>();
  std::span<const Value> x, y;
  if ((!tuples && !lists) || !sequence_items(a, x) || !sequence_items(b, y)) return {};
  in.meter().step(x.size() + y.size());
  std::vector<Value> items;
  items.reserve(x.size() + y.size());
  items.insert(items.end(), x.begin(), x.end());
  items.insert(items.end(), y.begin(), y.end());
  return tuples ? in.make_tuple(std::move(items)) : in.make_list(std::move(items));
}

inline std::string_view symbol_of(syntax::Op op) {
  using syntax::Op;
  switch (op) {
  case Op::add:
    return "+";
  case Op::subtract:
    return "-";
  case Op::multiply:
    return "*";
  case Op::divide:
    return "/";
  case Op::floor_divide:
    return "//";
  case Op::modulo:
    return "%";
  case Op::power:
    return "**";
  case Op::shift_left:
    return "<<";
  case Op::shift_right:
    return ">>";
  case Op::bit_and:
    return "&";
  case Op::bit_or:
    return "|";
  case Op::bit_xor:
    return "^";
  case Op::less:
    return "<";
  case Op::less_equal:
    return "<=";
  case Op::greater:
    return ">";
  case Op::greater_equal:
    return ">=";
  default:
    return "this operator";
  }
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
  if (op == Op::modulo && a.as<String>()) return detail::percent_format(*this, *a.as<String>(), b);
  if (is_host_object(a) || is_host_object(b)) return host_.binary(*this, op, a, b);
  Value result;
  if (a.as<DimObject>() || b.as<DimObject>()) result = detail::dim_binary(*this, op, a, b);
  if (!result.is_set() && op == Op::add) result = detail::joined(*this, a, b);
  if (!result.is_set() && op == Op::multiply && (a.is_int() || b.is_int()))
    result = detail::repeated(*this, a.is_int() ? b : a, a.is_int() ? a.as_int() : b.as_int());
  if (!result.is_set()) result = detail::set_binary(*this, op, a, b);
  if (auto* x = a.as<Dict>(), *y = b.as<Dict>(); x && y && op == Op::bit_or) {
    auto* out = heap_.make<Dict>();
    for (auto* d : {x, y}) detail::merge(*this, out->table, d->table);
    return out;
  }
  if (result.is_set()) return result;
  type_error("unsupported operand types for " + std::string(detail::symbol_of(op)) + ": '" +
             std::string(type_name(a)) + "' and '" + std::string(type_name(b)) + "'");
}

/// `a op= b`: lists, sets and dicts change in place, whatever other names they have.
inline Value Interpreter::augmented(syntax::Op op, Value a, Value b) {
  using syntax::Op;
  if (is_host_object(a)) return host_.augmented(*this, op, a, b);
  auto* list = a.as<List>();
  auto* set = a.is_object() && a.object()->object_type() == ObjectType::set ? a.as<Set>() : nullptr;
  auto* dict = a.as<Dict>();
  const bool changes = (list != nullptr && (op == Op::add || op == Op::multiply)) ||
                       (set != nullptr &&
                        (op == Op::bit_or || op == Op::bit_and || op == Op::bit_xor || op == Op::subtract)) ||
                       (dict != nullptr && op == Op::bit_or);
  if (!changes) return binary(op, a, b);
  if (a.object()->frozen())
    type_error("cannot change a " + std::string(type_name(a)) + " that the task defines");
  if (list != nullptr && op == Op::add) {
    const auto more = items(b);
    list->items.insert(list->items.end(), more.begin(), more.end());
  } else if (list != nullptr) {
    list->items = binary(op, a, b).as<List>()->items;
  } else if (set != nullptr) {
    if (b.as<Set>() == nullptr) return binary(op, a, b); // a new set, or its error
    set->table = binary(op, a, b).as<Set>()->table;
  } else {
    detail::update_dict(*this, dict->table, b);
  }
  return a;
}

} // namespace step::interp
