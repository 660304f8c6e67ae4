// SPDX-License-Identifier: MIT
// The values that the tensor vocabulary adds to Python's: tensors, dtypes, modules and tuples with named
// fields. All are owned by the Heap of one evaluation.
#pragma once

#include "step/interpreter/value.hpp"
#include "step/tensor/tensor.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::vocabulary {

using interp::Arguments;
using interp::Heap;
using interp::Object;
using interp::ObjectType;
using interp::type_name;
using interp::Value;
using tensor::Scalar;
using tensor::Tensor;

struct TensorObject : Object {
  static constexpr auto type = ObjectType::tensor;
  explicit TensorObject(Tensor t) : Object(type), tensor(std::move(t)) {}
  Tensor tensor;
};

/// torch.float32 and so on; float32 means the default float type of the moment it is used.
struct TorchDtype : Object {
  static constexpr auto type = ObjectType::torch_dtype;
  explicit TorchDtype(tensor::DType d) : Object(type), dtype(d) {}
  [[nodiscard]] tensor::DType resolved() const {
    return dtype == tensor::DType::float32 ? tensor::default_float() : dtype;
  }
  tensor::DType dtype;
};

struct Builtin;

/// What torch.nn.Softmax(dim=-1) makes: a function with some keywords already given.
struct TorchModule : Object {
  static constexpr auto type = ObjectType::torch_module;
  explicit TorchModule(const Builtin* f) : Object(type), function(f) {}
  const Builtin* function; ///< null for the identity
  std::vector<std::pair<std::string_view, Value>> keywords;
};

/// A tuple whose items also have names, as the results of max, sort and topk.
struct NamedTuple : interp::Tuple {
  NamedTuple(std::vector<std::string_view> names, std::vector<Value> values)
      : Tuple(std::move(values)), fields(std::move(names)) {}
  std::vector<std::string_view> fields;
};

[[nodiscard]] inline Scalar number_of(Value v) {
  if (v.is_real()) return {v.as_real()};
  if (v.is_bool()) return {v.as_bool()};
  return {v.as_int()};
}
[[nodiscard]] inline Value value_of(const Scalar& s) {
  if (s.is_real()) return Value::real(s.real());
  if (s.is_bool()) return Value::boolean(s.integer() != 0);
  return Value::integer(s.integer());
}
/// A tensor object is some hundred bytes and allocations, whatever the tensor's size.
[[nodiscard]] inline Value make(Heap& heap, Tensor t) {
  Meter::current().step(2);
  return heap.make<TensorObject>(std::move(t));
}
[[nodiscard]] inline Value make(Heap& heap, std::vector<Tensor> parts) {
  std::vector<Value> items;
  for (Tensor& t : parts) items.push_back(make(heap, std::move(t)));
  return heap.make<interp::Tuple>(std::move(items));
}
[[nodiscard]] inline Value make_sizes(Heap& heap, std::span<const std::int64_t> sizes) {
  std::vector<Value> items;
  for (std::int64_t s : sizes) items.push_back(Value::integer(s));
  return heap.make<interp::Tuple>(std::move(items));
}

/// int(), float() and bool() of a tensor or number. Fault{type} unless there is exactly one element,
/// Fault{per_position} when batched.
[[nodiscard]] inline std::int64_t to_int(Value v) {
  if (v.is_int()) return v.as_int();
  double d = 0;
  if (auto* t = v.as<TensorObject>()) {
    const Scalar s = t->tensor.item();
    if (!s.is_real()) return s.integer();
    d = s.real();
  } else if (v.is_real())
    d = v.as_real();
  else
    tensor::fail("int() argument must be a number, not '" + std::string(type_name(v)) + "'");
  if (!(std::abs(d) < 9.2e18)) tensor::fail("cannot convert float " + std::to_string(d) + " to integer");
  return static_cast<std::int64_t>(d);
}
[[nodiscard]] inline double to_float(Value v) {
  if (v.is_number()) return v.as_real();
  if (auto* t = v.as<TensorObject>()) return t->tensor.item().real();
  tensor::fail("float() argument must be a number, not '" + std::string(type_name(v)) + "'");
}
[[nodiscard]] inline bool truth(Value v) {
  if (v.is_number()) return v.as_real() != 0;
  auto* t = v.as<TensorObject>();
  if (t == nullptr) return !v.is_none();
  if (t->tensor.lead() == 0 && t->tensor.numel() != 1)
    tensor::fail("Boolean value of Tensor with shape " + tensor::text(t->tensor.element_sizes()) +
                 " is ambiguous");
  return t->tensor.item().as<bool>();
}

} // namespace step::vocabulary
