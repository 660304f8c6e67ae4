// SPDX-License-Identifier: MIT
// Calls: how arguments are evaluated and bound to parameters. Included by interpreter.hpp.
// Everything callable passes through Interpreter::call.
#pragma once

#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/text.hpp"

#include <boost/container/small_vector.hpp>

namespace step::interp {

inline Value Interpreter::evaluate_call(const syntax::Node& n, Frame& f) {
  using syntax::Kind;
  const auto callee = evaluate(n.child(0), f);
  boost::container::small_vector<Value, 6> positional;
  boost::container::small_vector<std::pair<std::string_view, Value>, 4> keywords;
  const auto add_keyword = [&](std::string_view name, Value v) {
    meter_.step(1 + keywords.size() / 8);
    for (const auto& [other, value] : keywords)
      if (name == other)
        type_error("got multiple values for keyword argument '" + detail::clipped_text(std::string(name)) +
                   "'");
    keywords.emplace_back(name, v);
  };
  for (const auto* a : n.children.subspan(1)) {
    if (a->kind == Kind::starred) {
      const auto more = items(evaluate(a->child(0), f));
      positional.insert(positional.end(), more.begin(), more.end());
    } else if (a->kind == Kind::keyword && !a->text.empty()) {
      const auto v = evaluate(a->child(0), f);
      here_ = a->at;
      add_keyword(a->text, v);
    } else if (a->kind == Kind::keyword) {
      auto* dict = evaluate(a->child(0), f).as<Dict>();
      here_ = a->at;
      if (dict == nullptr) type_error("argument after ** must be a dict");
      for (const auto& e : dict->table.entries()) {
        if (!e.key.is_set()) continue;
        auto* key = e.key.as<String>();
        if (key == nullptr) type_error("keywords must be strings");
        add_keyword(key->text, e.value);
      }
    } else {
      positional.push_back(evaluate(*a, f));
    }
  }
  here_ = n.at;
  return call(callee, {positional, keywords});
}

inline Value Interpreter::invoke(const Native& native, const Arguments& arguments) {
  std::array<Value, Signature::most + 1> values;
  if (native.method && arguments.positional.empty())
    type_error(std::string(native.name) + "() needs an object as its first argument");
  return native.call(*this, native.signature.bind(native.name, arguments, native.method ? 1 : 0, values));
}

inline Value Interpreter::call(Value callee, const Arguments& arguments) {
  meter_.step();
  if (auto* native = callee.as<Native>()) return invoke(*native, arguments);
  if (auto* method = callee.as<BoundMethod>()) {
    boost::container::small_vector<Value, 6> positional{method->self};
    positional.insert(positional.end(), arguments.positional.begin(), arguments.positional.end());
    std::array<Value, Signature::most + 1> values;
    return method->call(*this,
                        method->signature->bind(method->name, {positional, arguments.keywords}, 1, values));
  }
  if (auto* fn = callee.as<FunctionObject>()) return call_function(*fn, arguments);
  return host_.call(*this, callee, arguments);
}

inline Value Interpreter::make_function(const syntax::Node& n, Frame& f) {
  std::vector<Value> defaults;
  for (const auto* p : n.child(0).children)
    defaults.push_back(p->maybe(0) != nullptr ? evaluate(p->child(0), f) : Value());
  return heap_.make<FunctionObject>(&n, &f, std::move(defaults));
}

inline Value Interpreter::call_function(FunctionObject& fn, const Arguments& arguments) {
  using syntax::Op;
  const Level level(*this);
  const auto& parameters = fn.node->child(0).children;
  const auto& tree = *fn.closure->tree;
  const auto name =
      fn.node->kind == syntax::Kind::lambda ? std::string("<lambda>") : std::string(fn.node->text);
  auto* frame = heap_.make<Frame>(tree, fn.closure, &locals_of(*fn.node, tree), false);
  meter_.step(frame->slots.size() / 8);
  std::vector<Value> rest;
  Dict* keywords = nullptr;
  std::size_t next = 0;
  for (const auto* p : parameters) {
    if (p->op == Op::positional || p->op == Op::positional_only) {
      if (next < arguments.positional.size()) frame->slots[p->name] = arguments.positional[next++];
    } else if (p->op == Op::star && !p->text.empty()) {
      rest.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(next),
                  arguments.positional.end());
      next = arguments.positional.size();
      frame->slots[p->name] = make_tuple(std::move(rest));
    } else if (p->op == Op::double_star) {
      keywords = heap_.make<Dict>();
      frame->slots[p->name] = keywords;
    }
  }
  if (next < arguments.positional.size())
    type_error(name + "() takes " + std::to_string(next) + " positional arguments but " +
               std::to_string(arguments.positional.size()) + " were given");
  for (const auto& [key, value] : arguments.keywords) {
    const syntax::Node* parameter = nullptr;
    for (const auto* p : parameters)
      if (p->text == key && (p->op == Op::positional || p->op == Op::keyword_only)) parameter = p;
    if (parameter != nullptr) {
      if (frame->slots[parameter->name].is_set())
        type_error(name + "() got multiple values for argument '" + std::string(key) + "'");
      frame->slots[parameter->name] = value;
    } else if (keywords != nullptr) {
      keywords->table.set(make_string(std::string(key)), value);
    } else {
      type_error(name + "() got an unexpected keyword argument '" + std::string(key) + "'");
    }
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& p = *parameters[i];
    if (p.op == Op::star || p.op == Op::double_star || frame->slots[p.name].is_set()) continue;
    if (!fn.defaults[i].is_set()) type_error(name + "() missing the argument '" + std::string(p.text) + "'");
    frame->slots[p.name] = fn.defaults[i];
  }
  if (fn.node->kind == syntax::Kind::lambda) return evaluate(fn.node->child(1), *frame);
  Value result = Value::none();
  if (block(fn.node->child(1), *frame, result) != Flow::returned) return Value::none();
  return result;
}

} // namespace step::interp
