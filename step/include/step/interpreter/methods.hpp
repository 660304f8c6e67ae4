// SPDX-License-Identifier: MIT
// The methods of lists, dicts, sets, strings and tuples. One table: a method is a name and a function whose
// first argument is the object. Included by builtins.hpp.
#pragma once

#include "step/interpreter/interpreter.hpp"

#include <algorithm>
#include <cctype>

namespace step::interp {

/// Checked access to the arguments of a native function.
class NativeArguments {
 public:
  NativeArguments(const Arguments& a, std::string_view function, std::size_t least, std::size_t most)
      : arguments_(a), function_(function) {
    if (a.positional.size() < least || a.positional.size() > most)
      type_error(std::string(function) + "() takes " + std::to_string(least) +
                 (least == most ? "" : " to " + std::to_string(most)) + " arguments, got " +
                 std::to_string(a.positional.size()));
  }
  /// Refuses keywords other than those listed.
  NativeArguments& keywords(std::initializer_list<std::string_view> allowed) {
    for (const auto& [name, value] : arguments_.keywords)
      if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
        type_error(std::string(function_) + "() got an unexpected keyword argument '" + std::string(name) +
                   "'");
    return *this;
  }
  [[nodiscard]] Value operator[](std::size_t i) const {
    return i < arguments_.positional.size() ? arguments_.positional[i] : Value();
  }
  [[nodiscard]] Value keyword(std::string_view name) const {
    for (const auto& [key, value] : arguments_.keywords)
      if (key == name) return value;
    return {};
  }
  [[nodiscard]] std::int64_t integer(std::size_t i, std::int64_t otherwise) const {
    const auto v = (*this)[i];
    if (!v.is_set()) return otherwise;
    if (!v.is_int()) type_error(std::string(function_) + "() needs an int, got " + std::string(type_name(v)));
    return v.as_int();
  }
  [[nodiscard]] const std::string& string(std::size_t i) const {
    auto* s = (*this)[i].as<String>();
    if (s == nullptr) type_error(std::string(function_) + "() needs a str");
    return s->text;
  }

