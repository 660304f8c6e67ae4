// SPDX-License-Identifier: MIT
// Comprehensions and generator expressions: one machine that walks the `for` and `if` clauses lazily.
// Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter_class.hpp"

namespace step::interp {

/// Steps through all combinations of the clauses; after advance() returned true the targets are bound in
/// `frame`.
struct Comprehension {
  Comprehension(const syntax::Node& node, Frame* inner, Iterator* outermost, std::size_t first_clause)
      : n(&node), frame(inner), first(first_clause), iterators{outermost} {}

  bool advance(Interpreter& in) {
    const auto clauses = n->children.size() - first;
    for (;;) {
      if (iterators.empty()) return false;
      const auto& clause = n->child(first + iterators.size() - 1);
      const auto v = iterators.back()->next(in);
      if (!v.is_set()) {
        iterators.pop_back();
        continue;
      }
      in.meter().step();
      in.assign(clause.child(0), v, *frame);
      bool holds = true;
      for (const auto* condition : clause.children.subspan(2))
        if (!(holds = in.truth(in.evaluate(*condition, *frame)))) break;
      if (!holds) continue;
      if (iterators.size() == clauses) return true;
      iterators.push_back(in.iterate(in.evaluate(n->child(first + iterators.size()).child(1), *frame)));
    }
  }

  const syntax::Node* n;
  Frame* frame;
  std::size_t first;
  std::vector<Iterator*> iterators;
};

struct GeneratorIterator : Iterator {
  explicit GeneratorIterator(Comprehension m) : machine(std::move(m)) {}
  Value next(Interpreter& in) override {
    if (running) type_error("generator already executing");
    const Interpreter::Level level(in);
    running = true;
    Value v;
    if (machine.advance(in)) v = in.evaluate(machine.n->child(0), *machine.frame);
    running = false;
    return v;
  }
  Comprehension machine;
  bool running = false;
};

inline Value Interpreter::comprehension(const syntax::Node& n, Frame& f) {
  using syntax::Kind;
  const std::size_t first = n.kind == Kind::dict_comp ? 2 : 1;
  auto* outermost = iterate(evaluate(n.child(first).child(1), f)); // in the enclosing scope, as in Python
  auto* frame = heap_.make<Frame>(*f.tree, &f, &locals_of(n, *f.tree), true);
  meter_.step(frame->slots.size() / 8);
  Comprehension machine(n, frame, outermost, first);
  switch (n.kind) {
  case Kind::generator:
    return heap_.make<GeneratorIterator>(std::move(machine));
  case Kind::list_comp: {
    std::vector<Value> values;
    while (machine.advance(*this)) values.push_back(evaluate(n.child(0), *frame));
    return make_list(std::move(values));
  }
  case Kind::set_comp: {
    auto* set = heap_.make<Set>();
    while (machine.advance(*this)) set->table.set(evaluate(n.child(0), *frame), Value::none());
    return set;
  }
  default: {
    auto* dict = heap_.make<Dict>();
    while (machine.advance(*this)) {
      const auto key = evaluate(n.child(0), *frame);
      dict->table.set(key, evaluate(n.child(1), *frame));
    }
    return dict;
  }
  }
}

} // namespace step::interp
