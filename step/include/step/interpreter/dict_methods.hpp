// SPDX-License-Identifier: MIT
// The methods of dicts and their views. Included by methods.hpp.
#pragma once

#include "step/interpreter/native_arguments.hpp"
#include "step/interpreter/set_operations.hpp"

namespace step::interp {

namespace detail {

inline Value disjoint(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "isdisjoint");
  if (!is_set_like(a[0])) type_error("this method belongs to another type");
  for (auto v : in.items(a[1])) {
    in.meter().step();
    if (in.contains(a[0], v)) return Value::boolean(false);
  }
  return Value::boolean(true);
}

} // namespace detail

inline constexpr Method dict_methods[] = {
    {ObjectType::dict, "get", "key, default=, /",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "get");
       auto* e = receiver<Dict>(a).table.find(a[1]);
       return e != nullptr ? e->value : a[2].is_set() ? a[2] : Value::none();
     }},
    {ObjectType::dict, "setdefault", "key, default=, /",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "setdefault");
       auto& table = changeable<Dict>(a).table;
       if (auto* e = table.find(a[1])) return e->value;
       const auto v = a[2].is_set() ? a[2] : Value::none();
       table.set(a[1], v);
       return v;
     }},
    {ObjectType::dict, "pop", "key, default=, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "pop");
       auto& table = changeable<Dict>(a).table;
       auto* e = table.find(a[1]);
       if (e == nullptr && !a[2].is_set())
         type_error("KeyError: " + detail::clipped_text(in.text(a[1], true)));
       const auto v = e != nullptr ? e->value : a[2];
       if (e != nullptr) table.erase(a[1]);
       return v;
     }},
    {ObjectType::dict, "popitem", "",
     [](Interpreter& in, const Arguments& args) {
       auto& table = changeable<Dict>(NativeArguments(args, "popitem")).table;
       const auto last = table.present_before(HashTable::npos);
       if (last == HashTable::npos) type_error("popitem(): dictionary is empty");
       const auto e = table.entries()[last];
       table.erase(e.key);
       return in.make_tuple({e.key, e.value});
     }},
    {ObjectType::dict, "update", "other=, /, **items",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "update");
       auto& table = changeable<Dict>(a).table;
       if (a[1].is_set()) detail::update_dict(in, table, a[1]);
       for (const auto& [name, value] : args.keywords) table.set(in.make_string(std::string(name)), value);
       return Value::none();
     }},
    {ObjectType::dict, "keys", "",
     [](Interpreter& in, const Arguments& args) -> Value {
       return in.heap().make<DictView>(ObjectType::dict_keys, &receiver<Dict>(NativeArguments(args, "keys")));
     }},
    {ObjectType::dict, "values", "",
     [](Interpreter& in, const Arguments& args) -> Value {
       return in.heap().make<DictView>(ObjectType::dict_values,
                                       &receiver<Dict>(NativeArguments(args, "values")));
     }},
    {ObjectType::dict, "items", "",
     [](Interpreter& in, const Arguments& args) -> Value {
       return in.heap().make<DictView>(ObjectType::dict_items,
                                       &receiver<Dict>(NativeArguments(args, "items")));
     }},
    {ObjectType::dict, "clear", "",
     [](Interpreter&, const Arguments& args) {
       changeable<Dict>(NativeArguments(args, "clear")).table.clear();
       return Value::none();
     }},
    {ObjectType::dict, "copy", "",
     [](Interpreter& in, const Arguments& args) -> Value {
       auto* out = in.heap().make<Dict>();
       detail::merge(in, out->table, receiver<Dict>(NativeArguments(args, "copy")).table);
       return out;
     }},
};

/// dict.fromkeys: a method of the type, not of its objects.
inline Value dict_fromkeys(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "fromkeys");
  auto* out = in.heap().make<Dict>();
  for (auto key : in.items(a[0])) out->table.set(key, a[1].is_set() ? a[1] : Value::none());
  return out;
}

inline constexpr Method dict_keys_methods[] = {
    {ObjectType::dict_keys, "isdisjoint", "other, /", detail::disjoint}};
inline constexpr Method dict_items_methods[] = {
    {ObjectType::dict_items, "isdisjoint", "other, /", detail::disjoint}};

} // namespace step::interp
