// SPDX-License-Identifier: MIT
// Executes trees of the Python subset: expressions, statements, functions and comprehensions. What modules,
// streams and tensors mean is up to a Host.
#pragma once

#include "step/interpreter/host.hpp"

#include <memory>
#include <optional>

namespace step::interp {

class Interpreter {
 public:
  Interpreter(Heap& heap, Host& host) : heap_(heap), host_(host), meter_(Meter::current()) {}

  /// Adds the current position to faults that have none.
  template <class F> auto located(F f) {
    try {
      return f();
    } catch (Fault& fault) {
      if (fault.at.line == 0) fault.at = here_;
      throw;
    }
  }

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
  Value augmented(syntax::Op op, Value a, Value b);
  Value compare(syntax::Op op, Value a, Value b);
  Value item(Value object, Value index);
  void set_item(Value object, Value index, Value v);
  void delete_item(Value object, Value index);
  [[nodiscard]] std::int64_t length(Value v);
  [[nodiscard]] bool contains(Value container, Value v);
  /// a < b, a <= b, a > b or a >= b. Fault{type} for values without an order.
  [[nodiscard]] bool order(syntax::Op op, Value a, Value b);
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
    meter_.step();
    meter_.bytes(s.size());
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

  /// Bytes of the longest string.
  static constexpr std::size_t max_text = 1'000'000;

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

 private:
  friend struct Comprehension;
  enum class Flow : std::uint8_t { normal, broke, continued, returned };

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
  Value invoke(const Native& native, const Arguments& arguments);
  Value call_function(FunctionObject& fn, const Arguments& arguments);
  Value make_function(const syntax::Node& n, Frame& f);
  Value comprehension(const syntax::Node& n, Frame& f);
  Value format(const syntax::Node& n, Frame& f);
  Value compare_chain(const syntax::Node& n, Frame& f);
  const std::vector<bool>& locals_of(const syntax::Node& n, const syntax::Tree& tree);

  Heap& heap_;
  Host& host_;
  Meter& meter_;
  syntax::Position here_;
  std::uint32_t level_ = 0;
  std::unordered_map<const syntax::Node*, std::unique_ptr<std::vector<bool>>> locals_;
};

} // namespace step::interp
