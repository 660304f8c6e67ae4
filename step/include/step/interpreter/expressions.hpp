// SPDX-License-Identifier: MIT
// Expressions: literals, displays, operators, comparisons. Included by interpreter.hpp.
// Comprehensions and f-strings have headers of their own.
#pragma once

#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/numbers.hpp"

namespace step::interp {

inline Value Interpreter::evaluate(const syntax::Node& n, Frame& f) {
  using syntax::Kind;
  meter_.step();
  switch (n.kind) {
  case Kind::name:
    return lookup(n, f);
  case Kind::integer:
    return Value::integer(n.integer);
  case Kind::real:
    return Value::real(n.real);
  case Kind::none:
    return Value::none();
  case Kind::boolean:
    return Value::boolean(n.integer != 0);
  default:
    break;
  }
  const Level level(*this);
  switch (n.kind) {
  case Kind::string:
    return make_string(std::string(n.text));
  case Kind::fstring:
    return format(n, f);
  case Kind::ellipsis:
    return heap_.make<Ellipsis>();
  case Kind::tuple:
  case Kind::list:
  case Kind::set: {
    std::vector<Value> values;
    values.reserve(n.children.size());
    for (const auto* c : n.children) {
      if (c->kind != Kind::starred) {
        values.push_back(evaluate(*c, f));
        continue;
      }
      auto more = items(evaluate(c->child(0), f));
      values.insert(values.end(), more.begin(), more.end());
    }
    if (n.kind == Kind::tuple) return make_tuple(std::move(values));
    if (n.kind == Kind::list) return make_list(std::move(values));
    auto* set = heap_.make<Set>();
    here_ = n.at;
    for (auto v : values) set->table.set(v, Value::none());
    return set;
  }
  case Kind::dict: {
    auto* dict = heap_.make<Dict>();
    for (std::size_t i = 0; i + 1 < n.children.size(); i += 2) {
      if (n.maybe(i) != nullptr) {
        const auto key = evaluate(n.child(i), f);
        const auto value = evaluate(n.child(i + 1), f);
        here_ = n.at;
        dict->table.set(key, value);
        continue;
      }
      auto* other = evaluate(n.child(i + 1), f).as<Dict>();
      here_ = n.at;
      if (other == nullptr) type_error("only a dict can follow ** in a dict");
      for (std::size_t k = 0; k < other->table.entries().size(); ++k)
        if (const auto e = other->table.entries()[k]; e.key.is_set()) dict->table.set(e.key, e.value);
    }
    return dict;
  }
  case Kind::attribute: {
    const auto object = evaluate(n.child(0), f);
    here_ = n.at;
    return attribute(object, n.text);
  }
  case Kind::subscript: {
    const auto object = evaluate(n.child(0), f), index = evaluate(n.child(1), f);
    here_ = n.at;
    return item(object, index);
  }
  case Kind::slice: {
    Value parts[3];
    for (std::size_t i = 0; i < 3; ++i)
      parts[i] = n.maybe(i) != nullptr ? evaluate(n.child(i), f) : Value::none();
    return heap_.make<Slice>(parts[0], parts[1], parts[2]);
  }
  case Kind::call:
    return evaluate_call(n, f);
  case Kind::unary: {
    const auto v = evaluate(n.child(0), f);
    here_ = n.at;
    if (n.op == syntax::Op::logical_not) return Value::boolean(!truth(v));
    if (is_host_object(v)) return host_.unary(*this, n.op, v);
    if (n.op == syntax::Op::negative)
      return v.is_real()  ? Value::real(-v.as_real())
             : v.is_int() ? Value::integer(detail::negated(v.as_int()))
             : v.as<DimObject>() != nullptr
                 ? binary(syntax::Op::subtract, Value::integer(0), v)
                 : throw Fault(FaultKind::type,
                               "bad operand type for unary -: '" + std::string(type_name(v)) + "'");
    if (n.op == syntax::Op::positive && (v.is_number() || v.as<DimObject>() != nullptr))
      return v.is_bool() ? Value::integer(v.as_int()) : v;
    if (n.op == syntax::Op::invert && v.is_int()) return Value::integer(~v.as_int());
    type_error("bad operand type for unary operator: '" + std::string(type_name(v)) + "'");
  }
  case Kind::binary: {
    const auto a = evaluate(n.child(0), f), b = evaluate(n.child(1), f);
    here_ = n.at;
    return binary(n.op, a, b);
  }
  case Kind::logical: {
    Value v;
    for (const auto* c : n.children) {
      v = evaluate(*c, f);
      if (c == n.children.back()) break;
      here_ = n.at;
      if (truth(v) != (n.op == syntax::Op::logical_and)) break;
    }
    return v;
  }
  case Kind::compare:
    return compare_chain(n, f);
  case Kind::conditional:
    return evaluate(truth(evaluate(n.child(0), f)) ? n.child(1) : n.child(2), f);
  case Kind::lambda:
    return make_function(n, f);
  case Kind::list_comp:
  case Kind::set_comp:
  case Kind::dict_comp:
  case Kind::generator:
    return comprehension(n, f);
  case Kind::named: {
    const auto v = evaluate(n.child(1), f);
    auto* frame = &f;
    while (frame->comprehension) frame = frame->parent;
    assign(n.child(0), v, *frame);
    return v;
  }
  case Kind::starred:
    throw Fault(FaultKind::syntax, "a starred expression is not allowed here", n.at);
  default:
    throw Fault(FaultKind::rejected, "this expression is not part of the language", n.at);
  }
}

inline Value Interpreter::compare_chain(const syntax::Node& n, Frame& f) {
  auto left = evaluate(n.child(0), f);
  Value result;
  for (std::size_t i = 1; i < n.children.size(); ++i) {
    const auto right = evaluate(n.child(i).child(0), f);
    here_ = n.child(i).at;
    result = compare(n.child(i).op, left, right);
    if (i + 1 < n.children.size() && !truth(result)) return result;
    left = right;
  }
  return result;
}

} // namespace step::interp
