// SPDX-License-Identifier: MIT
// The built-in functions and types of the Python subset: zip, enumerate, range, len and their kin.
// builtin(name) finds one; they are stateless and shared by all evaluations.
#pragma once

#include "step/interpreter/methods.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cmath>
#include <functional>

namespace step::interp {

namespace detail {

inline std::vector<Iterator*> iterators(Interpreter& in, std::span<const Value> values) {
  std::vector<Iterator*> out;
  out.reserve(values.size());
  for (auto v : values) out.push_back(in.iterate(v));
  return out;
}

[[nodiscard]] inline Value keyword(const Arguments& args, std::string_view name) {
  for (const auto& [key, value] : args.keywords)
    if (key == name) return value;
  return {};
}

inline Value extreme(Interpreter& in, const Arguments& args, bool largest) {
  const std::string name = largest ? "max" : "min";
  if (args.positional.empty()) type_error(name + " expected at least 1 argument, got 0");
  const auto key = keyword(args, "key"), otherwise = keyword(args, "default");
  if (otherwise.is_set() && args.positional.size() > 1)
    type_error("Cannot specify a default for " + name + "() with multiple positional arguments");
  const auto values = args.positional.size() == 1
                          ? in.items(args.positional[0])
                          : std::vector<Value>(args.positional.begin(), args.positional.end());
  if (values.empty()) {
    if (otherwise.is_set()) return otherwise;
    type_error(name + "() arg is an empty sequence");
  }
  const auto rank = [&](Value v) { return key.is_set() && !key.is_none() ? in.call(key, {{&v, 1}, {}}) : v; };
  auto best = values[0], best_rank = rank(best);
  for (auto v : std::span(values).subspan(1)) {
    in.meter().step();
    const auto r = rank(v);
    if (in.order(largest ? syntax::Op::greater : syntax::Op::less, r, best_rank)) {
      best = v;
      best_rank = r;
    }
  }
  return best;
}

/// The types that programs have names for.
inline constexpr std::string_view types[] = {"int",  "float",  "bool",      "str",     "list",  "tuple",
                                             "dict", "set",    "frozenset", "range",   "slice", "zip",
                                             "map",  "filter", "enumerate", "reversed"};
[[nodiscard]] inline bool is_type(const Native& native) {
  return !native.method && std::find(std::begin(types), std::end(types), native.name) != std::end(types);
}

/// isinstance() against the built-in types that programs have names for.
inline bool is_instance(Interpreter& in, Value v, Value type) {
  if (auto* t = type.as<Tuple>()) {
    const Interpreter::Level level(in);
    for (auto one : t->items) {
      in.meter().step();
      if (is_instance(in, v, one)) return true;
    }
    return false;
  }
  auto* native = type.as<Native>();
  if (native == nullptr || !is_type(*native))
    type_error("isinstance() arg 2 must be a type or a tuple of types");
  return native->name == type_name(v) || (native->name == "int" && v.is_bool());
}

inline Value type_attribute(Interpreter& in, const Native& native, std::string_view name) {
  if (!is_type(native)) return {};
  if (native.name == "dict" && name == "fromkeys")
    return in.heap().make<Native>("fromkeys", Signature("iterable, value=, /"), dict_fromkeys);
  constexpr std::pair<std::string_view, ObjectType> of[] = {
      {"str", ObjectType::string}, {"list", ObjectType::list}, {"tuple", ObjectType::tuple},
      {"dict", ObjectType::dict},  {"set", ObjectType::set},   {"frozenset", ObjectType::frozenset},
      {"range", ObjectType::range}};
  for (const auto& [type, kind] : of)
    if (type == native.name)
      if (const auto* m = find_method(kind, name))
        return in.heap().make<Native>(m->name, m->signature, m->call, true);
  return {};
}

/// What to say to those who use a symbol where its size is needed.
inline std::string about_symbols(Value v) {
  return v.as<DimObject>() != nullptr ? "; a symbol has no value here, its size is <name>_value" : "";
}

inline Value new_set(Interpreter& in, const Arguments& args, ObjectType kind) {
  const NativeArguments a(args, "set");
  if (kind == ObjectType::frozenset && a[0].is_object() && a[0].object()->object_type() == kind) return a[0];
  auto* out = in.heap().make<Set>(kind);
  if (a[0].is_set()) add_all(in, out->table, a[0]);
  return out;
}

inline Value in_base(Interpreter& in, const Arguments& args, std::string_view name, char type) {
  const NativeArguments a(args, name);
  FormatSpec spec;
  spec.type = type;
  spec.alternate = true;
  return in.make_string(format_integer(Value::integer(a.integer(0, 0)), spec));
}

inline Value new_integer(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "int");
  const auto v = a[0];
  if (a[1].is_set()) {
    if (!v.is_set()) type_error("int() missing string argument");
    auto* s = v.as<String>();
    const auto base = a.integer(1, 10);
    if (s == nullptr) type_error("int() can't convert non-string with explicit base");
    in.meter().bytes(s->text.size());
    return Value::integer(parse_integer(*s, base));
  }
  if (!v.is_set()) return Value::integer(0);
  if (v.is_int()) return Value::integer(v.as_int());
  if (v.is_real()) return Value::integer(to_integer(v.as_real()));
  if (v.as<String>() != nullptr) return Value::integer(parse_integer(a.text(0), 10));
  if (is_host_object(v)) return Value::integer(to_integer(in.host().number(v)));
  type_error("int() argument must be a string or a real number, not '" + std::string(type_name(v)) + "'" +
             about_symbols(v));
}

inline Value new_real(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "float");
  const auto v = a[0];
  if (!v.is_set()) return Value::real(0);
  if (v.is_number()) return Value::real(v.as_real());
  if (v.as<String>() != nullptr) return Value::real(parse_real(a.text(0)));
  if (is_host_object(v)) return Value::real(in.host().number(v));
  type_error("float() argument must be a string or a real number, not '" + std::string(type_name(v)) + "'" +
             about_symbols(v));
}

