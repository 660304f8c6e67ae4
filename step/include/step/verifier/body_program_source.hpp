// SPDX-License-Identifier: MIT
// The definitions of BodyProgram: the recorder, which watches what a body asks of the tensor vocabulary, and
// the loop that does it again. Included by snippet_host_source.hpp, with which it shares the vocabulary.
#pragma once

#include "step/tensor/contraction.hpp"
#include "step/tensor/reduce.hpp"
#include "step/verifier/body_program.hpp"
#include "step/verifier/snippet_host_source.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <array>

#ifdef STEP_SEPARATE_COMPILATION
#define STEP_SOURCE
#else
#define STEP_SOURCE inline
#endif

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
    return o.form == Operand::Form::reg || std::any_of(o.parts.begin(), o.parts.end(), moves);
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

STEP_SOURCE std::unique_ptr<const BodyProgram>
BodyProgram::record(const Function& fn, interp::Heap& heap, const interp::Frame& root, std::uint32_t state,
                    std::uint32_t input, const Bindings& bindings, tensor::DType precision) {
  auto program = std::make_unique<BodyProgram>();
  BodyRecorder recorder(*program);
  const auto stand_ins = [&](const DType& dtype) {
    std::vector<Value> items;
    for (const auto& field : dtype.fields) {
      auto t = tensor::Tensor::full(tensor::Shape(field.axes(bindings)), tensor::Scalar(1.0), precision);
      t.freeze();
      items.push_back(heap.make<vocabulary::TensorObject>(std::move(t)));
      recorder.follow(items.back());
    }
    return items;
  };
  try {
    interp::Interpreter in(heap, recorder);
    auto* frame = heap.make<interp::Frame>(*fn.apply.tree, nullptr, nullptr, false);
    frame->slots = root.slots;
    const auto bind = [&](std::uint32_t id, std::vector<Value> items) {
      if (id < frame->slots.size()) frame->slots[id] = heap.make<interp::List>(std::move(items));
    };
    if (fn.init) bind(state, stand_ins(fn.output));
    program->state_fields_ = program->registers_;
    bind(input, stand_ins(fn.input));
    program->input_fields_ = program->registers_ - program->state_fields_;
    const auto result = in.run(*fn.apply.tree, *frame);
    std::span<const Value> items;
    if (!interp::sequence_items(result, items)) items = {&result, 1};
    for (auto item : items) {
      if (item.as<vocabulary::TensorObject>() == nullptr && !item.is_number()) return nullptr;
      program->outputs_.push_back(recorder.operand(item));
    }
  } catch (const BodyRecorder::NotStraight&) {
    return nullptr;
  } catch (const Fault&) { // it may depend on the values; if not, a caller will see it
    return nullptr;
  }
  program->analyse();
  return program;
}

STEP_SOURCE void BodyProgram::analyse() {
  if (instructions_.empty() || outputs_.size() != 1 || outputs_[0].form != Operand::Form::reg) return;
  const auto& last = instructions_.back();
  if (last.action != Action::binary || outputs_[0].reg != last.first_result) return;
  const auto &a = last.operands[0], &b = last.operands[1];
  if (a.form != Operand::Form::reg || b.form != Operand::Form::reg) return;
  product_ = state_fields_ == 0 && last.op == syntax::Op::multiply;
  sum_ = instructions_.size() == 1 && state_fields_ == 1 && input_fields_ == 1 &&
         last.op == syntax::Op::add && a.reg + b.reg == 1; // registers 0 and 1, in either order
}

namespace detail {

inline interp::Value value_of(const BodyProgram::Operand& o, interp::Heap& heap,
                              std::span<const interp::Value> registers) {
  using Form = BodyProgram::Operand::Form;
  const auto parts = [&] {
    std::vector<interp::Value> items;
    items.reserve(o.parts.size());
    for (const auto& part : o.parts) items.push_back(value_of(part, heap, registers));
    return items;
  };
  switch (o.form) {
  case Form::reg:
    return registers[o.reg];
  case Form::tuple:
    return heap.make<interp::Tuple>(parts());
  case Form::list:
    return heap.make<interp::List>(parts());
  case Form::slice: {
    const auto items = parts();
    return heap.make<interp::Slice>(items[0], items[1], items[2]);
  }
  case Form::constant:
    break;
  }
  return o.constant;
}

} // namespace detail

