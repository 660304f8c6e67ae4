// SPDX-License-Identifier: MIT
// Names of the element-wise functions: arithmetic, comparisons, logic, mathematics and activations.
// Part of the vocabulary's table; see vocabulary.hpp.
#pragma once

#include "step/tensor/binary.hpp"
#include "step/tensor/indexing.hpp"
#include "step/tensor/unary.hpp"
#include "step/vocabulary/registry.hpp"

#include <string>

namespace step::vocabulary {

namespace detail {

using tensor::BinaryOp;
using tensor::Operand;
using tensor::UnaryOp;

[[nodiscard]] inline Tensor call_unary(const Call& c) {
  return tensor::unary(static_cast<UnaryOp>(c.code()), c.tensor(0), c.function());
}
/// At least one operand is a tensor; integer exponents are checked as PyTorch does.
[[nodiscard]] inline Tensor apply(BinaryOp op, const Operand& a, const Operand& b,
                                  std::string_view function) {
  if (a.tensor == nullptr && b.tensor == nullptr)
    tensor::fail(std::string(function) + "(): expects a Tensor");
  if (op == BinaryOp::power && b.tensor == nullptr && !b.number.is_real() && b.number.integer() < 0 &&
      !tensor::is_floating(a.dtype()))
    tensor::fail(std::string(function) + "(): integers to negative integer powers are not allowed");
  if (op == BinaryOp::power && b.tensor == nullptr && tensor::is_floating(a.dtype())) {
    // Exponents for which there is something faster, and for 0.5 something else, than pow.
    const double e = b.number.real();
    if (e == 0.5) return tensor::unary(UnaryOp::sqrt, *a.tensor, function);
    if (e == -0.5) return tensor::unary(UnaryOp::rsqrt, *a.tensor, function);
    if (e == -1) return tensor::unary(UnaryOp::reciprocal, *a.tensor, function);
    if (e == 2) return tensor::unary(UnaryOp::square, *a.tensor, function);
    if (e == 3)
      return tensor::visit_float(a.dtype(), [&]<class T>(std::type_identity<T>) {
        return tensor::map1<T, T>(*a.tensor, [](T x) { return x * x * x; });
      });
  }
  return tensor::binary(op, a, b, function);
}
[[nodiscard]] inline Tensor call_binary(const Call& c) {
  if (!c.is_tensor(0)) c.wrong(0, "Tensor");
  return apply(static_cast<BinaryOp>(c.code()), c.operand(0), c.operand(1), c.function());
}
/// For functions that take tensors only.
[[nodiscard]] inline Tensor call_binary_tensors(const Call& c) {
  return apply(static_cast<BinaryOp>(c.code()), c.tensor(0), c.tensor(1), c.function());
}
/// Either operand may be the number.
[[nodiscard]] inline Tensor call_binary_either(const Call& c) {
  return apply(static_cast<BinaryOp>(c.code()), c.operand(0), c.operand(1), c.function());
}
[[nodiscard]] inline Tensor call_greater(const Call& c) {
  if (!c.is_tensor(0)) c.wrong(0, "Tensor");
  return apply(static_cast<BinaryOp>(c.code()), c.operand(1), c.operand(0), c.function());
}
/// input + alpha * other
[[nodiscard]] inline Tensor call_add(const Call& c) {
  if (!c.is_tensor(0) && !c.is_tensor(1)) c.wrong(0, "Tensor");
  const auto op = static_cast<BinaryOp>(c.code());
  if (!c.has(2)) return apply(op, c.operand(0), c.operand(1), c.function());
  const Scalar alpha = c.number(2);
  if (alpha.is_real() && !tensor::is_floating(c.operand(0).dtype()) &&
      !tensor::is_floating(c.operand(1).dtype()))
    c.fail("for integral input tensors, argument alpha must not be a floating point number");
  if (!c.is_tensor(1)) {
    const Scalar other = c.number(1);
    const Scalar scaled = other.is_real() || alpha.is_real()
                              ? Scalar(other.real() * alpha.real())
                              : Scalar(tensor::detail::wrapped(tensor::detail::word(other.integer()) *
                                                               tensor::detail::word(alpha.integer())));
    return apply(op, c.operand(0), scaled, c.function());
  }
  return apply(op, c.operand(0), tensor::binary(BinaryOp::multiply, c.tensor(1), alpha, c.function()),
               c.function());
}
[[nodiscard]] inline Tensor call_divide(const Call& c) {
  if (!c.is_tensor(0)) c.wrong(0, "Tensor");
  const auto mode = c.text(2, "");
  if (mode == "floor") return apply(BinaryOp::floor_divide, c.operand(0), c.operand(1), c.function());
  if (mode == "trunc") {
    // (a - fmod(a, b)) / b, exact for integers too.
    if (!tensor::is_floating(c.operand(0).dtype()) && !tensor::is_floating(c.operand(1).dtype())) {
      const Tensor rest = apply(BinaryOp::fmod, c.operand(0), c.operand(1), c.function());
      return apply(BinaryOp::floor_divide, apply(BinaryOp::subtract, c.operand(0), rest, c.function()),
                   c.operand(1), c.function());
    }
    return tensor::unary(UnaryOp::trunc, apply(BinaryOp::divide, c.operand(0), c.operand(1), c.function()),
                         c.function());
  }
  if (c.has(2)) c.fail("rounding_mode must be None, 'trunc' or 'floor'");
  return apply(BinaryOp::divide, c.operand(0), c.operand(1), c.function());
}

/// Limits that are numbers, tensors or absent.
[[nodiscard]] inline Tensor clamp(const Call& c, std::size_t low, std::size_t high) {
  if (!c.has(low) && !c.has(high)) c.fail("at least one of 'min' or 'max' must not be None");
  const Tensor& x = c.tensor(0);
  if (!c.is_tensor(low) && !c.is_tensor(high)) {
    const Scalar lo = c.has(low) ? c.number(low) : Scalar(0), hi = c.has(high) ? c.number(high) : Scalar(0);
    return tensor::clamp(x, c.has(low) ? &lo : nullptr, c.has(high) ? &hi : nullptr);
  }
  if ((c.has(low) && !c.is_tensor(low)) || (c.has(high) && !c.is_tensor(high)))
    c.fail("min and max must both be numbers or both be Tensors");
  Tensor t = x;
  if (c.has(low)) t = tensor::binary(BinaryOp::maximum, t, c.tensor(low), c.function());
  if (c.has(high)) t = tensor::binary(BinaryOp::minimum, t, c.tensor(high), c.function());
  return t;
}

/// A number or scalar tensor cast to x's type, truncating like PyTorch.
[[nodiscard]] inline Tensor fill_value(const Call& c, std::size_t i, const Tensor& x) {
  if (c.is_tensor(i)) {
    if (c.tensor(i).rank() != 0) c.fail("only supports a 0-dimensional value tensor");
    return c.tensor(i).to(x.dtype());
  }
  return Tensor::scalar(c.number(i), x.dtype());
}
[[nodiscard]] inline Tensor masked_fill(const Call& c) {
  const Tensor& mask = c.tensor(1);
  if (mask.dtype() != tensor::DType::boolean)
    c.fail("expects a boolean mask, but got " + std::string(name_of(mask.dtype())));
  return tensor::where(mask, fill_value(c, 2, c.tensor(0)), c.tensor(0)).to(c.tensor(0).dtype());
}
[[nodiscard]] inline Value where(const Call& c) {
  const Tensor& condition = c.tensor(0);
  if (!c.value(1).is_set() &&
      !c.value(2).is_set()) { // the indices of true elements, one tensor per dimension
    const Tensor found = tensor::nonzero(condition);
    std::vector<Tensor> parts;
    for (std::int64_t d = 0; d < found.size(1); ++d) parts.push_back(tensor::select(found, 1, d));
    return make(c.heap(), std::move(parts));
  }
  if (condition.dtype() != tensor::DType::boolean)
    c.fail("expected condition to be a boolean tensor, but got " + std::string(name_of(condition.dtype())));
  return make(c.heap(), tensor::where(condition, c.operand(1), c.operand(2)));
}
/// start + weight * (end - start)
[[nodiscard]] inline Tensor lerp(const Call& c) {
  const Tensor &start = c.tensor(0), &end = c.tensor(1);
  if (start.dtype() != end.dtype() || !tensor::is_floating(start.dtype()))
    c.fail("expects floating tensors of one dtype");
  if (c.is_tensor(2) && c.tensor(2).dtype() != start.dtype()) c.fail("expected dtype of weight to match");
  const Tensor span = tensor::binary(BinaryOp::subtract, end, start, c.function());
  const Tensor step = tensor::binary(BinaryOp::multiply, span, c.operand(2), c.function());
  return tensor::binary(BinaryOp::add, start, step, c.function());
}
/// input + value * a * b, or a / b
[[nodiscard]] inline Tensor add_product(const Call& c) {
  Tensor t = apply(static_cast<BinaryOp>(c.code()), c.tensor(1), c.tensor(2), c.function());
  if (static_cast<BinaryOp>(c.code()) == BinaryOp::divide && !tensor::is_floating(c.tensor(1).dtype()) &&
      !tensor::is_floating(c.tensor(2).dtype()))
    c.fail("integer division is not supported");
  if (c.has(3)) t = tensor::binary(BinaryOp::multiply, t, c.number(3), c.function());
  return tensor::binary(BinaryOp::add, c.tensor(0), t, c.function());
}
[[nodiscard]] inline Tensor rounded(const Call& c) {
  const std::int64_t decimals = c.integer(1, 0);
  if (decimals == 0) return tensor::unary(UnaryOp::round, c.tensor(0), c.function());
  if (!tensor::is_floating(c.tensor(0).dtype())) c.fail("decimals need a floating point tensor");
  const double scale = std::pow(10.0, static_cast<double>(std::abs(decimals)));
  const auto up = decimals > 0 ? BinaryOp::multiply : BinaryOp::divide;
  const auto down = decimals > 0 ? BinaryOp::divide : BinaryOp::multiply;
  const Tensor t = tensor::unary(UnaryOp::round, tensor::binary(up, c.tensor(0), scale, "round"), "round");
  return tensor::binary(down, t, scale, "round");
}
[[nodiscard]] inline Tensor logit(const Call& c) {
  Tensor x = c.tensor(0);
  if (c.has(1)) {
    if (!tensor::is_floating(x.dtype())) x = x.to(tensor::default_float());
    const Scalar low = c.real(1), high = 1 - c.real(1);
    x = tensor::clamp(x, &low, &high);
  }
  return tensor::unary(UnaryOp::logit, x, c.function());
}
[[nodiscard]] inline Tensor isclose(const Call& c) {
  const Tensor &a = c.tensor(0), &b = c.tensor(1);
  if (a.dtype() != b.dtype()) c.fail("the tensors have different dtypes");
  const double rtol = c.real(2, 1e-5), atol = c.real(3, 1e-8);
  const bool nan_equal = c.flag(4, false);
  return tensor::map2<bool, double>(a, b, c.function(), [=](double x, double y) {
    if (x == y) return true;
    if (std::isnan(x) || std::isnan(y)) return nan_equal && std::isnan(x) && std::isnan(y);
    return std::isfinite(x) && std::isfinite(y) && std::abs(x - y) <= atol + rtol * std::abs(y);
  });
}

/// A function, a method and an in-place method.
inline constexpr unsigned everywhere = in_torch | as_method | also_in_place;

} // namespace detail

inline void add_elementwise(Registry& r) {
  using namespace detail;
  const auto unary = [&](std::string_view names, UnaryOp op, unsigned where = everywhere) {
    r.add(names, where, "input", call_unary, static_cast<int>(op));
  };
  unary("exp", UnaryOp::exp);
  unary("exp2", UnaryOp::exp2);
  unary("expm1", UnaryOp::expm1);
  unary("log", UnaryOp::log);
  unary("log2", UnaryOp::log2);
  unary("log10", UnaryOp::log10);
  unary("log1p", UnaryOp::log1p);
  unary("sqrt", UnaryOp::sqrt);
  unary("rsqrt", UnaryOp::rsqrt);
  unary("reciprocal", UnaryOp::reciprocal);
  unary("sin", UnaryOp::sin);
  unary("cos", UnaryOp::cos);
  unary("tan", UnaryOp::tan);
  unary("asin arcsin", UnaryOp::asin);
  unary("acos arccos", UnaryOp::acos);
  unary("atan arctan", UnaryOp::atan);
  unary("sinh", UnaryOp::sinh);
  unary("cosh", UnaryOp::cosh);
  unary("tanh", UnaryOp::tanh, everywhere | in_functional);
  unary("asinh arcsinh", UnaryOp::asinh);
  unary("acosh arccosh", UnaryOp::acosh);
  unary("atanh arctanh", UnaryOp::atanh);
  unary("sigmoid", UnaryOp::sigmoid, everywhere | in_functional);
  unary("erf", UnaryOp::erf);
  unary("erfc", UnaryOp::erfc);
  unary("lgamma", UnaryOp::lgamma);
  unary("deg2rad", UnaryOp::deg2rad);
  unary("rad2deg", UnaryOp::rad2deg);
  unary("abs absolute", UnaryOp::absolute);
  unary("neg negative", UnaryOp::negative);
  unary("sign sgn", UnaryOp::sign);
  unary("square", UnaryOp::square);
  unary("floor", UnaryOp::floor);
  unary("ceil", UnaryOp::ceil);
  unary("trunc fix", UnaryOp::trunc);
  unary("frac", UnaryOp::frac);
  unary("isnan", UnaryOp::isnan, in_torch | as_method);
  unary("isinf", UnaryOp::isinf, in_torch | as_method);
  unary("isfinite", UnaryOp::isfinite, in_torch | as_method);
  unary("logical_not", UnaryOp::logical_not);
  unary("bitwise_not", UnaryOp::bit_not);
  r.add("relu", everywhere | in_functional, "input, inplace=", call_unary, static_cast<int>(UnaryOp::relu));
  for (auto [name, op] : {std::pair{"relu6", UnaryOp::relu6},
                          {"silu", UnaryOp::silu},
                          {"mish", UnaryOp::mish},
                          {"softsign", UnaryOp::softsign},
                          {"logsigmoid", UnaryOp::logsigmoid},
                          {"selu", UnaryOp::selu},
                          {"hardswish", UnaryOp::hardswish},
                          {"hardsigmoid", UnaryOp::hardsigmoid},
                          {"tanhshrink", UnaryOp::tanhshrink}})
    r.add(name, in_functional, "input, inplace=", call_unary, static_cast<int>(op));
  unary("selu", UnaryOp::selu, in_torch);
  r.add("round", everywhere, "input, *, decimals=", rounded);
  r.add("logit", everywhere, "input, eps=", logit);

  const auto binary = [&](std::string_view names, BinaryOp op, Builtin::TensorFunction f = call_binary,
                          unsigned where = everywhere) {
    r.add(names, where, "input, other", f, static_cast<int>(op));
  };
  r.add("add", everywhere, "input, other, *, alpha=", call_add, static_cast<int>(BinaryOp::add));
  r.add("sub subtract", everywhere, "input, other, *, alpha=", call_add,
        static_cast<int>(BinaryOp::subtract));
  r.add("rsub", in_torch, "input, other, *, alpha=", [](const Call& c) {
    if (!c.has(2)) return apply(BinaryOp::subtract, c.operand(1), c.tensor(0), c.function());
    if (c.number(2).is_real() && !tensor::is_floating(c.tensor(0).dtype()) &&
        !tensor::is_floating(c.operand(1).dtype()))
      c.fail("for integral input tensors, argument alpha must not be a floating point number");
    const Tensor scaled = tensor::binary(BinaryOp::multiply, c.tensor(0), c.number(2), c.function());
    return apply(BinaryOp::subtract, c.operand(1), scaled, c.function());
  });
  binary("mul multiply", BinaryOp::multiply, call_binary_either);
  r.add("div divide", everywhere, "input, other, *, rounding_mode=", call_divide);
  binary("true_divide", BinaryOp::divide);
  binary("floor_divide", BinaryOp::floor_divide);
  binary("remainder", BinaryOp::remainder, call_binary_either);
  binary("fmod", BinaryOp::fmod);
  r.add("pow", everywhere | in_torch, "input, exponent", call_binary_either,
        static_cast<int>(BinaryOp::power));
  binary("maximum", BinaryOp::maximum, call_binary_tensors, in_torch | as_method);
  binary("minimum", BinaryOp::minimum, call_binary_tensors, in_torch | as_method);
  binary("fmax", BinaryOp::fmax, call_binary_tensors, in_torch | as_method);
  binary("fmin", BinaryOp::fmin, call_binary_tensors, in_torch | as_method);
  binary("atan2 arctan2", BinaryOp::atan2, call_binary_tensors);
  binary("hypot", BinaryOp::hypot, call_binary_tensors);
  binary("logaddexp", BinaryOp::logaddexp, call_binary_tensors, in_torch | as_method);
  binary("logaddexp2", BinaryOp::logaddexp2, call_binary_tensors, in_torch | as_method);
  binary("xlogy", BinaryOp::xlogy, call_binary_either);
  binary("copysign", BinaryOp::copysign);
  r.add("heaviside", everywhere, "input, values", [](const Call& c) {
    if (c.tensor(0).dtype() != c.tensor(1).dtype()) c.fail("expects input and values of the same dtype");
    return tensor::binary(BinaryOp::heaviside, c.tensor(0), c.tensor(1), c.function());
  });
  binary("lt less", BinaryOp::less);
  binary("le less_equal", BinaryOp::less_equal);
  binary("gt greater", BinaryOp::less, call_greater);
  binary("ge greater_equal", BinaryOp::less_equal, call_greater);
  binary("eq", BinaryOp::equal);
  binary("ne not_equal", BinaryOp::not_equal);
  binary("logical_and", BinaryOp::logical_and, call_binary_tensors);
  binary("logical_or", BinaryOp::logical_or, call_binary_tensors);
  binary("logical_xor", BinaryOp::logical_xor, call_binary_tensors);
  binary("bitwise_and", BinaryOp::bit_and, call_binary_either);
  binary("bitwise_or", BinaryOp::bit_or, call_binary_either);
  binary("bitwise_xor", BinaryOp::bit_xor, call_binary_either);
  binary("bitwise_left_shift", BinaryOp::shift_left, call_binary_either);
  binary("bitwise_right_shift", BinaryOp::shift_right, call_binary_either);

  r.add("clamp clip", everywhere, "input, min=, max=", [](const Call& c) { return clamp(c, 1, 2); });
  r.add("clamp_min", everywhere, "input, min", [](const Call& c) { return clamp(c, 1, Call::most - 1); });
  r.add("clamp_max", everywhere, "input, max", [](const Call& c) { return clamp(c, Call::most - 1, 1); });
  r.add("masked_fill", everywhere, "input, mask, value", masked_fill);
  r.add_value("where", in_torch, "condition, input=, other=", where);
  r.add("where", as_method, "input, condition, other", [](const Call& c) {
    if (c.tensor(1).dtype() != tensor::DType::boolean) c.fail("expected condition to be a boolean tensor");
    return tensor::where(c.tensor(1), c.tensor(0), c.operand(2));
  });
  r.add("lerp", everywhere, "input, end, weight", lerp);
  r.add("addcmul", everywhere, "input, tensor1, tensor2, *, value=", add_product,
        static_cast<int>(BinaryOp::multiply));
  r.add("addcdiv", everywhere, "input, tensor1, tensor2, *, value=", add_product,
        static_cast<int>(BinaryOp::divide));
  r.add("nan_to_num", everywhere, "input, nan=, posinf=, neginf=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    if (!tensor::is_floating(x.dtype())) return x.clone();
    return tensor::visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
      using Limits = std::numeric_limits<T>;
      const T nan = static_cast<T>(c.real(1, 0.0)),
              top = static_cast<T>(c.real(2, static_cast<double>(Limits::max()))),
              bottom = static_cast<T>(c.real(3, static_cast<double>(Limits::lowest())));
      return tensor::map1<T, T>(x, [=](T a) {
        return std::isnan(a) ? nan : std::isinf(a) ? (a > 0 ? top : bottom) : a;
      });
    });
  });
  r.add("isclose", in_torch | as_method, "input, other, rtol=, atol=, equal_nan=", isclose);
  r.add_value("allclose", in_torch | as_method, "input, other, rtol=, atol=, equal_nan=", [](const Call& c) {
    const Tensor close = isclose(c);
    return value_of(tensor::all(close, tensor::all_dims(close), false).item());
  });
  r.add_value("equal", in_torch | as_method, "input, other", [](const Call& c) {
    const Tensor &a = c.tensor(0), &b = c.tensor(1);
    if (tensor::Shape(a.element_sizes()) != tensor::Shape(b.element_sizes())) return Value::boolean(false);
    const Tensor same = tensor::binary(BinaryOp::equal, a, b, c.function());
    return value_of(tensor::all(same, tensor::all_dims(same), false).item());
  });
}

} // namespace step::vocabulary
