// SPDX-License-Identifier: MIT
// Statements: assignment in all its forms, loops, branches, imports. Included by interpreter.hpp.
// `def` makes a function object; functions.hpp calls it.
#pragma once

#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/text.hpp"

namespace step::interp {

inline Interpreter::Flow Interpreter::block(const syntax::Node& n, Frame& f, Value& result) {
  for (const auto* s : n.children)
    if (auto flow = statement(*s, f, result); flow != Flow::normal) return flow;
  return Flow::normal;
}

inline Interpreter::Flow Interpreter::statement(const syntax::Node& n, Frame& f, Value& result) {
  using syntax::Kind;
  meter_.step();
  here_ = n.at;
  const Level level(*this);
  switch (n.kind) {
  case Kind::block:
    return block(n, f, result);
  case Kind::expression:
    evaluate(n.child(0), f);
    return Flow::normal;
  case Kind::assign: {
    const auto v = evaluate(*n.children.back(), f);
    for (const auto* t : n.children.first(n.children.size() - 1)) assign(*t, v, f);
    return Flow::normal;
  }
  case Kind::augmented: {
    const auto& target = n.child(0);
    const auto apply = [&](Value old) {
      const auto v = evaluate(n.child(1), f);
      here_ = n.at;
      return augmented(n.op, old, v);
    };
    if (target.kind == Kind::subscript) {
      const auto object = evaluate(target.child(0), f), index = evaluate(target.child(1), f);
      const auto v = apply(item(object, index));
      set_item(object, index, v);
    } else {
      assign(target, apply(evaluate(target, f)), f);
    }
    return Flow::normal;
  }
  case Kind::annotated:
    if (const auto* v = n.maybe(2)) assign(n.child(0), evaluate(*v, f), f);
    return Flow::normal;
  case Kind::for_loop: {
    auto* iterator = iterate(evaluate(n.child(1), f));
    for (;;) {
      const auto v = iterator->next(*this);
      if (!v.is_set()) break;
      meter_.step();
      assign(n.child(0), v, f);
      const auto flow = block(n.child(2), f, result);
      if (flow == Flow::broke) return Flow::normal;
      if (flow == Flow::returned) return flow;
    }
    if (const auto* otherwise = n.maybe(3)) return block(*otherwise, f, result);
    return Flow::normal;
  }
  case Kind::while_loop:
    while (truth(evaluate(n.child(0), f))) {
      meter_.step();
      const auto flow = block(n.child(1), f, result);
      if (flow == Flow::broke) return Flow::normal;
      if (flow == Flow::returned) return flow;
    }
    if (const auto* otherwise = n.maybe(2)) return block(*otherwise, f, result);
    return Flow::normal;
  case Kind::if_else:
    if (truth(evaluate(n.child(0), f))) return block(n.child(1), f, result);
    if (const auto* otherwise = n.maybe(2)) return block(*otherwise, f, result);
    return Flow::normal;
  case Kind::function: {
    const auto fn = make_function(n, f);
    binding_frame(n.name, f).slots[n.name] = fn;
    return Flow::normal;
  }
  case Kind::return_value:
    result = n.maybe(0) != nullptr ? evaluate(n.child(0), f) : Value::none();
    return Flow::returned;
  case Kind::assertion:
    if (!truth(evaluate(n.child(0), f))) {
      const auto why =
          n.maybe(1) != nullptr ? ": " + detail::clipped_text(text(evaluate(n.child(1), f))) : std::string();
      throw Fault(FaultKind::type, "the program's assertion failed" + why, n.at);
    }
    return Flow::normal;
  case Kind::remove:
    for (const auto* t : n.children) remove(*t, f);
    return Flow::normal;
  case Kind::pass:
  case Kind::nonlocal:
    return Flow::normal;
  case Kind::break_loop:
    return Flow::broke;
  case Kind::continue_loop:
    return Flow::continued;
  case Kind::import_module:
  case Kind::import_from:
    import(n, f);
    return Flow::normal;
  default:
    throw Fault(FaultKind::rejected, "this statement is not part of the language", n.at);
  }
}

inline void Interpreter::import(const syntax::Node& n, Frame& f) {
  for (const auto* alias : n.children) {
    if (n.kind == syntax::Kind::import_from && alias->text == "*") {
      for (std::uint32_t id = 0; id < f.tree->names().size(); ++id) {
        if (const auto v = host_.import_name(*this, n.text, f.tree->names()[id]); v.is_set())
          if (auto& slot = binding_frame(id, f).slots[id]; !slot.is_set()) slot = v;
      }
      continue;
    }
    const auto v = n.kind == syntax::Kind::import_from ? host_.import_name(*this, n.text, alias->text)
                                                       : host_.import_name(*this, alias->text, {});
    if (!v.is_set()) throw Fault(FaultKind::name, "cannot import '" + std::string(alias->text) + "'", n.at);
    binding_frame(alias->name, f).slots[alias->name] = v;
  }
}

inline void Interpreter::assign(const syntax::Node& target, Value v, Frame& f) {
  using syntax::Kind;
  meter_.step();
  switch (target.kind) {
  case Kind::name: {
    auto& frame = binding_frame(target.name, f);
    if (frame.frozen())
      throw Fault(FaultKind::rejected, "cannot assign to '" + std::string(target.text) + "', which is shared",
                  target.at);
    frame.slots[target.name] = v;
    return;
  }
  case Kind::tuple:
  case Kind::list:
    unpack(target.children, v, f);
    return;
  case Kind::subscript: {
    const auto object = evaluate(target.child(0), f), index = evaluate(target.child(1), f);
    here_ = target.at;
    set_item(object, index, v);
    return;
  }
  default:
    throw Fault(FaultKind::rejected, "cannot assign to this", target.at);
  }
}

inline void Interpreter::unpack(std::span<const syntax::Node* const> targets, Value v, Frame& f) {
  here_ = targets.empty() ? here_ : targets[0]->at;
  auto values = items(v);
  std::optional<std::size_t> star;
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (targets[i]->kind == syntax::Kind::starred) star = i;
  const auto need = targets.size() - (star ? 1 : 0);
  if (values.size() < need || (!star && values.size() > need))
    type_error(std::string(values.size() < need ? "not enough" : "too many") +
               " values to unpack (expected " + (star ? "at least " : "") + std::to_string(need) + ", got " +
               std::to_string(values.size()) + ")");
  const auto extra = values.size() - need;
  std::size_t at = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (star && i == *star) {
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(at);
      assign(targets[i]->child(0), make_list({first, first + static_cast<std::ptrdiff_t>(extra)}), f);
      at += extra;
    } else {
      assign(*targets[i], values[at++], f);
    }
  }
}

inline void Interpreter::remove(const syntax::Node& target, Frame& f) {
  using syntax::Kind;
  if (target.kind == Kind::name) {
    lookup(target, f);
    binding_frame(target.name, f).slots[target.name] = {};
  } else if (target.kind == Kind::tuple || target.kind == Kind::list) {
    for (const auto* t : target.children) remove(*t, f);
  } else if (target.kind == Kind::subscript) {
    const auto object = evaluate(target.child(0), f), index = evaluate(target.child(1), f);
    here_ = target.at;
    delete_item(object, index);
  } else {
    throw Fault(FaultKind::rejected, "cannot delete this", target.at);
  }
}

} // namespace step::interp