inline Value round_value(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "round");
  const bool whole = !a[1].is_set() || a[1].is_none();
  if (a[0].is_int()) return Value::integer(whole ? a[0].as_int() : rounded(a[0].as_int(), a.integer(1, 0)));
  if (a[0].is_real())
    return whole ? Value::integer(to_integer(std::nearbyint(a[0].as_real())))
                 : Value::real(rounded(a[0].as_real(), a.integer(1, 0)));
  if (!is_host_object(a[0]))
    type_error("type " + std::string(type_name(a[0])) + " doesn't define __round__ method");
  return in.call(in.attribute(a[0], "round"), {});
}

inline Value absolute(Interpreter& in, const Arguments& args) {
  const auto v = NativeArguments(args, "abs")[0];
  if (v.is_int()) return Value::integer(v.as_int() < 0 ? negated(v.as_int()) : v.as_int());
  if (v.is_real()) return Value::real(std::fabs(v.as_real()));
  if (!is_host_object(v)) type_error("bad operand type for abs(): '" + std::string(type_name(v)) + "'");
  return in.call(in.attribute(v, "abs"), {});
}

inline Value power(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "pow");
  if (!a[2].is_set() || a[2].is_none()) return in.binary(syntax::Op::power, a[0], a[1]);
  if (!a[0].is_int() || !a[1].is_int() || !a[2].is_int())
    type_error("pow() 3rd argument not allowed unless all arguments are integers");
  return Value::integer(modular_power(a[0].as_int(), a[1].as_int(), a[2].as_int()));
}

inline Value total(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "sum");
  auto sum = a[1].is_set() ? a[1] : Value::integer(0);
  if (sum.as<String>()) type_error("sum() can't sum strings [use ''.join(seq) instead]");
  auto* it = in.iterate(a[0]);
  for (auto v = it->next(in); v.is_set(); v = it->next(in)) {
    in.meter().step();
    sum = in.binary(syntax::Op::add, sum, v);
  }
  return sum;
}

/// any() looks for a true item and all() for a false one.
inline Value quantified(Interpreter& in, const Arguments& args, bool wanted) {
  auto* it = in.iterate(args.positional[0]);
  for (auto v = it->next(in); v.is_set(); v = it->next(in)) {
    in.meter().step();
    if (in.truth(v) == wanted) return Value::boolean(wanted);
  }
  return Value::boolean(!wanted);
}

inline Value reversed_iterator(Interpreter& in, Value v) {
  auto& heap = in.heap();
  if (v.as<List>() || v.as<Tuple>()) return heap.make<ReversedSequence>(v);
  if (auto* r = v.as<Range>()) return heap.make<RangeIterator>(*r, true);
  if (auto* s = v.as<String>()) return heap.make<StringIterator>(s, true);
  if (auto* d = v.as<Dict>()) return heap.make<TableIterator>(d->table, ObjectType::dict, true);
  if (auto* d = v.as<DictView>()) return heap.make<TableIterator>(d->dict->table, d->object_type(), true);
  type_error("'" + std::string(type_name(v)) + "' object is not reversible");
}

