// SPDX-License-Identifier: MIT
// Executes trees of the Python subset: expressions, statements, functions and comprehensions. What modules,
// streams and tensors mean is up to a Host, so that the same interpreter runs programs and the task author's
// snippets.
#pragma once

#include "step/interpreter/objects.hpp"

#include <memory>
#include <optional>

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

class Interpreter {
 public:
  Interpreter(Heap& heap, Host& host) : heap_(heap), host_(host), meter_(Meter::current()) {}

  /// Runs the statements of the tree; the value of `return`, or None. Faults carry the position where they
  /// arose.
  Value run(const syntax::Tree& tree, Frame& root) {
    return located([&] {
      Value result = Value::none();
      if (block(*tree.root, root, result) != Flow::returned) return Value::none();
      return result;
    });
  }
  /// Runs all statements but the last, and evaluates that one, which must be an expression.
  Value run_to_value(const syntax::Tree& tree, Frame& root) {
    return located([&] {
      const auto statements = tree.root->children;
      if (statements.empty() || statements.back()->kind != syntax::Kind::expression)
        throw Fault(FaultKind::syntax, "the last line must be an expression");
      for (const auto* s : statements.first(statements.size() - 1)) {
        Value ignored;
        if (statement(*s, root, ignored) != Flow::normal)
          throw Fault(FaultKind::syntax, "control leaves the text before its last line", s->at);
      }
      return evaluate(statements.back()->child(0), root);
    });
  }

  Value evaluate(const syntax::Node& n, Frame& f);
  Value call(Value callee, const Arguments& arguments);

  // ---- operations on values, as Python defines them
  [[nodiscard]] bool truth(Value v);
  Value binary(syntax::Op op, Value a, Value b);
  Value compare(syntax::Op op, Value a, Value b);
  Value item(Value object, Value index);
  void set_item(Value object, Value index, Value v);
  void delete_item(Value object, Value index);
  [[nodiscard]] std::int64_t length(Value v);
  [[nodiscard]] bool contains(Value container, Value v);
  [[nodiscard]] bool less(Value a, Value b);
  /// An iterator over v. Fault{type} when v is not iterable.
  Iterator* iterate(Value v);
  /// All items of an iterable.
  std::vector<Value> items(Value v);
  /// str(v) or repr(v); at most `max_text` characters.
  std::string text(Value v, bool repr = false);
  Value attribute(Value object, std::string_view name);

  Value make_string(std::string s) {
    if (s.size() > max_text) throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
    meter_.step(1 + s.size() / 64);
    return heap_.make<String>(std::move(s));
  }
  Value make_list(std::vector<Value> v) {
    meter_.step(v.size());
    return heap_.make<List>(std::move(v));
  }
  Value make_tuple(std::vector<Value> v) {
    meter_.step(v.size());
    return heap_.make<Tuple>(std::move(v));
  }
  Value make_dim(Dim d) {
    if (d.is_constant()) return Value::integer(d.constant());
    return heap_.make<DimObject>(std::move(d));
  }
  [[nodiscard]] Heap& heap() { return heap_; }
  [[nodiscard]] Host& host() { return host_; }
  [[nodiscard]] Meter& meter() { return meter_; }
  /// Where the operation now being performed stands in its text.
  [[nodiscard]] syntax::Position here() const { return here_; }

  /// The environment in which the root frame's free names are looked up: names(id) -> slot.
  static constexpr std::size_t max_text = 1'000'000;

 private:
  friend struct Comprehension;
  enum class Flow : std::uint8_t { normal, broke, continued, returned };

  /// Adds the current position to faults that have none.
  template <class F> Value located(F f) {
    try {
      return f();
    } catch (Fault& fault) {
      if (fault.at.line == 0) fault.at = here_;
      throw;
    }
  }
  /// Bounds the C++ stack: every nested evaluation is one level.
  struct Level {
    explicit Level(Interpreter& i) : in(i) {
      if (++in.level_ > max_level) {
        --in.level_;
        throw Fault(FaultKind::limit, "nested too deeply (endless recursion?)");
      }
    }
    ~Level() { --in.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Interpreter& in;
  };
  static constexpr std::uint32_t max_level = 1200; // a level is below 5 KiB of stack, also under sanitizers