STEP_SOURCE bool BodyProgram::execute(interp::Heap& heap, std::span<const tensor::Tensor> state,
                                      std::span<const tensor::Tensor> input, std::size_t count,
                                      Values& registers) const {
  if (state.size() != state_fields_ || input.size() != input_fields_) return false;
  registers.resize(registers_);
  std::uint32_t next = 0;
  for (const auto fields : {state, input})
    for (const auto& field : fields) registers[next++] = heap.make<vocabulary::TensorObject>(field);
  boost::container::small_vector<Value, 8> operands;
  boost::container::small_vector<std::pair<std::string_view, Value>, 4> keywords;
  for (const auto& i : std::span(instructions_).first(count)) {
    operands.clear();
    for (const auto& o : i.operands) operands.push_back(detail::value_of(o, heap, registers));
    Value result;
    switch (i.action) {
    case Action::binary:
      result = vocabulary::binary(heap, i.op, operands[0], operands[1]);
      break;
    case Action::compare:
      result = vocabulary::compare(heap, i.op, operands[0], operands[1]);
      break;
    case Action::unary:
      result = vocabulary::unary(heap, i.op, operands[0]);
      break;
    case Action::call:
      keywords.clear();
      for (const auto& [name, o] : i.keywords)
        keywords.emplace_back(name, detail::value_of(o, heap, registers));
      result = i.function->call(heap, {operands, keywords});
      break;
    case Action::item:
      result = vocabulary::get_item(heap, operands[0].as<vocabulary::TensorObject>()->tensor, operands[1]);
      break;
    case Action::unbind:
      result = heap.make<interp::Tuple>(
          vocabulary::unbind(heap, operands[0].as<vocabulary::TensorObject>()->tensor));
      break;
    }
    std::span<const Value> items(&result, 1);
    if (i.sequence) interp::sequence_items(result, items);
    if (items.size() != i.results.size()) return false;
    for (std::size_t k = 0; k < items.size(); ++k) {
      auto* t = items[k].as<vocabulary::TensorObject>();
      const auto& [sizes, dtype] = i.results[k];
      if (t == nullptr || t->tensor.dtype() != dtype ||
          !std::equal(sizes.begin(), sizes.end(), t->tensor.element_sizes().begin(),
                      t->tensor.element_sizes().end()))
        return false;
      registers[i.first_result + k] = items[k];
    }
  }
  return true;
}

STEP_SOURCE bool BodyProgram::run(interp::Heap& heap, std::span<const tensor::Tensor> state,
                                  std::span<const tensor::Tensor> input, Values& out) const {
  Values registers;
  if (!execute(heap, state, input, instructions_.size(), registers)) return false;
  for (const auto& o : outputs_) out.push_back(detail::value_of(o, heap, registers));
  return true;
}

STEP_SOURCE std::optional<BodyProgram::Product>
BodyProgram::run_to_product(interp::Heap& heap, std::span<const tensor::Tensor> input) const {
  Values registers;
  if (!product_ || !execute(heap, {}, input, instructions_.size() - 1, registers)) return std::nullopt;
  const auto& last = instructions_.back();
  const auto operand = [&](std::size_t i) {
    return registers[last.operands[i].reg].as<vocabulary::TensorObject>()->tensor;
  };
  Product out{operand(0), operand(1)};
  if (out.left.lead() != out.right.lead() || out.left.dtype() != out.right.dtype()) return std::nullopt;
  const auto lead = out.left.lead();
  while (out.left.axes() < out.right.axes()) out.left = out.left.inserted(lead).with_lead(lead);
  while (out.right.axes() < out.left.axes()) out.right = out.right.inserted(lead).with_lead(lead);
  for (int i = 0; i < out.left.axes(); ++i) {
    const auto l = out.left.sizes()[i], r = out.right.sizes()[i];
    if (l == r) continue;
    if (l != 1 && r != 1) return std::nullopt; // interpreting it says what is wrong
    auto& repeated = l == 1 ? out.left : out.right;
    repeated = repeated.expanded(i, std::max(l, r));
  }
  return out;
}

namespace detail {

inline tensor::Tensor plus(tensor::Tensor values, double start) {
  if (start == 0) return values;
  return tensor::binary(tensor::BinaryOp::add, {values}, {tensor::Scalar(start)}, "+");
}

} // namespace detail

STEP_SOURCE tensor::Tensor BodyProgram::total(const tensor::Tensor& values, int first, int count,
                                              double start) {
  const auto dims = (1U << static_cast<unsigned>(count)) - 1U; // those of the elements behind the first axes
  return detail::plus(tensor::sum(values.with_lead(first), dims, false), start);
}

STEP_SOURCE tensor::Tensor BodyProgram::total(const Product& values, int first, int count, double start) {
  const auto axes = ((1U << static_cast<unsigned>(count)) - 1U) << static_cast<unsigned>(first);
  return detail::plus(tensor::contract(values.left.with_lead(first), values.right.with_lead(first), axes),
                      start);
}

} // namespace step

#undef STEP_SOURCE
