// SPDX-License-Identifier: MIT
// What the task author's snippets may see: torch and its tensors, on top of the interpreter's own values.
// A thin adapter from the interpreter's questions to the tensor vocabulary.
#pragma once

#include "step/interpreter/builtins.hpp"
#include "step/vocabulary/operators.hpp"
#include "step/vocabulary/vocabulary.hpp"

#include <cmath>

namespace step {

class SnippetHost : public interp::Host {
public:
  using Value = interp::Value;
  using Interpreter = interp::Interpreter;

  Value attribute(Interpreter& in, Value object, std::string_view name) override {
    auto& heap = in.heap();
    if (auto* m = object.as<interp::Module>()) return member(in, m->name, name);
    if (object.as<vocabulary::TensorObject>() != nullptr) {
      if (const auto v = vocabulary::attribute(heap, object, name); v.is_set()) return v;
      if (const auto* method = vocabulary::find_method(name)) return heap.make<BoundBuiltin>(*method, object);
      throw Fault(FaultKind::rejected, "a tensor has no '" + std::string(name) + "' here; the nearest known name is '" +
                                           vocabulary::nearest(name) + "'");
    }
    if (const auto v = vocabulary::attribute(heap, object, name); v.is_set()) return v;
    return Host::attribute(in, object, name);
  }

  Value call(Interpreter& in, Value callee, const interp::Arguments& arguments) override {
    if (auto* bound = callee.as<BoundBuiltin>()) return bound->call(in.heap(), arguments);
    if (auto* module = callee.as<vocabulary::TorchModule>())
      return vocabulary::call_module(in.heap(), *module, arguments);
    return Host::call(in, callee, arguments);
  }

  Value import_name(Interpreter& in, std::string_view module, std::string_view name) override {
    if (!name.empty()) {
      const auto is_known = module == "math" || module == "sympy" || vocabulary::is_namespace(module);
      return is_known ? member(in, module, name) : Value();
    }
    if (module == "math" || module == "sympy" || module == "step" || vocabulary::is_namespace(module))
      return in.heap().make<interp::Module>(std::string(module));
    return {};
  }

  Value binary(Interpreter& in, syntax::Op op, Value a, Value b) override {
    return vocabulary::binary(in.heap(), op, number_of_dim(a), number_of_dim(b));
  }
  Value augmented(Interpreter& in, syntax::Op op, Value target, Value v) override {
    return vocabulary::inplace(in.heap(), op, target, number_of_dim(v));
  }
  Value unary(Interpreter& in, syntax::Op op, Value v) override { return vocabulary::unary(in.heap(), op, v); }
  Value compare(Interpreter& in, syntax::Op op, Value a, Value b) override {
    if (a.as<vocabulary::TensorObject>() || b.as<vocabulary::TensorObject>())
      return vocabulary::compare(in.heap(), op, a, b);
    return Host::compare(in, op, a, b);
  }
  bool truth(Value v) override { return v.as<vocabulary::TensorObject>() == nullptr || vocabulary::truth(v); }
  double number(Value v) override { return vocabulary::to_float(v); }
  std::int64_t length(Value v) override { return vocabulary::length(v); }
  Value item(Interpreter& in, Value object, Value index) override {
    if (auto* t = object.as<vocabulary::TensorObject>()) return vocabulary::get_item(in.heap(), t->tensor, index);
    return Host::item(in, object, index);
  }
  void set_item(Interpreter& in, Value object, Value index, Value v) override {
    auto* t = object.as<vocabulary::TensorObject>();
    if (t == nullptr) return Host::set_item(in, object, index, v);
    vocabulary::set_item(in.heap(), t->tensor, index, v);
  }
  interp::Iterator* iterate(Interpreter& in, Value object) override {
    auto* t = object.as<vocabulary::TensorObject>();
    if (t == nullptr) return Host::iterate(in, object);
    return in.iterate(in.make_list(vocabulary::unbind(in.heap(), t->tensor)));
  }

private:
  /// A function or method of the vocabulary as a value.
  struct BoundBuiltin : interp::Object {
    static constexpr auto type = interp::ObjectType::op; // no operator exists among snippets, so the tag is free
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

  static Value number_of_dim(Value v) {
    if (v.as<interp::DimObject>() != nullptr)
      interp::type_error("a symbol has no value in tensor arithmetic; its size is <name>_value or ctx[<name>]");
    return v;
  }

  Value member(Interpreter& in, std::string_view module, std::string_view name) {
    auto& heap = in.heap();
    if (module == "math") return math_member(in, name);
    if (module == "sympy") {
      if (name == "Symbol" || name == "symbols") return symbol_native(name);
      throw Fault(FaultKind::rejected, "only sympy.Symbol and sympy.symbols are known here");
    }
    const auto qualified = std::string(module) + "." + std::string(name);
    if (vocabulary::is_namespace(qualified)) return heap.make<interp::Module>(qualified);
    if (const auto v = vocabulary::constant(heap, qualified); v.is_set()) return v;
    if (const auto* f = vocabulary::find_function(qualified)) return heap.make<BoundBuiltin>(*f);
    throw Fault(FaultKind::rejected, qualified + " is not in the tensor vocabulary; the nearest known name is '" +
                                         vocabulary::nearest(qualified) + "'");
  }

  /// sympy's way to make a symbol; several are separated by blanks or commas.
  static Value make_symbols(Interpreter& in, const interp::Arguments& arguments) {
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
  static Value symbol_native(std::string_view name) {
    static interp::Native one{"Symbol", make_symbols}, many{"symbols", make_symbols};
    return name == "Symbol" ? &one : &many;
  }

  static double one(const interp::Arguments& a) {
    const auto v = interp::NativeArguments(a, "math function", 1, 1)[0];
    if (!v.is_number()) interp::type_error("math functions need numbers, got " + std::string(interp::type_name(v)));
    return v.as_real();
  }

  static Value math_member(Interpreter&, std::string_view name) {
    static interp::Native functions[] = {
        {"sqrt", [](Interpreter&, const interp::Arguments& a) {
           const auto x = one(a);
           if (x < 0) interp::type_error("math domain error");
           return Value::real(std::sqrt(x));
         }},
        {"exp", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::exp(one(a))); }},
        {"log", [](Interpreter&, const interp::Arguments& a) {
           const auto x = one(a);
           if (x <= 0) interp::type_error("math domain error");
           return Value::real(std::log(x));
         }},
        {"log2", [](Interpreter&, const interp::Arguments& a) {
           const auto x = one(a);
           if (x <= 0) interp::type_error("math domain error");
           return Value::real(std::log2(x));
         }},
        {"sin", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::sin(one(a))); }},
        {"cos", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::cos(one(a))); }},
        {"tanh", [](Interpreter&, const interp::Arguments& a) { return Value::real(std::tanh(one(a))); }},
        {"floor", [](Interpreter&, const interp::Arguments& a) {
           return Value::integer(interp::detail::to_integer(std::floor(one(a))));
         }},
        {"ceil", [](Interpreter&, const interp::Arguments& a) {
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
};

} // namespace step
