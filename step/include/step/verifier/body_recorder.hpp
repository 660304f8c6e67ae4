// SPDX-License-Identifier: MIT
// Watches what a body asks of the tensor vocabulary, and writes it down as a BodyProgram's instructions.
// Included by body_program_source.hpp.
#pragma once

#include "step/verifier/body_program.hpp"
#include "step/verifier/snippet_host_source.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace step {

/// A SnippetHost that notes every operation on the tensors it has been told to follow, and on their results.
class BodyRecorder final : public SnippetHost {
 public:
  using Operand = BodyProgram::Operand;
  using Action = BodyProgram::Action;
  /// Thrown when the body is no straight line of operations.
  struct NotStraight {};

  explicit BodyRecorder(BodyProgram& program) : program_(program) {}

  /// Follows a tensor from now on; its register.
  std::uint32_t follow(Value tensor) {
    registers_.emplace(tensor.object(), program_.registers_);
    program_.shapes_.emplace_back(tensor.as<vocabulary::TensorObject>()->tensor.element_sizes());
    return program_.registers_++;
  }
  [[nodiscard]] Operand operand(Value v, int depth = 0) const {
    if (depth > 8) throw NotStraight{};
    if (const auto reg = followed(v)) return {Operand::Form::reg, *reg};
    Operand out{Operand::Form::constant, 0, v};
    const auto parts = [&](Operand::Form form, std::span<const Value> items) {
      out.form = form;
      for (auto item : items) out.parts.push_back(operand(item, depth + 1));
    };
    if (auto* list = v.as<interp::List>()) { // it may change later
      parts(Operand::Form::list, list->items);
    } else if (auto* tuple = v.as<interp::Tuple>()) {
      parts(Operand::Form::tuple, tuple->items);
      const auto constant = [](const Operand& o) { return o.form == Operand::Form::constant; };
      if (std::all_of(out.parts.begin(), out.parts.end(), constant)) return {Operand::Form::constant, 0, v};
    } else if (auto* slice = v.as<interp::Slice>()) {
      const std::array<Value, 3> items{slice->lower, slice->upper, slice->step};
      parts(Operand::Form::slice, items);
    } else if (v.is_object()) {
      switch (v.object()->object_type()) {
      case interp::ObjectType::string:
      case interp::ObjectType::ellipsis:
      case interp::ObjectType::tensor:
      case interp::ObjectType::torch_dtype:
        break;
      default:
        throw NotStraight{};
      }
    }
    return out;
  }

  Value attribute(Interpreter& in, Value object, std::string_view name) override {
    const auto v = SnippetHost::attribute(in, object, name);
    if (!followed(object) || v.as<detail::BoundBuiltin>() != nullptr) return v;
    if (v.as<vocabulary::TensorObject>() == nullptr) return described(v, name);
    BodyProgram::Instruction i;
    i.action = Action::call;
    i.function = vocabulary::registry().attribute(name);
    i.operands.push_back(operand(object));
    return record(std::move(i), v);
  }
  Value call(Interpreter& in, Value callee, const interp::Arguments& arguments) override {
    BodyProgram::Instruction i;
    i.action = Action::call;
    bool any = false;
    const auto add = [&](Value v) {
      i.operands.push_back(operand(v));
      any = any || moves(i.operands.back());
    };
    const auto add_keyword = [&](std::string_view name, Value v) {
      i.keywords.emplace_back(name, operand(v));
      any = any || moves(i.keywords.back().second);
    };
    if (auto* bound = callee.as<detail::BoundBuiltin>()) {
      i.function = &bound->function;
      if (bound->self.is_set()) add(bound->self);
    } else if (auto* module = callee.as<vocabulary::TorchModule>()) {
      i.function = module->function;
      for (const auto& [name, value] : module->keywords) add_keyword(name, value);
    } else {
      return SnippetHost::call(in, callee, arguments);
    }
    for (auto v : arguments.positional) add(v);
    for (const auto& [name, v] : arguments.keywords) {
      if (name == "out" || name == "inplace") throw NotStraight{};
      add_keyword(name, v);
    }
    if (i.function != nullptr && i.function->in_place) throw NotStraight{};
    const auto v = SnippetHost::call(in, callee, arguments);
    if (!any || i.function == nullptr) return v;
    const std::string_view name = i.function->name;
    return is_tensors(v) ? record(std::move(i), v) : described(v, name);
  }
  Value binary(Interpreter& in, syntax::Op op, Value a, Value b) override {
    return operation(Action::binary, op, {a, b}, SnippetHost::binary(in, op, a, b));
  }
  Value augmented(Interpreter&, syntax::Op, Value, Value) override { throw NotStraight{}; }
  Value unary(Interpreter& in, syntax::Op op, Value v) override {
    return operation(Action::unary, op, {v}, SnippetHost::unary(in, op, v));
  }
  Value compare(Interpreter& in, syntax::Op op, Value a, Value b) override {
    return operation(Action::compare, op, {a, b}, SnippetHost::compare(in, op, a, b));
  }
  Value item(Interpreter& in, Value object, Value index) override {
    return operation(Action::item, {}, {object, index}, SnippetHost::item(in, object, index));
  }
  interp::Iterator* iterate(Interpreter& in, Value object) override {
    auto* t = object.as<vocabulary::TensorObject>();
    if (t == nullptr || !followed(object)) return SnippetHost::iterate(in, object);
    const auto parts = in.make_tuple(vocabulary::unbind(in.heap(), t->tensor));
    return in.iterate(operation(Action::unbind, {}, {object}, parts));
  }
  void set_item(Interpreter&, Value, Value, Value) override { throw NotStraight{}; }
  bool truth(Value v) override { return SnippetHost::truth(constant(v)); }
  double number(Value v) override { return SnippetHost::number(constant(v)); }

