// SPDX-License-Identifier: MIT
// Python's operators on tensors: arithmetic, comparison, augmented assignment, len and iteration.
// The interpreter calls these when an operand is a tensor; subscripts are in subscripts.hpp.
#pragma once

#include "step/syntax/ast.hpp"
#include "step/tensor/matmul.hpp"
#include "step/vocabulary/elementwise.hpp"
#include "step/vocabulary/subscripts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace step::vocabulary {

namespace detail {

using syntax::Op;

[[nodiscard]] inline std::string_view symbol(Op op) {
  switch (op) {
  case Op::add:
    return "+";
  case Op::subtract:
    return "-";
  case Op::multiply:
    return "*";
  case Op::divide:
    return "/";
  case Op::floor_divide:
    return "//";
  case Op::modulo:
    return "%";
  case Op::power:
    return "**";
  case Op::matmul:
    return "@";
  case Op::shift_left:
    return "<<";
  case Op::shift_right:
    return ">>";
  case Op::bit_and:
    return "&";
  case Op::bit_or:
    return "|";
  case Op::bit_xor:
    return "^";
  case Op::less:
    return "<";
  case Op::less_equal:
    return "<=";
  case Op::greater:
    return ">";
  case Op::greater_equal:
    return ">=";
  case Op::equal:
    return "==";
  case Op::not_equal:
    return "!=";
  default:
    return "operator";
  }
}

[[nodiscard]] inline std::optional<BinaryOp> element_wise(Op op) {
  switch (op) {
  case Op::add:
    return BinaryOp::add;
  case Op::subtract:
    return BinaryOp::subtract;
  case Op::multiply:
    return BinaryOp::multiply;
  case Op::divide:
    return BinaryOp::divide;
  case Op::floor_divide:
    return BinaryOp::floor_divide;
  case Op::modulo:
    return BinaryOp::remainder;
  case Op::power:
    return BinaryOp::power;
  case Op::shift_left:
    return BinaryOp::shift_left;
  case Op::shift_right:
    return BinaryOp::shift_right;
  case Op::bit_and:
    return BinaryOp::bit_and;
  case Op::bit_or:
    return BinaryOp::bit_or;
  case Op::bit_xor:
    return BinaryOp::bit_xor;
  default:
    return std::nullopt;
  }
}

[[nodiscard]] inline bool is_operand(Value v) { return v.is_number() || v.as<TensorObject>() != nullptr; }
[[nodiscard]] inline Operand operand_of(Value v) {
  if (auto* t = v.as<TensorObject>()) return {t->tensor};
  return {number_of(v)};
}
[[nodiscard]] inline Tensor compute(Op op, Value a, Value b) {
  const auto name = symbol(op);
  if (!is_operand(a) || !is_operand(b))
    tensor::fail("unsupported operand types for " + std::string(name) + ": '" + std::string(type_name(a)) +
                 "' and '" + std::string(type_name(b)) + "'");
  if (op == Op::matmul) {
    auto *x = a.as<TensorObject>(), *y = b.as<TensorObject>();
    if (x == nullptr || y == nullptr) tensor::fail("@ needs two tensors");
    return tensor::matmul(x->tensor, y->tensor, "@");
  }
  const auto kind = element_wise(op);
  if (!kind) tensor::fail("unsupported operator on tensors");
  return apply(*kind, operand_of(a), operand_of(b), name);
}

} // namespace detail

/// a op b, at least one of them a tensor. Fault{type} for operands that do not fit.
[[nodiscard]] inline Value binary(Heap& heap, syntax::Op op, Value a, Value b) {
  return make(heap, detail::compute(op, a, b));
}

/// `target op= v`: writes into a tensor target (seen through its views) and returns it; other targets get a
/// new value.
[[nodiscard]] inline Value inplace(Heap& heap, syntax::Op op, Value target, Value v) {
  auto* t = target.as<TensorObject>();
  if (t == nullptr || op == syntax::Op::matmul) return binary(heap, op, target, v);
  if (t->tensor.frozen()) tensor::fail("in-place write to input data");
  const Tensor result = detail::compute(op, target, v);
  if (tensor::Shape(result.element_sizes()) != tensor::Shape(t->tensor.element_sizes()))
    tensor::fail(std::string(detail::symbol(op)) + "=: output with shape " +
                 tensor::text(t->tensor.element_sizes()) + " doesn't match the broadcast shape " +
                 tensor::text(result.element_sizes()));
  tensor::assign(t->tensor, result, std::string(detail::symbol(op)) + "=");
  return target;
}