  Flow block(const syntax::Node& n, Frame& f, Value& result);
  Flow statement(const syntax::Node& n, Frame& f, Value& result);
  void assign(const syntax::Node& target, Value v, Frame& f);
  void unpack(std::span<const syntax::Node* const> targets, Value v, Frame& f);
  void remove(const syntax::Node& target, Frame& f);
  void import(const syntax::Node& n, Frame& f);
  Value lookup(const syntax::Node& n, Frame& f);
  Frame& binding_frame(std::uint32_t name, Frame& f);
  Value evaluate_call(const syntax::Node& n, Frame& f);
  Value call_function(FunctionObject& fn, const Arguments& arguments);
  Value make_function(const syntax::Node& n, Frame& f);
  Value comprehension(const syntax::Node& n, Frame& f);
  Value format(const syntax::Node& n, Frame& f);
  Value compare_chain(const syntax::Node& n, Frame& f);
  void text(Value v, bool repr, std::string& out, int depth);
  const std::vector<bool>& locals_of(const syntax::Node& n, const syntax::Tree& tree);

  Heap& heap_;
  Host& host_;
  Meter& meter_;
  syntax::Position here_;
  std::uint32_t level_ = 0;
  std::unordered_map<const syntax::Node*, std::unique_ptr<std::vector<bool>>> locals_;
};

// ---- names

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

inline Value Interpreter::lookup(const syntax::Node& n, Frame& frame) {
  for (auto* f = &frame; f != nullptr; f = f->parent) {
    if (f->locals != nullptr && !(*f->locals)[n.name]) continue;
    if (f->slots[n.name].is_set()) return f->slots[n.name];
    if (f->locals != nullptr)
      throw Fault(FaultKind::name,
                  "the local variable '" + std::string(n.text) + "' is used before it is assigned", n.at);
  }
  throw Fault(FaultKind::name, "the name '" + std::string(n.text) + "' is not defined", n.at);
}

inline Frame& Interpreter::binding_frame(std::uint32_t name, Frame& frame) {
  auto* f = &frame;
  while (f->locals != nullptr && !(*f->locals)[name]) f = f->parent;
  return *f;
}

// ---- statements

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
      if (auto* list = old.as<List>();
          list != nullptr && (n.op == syntax::Op::add || n.op == syntax::Op::multiply)) {
        if (list->frozen()) type_error("cannot change a list that the task defines");
        if (n.op == syntax::Op::add) {
          const auto more = items(v);
          list->items.insert(list->items.end(), more.begin(), more.end());
        } else {
          list->items = binary(n.op, old, v).as<List>()->items;
        }
        return old;
      }
      return is_host_object(old) ? host_.augmented(*this, n.op, old, v) : binary(n.op, old, v);
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
      const auto why = n.maybe(1) != nullptr ? ": " + text(evaluate(n.child(1), f)) : std::string();
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

// ---- expressions

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
      return v.is_real() ? Value::real(-v.as_real()) : binary(syntax::Op::subtract, Value::integer(0), v);
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

inline Value Interpreter::evaluate_call(const syntax::Node& n, Frame& f) {
  using syntax::Kind;
  const auto callee = evaluate(n.child(0), f);
  std::vector<Value> positional;
  positional.reserve(n.children.size());
  std::vector<std::pair<std::string_view, Value>> keywords;
  for (const auto* a : n.children.subspan(1)) {
    if (a->kind == Kind::starred) {
      auto more = items(evaluate(a->child(0), f));
      positional.insert(positional.end(), more.begin(), more.end());
    } else if (a->kind == Kind::keyword && !a->text.empty()) {
      const auto v = evaluate(a->child(0), f);
      for (const auto& [name, value] : keywords)
        if (name == a->text) type_error("got multiple values for argument '" + std::string(name) + "'");
      keywords.emplace_back(a->text, v);
    } else if (a->kind == Kind::keyword) {
      auto* dict = evaluate(a->child(0), f).as<Dict>();
      here_ = a->at;
      if (dict == nullptr) type_error("only a dict can follow ** in a call");
      for (const auto& e : dict->table.entries()) {
        if (!e.key.is_set()) continue;
        auto* key = e.key.as<String>();
        if (key == nullptr) type_error("keywords must be strings");
        keywords.emplace_back(key->text, e.value);
      }
    } else {
      positional.push_back(evaluate(*a, f));
    }
  }
  here_ = n.at;
  return call(callee, {positional, keywords});
}

inline Value Interpreter::call(Value callee, const Arguments& arguments) {
  meter_.step();
  if (auto* native = callee.as<Native>()) return native->call(*this, arguments);
  if (auto* method = callee.as<BoundMethod>()) {
    std::vector<Value> positional{method->self};
    positional.insert(positional.end(), arguments.positional.begin(), arguments.positional.end());
    return method->call(*this, {positional, arguments.keywords});
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

#include "step/interpreter/comprehension.hpp"
#include "step/interpreter/operations.hpp"
#include "step/interpreter/text.hpp"