 private:
  [[nodiscard]] std::optional<std::uint32_t> followed(Value v) const {
    if (!v.is_object()) return std::nullopt;
    const auto it = registers_.find(v.object());
    return it == registers_.end() ? std::nullopt : std::optional(it->second);
  }
  /// Whether the operand depends on the body's arguments.
  static bool moves(const Operand& o) {
    bool any = false;
    o.each_register([&](std::uint32_t) { any = true; });
    return any;
  }
  [[nodiscard]] Value constant(Value v) const {
    if (followed(v)) throw NotStraight{};
    return v;
  }
  static bool is_tensors(Value v) {
    if (v.as<vocabulary::TensorObject>() != nullptr) return true;
    auto* tuple = v.as<interp::Tuple>();
    return tuple != nullptr && !tuple->items.empty() &&
           std::all_of(tuple->items.begin(), tuple->items.end(),
                       [](Value item) { return item.as<vocabulary::TensorObject>() != nullptr; });
  }
  /// A value that is no tensor: a constant if it follows from the shape and type alone.
  static Value described(Value v, std::string_view name) {
    static constexpr std::string_view known[] = {
        "shape",    "size",  "ndim",   "dim",       "ndimension",   "numel",
        "nelement", "dtype", "device", "is_tensor", "element_size", "is_floating_point"};
    if (std::find(std::begin(known), std::end(known), name) == std::end(known)) throw NotStraight{};
    return v;
  }
  Value operation(Action action, syntax::Op op, std::initializer_list<Value> values, Value result) {
    BodyProgram::Instruction i;
    i.action = action;
    i.op = op;
    bool any = false;
    for (auto v : values) {
      i.operands.push_back(operand(v));
      any = any || moves(i.operands.back());
    }
    if (!any) return result;
    if (!is_tensors(result)) throw NotStraight{};
    return record(std::move(i), result);
  }

  static bool same(const Operand& a, const Operand& b) {
    if (a.form != b.form || a.reg != b.reg || a.parts.size() != b.parts.size()) return false;
    if (a.form == Operand::Form::constant) {
      const auto &x = a.constant, &y = b.constant;
      if (x.tag() != y.tag()) return false;
      if (x.is_object()) return x.object() == y.object();
      return x.is_real()
                 ? x.as_real() == y.as_real() && std::signbit(x.as_real()) == std::signbit(y.as_real())
                 : x.as_int() == y.as_int();
    }
    return std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(),
                      [](const Operand& x, const Operand& y) { return same(x, y); });
  }
  static bool same(const BodyProgram::Instruction& a, const BodyProgram::Instruction& b) {
    return a.action == b.action && a.op == b.op && a.function == b.function &&
           std::equal(a.operands.begin(), a.operands.end(), b.operands.begin(), b.operands.end(),
                      [](const auto& x, const auto& y) { return same(x, y); }) &&
           std::equal(
               a.keywords.begin(), a.keywords.end(), b.keywords.begin(), b.keywords.end(),
               [](const auto& x, const auto& y) { return x.first == y.first && same(x.second, y.second); });
  }

  /// Notes an operation and its result; one that has been done before is not done again.
  Value record(BodyProgram::Instruction i, Value result) {
    if (followed(result)) throw NotStraight{}; // an operation that gives its operand back may have changed it
    auto& all = program_.instructions_;
    if (all.size() == 1000) throw NotStraight{};
    auto* tuple = result.as<interp::Tuple>();
    const auto items =
        tuple != nullptr ? std::span<const Value>(tuple->items) : std::span<const Value>(&result, 1);
    for (const auto& earlier : all)
      if (same(earlier, i)) {
        for (std::size_t k = 0; k < items.size(); ++k)
          registers_.emplace(items[k].object(), earlier.first_result + static_cast<std::uint32_t>(k));
        return result;
      }
    i.sequence = tuple != nullptr;
    i.first_result = program_.registers_;
    for (auto item : items) {
      const auto& t = item.as<vocabulary::TensorObject>()->tensor;
      if (followed(item)) throw NotStraight{};
      i.results.emplace_back(tensor::Shape(t.element_sizes()), t.dtype());
      follow(item);
    }
    all.push_back(std::move(i));
    return result;
  }

  BodyProgram& program_;
  boost::unordered_flat_map<const interp::Object*, std::uint32_t> registers_;
};

} // namespace step
