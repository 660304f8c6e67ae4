// SPDX-License-Identifier: MIT
// The definitions of SnippetHost, and with them the whole tensor vocabulary.
#pragma once

#include "step/separate_compilation.hpp"
#include "step/verifier/snippet_host.hpp"
#include "step/vocabulary/operators.hpp"
#include "step/vocabulary/vocabulary.hpp"

#include <cmath>
#include <limits>

namespace step {

namespace detail {

using interp::Interpreter;
using interp::Value;

/// A function or method of the vocabulary as a value.
struct BoundBuiltin : interp::Object {
  static constexpr auto type =
      interp::ObjectType::op; // no operator exists among snippets, so the tag is free
  explicit BoundBuiltin(const vocabulary::Builtin& f, Value s = {}) : Object(type), function(f), self(s) {}
  Value call(interp::Heap& heap, const interp::Arguments& arguments) const {
    if (!self.is_set()) return function.call(heap, arguments);
    std::vector<Value> positional{self};
    positional.insert(positional.end(), arguments.positional.begin(), arguments.positional.end());
    return function.call(heap, {positional, arguments.keywords});
  }
  const vocabulary::Builtin& function;
  Value self;
};

inline Value number_of_dim(Value v) {
  if (v.as<interp::DimObject>() != nullptr)
    interp::type_error("a symbol has no value in tensor arithmetic; its size is <name>_value or ctx[<name>]");
  return v;
}

/// sympy's way to make a symbol; several are separated by blanks or commas.
inline Value make_symbols(Interpreter& in, const interp::Arguments& arguments) {
  const interp::NativeArguments a(arguments, "symbols", 1, 1); // keywords such as integer=True change nothing
  std::vector<Value> out;
  std::string name;
  for (const char c : a.string(0) + " ") {
    if (c != ' ' && c != ',') {
      name += c;
    } else if (!name.empty()) {
      if (name.size() > 64 || out.size() == 64) interp::type_error("symbols() takes up to 64 short names");
      out.push_back(in.make_dim(Symbol::named(name)));
      name.clear();
    }
  }
  if (out.empty()) interp::type_error("symbols() needs a name");
  return out.size() == 1 ? out[0] : in.make_tuple(std::move(out));
}
inline Value symbol_native(std::string_view name) {
  static interp::Native one{"Symbol", "names, /, **assumptions", make_symbols},
      many{"symbols", "names, /, **assumptions", make_symbols};
  return name == "Symbol" ? &one : &many;
}

inline double one(const interp::Arguments& a) {
  const auto v = interp::NativeArguments(a, "math function", 1, 1)[0];
  if (!v.is_number())
    interp::type_error("math functions need numbers, got " + std::string(interp::type_name(v)));
  return v.as_real();
}

inline Value math_member(Interpreter&, std::string_view name) {
  static interp::Native functions[] = {
      {"sqrt", "x, /",
       [](Interpreter&, const interp::Arguments& a) {
         const auto x = one(a);
         if (x < 0) interp::type_error("math domain error");
         return Value::real(std::sqrt(x));
       }},
      {"exp", "x, /", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::exp(one(a))); }},
      {"log", "x, /",
       [](Interpreter&, const interp::Arguments& a) {
         const auto x = one(a);
         if (x <= 0) interp::type_error("math domain error");
         return Value::real(std::log(x));
       }},
      {"log2", "x, /",
       [](Interpreter&, const interp::Arguments& a) {
         const auto x = one(a);
         if (x <= 0) interp::type_error("math domain error");
         return Value::real(std::log2(x));
       }},
      {"sin", "x, /", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::sin(one(a))); }},
      {"cos", "x, /", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::cos(one(a))); }},
      {"tanh", "x, /",
       [](Interpreter&, const interp::Arguments& a) { return Value::real(std::tanh(one(a))); }},
      {"floor", "x, /",
       [](Interpreter&, const interp::Arguments& a) {
         return Value::integer(interp::detail::to_integer(std::floor(one(a))));
       }},
      {"ceil", "x, /",
       [](Interpreter&, const interp::Arguments& a) {
         return Value::integer(interp::detail::to_integer(std::ceil(one(a))));
       }},
  };
  for (auto& f : functions)
    if (f.name == name) return &f;
  if (name == "pi") return Value::real(3.14159265358979323846);
  if (name == "e") return Value::real(2.71828182845904523536);
  if (name == "inf") return Value::real(std::numeric_limits<double>::infinity());
  throw Fault(FaultKind::rejected, "math." + std::string(name) + " is not in the vocabulary");
}

} // namespace detail