inline Value new_range(Interpreter& in, const Arguments& args) {
  const NativeArguments a(args, "range");
  for (auto v : args.positional)
    if (!v.is_int())
      type_error("'" + std::string(type_name(v)) + "' object cannot be interpreted as an integer" +
                 about_symbols(v));
  const auto step = a.integer(2, 1);
  if (step == 0) type_error("range() arg 3 must not be zero");
  return a[1].is_set() ? in.heap().make<Range>(a.integer(0, 0), a.integer(1, 0), step)
                       : in.heap().make<Range>(0, a.integer(0, 0), step);
}

inline Value print_nothing(Interpreter&, const Arguments& args) {
  for (const auto name : {"sep", "end"})
    if (const auto v = keyword(args, name); v.is_set() && !v.is_none() && v.as<String>() == nullptr)
      type_error(std::string(name) + " must be None or a string, not " + std::string(type_name(v)));
  return Value::none();
}

inline Native natives[] = {
    {"zip", "*iterables, strict=",
     [](Interpreter& in, const Arguments& a) -> Value {
       const auto strict = keyword(a, "strict");
       return in.heap().make<ZipIterator>(iterators(in, a.positional), strict.is_set() && in.truth(strict));
     }},
    {"enumerate", "iterable, start=",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "enumerate");
       const auto start = a.integer(1, 0);
       return in.heap().make<EnumerateIterator>(in.iterate(a[0]), start);
     }},
    {"range", "start, stop=, step=, /", new_range},
    {"len", "object, /",
     [](Interpreter& in, const Arguments& a) { return Value::integer(in.length(a.positional[0])); }},
    {"reversed", "sequence, /",
     [](Interpreter& in, const Arguments& a) { return reversed_iterator(in, a.positional[0]); }},
    {"sorted", "iterable, /, *, key=, reverse=",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "sorted");
       auto values = in.items(a[0]);
       sort_values(in, values, a[1], flag(a, 2));
       return in.make_list(std::move(values));
     }},
    {"list", "iterable=, /",
     [](Interpreter& in, const Arguments& a) {
       return in.make_list(a.positional.empty() ? std::vector<Value>() : in.items(a.positional[0]));
     }},
    {"tuple", "iterable=, /",
     [](Interpreter& in, const Arguments& a) {
       if (!a.positional.empty() && a.positional[0].as<Tuple>() != nullptr) return a.positional[0];
       return in.make_tuple(a.positional.empty() ? std::vector<Value>() : in.items(a.positional[0]));
     }},
    {"set", "iterable=, /",
     [](Interpreter& in, const Arguments& a) { return new_set(in, a, ObjectType::set); }},
    {"frozenset", "iterable=, /",
     [](Interpreter& in, const Arguments& a) { return new_set(in, a, ObjectType::frozenset); }},
    {"dict", "other=, /, **items",
     [](Interpreter& in, const Arguments& args) -> Value {
       auto* out = in.heap().make<Dict>();
       if (!args.positional.empty()) update_dict(in, out->table, args.positional[0]);
       for (const auto& [name, value] : args.keywords)
         out->table.set(in.make_string(std::string(name)), value);
       return out;
     }},
    {"slice", "start, stop=, step=, /",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "slice");
       const auto part = [&](std::size_t i) { return a[i].is_set() ? a[i] : Value::none(); };
       return a[1].is_set() ? in.heap().make<Slice>(a[0], a[1], part(2))
                            : in.heap().make<Slice>(Value::none(), a[0], Value::none());
     }},
    {"map", "function, iterable, /, *iterables",
     [](Interpreter& in, const Arguments& a) -> Value {
       return in.heap().make<MapIterator>(a.positional[0], iterators(in, a.positional.subspan(1)));
     }},
    {"filter", "function, iterable, /",
     [](Interpreter& in, const Arguments& a) -> Value {
       return in.heap().make<FilterIterator>(a.positional[0], in.iterate(a.positional[1]));
     }},
    {"iter", "object, sentinel=, /",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "iter");
       if (!a[1].is_set()) return in.iterate(a[0]);
       if (!a[0].as<Native>() && !a[0].as<FunctionObject>() && !a[0].as<BoundMethod>())
         type_error("iter(v, w): v must be callable");
       return in.heap().make<CallIterator>(a[0], a[1]);
     }},
    {"next", "iterator, default=, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "next");
       auto* it = a[0].as<Iterator>();
       if (it == nullptr) type_error("'" + std::string(type_name(a[0])) + "' object is not an iterator");
       const auto v = in.iterate(it)->next(in);
       if (!v.is_set() && !a[1].is_set()) type_error("StopIteration: the iterator has no more items");
       return v.is_set() ? v : a[1];
     }},
    {"sum", "iterable, /, start=", total},
    {"any", "iterable, /", [](Interpreter& in, const Arguments& a) { return quantified(in, a, true); }},
    {"all", "iterable, /", [](Interpreter& in, const Arguments& a) { return quantified(in, a, false); }},
    {"min",
     "*values, key=, default=", [](Interpreter& in, const Arguments& a) { return extreme(in, a, false); }},
    {"max",
     "*values, key=, default=", [](Interpreter& in, const Arguments& a) { return extreme(in, a, true); }},
    {"abs", "x, /", absolute},
    {"round", "number, ndigits=", round_value},
    {"divmod", "x, y, /",
     [](Interpreter& in, const Arguments& a) {
       const auto x = a.positional[0], y = a.positional[1];
       if (x.as<String>()) type_error("unsupported operand types for divmod()");
       const auto quotient = in.binary(syntax::Op::floor_divide, x, y);
       return in.make_tuple({quotient, in.binary(syntax::Op::modulo, x, y)});
     }},
    {"pow", "base, exp, mod=", power},
    {"int", "x=, /, base=", new_integer},
    {"float", "x=, /", new_real},
    {"bool", "x=, /",
     [](Interpreter& in, const Arguments& a) {
       return Value::boolean(!a.positional.empty() && in.truth(a.positional[0]));
     }},
    {"str", "object=, encoding=, errors=",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "str");
       if (a[1].is_set() || a[2].is_set()) type_error("decoding to str: need a bytes-like object");
       return a[0].as<String>() ? a[0] : in.make_string(a[0].is_set() ? in.text(a[0]) : std::string());
     }},
    {"repr", "object, /",
     [](Interpreter& in, const Arguments& a) { return in.make_string(in.text(a.positional[0], true)); }},
    {"ascii", "object, /",
     [](Interpreter& in, const Arguments& a) { return in.make_string(ascii_text(in, a.positional[0])); }},
    {"format", "value, format_spec=, /",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "format");
       return in.make_string(format_value(in, a[0], a[1].is_set() ? a.string(1) : std::string()));
     }},
    {"chr", "i, /",
     [](Interpreter& in, const Arguments& args) {
       return in.make_string(character(NativeArguments(args, "chr").integer(0, 0)));
     }},
    {"ord", "c, /",
     [](Interpreter&, const Arguments& args) {
       const auto& s = NativeArguments(args, "ord").text(0);
       if (s.length != 1)
         type_error("ord() expected a character, but string of length " + std::to_string(s.length) +
                    " found");
       return Value::integer(code_points::decode(s.text, 0));
     }},
    {"bin", "number, /", [](Interpreter& in, const Arguments& a) { return in_base(in, a, "bin", 'b'); }},
    {"oct", "number, /", [](Interpreter& in, const Arguments& a) { return in_base(in, a, "oct", 'o'); }},
    {"hex", "number, /", [](Interpreter& in, const Arguments& a) { return in_base(in, a, "hex", 'x'); }},
    {"isinstance", "object, types, /",
     [](Interpreter& in, const Arguments& a) {
       return Value::boolean(is_instance(in, a.positional[0], a.positional[1]));
     }},
    {"callable", "object, /",
     [](Interpreter&, const Arguments& a) {
       const auto v = a.positional[0];
       return Value::boolean(v.as<Native>() || v.as<FunctionObject>() || v.as<BoundMethod>());
     }},
    {"print", "*objects, sep=, end=, file=, flush=", print_nothing},
};

} // namespace detail

/// The built-in function of that name, or null.
[[nodiscard]] inline Native* builtin(std::string_view name) {
  static const auto index = [] {
    boost::unordered_flat_map<std::string_view, Native*, std::hash<std::string_view>> map;
    for (auto& n : detail::natives) map.emplace(n.name, &n);
    return map;
  }();
  const auto it = index.find(name);
  return it == index.end() ? nullptr : it->second;
}

} // namespace step::interp