 private:
  const Arguments& arguments_;
  std::string_view function_;
};

/// The object of a method as a T that may be changed.
template <class T> T& changeable(const NativeArguments& a) {
  auto* self = a[0].as<T>();
  if (self == nullptr) type_error("this method belongs to another type");
  if (self->frozen()) throw Fault(FaultKind::rejected, "cannot change a container that the task defines");
  return *self;
}
template <class T> T& receiver(const NativeArguments& a) {
  auto* self = a[0].as<T>();
  if (self == nullptr) type_error("this method belongs to another type");
  return *self;
}

/// Stable sort by `key` (may be None); compares as Python's `<`. Fault{limit} through the meter.
inline void sort_values(Interpreter& in, std::vector<Value>& values, Value key, bool reverse) {
  std::vector<std::pair<Value, Value>> keyed;
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

struct Method {
  ObjectType type{};
  std::string_view name;
  Native::Call call{};
};

namespace detail {

inline Value none() { return Value::none(); }

inline std::string strip(const std::string& s, bool left, bool right) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  std::size_t a = 0, b = s.size();
  while (left && a < b && space(s[a])) ++a;
  while (right && b > a && space(s[b - 1])) --b;
  return s.substr(a, b - a);
}

template <class F> Value map_characters(Interpreter& in, const NativeArguments& a, F f) {
  std::string out = receiver<String>(a).text;
  for (auto& c : out) c = static_cast<char>(f(static_cast<unsigned char>(c)));
  return in.make_string(std::move(out));
}

} // namespace detail

inline constexpr Method methods[] = {
    // ---- list
    {ObjectType::list, "append",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "append", 2, 2);
       in.meter().step();
       changeable<List>(a).items.push_back(a[1]);
       return detail::none();
     }},
    {ObjectType::list, "extend",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "extend", 2, 2);
       auto& list = changeable<List>(a);
       const auto more = in.items(a[1]);
       list.items.insert(list.items.end(), more.begin(), more.end());
       return detail::none();
     }},
    {ObjectType::list, "insert",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "insert", 3, 3);
       auto& items = changeable<List>(a).items;
       const auto size = std::ssize(items);
       auto at = a.integer(1, 0);
       at = at < 0 ? std::max<std::int64_t>(0, at + size) : std::min(at, size);
       in.meter().step(1 + items.size() / 16);
       items.insert(items.begin() + at, a[2]);
       return detail::none();
     }},
    {ObjectType::list, "pop",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "pop", 1, 2);
       auto& items = changeable<List>(a).items;
       if (items.empty()) type_error("pop from empty list");
       const auto at =
           detail::checked_index(a[1].is_set() ? a[1] : Value::integer(-1), std::ssize(items), "pop");
       in.meter().step(1 + items.size() / 16);
       const auto v = items[at];
       items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
       return v;
     }},
    {ObjectType::list, "remove",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "remove", 2, 2);
       auto& items = changeable<List>(a).items;
       in.meter().step(items.size());
       const auto it = std::find_if(items.begin(), items.end(), [&](Value v) { return equal(v, a[1]); });
       if (it == items.end()) type_error("list.remove(x): x not in list");
       items.erase(it);
       return detail::none();
     }},
    {ObjectType::list, "clear",
     [](Interpreter&, const Arguments& args) {
       changeable<List>(NativeArguments(args, "clear", 1, 1)).items.clear();
       return detail::none();
     }},
    {ObjectType::list, "reverse",
     [](Interpreter& in, const Arguments& args) {
       auto& items = changeable<List>(NativeArguments(args, "reverse", 1, 1)).items;
       in.meter().step(items.size());
       std::reverse(items.begin(), items.end());
       return detail::none();
     }},
    {ObjectType::list, "sort",
     [](Interpreter& in, const Arguments& args) {
       NativeArguments a(args, "sort", 1, 1);
       a.keywords({"key", "reverse"});
       auto& list = changeable<List>(a);
       const auto reverse = a.keyword("reverse");
       auto values = list.items; // the list may be changed by the key function
       sort_values(in, values, a.keyword("key"), reverse.is_set() && in.truth(reverse));
       list.items = std::move(values);
       return detail::none();
     }},
    {ObjectType::list, "copy",
     [](Interpreter& in, const Arguments& args) {
       return in.make_list(receiver<List>(NativeArguments(args, "copy", 1, 1)).items);
     }},
    // ---- dict
    {ObjectType::dict, "get",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "get", 2, 3);
       auto* e = receiver<Dict>(a).table.find(a[1]);
       return e != nullptr ? e->value : a[2].is_set() ? a[2] : Value::none();
     }},
    {ObjectType::dict, "setdefault",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "setdefault", 2, 3);
       auto& table = changeable<Dict>(a).table;
       if (auto* e = table.find(a[1])) return e->value;
       const auto v = a[2].is_set() ? a[2] : Value::none();
       table.set(a[1], v);
       return v;
     }},
    {ObjectType::dict, "pop",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "pop", 2, 3);
       auto& table = changeable<Dict>(a).table;
       auto* e = table.find(a[1]);
       if (e == nullptr && !a[2].is_set()) type_error("KeyError: " + in.text(a[1], true));
       const auto v = e != nullptr ? e->value : a[2];
       table.erase(a[1]);
       return v;
     }},
    {ObjectType::dict, "update",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "update", 1, 2);
       auto& table = changeable<Dict>(a).table;
       if (auto* other = a[1].as<Dict>()) {
         const auto entries = other->table.entries(); // it may be the same dict
         for (const auto& e : entries)
           if (e.key.is_set()) table.set(e.key, e.value);
       } else if (a[1].is_set()) {
         for (auto pair : in.items(a[1])) {
           const auto kv = in.items(pair);
           if (kv.size() != 2) type_error("update() needs pairs");
           table.set(kv[0], kv[1]);
         }
       }
       for (const auto& [name, value] : args.keywords) table.set(in.make_string(std::string(name)), value);
       return detail::none();
     }},
    {ObjectType::dict, "keys",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "keys", 1, 1);
       return in.make_list(in.items(a[0]));
     }},
    {ObjectType::dict, "values",
     [](Interpreter& in, const Arguments& args) {
       std::vector<Value> out;
       for (const auto& e : receiver<Dict>(NativeArguments(args, "values", 1, 1)).table.entries())
         if (e.key.is_set()) out.push_back(e.value);
       return in.make_list(std::move(out));
     }},
    {ObjectType::dict, "items",
     [](Interpreter& in, const Arguments& args) {
       std::vector<Value> out;
       for (const auto& e : receiver<Dict>(NativeArguments(args, "items", 1, 1)).table.entries())
         if (e.key.is_set()) out.push_back(in.make_tuple({e.key, e.value}));
       return in.make_list(std::move(out));
     }},
    {ObjectType::dict, "clear",
     [](Interpreter&, const Arguments& args) {
       changeable<Dict>(NativeArguments(args, "clear", 1, 1)).table.clear();
       return detail::none();
     }},
    {ObjectType::dict, "copy",
     [](Interpreter& in, const Arguments& args) {
       auto* out = in.heap().make<Dict>();
       for (const auto& e : receiver<Dict>(NativeArguments(args, "copy", 1, 1)).table.entries())
         if (e.key.is_set()) out->table.set(e.key, e.value);
       return Value(out);
     }},
    // ---- set
    {ObjectType::set, "add",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "add", 2, 2);
       changeable<Set>(a).table.set(a[1], Value::none());
       return detail::none();
     }},
    {ObjectType::set, "discard",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "discard", 2, 2);
       changeable<Set>(a).table.erase(a[1]);
       return detail::none();
     }},
    {ObjectType::set, "update",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "update", 2, 2);
       for (auto v : in.items(a[1])) changeable<Set>(a).table.set(v, Value::none());
       return detail::none();
     }},
    {ObjectType::set, "union",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "union", 2, 2);
       auto* out = in.heap().make<Set>();
       for (auto source : {a[0], a[1]})
         for (auto v : in.items(source)) out->table.set(v, Value::none());
       return Value(out);
     }},
    // ---- str
    {ObjectType::string, "join",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "join", 2, 2);
       const auto& separator = receiver<String>(a).text;
       std::string out;
       bool first = true;
       for (auto v : in.items(a[1])) {
         auto* s = v.as<String>();
         if (s == nullptr) type_error("join() needs strings");
         out += (std::exchange(first, false) ? "" : separator) + s->text;
         if (out.size() > Interpreter::max_text) break; // make_string reports it
       }
       return in.make_string(std::move(out));
     }},
    {ObjectType::string, "split",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "split", 1, 2);
       const auto& s = receiver<String>(a).text;
       std::vector<Value> out;
       if (!a[1].is_set() || a[1].is_none()) {
         for (std::size_t i = 0; i < s.size();) {
           const auto end = std::min(s.find_first_of(" \t\n\r", i), s.size());
           if (end > i) out.push_back(in.make_string(s.substr(i, end - i)));
           i = end + 1;
         }
       } else {
         const auto& by = a.string(1);
         if (by.empty()) type_error("empty separator");
         std::size_t i = 0;
         for (auto end = s.find(by); end != std::string::npos; end = s.find(by, i)) {
           out.push_back(in.make_string(s.substr(i, end - i)));
           i = end + by.size();
         }
         out.push_back(in.make_string(s.substr(i)));
       }
       return in.make_list(std::move(out));
     }},
    {ObjectType::string, "replace",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "replace", 3, 3);
       const auto &s = receiver<String>(a).text, &from = a.string(1), &to = a.string(2);
       if (from.empty()) type_error("replace() of an empty string is not supported");
       std::string out;
       std::size_t i = 0;
       for (auto at = s.find(from); at != std::string::npos && out.size() <= Interpreter::max_text;
            at = s.find(from, i)) {
         out += s.substr(i, at - i) + to;
         i = at + from.size();
       }
       return in.make_string(out + s.substr(i));
     }},
    {ObjectType::string, "format",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "format", 1, 1000);
       const auto& pattern = receiver<String>(a).text;
       std::string out;
       std::size_t next = 1;
       for (std::size_t i = 0; i < pattern.size(); ++i) {
         const char c = pattern[i];
         if ((c == '{' || c == '}') && i + 1 < pattern.size() && pattern[i + 1] == c) {
           out += pattern[++i];
         } else if (c == '{') {
           const auto close = pattern.find('}', i);
           if (close == std::string::npos) type_error("Single '{' encountered in format string");
           auto field = pattern.substr(i + 1, close - i - 1);
           std::string spec;
           if (const auto colon = field.find(':'); colon != std::string::npos) {
             spec = field.substr(colon + 1);
             field.resize(colon);
           }
           Value v;
           if (field.empty())
             v = a[next++];
           else if (field.size() < 4 &&
                    std::all_of(field.begin(), field.end(), [](char d) { return d >= '0' && d <= '9'; }))
             v = a[1 + static_cast<std::size_t>(std::stoi(field))];
           else
             v = a.keyword(field);
           if (!v.is_set()) type_error("format() has no argument for '{" + field + "}'");
           out += format_value(in, v, spec);
           i = close;
         } else {
           out += c;
         }
         if (out.size() > Interpreter::max_text) break;
       }
       return in.make_string(std::move(out));
     }},
    {ObjectType::string, "startswith",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "startswith", 2, 2);
       return Value::boolean(receiver<String>(a).text.starts_with(a.string(1)));
     }},
    {ObjectType::string, "endswith",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "endswith", 2, 2);
       return Value::boolean(receiver<String>(a).text.ends_with(a.string(1)));
     }},
    {ObjectType::string, "upper",
     [](Interpreter& in, const Arguments& args) {
       return detail::map_characters(in, NativeArguments(args, "upper", 1, 1),
                                     [](int c) { return std::toupper(c); });
     }},
    {ObjectType::string, "lower",
     [](Interpreter& in, const Arguments& args) {
       return detail::map_characters(in, NativeArguments(args, "lower", 1, 1),
                                     [](int c) { return std::tolower(c); });
     }},
    {ObjectType::string, "strip",
     [](Interpreter& in, const Arguments& args) {
       return in.make_string(
           detail::strip(receiver<String>(NativeArguments(args, "strip", 1, 1)).text, true, true));
     }},
    {ObjectType::string, "lstrip",
     [](Interpreter& in, const Arguments& args) {
       return in.make_string(
           detail::strip(receiver<String>(NativeArguments(args, "lstrip", 1, 1)).text, true, false));
     }},
    {ObjectType::string, "rstrip",
     [](Interpreter& in, const Arguments& args) {
       return in.make_string(
           detail::strip(receiver<String>(NativeArguments(args, "rstrip", 1, 1)).text, false, true));
     }},
};

