// SPDX-License-Identifier: MIT
// Finds the parts of a BodyProgram that work element by element, and makes tiles of them: of a whole body, so
// that it can be folded, or of the stretches between other operations. Included by body_program_source.hpp.
#pragma once

#include "step/separate_compilation.hpp"
#include "step/tensor/kernels.hpp"
#include "step/verifier/body_program.hpp"
#include "step/verifier/elementwise_body_source.hpp"
#include "step/vocabulary/functional.hpp"
#include "step/vocabulary/operators.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace step {

namespace detail {

/// The kernel an instruction with one operand is, or null.
inline tensor::Unary unary_kernel(const BodyProgram::Instruction& i) {
  using Action = BodyProgram::Action;
  using tensor::UnaryOp;
  if (i.action == Action::unary)
    return i.op == syntax::Op::negative ? tensor::detail::unary_kernel(UnaryOp::negative) : nullptr;
  if (i.action != Action::call || i.operands.size() != 1 || !i.keywords.empty()) return nullptr;
  const auto& f = *i.function;
  if (f.tensor_function == vocabulary::detail::gelu) return tensor::detail::unary_kernel(UnaryOp::gelu);
  return f.tensor_function == vocabulary::detail::call_unary
             ? tensor::detail::unary_kernel(static_cast<UnaryOp>(f.code))
             : nullptr;
}

/// The kernel an instruction with two operands is, or null.
inline tensor::Binary<float> binary_kernel(const BodyProgram::Instruction& i) {
  using Action = BodyProgram::Action;
  if (i.operands.size() != 2 || !i.keywords.empty()) return nullptr;
  std::optional<tensor::BinaryOp> op;
  if (i.action == Action::binary) op = vocabulary::detail::element_wise(i.op);
  if (i.action == Action::call && i.function->tensor_function == vocabulary::detail::call_binary_tensors)
    op = static_cast<tensor::BinaryOp>(i.function->code);
  return op ? tensor::detail::arithmetic_kernel(*op) : nullptr;
}

/// The number that a constant operand is in float32 arithmetic, or nothing.
inline std::optional<float> constant_of(const BodyProgram::Operand& o) {
  if (o.form != BodyProgram::Operand::Form::constant) return std::nullopt;
  if (o.constant.is_real()) return static_cast<float>(o.constant.as_real());
  if (o.constant.is_int() && !o.constant.is_bool() && std::abs(o.constant.as_real()) < 16'000'000)
    return static_cast<float>(o.constant.as_int());
  auto* t = o.constant.as<vocabulary::TensorObject>();
  if (t != nullptr && t->tensor.axes() == 0 && t->tensor.dtype() == tensor::DType::float32)
    return *t->tensor.data<float>();
  return std::nullopt;
}

/// Whether tiles can do the instruction: a kernel on float32, of registers and numbers.
inline bool is_elementwise(const BodyProgram::Instruction& i) {
  return !i.sequence && i.results[0].second == tensor::DType::float32 &&
         (unary_kernel(i) != nullptr || binary_kernel(i) != nullptr) &&
         std::all_of(i.operands.begin(), i.operands.end(), [](const auto& o) {
           return o.form == BodyProgram::Operand::Form::reg || constant_of(o);
         });
}

} // namespace detail

/// The tiles for a line of elementwise instructions from these argument registers (states first) to these
/// results; null when some value has neither one number per position nor the one other shape that occurs.
STEP_SOURCE std::unique_ptr<ElementwiseBody>
BodyProgram::tiles(std::span<const Instruction> line, std::span<const std::uint32_t> arguments,
                   std::uint32_t states, std::span<const std::uint32_t> outputs) const {
  auto body = std::make_unique<ElementwiseBody>();
  body->states = states;
  body->inputs = static_cast<std::uint32_t>(arguments.size()) - states;
  bool fits = true;
  const auto add_slot = [&](std::uint32_t reg) {
    const auto& s = shapes_[reg];
    if (s.size() > 0) {
      if (body->shape.size() == 0) body->shape = s;
      fits = fits && s == body->shape;
    }
    body->slots.push_back({s.size() > 0, 0});
    return static_cast<std::uint32_t>(body->slots.size() - 1);
  };
  std::vector<std::uint32_t> slot_of(registers_, 0);
  for (auto reg : arguments) slot_of[reg] = add_slot(reg);
  std::vector<std::uint32_t> constant_slots; // before the results
  for (const auto& i : line)
    for (const auto& o : i.operands)
      if (o.form != Operand::Form::reg) {
        constant_slots.push_back(static_cast<std::uint32_t>(body->slots.size()));
        body->slots.push_back({false, *detail::constant_of(o)});
      }
  auto next_constant = constant_slots.begin();
  for (const auto& i : line) {
    ElementwiseBody::Operation o;
    o.unary = detail::unary_kernel(i);
    o.binary = o.unary == nullptr ? detail::binary_kernel(i) : nullptr;
    const auto operand = [&](const Operand& x) {
      return x.form == Operand::Form::reg ? slot_of[x.reg] : *next_constant++;
    };
    o.a = operand(i.operands[0]);
    o.b = i.operands.size() > 1 ? operand(i.operands[1]) : o.a;
    o.out = slot_of[i.first_result] = add_slot(i.first_result);
    body->operations.push_back(o);
  }
  for (auto reg : outputs) body->outputs.push_back(slot_of[reg]);
  for (auto size : body->shape) body->elements *= size;
  body->find_blends();
  body->find_places();
  return fits && body->elements > 0 ? std::move(body) : nullptr;
}

