// SPDX-License-Identifier: MIT
// Python's `==` and hash() on the interpreter's own values. Both charge the meter for the text and the
// elements they look at. Included by objects.hpp.
#pragma once

#include "step/interpreter/objects.hpp"

#include <cmath>

namespace step::interp {

namespace detail {

/// Comparing and hashing call themselves for what a container holds.
class Nesting {
 public:
  Nesting() {
    if (++depth_ > 500) {
      --depth_;
      throw Fault(FaultKind::limit, "values nested too deeply to compare or hash");
    }
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  inline static thread_local std::uint32_t depth_ = 0;
};

/// Exactly, as Python: -1, 0 or 1, and 2 when d is not a number.
[[nodiscard]] inline int compare_exactly(std::int64_t i, double d) {
  if (std::isnan(d)) return 2;
  if (d >= 0x1p63) return -1;
  if (d < -0x1p63) return 1;
  const auto whole = static_cast<std::int64_t>(d);
  if (i != whole) return i < whole ? -1 : 1;
  const auto rest = d - std::trunc(d);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

[[nodiscard]] inline bool same_items(const std::vector<Value>& x, const std::vector<Value>& y) {
  if (x.size() != y.size()) return false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Meter::current().step();
    if (!equal(x[i], y[i])) return false;
  }
  return true;
}

[[nodiscard]] inline bool same_table(HashTable& x, HashTable& y, bool values) {
  if (x.size() != y.size()) return false;
  for (const auto& e : x.entries()) {
    if (!e.key.is_set()) continue;
    auto* other = y.find(e.key);
    if (other == nullptr || (values && !equal(e.value, other->value))) return false;
  }
  return true;
}

/// A set, or a dict's keys or items: views compare with sets by what they hold.
[[nodiscard]] bool same_elements(Value a, Value b);

} // namespace detail

inline bool equal(Value a, Value b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_int() && b.is_int()) return a.as_int() == b.as_int();
    if (a.is_real() && b.is_real()) return a.as_real() == b.as_real();
    return a.is_int() ? detail::compare_exactly(a.as_int(), b.as_real()) == 0
                      : detail::compare_exactly(b.as_int(), a.as_real()) == 0;
  }
  if (auto* x = a.as<DimObject>(), *y = b.as<DimObject>(); x || y) {
    if (x && y) return x->dim == y->dim;
    if (x && b.is_int()) return x->dim == Dim(b.as_int());
    if (y && a.is_int()) return y->dim == Dim(a.as_int());
    return false;
  }
  if (!a.is_object() || !b.is_object()) return a.tag() == b.tag();
  if (a.object() == b.object()) return true;
  if (auto* x = a.as<String>(), *y = b.as<String>(); x && y) {
    if (x->text.size() != y->text.size()) return false;
    Meter::current().bytes(x->text.size());
    return x->text == y->text;
  }
  const detail::Nesting nesting;
  if (auto* x = a.as<Tuple>(), *y = b.as<Tuple>(); x && y) return detail::same_items(x->items, y->items);
  if (auto* x = a.as<List>(), *y = b.as<List>(); x && y) return detail::same_items(x->items, y->items);
  if (auto* x = a.as<Range>(), *y = b.as<Range>(); x && y)
    return x->size() == y->size() &&
           (x->size() == 0 || (x->start == y->start && (x->size() == 1 || x->step == y->step)));
  if (auto* x = a.as<Dict>(), *y = b.as<Dict>(); x && y) return detail::same_table(x->table, y->table, true);
  if (auto* x = a.as<Set>(), *y = b.as<Set>(); x && y) return detail::same_table(x->table, y->table, false);
  if (auto* x = a.as<Slice>(), *y = b.as<Slice>(); x && y)
    return equal(x->lower, y->lower) && equal(x->upper, y->upper) && equal(x->step, y->step);
  if (auto* x = a.as<BoundMethod>(), *y = b.as<BoundMethod>(); x && y)
    return x->call == y->call && x->self.is_object() && y->self.is_object() &&
           x->self.object() == y->self.object();
  if (a.as<DictView>() || b.as<DictView>()) return detail::same_elements(a, b);
  return false;
}

inline std::size_t hash(Value v) {
  const auto of_real = [](double d) { return std::hash<double>{}(d); };
  if (v.is_int()) {
    const auto i = v.as_int();
    const auto d = static_cast<double>(i);
    return detail::compare_exactly(i, d) == 0 ? of_real(d) : std::hash<std::int64_t>{}(i);
  }
  if (v.is_real()) return of_real(v.as_real());
  if (!v.is_object()) return static_cast<std::size_t>(v.tag());
  if (auto* s = v.as<String>()) {
    Meter::current().bytes(s->text.size());
    return std::hash<std::string_view>{}(s->text);
  }
  if (auto* d = v.as<DimObject>()) {
    if (d->dim.is_constant()) return hash(Value::integer(d->dim.constant()));
    const auto text = d->dim.text();
    Meter::current().bytes(text.size());
    return std::hash<std::string>{}(text);
  }
  if (auto* t = v.as<Tuple>()) {
    const detail::Nesting nesting;
    std::size_t h = t->items.size();
    for (auto item : t->items) {
      Meter::current().step();
      h = h * 1000003U ^ hash(item);
    }
    return h;
  }
  switch (v.object()->object_type()) {
  case ObjectType::frozenset: {
    const auto& entries = v.as<Set>()->table.entries();
    Meter::current().bytes(entries.size() * sizeof(HashTable::Entry));
    std::size_t h = v.as<Set>()->table.size();
    for (const auto& e : entries)
      if (e.key.is_set()) h += (e.hash ^ 0x5bd1e995U) * 0x9E3779B97F4A7C15ULL; // in any order
    return h;
  }
  case ObjectType::range: {
    const auto& r = *v.as<Range>();
    const auto n = r.size();
    return static_cast<std::size_t>(n) * 31U + (n == 0 ? 0
                                                       : static_cast<std::size_t>(r.start) * 1000003U +
                                                             (n == 1 ? 0 : static_cast<std::size_t>(r.step)));
  }
  case ObjectType::list:
  case ObjectType::dict:
  case ObjectType::set:
  case ObjectType::slice:
  case ObjectType::dict_keys:
  case ObjectType::dict_items:
    throw Fault(FaultKind::type, "unhashable type: '" + std::string(type_name(v)) + "'");
  default:
    return std::hash<const void*>{}(v.object());
  }
}

inline bool detail::same_elements(Value a, Value b) {
  const auto table = [](Value v) -> HashTable* {
    if (auto* s = v.as<Set>()) return &s->table;
    auto* view = v.as<DictView>();
    return view != nullptr && view->object_type() != ObjectType::dict_values ? &view->dict->table : nullptr;
  };
  auto *x = table(a), *y = table(b);
  if (x == nullptr || y == nullptr || x->size() != y->size()) return false;
  const auto is_items = [](Value v) {
    return v.is_object() && v.object()->object_type() == ObjectType::dict_items;
  };
  if (!is_items(a) && !is_items(b)) return same_table(*x, *y, false);
  if (is_items(a) && is_items(b)) return same_table(*x, *y, true);
  // a set of pairs against items
  auto *pairs = is_items(a) ? y : x, *dict = is_items(a) ? x : y;
  for (const auto& e : pairs->entries()) {
    if (!e.key.is_set()) continue;
    auto* pair = e.key.as<Tuple>();
    if (pair == nullptr || pair->items.size() != 2) return false;
    auto* found = dict->find(pair->items[0]);
    if (found == nullptr || !equal(found->value, pair->items[1])) return false;
  }
  return true;
}

} // namespace step::interp