/// Methods of both tuples and lists.
inline Value sequence_index(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "index", 2, 2);
  std::span<const Value> seq;
  sequence_items(a[0], seq);
  for (std::size_t i = 0; i < seq.size(); ++i) {
    in.meter().step();
    if (equal(seq[i], a[1])) return Value::integer(static_cast<std::int64_t>(i));
  }
  type_error(in.text(a[1], true) + " is not in the sequence");
}
inline Value sequence_count(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "count", 2, 2);
  std::span<const Value> seq;
  sequence_items(a[0], seq);
  std::int64_t n = 0;
  for (auto v : seq) {
    in.meter().step();
    n += equal(v, a[1]) ? 1 : 0;
  }
  return Value::integer(n);
}

inline Value Interpreter::attribute(Value object, std::string_view name) {
  if (object.is_object() && !is_host_object(object)) {
    const auto type = object.object()->object_type();
    for (const auto& m : methods)
      if (m.type == type && m.name == name) return heap_.make<BoundMethod>(object, m.name, m.call);
    if (type == ObjectType::list || type == ObjectType::tuple) {
      if (name == "index") return heap_.make<BoundMethod>(object, "index", sequence_index);
      if (name == "count") return heap_.make<BoundMethod>(object, "count", sequence_count);
    }
  }
  return host_.attribute(*this, object, name);
}

} // namespace step::interp
