// SPDX-License-Identifier: MIT
// What the interpreter asks about objects it does not know itself: modules, streams, operators, tensors. One
// interpreter thus runs programs (ProgramHost) and the task author's snippets (SnippetHost).
#pragma once

#include "step/interpreter/objects.hpp"

namespace step::interp {

/// Gives meaning to the objects the interpreter does not know: modules, streams, operators, tensors.
/// The defaults raise what Python would raise. `binary` is asked when at least one operand is a host object.
class Host {
 public:
  virtual ~Host() = default;
  virtual Value attribute(Interpreter&, Value object, std::string_view name);
  virtual Value call(Interpreter&, Value callee, const Arguments&);
  virtual Value import_name(Interpreter&, std::string_view module, std::string_view name);
  virtual Value binary(Interpreter&, syntax::Op, Value, Value);
  virtual Value augmented(Interpreter& in, syntax::Op op, Value target, Value v) {
    return binary(in, op, target, v);
  }
  virtual Value unary(Interpreter&, syntax::Op, Value);
  virtual Value compare(Interpreter&, syntax::Op, Value, Value);
  virtual bool truth(Value) { return true; }
  virtual double number(Value); ///< `float(x)`, `int(x)`
  virtual std::int64_t length(Value);
  virtual Value item(Interpreter&, Value object, Value index);
  virtual void set_item(Interpreter&, Value object, Value index, Value v);
  virtual Iterator* iterate(Interpreter&, Value object);
  virtual std::string text(Value);
};

[[nodiscard]] inline bool is_host_object(Value v) {
  if (!v.is_object()) return false;
  switch (v.object()->object_type()) {
  case ObjectType::module:
  case ObjectType::tensor:
  case ObjectType::torch_dtype:
  case ObjectType::torch_module:
  case ObjectType::stream:
  case ObjectType::op:
  case ObjectType::task_function:
  case ObjectType::value_dtype:
    return true;
  default:
    return false;
  }
}

[[noreturn]] inline void type_error(std::string message) { throw Fault(FaultKind::type, std::move(message)); }

// ---- what a host does not define raises what Python would raise

[[noreturn]] inline void unsupported(std::string_view what, Value v) {
  type_error("'" + std::string(type_name(v)) + "' object " + std::string(what));
}
inline Value Host::attribute(Interpreter&, Value object, std::string_view name) {
  type_error("'" + std::string(type_name(object)) + "' object has no attribute '" + std::string(name) + "'");
}
inline Value Host::call(Interpreter&, Value callee, const Arguments&) {
  unsupported("is not callable", callee);
}
inline Value Host::import_name(Interpreter&, std::string_view, std::string_view) { return {}; }
inline Value Host::binary(Interpreter&, syntax::Op, Value a, Value b) {
  type_error("unsupported operand types: '" + std::string(type_name(a)) + "' and '" +
             std::string(type_name(b)) + "'");
}
inline Value Host::unary(Interpreter&, syntax::Op, Value v) { unsupported("has no such unary operator", v); }
inline Value Host::compare(Interpreter&, syntax::Op op, Value a, Value b) {
  if (op == syntax::Op::equal) return Value::boolean(equal(a, b));
  if (op == syntax::Op::not_equal) return Value::boolean(!equal(a, b));
  type_error("cannot compare '" + std::string(type_name(a)) + "' and '" + std::string(type_name(b)) + "'");
}
inline double Host::number(Value v) { unsupported("cannot be converted to a number", v); }
inline std::int64_t Host::length(Value v) { unsupported("has no len()", v); }
inline Value Host::item(Interpreter&, Value v, Value) { unsupported("is not subscriptable", v); }
inline void Host::set_item(Interpreter&, Value v, Value, Value) {
  unsupported("does not support item assignment", v);
}
inline Iterator* Host::iterate(Interpreter&, Value v) { unsupported("is not iterable", v); }
inline std::string Host::text(Value v) { return "<" + std::string(type_name(v)) + ">"; }

} // namespace step::interp