/// The whole body as tiles, if it is elementwise and returns what the task declares.
STEP_SOURCE void BodyProgram::find_elementwise(const Function& fn, const Bindings& bindings) {
  if (!std::all_of(instructions_.begin(), instructions_.end(), detail::is_elementwise)) return;
  std::vector<std::uint32_t> arguments, outputs;
  for (std::uint32_t reg = 0; reg < state_fields_ + input_fields_; ++reg) arguments.push_back(reg);
  if (outputs_.size() != fn.output.fields.size()) return;
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    const auto reg = outputs_[k].reg;
    if (outputs_[k].form != Operand::Form::reg) return;
    if (shapes_[reg] != tensor::Shape(fn.output.fields[k].axes(bindings))) return;
    if (reg < state_fields_ && reg != k) return;
    // a result moves into one state only
    if (std::find(outputs.begin(), outputs.end(), reg) != outputs.end()) return;
    outputs.push_back(reg);
  }
  elementwise_ = tiles(instructions_, arguments, state_fields_, outputs);
}

/// Orders the line so that elementwise instructions of one shape stand together, and makes tiles of them.
STEP_SOURCE void BodyProgram::find_pieces() {
  std::vector<Instruction> waiting = std::exchange(instructions_, {});
  const auto last = product_ ? waiting.back().first_result : ~0U; // run_to_product() stops before it
  for (auto& i : waiting)
    if (i.action == Action::binary) // tensors that the body made of nothing are arguments of tiles
      for (auto& o : i.operands) {
        auto* t = o.form == Operand::Form::constant ? o.constant.as<vocabulary::TensorObject>() : nullptr;
        if (t == nullptr || t->tensor.axes() == 0 || t->tensor.dtype() != tensor::DType::float32) continue;
        constants_.emplace_back(registers_, o.constant);
        shapes_.emplace_back(t->tensor.element_sizes());
        o = {Operand::Form::reg, registers_++, {}, {}};
      }
  std::vector<char> known(registers_, 0);
  std::fill_n(known.begin(), state_fields_ + input_fields_, 1);
  for (const auto& [reg, value] : constants_) known[reg] = 1;
  const auto can_run = [&](const Instruction& i) {
    bool ready = i.first_result != last || waiting.size() == 1;
    i.each_register([&](std::uint32_t reg) { ready = ready && known[reg] != 0; });
    return ready;
  };
  const auto take = [&](std::size_t k) {
    for (std::size_t r = 0; r < waiting[k].results.size(); ++r) known[waiting[k].first_result + r] = 1;
    instructions_.push_back(std::move(waiting[k]));
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(k));
  };
  const auto tileable = [&](const Instruction& i) {
    return precision_ == tensor::DType::float32 && i.first_result != last && detail::is_elementwise(i);
  };
  const auto next = [&](auto wanted) {
    std::size_t k = 0;
    while (k < waiting.size() && !(can_run(waiting[k]) && wanted(waiting[k]))) ++k;
    return k;
  };
  while (!waiting.empty()) {
    if (const auto k = next([&](const Instruction& i) { return !tileable(i); }); k < waiting.size()) {
      pieces_.push_back({instructions_.size()});
      take(k);
      continue;
    }
    const auto first = instructions_.size();
    tensor::Shape shape;
    const auto fits = [&](const Instruction& i) {
      if (!tileable(i)) return false; // may have become ready meanwhile
      auto together = shape;
      const auto joins = [&](const tensor::Shape& s) {
        if (together.size() == 0) together = s;
        return s.size() == 0 || s == together;
      };
      bool all = joins(i.results[0].first);
      for (const auto& o : i.operands)
        if (o.form == Operand::Form::reg) all = all && joins(shapes_[o.reg]);
      if (all) shape = together;
      return all;
    };
    for (auto k = next(fits); k < waiting.size(); k = next(fits)) take(k);
    if (instructions_.size() == first) { // shapes that broadcast in another way: on its own
      pieces_.push_back({first});
      take(next([](const Instruction&) { return true; }));
      continue;
    }
    add_piece(first, waiting);
  }
}

/// The instructions from `first` on as one piece, if that pays, or one by one.
STEP_SOURCE void BodyProgram::add_piece(std::size_t first, std::span<const Instruction> later) {
  const auto line = std::span(instructions_).subspan(first);
  Piece piece{first};
  std::vector<char> made(registers_, 0), read_later(registers_, 0);
  const auto note = [&](std::uint32_t reg) { read_later[reg] = 1; };
  for (const auto& i : later) i.each_register(note);
  for (const auto& o : outputs_) o.each_register(note);
  for (const auto& i : line) {
    for (const auto& o : i.operands)
      if (o.form == Operand::Form::reg && made[o.reg] == 0 &&
          std::find(piece.inputs.begin(), piece.inputs.end(), o.reg) == piece.inputs.end())
        piece.inputs.push_back(o.reg);
    made[i.first_result] = 1;
    if (read_later[i.first_result] != 0) piece.outputs.push_back(i.first_result);
  }
  if (line.size() >= 3 && !piece.outputs.empty()) piece.tiles = tiles(line, piece.inputs, 0, piece.outputs);
  if (piece.tiles != nullptr)
    pieces_.push_back(std::move(piece));
  else
    for (auto k = first; k < instructions_.size(); ++k) pieces_.push_back({k});
}

} // namespace step
