// SPDX-License-Identifier: MIT
// Which scope a name belongs to, by Python's rules: what a function binds anywhere is local to it everywhere.
// Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter_class.hpp"

#include <algorithm>

namespace step::interp {

/// Marks the names that statements below `n` bind in the same scope.
inline void collect_bindings(const syntax::Node& n, std::vector<bool>& locals, std::vector<bool>& outer) {
  using syntax::Kind;
  const auto target = [&](auto&& self, const syntax::Node& t) -> void {
    if (t.kind == Kind::name)
      locals[t.name] = true;
    else if (t.kind == Kind::tuple || t.kind == Kind::list || t.kind == Kind::starred)
      for (const auto* c : t.children) self(self, *c);
  };
  switch (n.kind) {
  case Kind::function:
    locals[n.name] = true;
    return;
  case Kind::lambda:
    return;
  case Kind::assign:
    for (const auto* c : n.children.first(n.children.size() - 1)) target(target, *c);
    break;
  case Kind::augmented:
  case Kind::annotated:
  case Kind::for_loop:
  case Kind::named:
    target(target, n.child(0));
    break;
  case Kind::remove:
    for (const auto* c : n.children) target(target, *c);
    break;
  case Kind::alias:
    locals[n.name] = n.text != "*";
    return;
  case Kind::nonlocal:
    for (const auto* c : n.children) outer[c->name] = true;
    return;
  default:
    break;
  }
  // names bound by a comprehension's clauses stay inside it; its walrus targets do not
  for (const auto* c : n.children)
    if (c != nullptr) collect_bindings(*c, locals, outer);
}

inline const std::vector<bool>& Interpreter::locals_of(const syntax::Node& n, const syntax::Tree& tree) {
  auto& slot = locals_[&n];
  if (slot) return *slot;
  slot = std::make_unique<std::vector<bool>>(tree.names().size());
  using syntax::Kind;
  if (n.kind == Kind::function || n.kind == Kind::lambda) {
    std::vector<bool> outer(tree.names().size());
    collect_bindings(n.child(1), *slot, outer);
    for (std::size_t i = 0; i < outer.size(); ++i)
      if (outer[i]) (*slot)[i] = false;
    for (const auto* p : n.child(0).children) (*slot)[p->name] = true;
  } else { // a comprehension: its clauses' targets
    const auto target = [&](auto&& self, const syntax::Node& t) -> void {
      if (t.kind == Kind::name)
        (*slot)[t.name] = true;
      else if (t.kind == Kind::tuple || t.kind == Kind::list || t.kind == Kind::starred)
        for (const auto* c : t.children) self(self, *c);
    };
    for (const auto* c : n.children)
      if (c->kind == Kind::clause) target(target, c->child(0));
  }
  return *slot;
}

namespace detail {

/// Fault{rejected} for a function of Python that the language does not have.
inline void check_outside(const syntax::Node& name) {
  constexpr std::string_view outside[] = {"hash",      "id",         "bytes",      "bytearray", "complex",
                                          "object",    "issubclass", "aiter",      "anext",     "input",
                                          "vars",      "dir",        "memoryview", "Exception", "ValueError",
                                          "TypeError", "KeyError",   "IndexError"};
  if (std::find(std::begin(outside), std::end(outside), name.text) != std::end(outside))
    throw Fault(FaultKind::rejected, "`" + std::string(name.text) + "` is not part of the language", name.at);
}

} // namespace detail

inline Value Interpreter::lookup(const syntax::Node& n, Frame& frame) {
  for (auto* f = &frame; f != nullptr; f = f->parent) {
    if (f->locals != nullptr && !(*f->locals)[n.name]) continue;
    if (f->slots[n.name].is_set()) return f->slots[n.name];
    if (f->locals != nullptr)
      throw Fault(FaultKind::name,
                  "the local variable '" + std::string(n.text) + "' is used before it is assigned", n.at);
  }
  detail::check_outside(n);
  throw Fault(FaultKind::name, "the name '" + std::string(n.text) + "' is not defined", n.at);
}

inline Frame& Interpreter::binding_frame(std::uint32_t name, Frame& frame) {
  auto* f = &frame;
  while (f->locals != nullptr && !(*f->locals)[name]) f = f->parent;
  return *f;
}

} // namespace step::interp