STEP_SOURCE SnippetHost::Value SnippetHost::attribute(Interpreter& in, Value object, std::string_view name) {
  auto& heap = in.heap();
  if (auto* m = object.as<interp::Module>()) return member(in, m->name, name);
  if (object.as<vocabulary::TensorObject>() != nullptr) {
    if (const auto v = vocabulary::attribute(heap, object, name); v.is_set()) return v;
    if (const auto* method = vocabulary::find_method(name))
      return heap.make<detail::BoundBuiltin>(*method, object);
    throw Fault(FaultKind::rejected, "a tensor has no '" + std::string(name) +
                                         "' here; the nearest known name is '" + vocabulary::nearest(name) +
                                         "'");
  }
  if (const auto v = vocabulary::attribute(heap, object, name); v.is_set()) return v;
  return Host::attribute(in, object, name);
}

STEP_SOURCE SnippetHost::Value SnippetHost::call(Interpreter& in, Value callee,
                                                 const interp::Arguments& arguments) {
  if (auto* bound = callee.as<detail::BoundBuiltin>()) return bound->call(in.heap(), arguments);
  if (auto* module = callee.as<vocabulary::TorchModule>())
    return vocabulary::call_module(in.heap(), *module, arguments);
  return Host::call(in, callee, arguments);
}

STEP_SOURCE SnippetHost::Value SnippetHost::import_name(Interpreter& in, std::string_view module,
                                                        std::string_view name) {
  if (!name.empty()) {
    const auto is_known = module == "math" || module == "sympy" || vocabulary::is_namespace(module);
    return is_known ? member(in, module, name) : Value();
  }
  if (module == "math" || module == "sympy" || module == "step" || vocabulary::is_namespace(module))
    return in.heap().make<interp::Module>(std::string(module));
  return {};
}

STEP_SOURCE SnippetHost::Value SnippetHost::binary(Interpreter& in, syntax::Op op, Value a, Value b) {
  return vocabulary::binary(in.heap(), op, detail::number_of_dim(a), detail::number_of_dim(b));
}
STEP_SOURCE SnippetHost::Value SnippetHost::augmented(Interpreter& in, syntax::Op op, Value target, Value v) {
  return vocabulary::inplace(in.heap(), op, target, detail::number_of_dim(v));
}
STEP_SOURCE SnippetHost::Value SnippetHost::unary(Interpreter& in, syntax::Op op, Value v) {
  return vocabulary::unary(in.heap(), op, v);
}
STEP_SOURCE SnippetHost::Value SnippetHost::compare(Interpreter& in, syntax::Op op, Value a, Value b) {
  if (a.as<vocabulary::TensorObject>() || b.as<vocabulary::TensorObject>())
    return vocabulary::compare(in.heap(), op, a, b);
  return Host::compare(in, op, a, b);
}
STEP_SOURCE bool SnippetHost::truth(Value v) {
  return v.as<vocabulary::TensorObject>() == nullptr || vocabulary::truth(v);
}
STEP_SOURCE double SnippetHost::number(Value v) { return vocabulary::to_float(v); }
STEP_SOURCE std::int64_t SnippetHost::length(Value v) { return vocabulary::length(v); }
STEP_SOURCE SnippetHost::Value SnippetHost::item(Interpreter& in, Value object, Value index) {
  if (auto* t = object.as<vocabulary::TensorObject>())
    return vocabulary::get_item(in.heap(), t->tensor, index);
  return Host::item(in, object, index);
}
STEP_SOURCE void SnippetHost::set_item(Interpreter& in, Value object, Value index, Value v) {
  auto* t = object.as<vocabulary::TensorObject>();
  if (t == nullptr) return Host::set_item(in, object, index, v);
  vocabulary::set_item(in.heap(), t->tensor, index, v);
}
STEP_SOURCE interp::Iterator* SnippetHost::iterate(Interpreter& in, Value object) {
  auto* t = object.as<vocabulary::TensorObject>();
  if (t == nullptr) return Host::iterate(in, object);
  return in.iterate(in.make_list(vocabulary::unbind(in.heap(), t->tensor)));
}

STEP_SOURCE SnippetHost::Value SnippetHost::member(Interpreter& in, std::string_view module,
                                                   std::string_view name) {
  auto& heap = in.heap();
  if (module == "math") return detail::math_member(in, name);
  if (module == "sympy") {
    if (name == "Symbol" || name == "symbols") return detail::symbol_native(name);
    throw Fault(FaultKind::rejected, "only sympy.Symbol and sympy.symbols are known here");
  }
  const auto qualified = std::string(module) + "." + std::string(name);
  if (vocabulary::is_namespace(qualified)) return heap.make<interp::Module>(qualified);
  if (const auto v = vocabulary::constant(heap, qualified); v.is_set()) return v;
  if (const auto* f = vocabulary::find_function(qualified)) return heap.make<detail::BoundBuiltin>(*f);
  throw Fault(FaultKind::rejected, qualified +
                                       " is not in the tensor vocabulary; the nearest known name is '" +
                                       vocabulary::nearest(qualified) + "'");
}

} // namespace step
