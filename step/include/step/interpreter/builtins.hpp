// SPDX-License-Identifier: MIT
// The built-in functions of the Python subset: zip, enumerate, range, len and their kin.
// builtin(name) finds one; they are stateless and shared by all evaluations.
#pragma once

#include "step/interpreter/methods.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cmath>
#include <functional>

namespace step::interp {

namespace detail {

struct ZipIterator : Iterator {
  explicit ZipIterator(std::vector<Iterator*> s) : sources(std::move(s)) {}
  Value next(Interpreter& in) override {
    std::vector<Value> row;
    for (auto* s : sources) {
      row.push_back(s->next(in));
      if (!row.back().is_set()) return {};
    }
    return sources.empty() ? Value() : in.make_tuple(std::move(row));
  }
  std::vector<Iterator*> sources;
};

struct EnumerateIterator : Iterator {
  EnumerateIterator(Iterator* s, std::int64_t first) : source(s), at(first) {}
  Value next(Interpreter& in) override {
    const auto v = source->next(in);
    if (!v.is_set()) return {};
    if (at == std::numeric_limits<std::int64_t>::max()) integer_too_large();
    return in.make_tuple({Value::integer(at++), v});
  }
  Iterator* source;
  std::int64_t at;
};

struct MapIterator : Iterator {
  MapIterator(Value f, std::vector<Iterator*> s) : fn(f), sources(std::move(s)) {}
  Value next(Interpreter& in) override {
    std::vector<Value> arguments;
    for (auto* s : sources) {
      arguments.push_back(s->next(in));
      if (!arguments.back().is_set()) return {};
    }
    return in.call(fn, {arguments, {}});
  }
  Value fn;
  std::vector<Iterator*> sources;
};

struct FilterIterator : Iterator {
  FilterIterator(Value f, Iterator* s) : fn(f), source(s) {}
  Value next(Interpreter& in) override {
    for (auto v = source->next(in); v.is_set(); v = source->next(in)) {
      in.meter().step();
      if (in.truth(fn.is_none() ? v : in.call(fn, {{&v, 1}, {}}))) return v;
    }
    return {};
  }
  Value fn;
  Iterator* source;
};

inline std::vector<Iterator*> iterators(Interpreter& in, std::span<const Value> values) {
  std::vector<Iterator*> out;
  for (auto v : values) out.push_back(in.iterate(v));
  return out;
}

inline Value extreme(Interpreter& in, const Arguments& args, bool largest) {
  NativeArguments a(args, largest ? "max" : "min", 1, 100000);
  a.keywords({"key", "default"});
  const auto key = a.keyword("key");
  const auto values = args.positional.size() == 1
                          ? in.items(a[0])
                          : std::vector<Value>(args.positional.begin(), args.positional.end());
  if (values.empty()) {
    if (const auto d = a.keyword("default"); d.is_set()) return d;
    type_error(std::string(largest ? "max" : "min") + "() of an empty sequence");
  }
  const auto rank = [&](Value v) { return key.is_set() && !key.is_none() ? in.call(key, {{&v, 1}, {}}) : v; };
  auto best = values[0], best_rank = rank(best);
  for (auto v : std::span(values).subspan(1)) {
    in.meter().step();
    const auto r = rank(v);
    if (largest ? in.less(best_rank, r) : in.less(r, best_rank)) {
      best = v;
      best_rank = r;
    }
  }
  return best;
}

inline std::int64_t to_integer(double d) {
  if (!(std::fabs(d) < 9e18)) integer_too_large();
  return static_cast<std::int64_t>(d);
}

/// isinstance() against the built-in types that programs have names for.
inline bool is_instance(Value v, Value type) {
  if (auto* t = type.as<Tuple>()) {
    for (auto one : t->items)
      if (is_instance(v, one)) return true;
    return false;
  }
  auto* native = type.as<Native>();
  if (native == nullptr) type_error("isinstance() needs a type or a tuple of types");
  return native->name == type_name(v) || (native->name == "int" && v.is_bool());
}

inline Native natives[] = {
    {"zip",
     [](Interpreter& in, const Arguments& a) -> Value {
       NativeArguments(a, "zip", 0, 100000).keywords({"strict"});
       return in.heap().make<ZipIterator>(iterators(in, a.positional));
     }},
    {"enumerate",
     [](Interpreter& in, const Arguments& args) -> Value {
       NativeArguments a(args, "enumerate", 1, 2);
       a.keywords({"start"});
       const auto start = a.keyword("start");
       if (start.is_set() && !start.is_int()) type_error("enumerate() needs an int start");
       return in.heap().make<EnumerateIterator>(in.iterate(a[0]),
                                                start.is_set() ? start.as_int() : a.integer(1, 0));
     }},
    {"range",
     [](Interpreter& in, const Arguments& args) -> Value {
       NativeArguments a(args, "range", 1, 3);
       a.keywords({});
       for (std::size_t i = 0; i < args.positional.size(); ++i)
         if (!a[i].is_int())
           type_error("range() needs ints, got " + std::string(type_name(a[i])) +
                      (a[i].as<DimObject>() != nullptr
                           ? "; a symbol has no value here, its size is <name>_value"
                           : ""));
       const auto step = a.integer(2, 1);
       if (step == 0) type_error("range() arg 3 must not be zero");
       return a[1].is_set() ? in.heap().make<Range>(a.integer(0, 0), a.integer(1, 0), step)
                            : in.heap().make<Range>(0, a.integer(0, 0), step);
     }},
    {"len",
     [](Interpreter& in, const Arguments& args) {
       return Value::integer(in.length(NativeArguments(args, "len", 1, 1).keywords({})[0]));
     }},
    {"reversed",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "reversed", 1, 1);
       if (a[0].as<List>() || a[0].as<Tuple>()) return in.heap().make<SequenceIterator>(a[0], true);
       if (!a[0].as<Range>() && !a[0].as<String>() && !a[0].as<Dict>())
         type_error("reversed() needs a sequence");
       auto values = in.items(a[0]);
       std::reverse(values.begin(), values.end());
       return in.heap().make<SequenceIterator>(in.make_list(std::move(values)));
     }},
    {"sorted",
     [](Interpreter& in, const Arguments& args) {
       NativeArguments a(args, "sorted", 1, 1);
       a.keywords({"key", "reverse"});
       auto values = in.items(a[0]);
       const auto reverse = a.keyword("reverse");
       sort_values(in, values, a.keyword("key"), reverse.is_set() && in.truth(reverse));
       return in.make_list(std::move(values));
     }},
    {"list",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "list", 0, 1);
       return in.make_list(a[0].is_set() ? in.items(a[0]) : std::vector<Value>());
     }},
    {"tuple",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "tuple", 0, 1);
       return in.make_tuple(a[0].is_set() ? in.items(a[0]) : std::vector<Value>());
     }},
    {"set",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "set", 0, 1);
       auto* out = in.heap().make<Set>();
       if (a[0].is_set())
         for (auto v : in.items(a[0])) out->table.set(v, Value::none());
       return out;
     }},
    {"dict",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "dict", 0, 1);
       auto* out = in.heap().make<Dict>();
       if (auto* other = a[0].as<Dict>()) {
         for (const auto& e : other->table.entries())
           if (e.key.is_set()) out->table.set(e.key, e.value);
       } else if (a[0].is_set()) {
         for (auto pair : in.items(a[0])) {
           const auto kv = in.items(pair);
           if (kv.size() != 2) type_error("dict() needs pairs");
           out->table.set(kv[0], kv[1]);
         }
       }
       for (const auto& [name, value] : args.keywords)
         out->table.set(in.make_string(std::string(name)), value);
       return out;
     }},
    {"map",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "map", 2, 100);
       return in.heap().make<MapIterator>(a[0], iterators(in, args.positional.subspan(1)));
     }},
    {"filter",
     [](Interpreter& in, const Arguments& args) -> Value {
       const NativeArguments a(args, "filter", 2, 2);
       return in.heap().make<FilterIterator>(a[0], in.iterate(a[1]));
     }},
    {"iter",
     [](Interpreter& in, const Arguments& args) -> Value {
       return in.iterate(NativeArguments(args, "iter", 1, 1)[0]);
     }},
    {"next",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "next", 1, 2);
       auto* it = a[0].as<Iterator>();
       if (it == nullptr) type_error("'" + std::string(type_name(a[0])) + "' object is not an iterator");
       const auto v = in.iterate(it)->next(in);
       if (!v.is_set() && !a[1].is_set()) type_error("StopIteration: the iterator has no more items");
       return v.is_set() ? v : a[1];
     }},
    {"sum",
     [](Interpreter& in, const Arguments& args) {
       NativeArguments a(args, "sum", 1, 2);
       a.keywords({"start"});
       auto total = a[1].is_set()                 ? a[1]
                    : a.keyword("start").is_set() ? a.keyword("start")
                                                  : Value::integer(0);
       for (auto v : in.items(a[0])) total = in.binary(syntax::Op::add, total, v);
       return total;
     }},
    {"any",
     [](Interpreter& in, const Arguments& args) {
       auto* it = in.iterate(NativeArguments(args, "any", 1, 1)[0]);
       for (auto v = it->next(in); v.is_set(); v = it->next(in)) {
         in.meter().step();
         if (in.truth(v)) return Value::boolean(true);
       }
       return Value::boolean(false);
     }},
    {"all",
     [](Interpreter& in, const Arguments& args) {
       auto* it = in.iterate(NativeArguments(args, "all", 1, 1)[0]);
       for (auto v = it->next(in); v.is_set(); v = it->next(in)) {
         in.meter().step();
         if (!in.truth(v)) return Value::boolean(false);
       }
       return Value::boolean(true);
     }},
    {"min", [](Interpreter& in, const Arguments& a) { return extreme(in, a, false); }},
    {"max", [](Interpreter& in, const Arguments& a) { return extreme(in, a, true); }},
    {"abs",
     [](Interpreter& in, const Arguments& args) {
       const auto v = NativeArguments(args, "abs", 1, 1)[0];
       if (v.is_int())
         return v.as_int() < 0 ? in.binary(syntax::Op::subtract, Value::integer(0), v)
                               : Value::integer(v.as_int());
       if (v.is_real()) return Value::real(std::fabs(v.as_real()));
       return in.call(in.attribute(v, "abs"), {});
     }},
    {"round",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "round", 1, 2);
       if (a[0].is_int()) return Value::integer(a[0].as_int());
       if (!a[0].is_real()) return in.call(in.attribute(a[0], "round"), {});
       if (!a[1].is_set()) return Value::integer(to_integer(std::nearbyint(a[0].as_real())));
       const auto scale =
           std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(a.integer(1, 0), -300, 300)));
       return Value::real(std::nearbyint(a[0].as_real() * scale) / scale);
     }},
    {"divmod",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "divmod", 2, 2);
       const auto quotient = in.binary(syntax::Op::floor_divide, a[0], a[1]);
       return in.make_tuple({quotient, in.binary(syntax::Op::modulo, a[0], a[1])});
     }},
    {"pow",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "pow", 2, 2);
       return in.binary(syntax::Op::power, a[0], a[1]);
     }},
    {"int",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "int", 0, 1);
       const auto v = a[0];
       if (!v.is_set()) return Value::integer(0);
       if (v.is_int()) return Value::integer(v.as_int());
       if (v.is_real()) return Value::integer(to_integer(v.as_real()));
       if (auto* s = v.as<String>()) {
         const auto body = strip(s->text, true, true);
         const auto digits = body.substr(!body.empty() && (body[0] == '-' || body[0] == '+') ? 1 : 0);
         if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos)
           type_error("invalid literal for int(): '" + s->text.substr(0, 40) + "'");
         if (digits.size() > 18) integer_too_large();
         return Value::integer(std::stoll(body));
       }
       if (is_host_object(v)) return Value::integer(to_integer(in.host().number(v)));
       type_error(
           "int() needs a number or a string, not '" + std::string(type_name(v)) + "'" +
           (v.as<DimObject>() != nullptr ? "; a symbol has no value here, its size is <name>_value" : ""));
     }},
    {"float",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "float", 0, 1);
       const auto v = a[0];
       if (!v.is_set()) return Value::real(0);
       if (v.is_number()) return Value::real(v.as_real());
       if (auto* s = v.as<String>()) {
         const auto body = strip(s->text, true, true);
         char* end = nullptr;
         const auto d = std::strtod(body.c_str(), &end);
         if (body.empty() || *end != '\0')
           type_error("could not convert string to float: '" + s->text.substr(0, 40) + "'");
         return Value::real(d);
       }
       if (is_host_object(v)) return Value::real(in.host().number(v));
       type_error("float() needs a number or a string, not '" + std::string(type_name(v)) + "'");
     }},
    {"bool",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "bool", 0, 1);
       return Value::boolean(a[0].is_set() && in.truth(a[0]));
     }},
    {"str",
     [](Interpreter& in, const Arguments& args) {
       const NativeArguments a(args, "str", 0, 1);
       return in.make_string(a[0].is_set() ? in.text(a[0]) : std::string());
     }},
    {"repr",
     [](Interpreter& in, const Arguments& args) {
       return in.make_string(in.text(NativeArguments(args, "repr", 1, 1)[0], true));
     }},
    {"isinstance",
     [](Interpreter&, const Arguments& args) {
       const NativeArguments a(args, "isinstance", 2, 2);
       return Value::boolean(is_instance(a[0], a[1]));
     }},
    {"callable",
     [](Interpreter&, const Arguments& args) {
       const auto v = NativeArguments(args, "callable", 1, 1)[0];
       return Value::boolean(v.as<Native>() || v.as<FunctionObject>() || v.as<BoundMethod>());
     }},
    {"print", [](Interpreter&, const Arguments&) { return Value::none(); }},
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
