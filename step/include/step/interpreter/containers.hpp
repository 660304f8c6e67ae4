// SPDX-License-Identifier: MIT
// Indexing, slicing and iteration of the interpreter's own containers, as Python defines them.
// Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/iterators.hpp"
#include "step/interpreter/text.hpp"

#include <algorithm>

namespace step::interp {

// ---- indexing

namespace detail {

/// The index into a sequence of `size`, negative ones from the end.
inline std::size_t checked_index(Value index, std::int64_t size, std::string_view what) {
  if (!index.is_int())
    type_error(std::string(what) + " indices must be integers, not " + std::string(type_name(index)));
  auto i = index.as_int();
  if (i < 0) i += size;
  if (i < 0 || i >= size) type_error(std::string(what) + " index out of range");
  return static_cast<std::size_t>(i);
}

struct SliceRange {
  std::int64_t start = 0, stop = 0, step = 1, count = 0;
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
  return {start, stop, step, static_cast<std::int64_t>(Range::count(start, stop, step))};
}

inline Value slice_of(Interpreter& in, const String& string, const Slice& slice) {
  const auto r = resolve(slice, string.length);
  const auto& text = string.text;
  in.meter().bytes(string.ascii() && r.step == 1 ? static_cast<std::size_t>(r.count) : text.size());
  if (string.ascii() && r.step == 1)
    return in.make_string(text.substr(static_cast<std::size_t>(r.start), static_cast<std::size_t>(r.count)));
  std::string part;
  if (string.ascii()) {
    for (std::int64_t i = 0; i < r.count; ++i) part += text[static_cast<std::size_t>(r.start + i * r.step)];
    return in.make_string(std::move(part));
  }
  in.meter().step(static_cast<std::uint64_t>(string.length)); // where its characters begin
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < text.size(); at += code_points::width(text, at)) offsets.push_back(at);
  for (std::int64_t i = 0; i < r.count; ++i) {
    const auto at = offsets[static_cast<std::size_t>(r.start + i * r.step)];
    part += text.substr(at, code_points::width(text, at));
  }
  return in.make_string(std::move(part));
}

inline Value slice_of(Interpreter& in, const Range& range, const Slice& slice) {
  const auto r = resolve(slice, range.size());
  __extension__ using Wide = __int128;
  const auto number = [&](std::int64_t i) {
    const auto n = static_cast<Wide>(range.start) + static_cast<Wide>(i) * range.step;
    if (n > std::numeric_limits<std::int64_t>::max() || n < std::numeric_limits<std::int64_t>::min())
      integer_too_large();
    return static_cast<std::int64_t>(n);
  };
  std::int64_t step = 0;
  if (__builtin_mul_overflow(r.step, range.step, &step)) integer_too_large();
  return in.heap().make<Range>(number(r.start), number(r.stop), step);
}

} // namespace detail

inline Value Interpreter::item(Value object, Value index) {
  if (is_host_object(object)) return host_.item(*this, object, index);
  if (auto* d = object.as<Dict>()) {
    if (auto* e = d->table.find(index)) return e->value;
    type_error("KeyError: " + detail::clipped_text(text(index, true)));
  }
  std::span<const Value> seq;
  const bool sequence = sequence_items(object, seq);
  if (auto* s = index.as<Slice>()) {
    if (sequence) {
      const auto r = detail::resolve(*s, std::ssize(seq));
      meter_.step(static_cast<std::uint64_t>(r.count));
      std::vector<Value> part;
      part.reserve(static_cast<std::size_t>(r.count));
      for (std::int64_t i = 0; i < r.count; ++i)
        part.push_back(seq[static_cast<std::size_t>(r.start + i * r.step)]);
      return object.as<Tuple>() ? make_tuple(std::move(part)) : make_list(std::move(part));
    }
    if (auto* str = object.as<String>()) return detail::slice_of(*this, *str, *s);
    if (auto* range = object.as<Range>()) return detail::slice_of(*this, *range, *s);
  }
  if (sequence) return seq[detail::checked_index(index, std::ssize(seq), type_name(object))];
  if (auto* s = object.as<String>()) {
    auto at = detail::checked_index(index, s->length, "string");
    if (!s->ascii()) {
      meter_.bytes(s->text.size());
      at = code_points::offset(s->text, static_cast<std::int64_t>(at));
    }
    return make_string(s->text.substr(at, code_points::width(s->text, at)));
  }
  if (auto* r = object.as<Range>())
    return Value::integer(r->at(static_cast<std::int64_t>(detail::checked_index(index, r->size(), "range"))));
  if (object.as<DictView>() != nullptr)
    unsupported("is not subscriptable; make a list of it first: list(d.values())[0]", object);
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
      meter_.step(l->items.size());
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
    if (!d->table.erase(index)) type_error("KeyError: " + detail::clipped_text(text(index, true)));
  } else if (auto* l = object.as<List>()) {
    meter_.bytes(l->items.size() * sizeof(Value));
    if (auto* s = index.as<Slice>()) {
      meter_.step(l->items.size());
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

inline Iterator* Interpreter::iterate(Value v) {
  if (auto* it = v.as<Iterator>()) {
    if (it->frozen()) throw Fault(FaultKind::rejected, "cannot advance an iterator that the task defines");
    return it;
  }
  if (v.as<Tuple>() || v.as<List>()) return heap_.make<detail::SequenceIterator>(v);
  if (auto* r = v.as<Range>()) return heap_.make<detail::RangeIterator>(*r, false);
  if (auto* s = v.as<String>()) return heap_.make<detail::StringIterator>(s, false);
  if (auto* d = v.as<Dict>()) return heap_.make<detail::TableIterator>(d->table, ObjectType::dict, false);
  if (auto* s = v.as<Set>()) return heap_.make<detail::TableIterator>(s->table, ObjectType::set, false);
  if (auto* d = v.as<DictView>())
    return heap_.make<detail::TableIterator>(d->dict->table, d->object_type(), false);
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
