// SPDX-License-Identifier: MIT
// Attributes of the interpreter's own values: their methods, and the few data attributes of ranges and
// slices. Included by builtins.hpp.
#pragma once

#include "step/interpreter/dict_methods.hpp"
#include "step/interpreter/list_methods.hpp"
#include "step/interpreter/set_methods.hpp"
#include "step/interpreter/text_methods.hpp"

#include <algorithm>

namespace step::interp {

namespace detail {

[[nodiscard]] inline std::span<const Method> methods_of(ObjectType type) {
  switch (type) {
  case ObjectType::string:
    return text_methods;
  case ObjectType::list:
    return list_methods;
  case ObjectType::tuple:
    return tuple_methods;
  case ObjectType::range:
    return range_methods;
  case ObjectType::dict:
    return dict_methods;
  case ObjectType::dict_keys:
    return dict_keys_methods;
  case ObjectType::dict_items:
    return dict_items_methods;
  case ObjectType::set:
    return set_methods;
  case ObjectType::frozenset:
    return frozenset_methods;
  default:
    return {};
  }
}

[[nodiscard]] inline const Method* find_method(ObjectType type, std::string_view name) {
  for (const auto& m : methods_of(type))
    if (m.name == name) return &m;
  return nullptr;
}

/// What Python has and the language does not.
[[noreturn]] inline void no_attribute(Value object, std::string_view name) {
  constexpr std::string_view outside[] = {"encode",     "maketrans",  "translate", "format_map",
                                          "bit_length", "bit_count",  "to_bytes",  "conjugate",
                                          "real",       "imag",       "numerator", "denominator",
                                          "hex",        "is_integer", "fromhex",   "as_integer_ratio",
                                          "from_bytes", "mapping",    "indices",   "send",
                                          "close",      "throw"};
  if (std::find(std::begin(outside), std::end(outside), name) != std::end(outside))
    throw Fault(FaultKind::rejected, "the attribute '" + std::string(name) + "' of a " +
                                         std::string(type_name(object)) + " is not part of the language");
  type_error("'" + std::string(type_name(object)) + "' object has no attribute '" +
             clipped_text(std::string(name)) + "'");
}

/// `str.upper`, `dict.fromkeys`: a method of a type.
[[nodiscard]] Value type_attribute(Interpreter& in, const Native& native,
                                   std::string_view name); // builtins.hpp

} // namespace detail

inline Value Interpreter::attribute(Value object, std::string_view name) {
  if (is_host_object(object) || object.as<DimObject>() != nullptr)
    return host_.attribute(*this, object, name);
  if (!object.is_object()) detail::no_attribute(object, name);
  if (const auto* m = detail::find_method(object.object()->object_type(), name))
    return heap_.make<BoundMethod>(object, m->name, m->call, m->signature);
  if (auto* r = object.as<Range>()) {
    if (name == "start") return Value::integer(r->start);
    if (name == "stop") return Value::integer(r->stop);
    if (name == "step") return Value::integer(r->step);
  }
  if (auto* s = object.as<Slice>()) {
    if (name == "start") return s->lower;
    if (name == "stop") return s->upper;
    if (name == "step") return s->step;
  }
  if (object.as<String>() || object.as<DictView>() || object.as<Iterator>() || object.as<Slice>())
    detail::no_attribute(object, name);
  if (auto* native = object.as<Native>())
    if (const auto v = detail::type_attribute(*this, *native, name); v.is_set()) return v;
  return host_.attribute(*this, object, name);
}

} // namespace step::interp