/// -x, +x, ~x. `not` is truth()'s business.
[[nodiscard]] inline Value unary(Heap& heap, syntax::Op op, Value v) {
  auto* t = v.as<TensorObject>();
  if (t == nullptr)
    tensor::fail("bad operand type for a unary operator: '" + std::string(type_name(v)) + "'");
  switch (op) {
  case syntax::Op::negative:
    return make(heap, tensor::unary(tensor::UnaryOp::negative, t->tensor, "-"));
  case syntax::Op::invert:
    return make(heap, tensor::unary(tensor::UnaryOp::bit_not, t->tensor, "~"));
  case syntax::Op::positive:
    if (t->tensor.dtype() == tensor::DType::boolean)
      tensor::fail("the + operator, on a bool tensor, is not supported");
    return v;
  case syntax::Op::logical_not:
    return Value::boolean(!truth(v));
  default:
    tensor::fail("unsupported operator on a tensor");
  }
}

/// Element-wise < <= > >= == != ; `is` compares identity and `in` looks for an equal element.
[[nodiscard]] inline Value compare(Heap& heap, syntax::Op op, Value a, Value b) {
  using syntax::Op;
  const auto name = detail::symbol(op);
  if (op == Op::is || op == Op::is_not) {
    const bool same = a.is_object() && b.is_object() && a.object() == b.object();
    return Value::boolean(same == (op == Op::is));
  }
  if (op == Op::in || op == Op::not_in) {
    auto* t = b.as<TensorObject>();
    bool found = false;
    if (t != nullptr) {
      if (!detail::is_operand(a)) tensor::fail("only a Tensor or a number can be looked for in a tensor");
      const Tensor equal = detail::apply(tensor::BinaryOp::equal, detail::operand_of(a), t->tensor, "in");
      found = tensor::any(equal, tensor::all_dims(equal), false).item().as<bool>();
    } else {
      std::span<const Value> items;
      if (!interp::sequence_items(b, items))
        tensor::fail("argument of type '" + std::string(type_name(b)) + "' is not iterable");
      for (Value v : items) {
        if (found) break;
        Meter::current().step();
        found = (v.is_object() && a.is_object() && v.object() == a.object()) ||
                truth(compare(heap, Op::equal, a, v));
      }
    }
    return Value::boolean(found == (op == Op::in));
  }
  if (!detail::is_operand(a) || !detail::is_operand(b)) {
    if (op == Op::equal || op == Op::not_equal) return Value::boolean(op == Op::not_equal);
    tensor::fail("'" + std::string(name) + "' not supported between '" + std::string(type_name(a)) +
                 "' and '" + std::string(type_name(b)) + "'");
  }
  const auto x = detail::operand_of(a), y = detail::operand_of(b);
  switch (op) {
  case Op::less:
    return make(heap, detail::apply(tensor::BinaryOp::less, x, y, name));
  case Op::less_equal:
    return make(heap, detail::apply(tensor::BinaryOp::less_equal, x, y, name));
  case Op::greater:
    return make(heap, detail::apply(tensor::BinaryOp::less, y, x, name));
  case Op::greater_equal:
    return make(heap, detail::apply(tensor::BinaryOp::less_equal, y, x, name));
  case Op::equal:
    return make(heap, detail::apply(tensor::BinaryOp::equal, x, y, name));
  case Op::not_equal:
    return make(heap, detail::apply(tensor::BinaryOp::not_equal, x, y, name));
  default:
    tensor::fail("unsupported comparison of tensors");
  }
}

/// len(x): the first dimension. Fault{type} for a scalar.
[[nodiscard]] inline std::int64_t length(Value v) {
  auto* t = v.as<TensorObject>();
  if (t == nullptr) tensor::fail("object of type '" + std::string(type_name(v)) + "' has no len()");
  if (t->tensor.rank() == 0) tensor::fail("len() of a 0-d tensor");
  return t->tensor.size(0);
}

/// What `for` sees: views along the first dimension. Fault{type} for a scalar.
[[nodiscard]] inline std::vector<Value> unbind(Heap& heap, const Tensor& t) {
  if (t.rank() == 0) tensor::fail("iteration over a 0-d tensor");
  std::vector<Value> out;
  for (Tensor& part : tensor::unbind(t, 0)) out.push_back(make(heap, std::move(part)));
  return out;
}

} // namespace step::vocabulary
