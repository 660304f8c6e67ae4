// SPDX-License-Identifier: MIT
// The methods of sets and frozensets. Included by methods.hpp.
#pragma once

#include "step/interpreter/dict_methods.hpp"
#include "step/interpreter/native_arguments.hpp"
#include "step/interpreter/set_operations.hpp"

namespace step::interp {

namespace detail {

inline Value method_copy(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "copy");
  if (receiver<Set>(a).object_type() == ObjectType::frozenset) return a[0];
  return set_union(in, a[0], a[0]);
}
inline Value method_union(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "union");
  auto* out = make_set(in, a[0]);
  merge(in, out->table, receiver<Set>(a).table);
  for (auto other : args.positional.subspan(1)) add_all(in, out->table, other);
  return out;
}
template <bool present> Value method_filter(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, present ? "intersection" : "difference");
  Value out = set_union(in, &receiver<Set>(a), a[0]);
  for (auto other : args.positional.subspan(1)) out = filtered(in, out, other, present);
  return out;
}
inline Value method_symmetric(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "symmetric_difference");
  return symmetric_difference(in, &receiver<Set>(a), a[1]);
}
template <bool within> Value method_subset(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, within ? "issubset" : "issuperset");
  const Elements self(in, &receiver<Set>(a)), other(in, a[1]);
  return Value::boolean(within ? subset(in, self, other) : subset(in, other, self));
}
/// The method that computes a new set, in place.
template <Native::Call method> Value method_update(Interpreter& in, const Arguments& args) {
  auto& self = changeable<Set>(NativeArguments(args, "update"));
  auto table = method(in, args).as<Set>()->table;
  self.table = std::move(table);
  return Value::none();
}

} // namespace detail

inline constexpr Method set_methods[] = {
    {ObjectType::set, "add", "element, /",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "add");
       changeable<Set>(a).table.set(a[1], Value::none());
       return Value::none();
     }},
    {ObjectType::set, "discard", "element, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "discard");
       changeable<Set>(a).table.erase(detail::as_element(in, a[1]));
       return Value::none();
     }},
    {ObjectType::set, "remove", "element, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "remove");
       if (!changeable<Set>(a).table.erase(detail::as_element(in, a[1])))
         type_error("KeyError: " + detail::clipped_text(in.text(a[1], true)));
       return Value::none();
     }},
    {ObjectType::set, "pop", "",
     [](Interpreter&, const Arguments& args) {
       auto& table = changeable<Set>(NativeArguments(args, "pop")).table;
       const auto first = table.present(0);
       if (first == table.entries().size()) type_error("pop from an empty set");
       const auto v = table.entries()[first].key;
       table.erase(v);
       return v;
     }},
    {ObjectType::set, "clear", "",
     [](Interpreter&, const Arguments& args) {
       changeable<Set>(NativeArguments(args, "clear")).table.clear();
       return Value::none();
     }},
    {ObjectType::set, "update", "*others",
     [](Interpreter& in, const Arguments& args) {
       auto& table = changeable<Set>(NativeArguments(args, "update")).table;
       for (auto other : args.positional.subspan(1)) detail::add_all(in, table, other);
       return Value::none();
     }},
    {ObjectType::set, "intersection_update", "*others", detail::method_update<detail::method_filter<true>>},
    {ObjectType::set, "difference_update", "*others", detail::method_update<detail::method_filter<false>>},
    {ObjectType::set, "symmetric_difference_update", "other, /",
     detail::method_update<detail::method_symmetric>},
    // from here on those that a frozenset has, too
    {ObjectType::set, "copy", "", detail::method_copy},
    {ObjectType::set, "union", "*others", detail::method_union},
    {ObjectType::set, "intersection", "*others", detail::method_filter<true>},
    {ObjectType::set, "difference", "*others", detail::method_filter<false>},
    {ObjectType::set, "symmetric_difference", "other, /", detail::method_symmetric},
    {ObjectType::set, "issubset", "other, /", detail::method_subset<true>},
    {ObjectType::set, "issuperset", "other, /", detail::method_subset<false>},
    {ObjectType::set, "isdisjoint", "other, /", detail::disjoint},
};
inline constexpr std::span frozenset_methods = std::span(set_methods).subspan(9);

} // namespace step::interp
