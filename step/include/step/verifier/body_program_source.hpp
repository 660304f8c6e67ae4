// SPDX-License-Identifier: MIT
// The definitions of BodyProgram: recording, and the loop that does the operations again. Included by
// task_instance.hpp, or compiled once together with the vocabulary.
#pragma once

#include "step/separate_compilation.hpp"
#include "step/tensor/contraction.hpp"
#include "step/tensor/reduce.hpp"
#include "step/verifier/body_program.hpp"
#include "step/verifier/body_recorder.hpp"
#include "step/verifier/body_tiles_source.hpp"
#include "step/verifier/snippet_host_source.hpp"

#include <algorithm>

namespace step {

STEP_SOURCE std::unique_ptr<const BodyProgram>
BodyProgram::record(const Function& fn, interp::Heap& heap, const interp::Frame& root, std::uint32_t state,
                    std::uint32_t input, const Bindings& bindings, tensor::DType precision) {
  auto program = std::make_unique<BodyProgram>();
  program->precision_ = precision;
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
  if (precision == tensor::DType::float32) program->find_elementwise(fn, bindings);
  program->find_pieces();
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
                                      std::span<const tensor::Tensor> input, bool all,
                                      Values& registers) const {
  if (state.size() != state_fields_ || input.size() != input_fields_) return false;
  registers.resize(registers_);
  std::uint32_t next = 0;
  for (const auto fields : {state, input})
    for (const auto& field : fields) registers[next++] = heap.make<vocabulary::TensorObject>(field);
  for (const auto& [reg, value] : constants_) registers[reg] = value;
  const int lead = input[0].lead();
  std::vector<tensor::Tensor> fields;
  for (const auto& piece : std::span(pieces_).first(pieces_.size() - (all ? 0 : 1))) {
    Meter::current().step(2);
    if (piece.tiles == nullptr) {
      if (!execute(heap, instructions_[piece.first], registers)) return false;
      continue;
    }
    fields.clear();
    for (auto reg : piece.inputs) {
      fields.push_back(registers[reg].as<vocabulary::TensorObject>()->tensor);
      auto& t = fields.back();
      if (t.lead() == lead) continue;
      for (int i = 0; i < lead; ++i) t = t.inserted(i, input[0].sizes()[i]); // a constant
      t = t.with_lead(lead);
    }
    auto made = piece.tiles->map(fields, lead);
    for (std::size_t k = 0; k < made.size(); ++k)
      registers[piece.outputs[k]] = heap.make<vocabulary::TensorObject>(made[k].with_lead(lead));
  }
  return true;
}

STEP_SOURCE bool BodyProgram::execute(interp::Heap& heap, const Instruction& i, Values& registers) const {
  boost::container::small_vector<Value, 8> operands;
  boost::container::small_vector<std::pair<std::string_view, Value>, 4> keywords;
  for (const auto& o : i.operands) operands.push_back(detail::value_of(o, heap, registers));
  const auto tensor_of = [](Value v) -> const tensor::Tensor& {
    return v.as<vocabulary::TensorObject>()->tensor;
  };
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
    for (const auto& [name, o] : i.keywords)
      keywords.emplace_back(name, detail::value_of(o, heap, registers));
    result = i.function->call(heap, {operands, keywords});
    break;
  case Action::item:
    result = vocabulary::get_item(heap, tensor_of(operands[0]), operands[1]);
    break;
  case Action::unbind:
    result = heap.make<interp::Tuple>(vocabulary::unbind(heap, tensor_of(operands[0])));
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
  return true;
}

STEP_SOURCE bool BodyProgram::run(interp::Heap& heap, std::span<const tensor::Tensor> state,
                                  std::span<const tensor::Tensor> input, Values& out) const {
  Values registers;
  if (!execute(heap, state, input, true, registers)) return false;
  for (const auto& o : outputs_) out.push_back(detail::value_of(o, heap, registers));
  return true;
}

STEP_SOURCE std::optional<BodyProgram::Product>
BodyProgram::run_to_product(interp::Heap& heap, std::span<const tensor::Tensor> input) const {
  Values registers;
  if (!product_ || !execute(heap, {}, input, false, registers)) return std::nullopt;
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
