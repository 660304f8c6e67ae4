// SPDX-License-Identifier: MIT
// What sets, frozensets and the keys and items of dicts share: the operators | & - ^ and the order by
// inclusion. Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter_class.hpp"

namespace step::interp::detail {

/// An operand of the set operators: a set, a frozenset, or the keys or items of a dict.
[[nodiscard]] inline bool is_set_like(Value v) {
  return v.as<Set>() != nullptr ||
         (v.as<DictView>() != nullptr && v.object()->object_type() != ObjectType::dict_values);
}

/// Every entry of `from` is set in `into`; they may be the same.
inline void merge(Interpreter& in, HashTable& into, const HashTable& from) {
  in.meter().step(from.size());
  if (&into == &from) return;
  for (const auto& e : from.entries())
    if (e.key.is_set()) into.set(e.key, e.value);
}

/// Adds all items of an iterable to a table of a set.
inline void add_all(Interpreter& in, HashTable& into, Value iterable) {
  if (auto* set = iterable.as<Set>()) return merge(in, into, set->table);
  for (auto v : in.items(iterable)) into.set(v, Value::none());
}

/// The elements of an iterable as a table: its own where it is a set.
struct Elements {
  Elements(Interpreter& in, Value iterable) {
    if (auto* set = iterable.as<Set>()) {
      table = &set->table;
    } else {
      add_all(in, own, iterable);
      table = &own;
    }
  }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;
  HashTable own;
  HashTable* table;
};

/// A set is not hashable, but may be looked up among frozensets.
inline Value as_element(Interpreter& in, Value v) {
  if (!v.is_object() || v.object()->object_type() != ObjectType::set) return v;
  auto* frozen = in.heap().make<Set>(ObjectType::frozenset);
  merge(in, frozen->table, v.as<Set>()->table);
  return frozen;
}
inline HashTable::Entry* find_element(Interpreter& in, HashTable& table, Value v) {
  return table.find(as_element(in, v));
}

/// A set of the kind of `like`; a plain one for anything but a frozenset.
inline Set* make_set(Interpreter& in, Value like) {
  const bool frozen = like.is_object() && like.object()->object_type() == ObjectType::frozenset;
  return in.heap().make<Set>(frozen ? ObjectType::frozenset : ObjectType::set);
}

inline Set* set_union(Interpreter& in, Value a, Value b) {
  auto* out = make_set(in, a);
  add_all(in, out->table, a);
  add_all(in, out->table, b);
  return out;
}
/// The elements of `a` that are in `b`, or those that are not.
inline Set* filtered(Interpreter& in, Value a, Value b, bool present) {
  auto* out = make_set(in, a);
  const Elements x(in, a), y(in, b);
  // of equal elements Python keeps those of the smaller set, or of what is no set
  const bool swap = present && (b.as<Set>() == nullptr || y.table->size() <= x.table->size());
  const auto* from = swap ? y.table : x.table;
  auto* other = swap ? x.table : y.table;
  for (const auto& e : from->entries()) {
    in.meter().step();
    if (e.key.is_set() && (other->find(e.key) != nullptr) == present) out->table.set(e.key, Value::none());
  }
  return out;
}
inline Set* symmetric_difference(Interpreter& in, Value a, Value b) {
  const Elements x(in, a), y(in, b);
  auto* out = make_set(in, a);
  for (const auto* side : {&x, &y}) {
    const auto* other = side == &x ? &y : &x;
    for (const auto& e : side->table->entries()) {
      in.meter().step();
      if (e.key.is_set() && other->table->find(e.key) == nullptr) out->table.set(e.key, Value::none());
    }
  }
  return out;
}

/// | & - ^ of two sets, or of a dict's keys or items and anything iterable; unset for other operands.
inline Value set_binary(Interpreter& in, syntax::Op op, Value a, Value b) {
  using syntax::Op;
  if (op != Op::bit_or && op != Op::bit_and && op != Op::bit_xor && op != Op::subtract) return {};
  const auto is_view = [](Value v) { return v.as<DictView>() != nullptr && is_set_like(v); };
  const bool views = is_view(a) || is_view(b);
  if (!views && (a.as<Set>() == nullptr || b.as<Set>() == nullptr)) return {};
  if (views && op == Op::bit_and) { // what is in the view need not be hashable
    auto* out = in.heap().make<Set>();
    for (auto v : in.items(is_view(a) ? b : a))
      if (in.contains(is_view(a) ? a : b, v)) out->table.set(v, Value::none());
    return out;
  }
  if (views && a.as<Set>() != nullptr) { // the result is a plain set, also when `a` is frozen
    auto* plain = in.heap().make<Set>();
    merge(in, plain->table, a.as<Set>()->table);
    a = plain;
  }
  switch (op) {
  case Op::bit_or:
    return set_union(in, a, b);
  case Op::bit_and:
    return filtered(in, a, b, true);
  case Op::subtract:
    return filtered(in, a, b, false);
  default:
    return symmetric_difference(in, a, b);
  }
}

[[nodiscard]] inline bool subset(Interpreter& in, const Elements& a, const Elements& b) {
  if (a.table->size() > b.table->size()) return false;
  for (const auto& e : a.table->entries()) {
    in.meter().step();
    if (e.key.is_set() && b.table->find(e.key) == nullptr) return false;
  }
  return true;
}

/// `<`, `<=`, `>`, `>=`: inclusion. Requires is_set_like() of both.
[[nodiscard]] inline bool set_order(Interpreter& in, syntax::Op op, Value a, Value b) {
  using syntax::Op;
  if (op == Op::greater || op == Op::greater_equal) {
    std::swap(a, b);
    op = op == Op::greater ? Op::less : Op::less_equal;
  }
  const Elements x(in, a), y(in, b);
  return subset(in, x, y) && (op == Op::less_equal || x.table->size() < y.table->size());
}

/// dict(other), d.update(other), d |= other: from a dict or from pairs.
inline void update_dict(Interpreter& in, HashTable& table, Value other) {
  if (auto* dict = other.as<Dict>()) return merge(in, table, dict->table);
  for (auto pair : in.items(other)) {
    const auto kv = in.items(pair);
    if (kv.size() != 2)
      type_error("dictionary update sequence element has length " + std::to_string(kv.size()) +
                 "; 2 is required");
    table.set(kv[0], kv[1]);
  }
}

} // namespace step::interp::detail
