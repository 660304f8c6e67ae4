// SPDX-License-Identifier: MIT
// The methods of lists, tuples and ranges. Included by methods.hpp.
#pragma once

#include "step/interpreter/native_arguments.hpp"

#include <algorithm>

namespace step::interp {

namespace detail {

/// An argument that must be an int or a bool and stands for yes or no, as `reverse` of sorted().
inline bool flag(const NativeArguments& a, std::size_t i) { return a.integer(i, 0) != 0; }

} // namespace detail

/// Stable sort by `key` (may be None); compares as Python's `<`. Fault{limit} through the meter.
inline void sort_values(Interpreter& in, std::vector<Value>& values, Value key, bool reverse) {
  std::vector<std::pair<Value, Value>> keyed;
  keyed.reserve(values.size());
  for (auto v : values)
    keyed.emplace_back(key.is_set() && !key.is_none() ? in.call(key, {{&v, 1}, {}}) : v, v);
  const auto before = [&](const auto& a, const auto& b) {
    in.meter().step();
    return reverse ? in.less(b.first, a.first) : in.less(a.first, b.first);
  };
  // merge sort of our own: std::stable_sort has undefined behaviour when `<` is no strict weak order (NaN)
  std::vector<std::pair<Value, Value>> buffer(keyed.size());
  for (std::size_t width = 1; width < keyed.size(); width *= 2) {
    for (std::size_t low = 0; low < keyed.size(); low += 2 * width) {
      const auto middle = std::min(low + width, keyed.size()), high = std::min(low + 2 * width, keyed.size());
      std::size_t i = low, j = middle, out = low;
      while (i < middle && j < high) buffer[out++] = before(keyed[j], keyed[i]) ? keyed[j++] : keyed[i++];
      while (i < middle) buffer[out++] = keyed[i++];
      while (j < high) buffer[out++] = keyed[j++];
    }
    keyed.swap(buffer);
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = keyed[i].second;
}

namespace detail {

inline std::span<const Value> sequence(const NativeArguments& a) {
  std::span<const Value> items;
  if (!sequence_items(a[0], items)) type_error("this method belongs to another type");
  return items;
}
/// Moves or compares the items after a place: cheaper than a step each.
inline void charge_items(Interpreter& in, std::size_t n) { in.meter().bytes(n * sizeof(Value)); }

inline Value sequence_index(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "index");
  const auto items = sequence(a);
  const auto place = [&](std::size_t i, std::int64_t otherwise) {
    const auto at = a.integer(i, otherwise);
    return static_cast<std::size_t>(std::clamp<std::int64_t>(
        at < 0 ? std::max<std::int64_t>(at, -std::ssize(items)) + std::ssize(items) : at, 0,
        std::ssize(items)));
  };
  const auto end = place(3, std::ssize(items));
  for (auto i = place(2, 0); i < end; ++i) {
    in.meter().step();
    if (equal(items[i], a[1])) return Value::integer(static_cast<std::int64_t>(i));
  }
  type_error(clipped_text(in.text(a[1], true)) + " is not in the " + std::string(type_name(a[0])));
}
inline Value sequence_count(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "count");
  std::int64_t n = 0;
  for (auto v : sequence(a)) {
    in.meter().step();
    n += equal(v, a[1]) ? 1 : 0;
  }
  return Value::integer(n);
}

} // namespace detail

inline constexpr Method list_methods[] = {
    {ObjectType::list, "append", "object, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "append");
       in.meter().step();
       changeable<List>(a).items.push_back(a[1]);
       return Value::none();
     }},
    {ObjectType::list, "extend", "iterable, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "extend");
       auto& list = changeable<List>(a);
       const auto more = in.items(a[1]);
       list.items.insert(list.items.end(), more.begin(), more.end());
       return Value::none();
     }},
    {ObjectType::list, "insert", "index, object, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "insert");
       auto& items = changeable<List>(a).items;
       const auto size = std::ssize(items);
       auto at = a.integer(1, 0);
       at = at < 0 ? std::max<std::int64_t>(0, at + size) : std::min(at, size);
       in.meter().step();
       detail::charge_items(in, static_cast<std::size_t>(size - at));
       items.insert(items.begin() + at, a[2]);
       return Value::none();
     }},
    {ObjectType::list, "pop", "index=, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "pop");
       auto& items = changeable<List>(a).items;
       if (items.empty()) type_error("pop from empty list");
       const auto at =
           detail::checked_index(a[1].is_set() ? a[1] : Value::integer(-1), std::ssize(items), "pop");
       detail::charge_items(in, items.size() - at);
       const auto v = items[at];
       items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
       return v;
     }},
    {ObjectType::list, "remove", "value, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "remove");
       auto& items = changeable<List>(a).items;
       in.meter().step(items.size());
       const auto it = std::find_if(items.begin(), items.end(), [&](Value v) { return equal(v, a[1]); });
       if (it == items.end()) type_error("list.remove(x): x not in list");
       items.erase(it);
       return Value::none();
     }},
    {ObjectType::list, "clear", "",
     [](Interpreter&, const Arguments& args) {
       changeable<List>(NativeArguments(args, "clear")).items.clear();
       return Value::none();
     }},
    {ObjectType::list, "reverse", "",
     [](Interpreter& in, const Arguments& args) {
       auto& items = changeable<List>(NativeArguments(args, "reverse")).items;
       detail::charge_items(in, items.size());
       std::reverse(items.begin(), items.end());
       return Value::none();
     }},
    {ObjectType::list, "sort", "*, key=, reverse=",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "sort");
       auto& list = changeable<List>(a);
       const bool reverse = detail::flag(a, 2);
       auto values = std::exchange(list.items, {}); // it is empty while it is sorted, as in Python
       sort_values(in, values, a[1], reverse);
       if (!list.items.empty()) type_error("list modified during sort");
       list.items = std::move(values);
       return Value::none();
     }},
    {ObjectType::list, "copy", "",
     [](Interpreter& in, const Arguments& args) {
       return in.make_list(receiver<List>(NativeArguments(args, "copy")).items);
     }},
    {ObjectType::list, "index", "value, start=, stop=, /", detail::sequence_index},
    {ObjectType::list, "count", "value, /", detail::sequence_count},
};

inline constexpr Method tuple_methods[] = {
    {ObjectType::tuple, "index", "value, start=, stop=, /", detail::sequence_index},
    {ObjectType::tuple, "count", "value, /", detail::sequence_count},
};

inline constexpr Method range_methods[] = {
    {ObjectType::range, "index", "value, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "index");
       const auto& r = receiver<Range>(a);
       if (!a[1].is_number() || !in.contains(a[0], a[1]))
         type_error(detail::clipped_text(in.text(a[1], true)) + " is not in range");
       const auto first = static_cast<std::uint64_t>(r.start),
                  at = static_cast<std::uint64_t>(a[1].is_int() ? a[1].as_int()
                                                                : detail::to_integer(a[1].as_real()));
       return Value::integer(
           static_cast<std::int64_t>((r.step > 0 ? at - first : first - at) / detail::magnitude(r.step)));
     }},
    {ObjectType::range, "count", "value, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "count");
       (void)receiver<Range>(a);
       return Value::integer(in.contains(a[0], a[1]) ? 1 : 0);
     }},
};

} // namespace step::interp
