// SPDX-License-Identifier: MIT
// Comparison and membership, as Python defines them. Included by interpreter.hpp.
#pragma once

#include "step/interpreter/arithmetic.hpp"
#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/set_operations.hpp"
#include "step/interpreter/text_search.hpp"

#include <algorithm>
#include <cstring>

namespace step::interp {

namespace detail {

template <class T> bool ordered(syntax::Op op, const T& a, const T& b) {
  switch (op) {
  case syntax::Op::less:
    return a < b;
  case syntax::Op::less_equal:
    return a <= b;
  case syntax::Op::greater:
    return a > b;
  default:
    return a >= b;
  }
}

} // namespace detail

inline bool Interpreter::order(syntax::Op op, Value a, Value b) {
  using detail::ordered;
  if (a.is_number() && b.is_number()) {
    if (a.is_int() && b.is_int()) return ordered(op, a.as_int(), b.as_int());
    if (a.is_real() && b.is_real()) return ordered(op, a.as_real(), b.as_real());
    const int c = a.is_int() ? detail::compare_exactly(a.as_int(), b.as_real())
                             : detail::compare_exactly(b.as_int(), a.as_real());
    return c != 2 && ordered(op, a.is_int() ? c : -c, 0);
  }
  if (auto* x = a.as<String>(), *y = b.as<String>(); x && y) {
    meter_.bytes(std::min(x->text.size(), y->text.size()));
    return ordered(op, x->text.compare(y->text), 0); // by bytes: the order of UTF-8 is that of code points
  }
  std::span<const Value> x, y;
  if ((a.as<Tuple>() && b.as<Tuple>()) || (a.as<List>() && b.as<List>())) {
    sequence_items(a, x);
    sequence_items(b, y);
    const Level level(*this);
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      meter_.step();
      if (!equal(x[i], y[i])) return order(op, x[i], y[i]);
    }
    return ordered(op, x.size(), y.size());
  }
  if (detail::is_set_like(a) && detail::is_set_like(b)) return detail::set_order(*this, op, a, b);
  type_error("'" + std::string(detail::symbol_of(op)) + "' not supported between instances of '" +
             std::string(type_name(a)) + "' and '" + std::string(type_name(b)) + "'");
}

inline bool Interpreter::less(Value a, Value b) { return order(syntax::Op::less, a, b); }

inline bool Interpreter::contains(Value container, Value v) {
  if (auto* d = container.as<Dict>()) return d->table.find(v) != nullptr;
  if (auto* s = container.as<Set>()) return detail::find_element(*this, s->table, v) != nullptr;
  if (auto* view = container.as<DictView>();
      view != nullptr && view->object_type() != ObjectType::dict_values) {
    if (view->object_type() == ObjectType::dict_keys) return view->dict->table.find(v) != nullptr;
    auto* pair = v.as<Tuple>();
    if (pair == nullptr || pair->items.size() != 2) return false;
    auto* e = view->dict->table.find(pair->items[0]);
    return e != nullptr && equal(e->value, pair->items[1]);
  }
  if (auto* s = container.as<String>()) {
    auto* part = v.as<String>();
    if (part == nullptr)
      type_error("'in <string>' requires string as left operand, not " + std::string(type_name(v)));
    return detail::find(meter_, s->text, part->text) != std::string::npos;
  }
  if (auto* r = container.as<Range>(); r != nullptr && v.is_int()) {
    const auto inside = r->step > 0 ? v.as_int() >= r->start && v.as_int() < r->stop
                                    : v.as_int() <= r->start && v.as_int() > r->stop;
    const auto width = detail::magnitude(r->step);
    const auto low = static_cast<std::uint64_t>(std::min(r->start, v.as_int())),
               high = static_cast<std::uint64_t>(std::max(r->start, v.as_int()));
    return inside && (high - low) % width == 0;
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
    bool same = a.tag() == b.tag();
    if (same && a.is_object())
      same = a.object() == b.object();
    else if (same && a.is_real())
      same = std::bit_cast<std::uint64_t>(a.as_real()) == std::bit_cast<std::uint64_t>(b.as_real());
    else if (same)
      same = equal(a, b);
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
  if (op == Op::equal) return Value::boolean(equal(a, b));
  if (op == Op::not_equal) return Value::boolean(!equal(a, b));
  return Value::boolean(order(op, a, b));
}

} // namespace step::interp
