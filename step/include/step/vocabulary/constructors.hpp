// SPDX-License-Identifier: MIT
// Names of what makes tensors from numbers and sizes, and of conversions to other types and to Python values.
// Part of the vocabulary's table; see vocabulary.hpp.
#pragma once

#include "step/tensor/joining.hpp"
#include "step/vocabulary/elementwise.hpp"
#include "step/vocabulary/shapes.hpp"

namespace step::vocabulary {

namespace detail {

using tensor::DType;

/// torch.tensor of nested sequences of numbers and tensors; `type` is raised to the type of the contents.
[[nodiscard]] inline Tensor tensor_of(const Call& c, Value v, DType& type, int depth = 0) {
  if (auto* t = v.as<TensorObject>()) {
    if (depth > 0 && t->tensor.rank() > 0)
      c.fail("only one element tensors can be converted to Python scalars");
    type = std::max(type, t->tensor.dtype());
    return t->tensor;
  }
  if (v.is_number()) {
    const Scalar s = number_of(v);
    type = std::max(type, s.dtype());
    return Tensor::scalar(s, s.is_real() ? DType::float64 : s.dtype());
  }
  std::span<const Value> items;
  if (!interp::sequence_items(v, items)) c.fail("could not make a tensor of a " + std::string(type_name(v)));
  if (depth >= tensor::max_axes) throw Fault(FaultKind::limit, "too many nested lists");
  if (items.empty()) return Tensor::empty({0}, DType::boolean);
  if (depth > 0) Meter::current().step(items.size() / 4); // those of the outermost are charged by the call
  const bool numbers = std::all_of(items.begin(), items.end(), [](Value i) { return i.is_number(); });
  if (!numbers) {
    std::vector<Tensor> parts;
    for (Value item : items) {
      Meter::current().step();
      parts.push_back(tensor_of(c, item, type, depth + 1));
      if (tensor::Shape(parts.back().element_sizes()) != tensor::Shape(parts.front().element_sizes()))
        c.fail("expected sequences of equal length and shape");
    }
    return tensor::stack(std::move(parts), 0, "tensor");
  }
  DType here = DType::boolean;
  for (Value item : items) here = std::max(here, item.is_real() ? DType::float64 : number_of(item).dtype());
  type = std::max(type, here == DType::float64 ? tensor::default_float() : here);
  Tensor out = Tensor::empty({static_cast<std::int64_t>(items.size())}, here);
  tensor::visit(here, [&]<class T>(std::type_identity<T>) {
    T* to = out.write<T>();
    for (Value item : items) *to++ = number_of(item).as<T>();
  });
  return out;
}
[[nodiscard]] inline Tensor make_tensor(const Call& c) {
  DType type = DType::boolean;
  const Tensor t = tensor_of(c, c.value(0), type);
  std::span<const Value> items;
  if (t.numel() == 0 && t.element_count() == 0 && type == DType::boolean &&
      interp::sequence_items(c.value(0), items))
    type = tensor::default_float();
  type = c.dtype(1, type);
  // torch.tensor copies; tensor_of and a conversion made a copy already.
  return c.function() == "tensor" && c.is_tensor(0) && t.dtype() == type ? t.clone() : t.to(type);
}

[[nodiscard]] inline Tensor filled(const std::vector<std::int64_t>& sizes, const Scalar& v, DType type) {
  return Tensor::full(tensor::Shape(sizes), v, type);
}
/// Like x in shape, batch included, so that writing into it stays possible for a batch.
[[nodiscard]] inline Tensor filled_like(const Tensor& x, const Scalar& v, DType type) {
  return Tensor::full(x.distinct().sizes(), v, type, x.lead()).regrown(x.lead_sizes());
}
[[nodiscard]] inline Tensor new_filled(const Call& c, const Scalar& v, DType type) {
  const Tensor& x = c.tensor(0);
  const auto element = size_argument(c, 1);
  tensor::Shape sizes(x.distinct().sizes().first(x.lead()));
  sizes.append(element);
  return Tensor::full(sizes, v, type, x.lead()).regrown(x.lead_sizes());
}

[[nodiscard]] inline Tensor arange(const Call& c) {
  const bool one = !c.has(1);
  bool real = false;
  for (std::size_t i = 0; i < 3; ++i) real = real || (c.has(i) && c.number(i).is_real());
  const double start = one ? 0 : c.real(0), end = one ? c.real(0) : c.real(1), step = c.real(2, 1);
  if (step == 0 || !std::isfinite(start) || !std::isfinite(end) || !std::isfinite(step))
    c.fail("step must be nonzero and bounds finite");
  if (step > 0 ? start > end : start < end)
    c.fail("upper bound and larger bound inconsistent with step sign");
  const double length = std::ceil((end - start) / step);
  if (length > static_cast<double>(tensor::Storage::most_elements))
    throw Fault(FaultKind::limit, "arange(): too many elements");
  const auto n = static_cast<std::int64_t>(length);
  const DType type = c.dtype(3, real ? tensor::default_float() : DType::int64);
  Tensor out = Tensor::empty({n}, type);
  tensor::visit(type, [&]<class T>(std::type_identity<T>) {
    T* to = out.write<T>();
    if (real || std::is_floating_point_v<T>)
      for (std::int64_t i = 0; i < n; ++i) to[i] = tensor::convert<T>(start + static_cast<double>(i) * step);
    else {
      const auto a = tensor::detail::word(one ? 0 : c.integer(0)), s = tensor::detail::word(c.integer(2, 1));
      for (std::int64_t i = 0; i < n; ++i)
        to[i] = tensor::convert<T>(tensor::detail::wrapped(a + s * tensor::detail::word(i)));
    }
  });
  return out;
}

[[nodiscard]] inline Tensor linspace(const Call& c, bool powers) {
  const double start = c.real(0), end = c.real(1), base = powers ? c.real(4, 10.0) : 0;
  const std::int64_t n = c.integer(2);
  if (n < 0) c.fail("number of steps must be non-negative");
  const DType type = c.dtype(3, tensor::default_float());
  Tensor out = Tensor::empty({n}, type);
  tensor::visit(type, [&]<class T>(std::type_identity<T>) {
    T* to = out.write<T>();
    const double step = n > 1 ? (end - start) / static_cast<double>(n - 1) : 0;
    for (std::int64_t i = 0; i < n; ++i) { // from both ends, so that the last one is exact
      const double v = i < n / 2 || n == 1 ? start + step * static_cast<double>(i)
                                           : end - step * static_cast<double>(n - 1 - i);
      to[i] = tensor::convert<T>(powers ? std::pow(base, v) : v);
    }
  });
  return out;
}

[[nodiscard]] inline Tensor eye(const Call& c) {
  const std::int64_t n = c.integer(0), m = c.integer(1, n);
  if (n < 0 || m < 0) c.fail("dimensions must be greater or equal to 0");
  Tensor out = Tensor::zeros({n, m}, c.dtype(2, tensor::default_float()));
  Tensor line = tensor::diagonal(out, 0, 0, 1);
  tensor::copy(line, Tensor::scalar(1, out.dtype()).inserted(0, std::min(n, m)));
  return out;
}

[[nodiscard]] inline Tensor to(const Call& c) {
  const Tensor& x = c.tensor(0);
  std::span<const Value> items;
  if (!interp::sequence_items(c.value(1), items)) items = {};
  DType type = x.dtype();
  for (Value v : items) {
    if (auto* d = v.as<TorchDtype>())
      type = d->resolved();
    else if (auto* t = v.as<TensorObject>())
      type = t->tensor.dtype();
    else if (v.as<interp::String>() == nullptr && !v.is_bool() && !v.is_none())
      c.fail("received a " + std::string(type_name(v)) + " where a dtype, device or tensor is expected");
  }
  type = c.dtype(2, type);
  return c.flag(3, false) && type == x.dtype() ? x.clone() : x.to(type);
}

[[nodiscard]] inline Value list_of(Heap& heap, const Tensor& t) {
  if (t.rank() == 0) return value_of(t.item());
  std::vector<Value> items;
  for (const Tensor& part : tensor::unbind(t, 0)) items.push_back(list_of(heap, part));
  return heap.make<interp::List>(std::move(items));
}

/// A view of one value in the shape of the input.
[[nodiscard]] inline Tensor fill_view(const Call& c) {
  return tensor::broadcast_to(fill_value(c, 1, c.tensor(0)), c.tensor(0).element_sizes(), c.function());
}

/// Smallest, largest and other limits of a type, as torch.finfo and torch.iinfo.
[[nodiscard]] inline Value type_limits(const Call& c) {
  const DType type = c.dtype(0, tensor::default_float());
  if (c.code() != static_cast<int>(tensor::is_floating(type)) || type == DType::boolean)
    c.fail("requires a " + std::string(c.code() != 0 ? "floating point" : "integer") + " type");
  std::vector<Value> items;
  if (type == DType::int64) {
    items = {Value::integer(std::numeric_limits<std::int64_t>::min()),
             Value::integer(std::numeric_limits<std::int64_t>::max()), Value::integer(64)};
    return c.heap().make<NamedTuple>(std::vector<std::string_view>{"min", "max", "bits"}, std::move(items));
  }
  tensor::visit_float(type, [&]<class T>(std::type_identity<T>) {
    using Limits = std::numeric_limits<T>;
    for (T v : {Limits::lowest(), Limits::max(), Limits::epsilon(), Limits::min()})
      items.push_back(Value::real(static_cast<double>(v)));
  });
  return c.heap().make<NamedTuple>(std::vector<std::string_view>{"min", "max", "eps", "tiny"},
                                   std::move(items));
}

} // namespace detail

inline void add_constructors(Registry& r) {
  using namespace detail;
  constexpr unsigned both = in_torch | as_method;
  r.add("tensor as_tensor", in_torch, "data, *, dtype=, pin_memory=", make_tensor);
  r.add("asarray", in_torch, "obj, *, dtype=, copy=", make_tensor);
  r.add("scalar_tensor", in_torch, "s, *, dtype=", [](const Call& c) {
    return Tensor::scalar(c.number(0), c.dtype(1, tensor::default_float()));
  });
  r.add("zeros empty", in_torch, "*size, *, dtype=, layout=", [](const Call& c) {
    return filled(size_argument(c, 0), 0, c.dtype(1, tensor::default_float()));
  });
  r.add("ones", in_torch, "*size, *, dtype=, layout=", [](const Call& c) {
    return filled(size_argument(c, 0), 1, c.dtype(1, tensor::default_float()));
  });
  r.add("full", in_torch, "size, fill_value, *, dtype=, layout=", [](const Call& c) {
    const Scalar v = c.number(1);
    std::span<const Value> items;
    if (!interp::sequence_items(c.value(0), items)) c.wrong(0, "tuple of ints");
    return filled(c.integers(0), v, c.dtype(2, v.dtype()));
  });
  r.add("zeros_like empty_like", in_torch, "input, *, dtype=, layout=, memory_format=", [](const Call& c) {
    return filled_like(c.tensor(0), 0, c.dtype(1, c.tensor(0).dtype()));
  });
  r.add("ones_like", in_torch, "input, *, dtype=, layout=, memory_format=", [](const Call& c) {
    return filled_like(c.tensor(0), 1, c.dtype(1, c.tensor(0).dtype()));
  });
  r.add("full_like", in_torch, "input, fill_value, *, dtype=, layout=, memory_format=", [](const Call& c) {
    return filled_like(c.tensor(0), c.number(1), c.dtype(2, c.tensor(0).dtype()));
  });
  r.add("new_zeros new_empty", as_method, "input, *size, *, dtype=", [](const Call& c) {
    return new_filled(c, 0, c.dtype(2, c.tensor(0).dtype()));
  });
  r.add("new_ones", as_method, "input, *size, *, dtype=", [](const Call& c) {
    return new_filled(c, 1, c.dtype(2, c.tensor(0).dtype()));
  });
  r.add("new_full", as_method, "input, size, fill_value, *, dtype=", [](const Call& c) {
    return new_filled(c, c.number(2), c.dtype(3, c.tensor(0).dtype()));
  });
  r.add("new_tensor", as_method, "input, data, *, dtype=", [](const Call& c) {
    DType type = DType::boolean;
    const Tensor t = tensor_of(c, c.value(1), type);
    return t.to(c.dtype(2, c.tensor(0).dtype()));
  });
  r.add("arange", in_torch, "start, end=, step=, *, dtype=", arange);
  r.add("linspace", in_torch,
        "start, end, steps, *, dtype=", [](const Call& c) { return linspace(c, false); });
  r.add("logspace", in_torch,
        "start, end, steps, *, dtype=, base=", [](const Call& c) { return linspace(c, true); });
  r.add("eye", in_torch, "n, m=, *, dtype=", eye);
  r.add_value("meshgrid", in_torch, "*tensors, *, indexing=", [](const Call& c) {
    auto parts = c.tensors(0);
    if (parts.empty()) c.fail("expects a non-empty list of tensors");
    const auto order = c.text(1, "ij");
    if (order != "ij" && order != "xy") c.fail("indexing must be one of 'xy' or 'ij'");
    const bool swap = order == "xy" && parts.size() >= 2;
    if (swap) std::swap(parts[0], parts[1]);
    tensor::Shape sizes;
    for (const Tensor& t : parts) {
      if (t.rank() > 1) c.fail("expects 0D or 1D tensors");
      sizes.push_back(t.element_count());
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      tensor::Shape here(sizes.size(), 1);
      here[static_cast<int>(i)] = sizes[static_cast<int>(i)];
      parts[i] = tensor::broadcast_to(tensor::reshape(parts[i], here), sizes, c.function());
    }
    if (swap) std::swap(parts[0], parts[1]);
    return make(c.heap(), std::move(parts));
  });

  r.add("float", as_method, "input", [](const Call& c) { return c.tensor(0).to(tensor::default_float()); });
  r.add("double", as_method, "input", [](const Call& c) { return c.tensor(0).to(DType::float64); });
  r.add("long int short", as_method, "input", [](const Call& c) { return c.tensor(0).to(DType::int64); });
  r.add("bool", as_method, "input", [](const Call& c) { return c.tensor(0).to(DType::boolean); });
  r.add("to", as_method, "input, *other, *, dtype=, copy=, non_blocking=, memory_format=", to);
  r.add("type", as_method, "input, dtype",
        [](const Call& c) { return c.tensor(0).to(c.dtype(1, DType::float32)); });
  r.add("type_as", as_method, "input, other",
        [](const Call& c) { return c.tensor(0).to(c.tensor(1).dtype()); });
  r.add("detach cpu", as_method, "input", [](const Call& c) { return c.tensor(0); });
  r.add("detach", in_torch, "input", [](const Call& c) { return c.tensor(0); });
  r.add("data", as_attribute, "input", [](const Call& c) { return c.tensor(0); });
  r.add_value("item", as_method, "input", [](const Call& c) { return value_of(c.tensor(0).item()); });
  r.add_value("tolist", as_method, "input", [](const Call& c) {
    if (c.tensor(0).lead() > 0) tensor::need_positions("tolist");
    return list_of(c.heap(), c.tensor(0));
  });
  r.add_value("dtype", as_attribute, "input",
              [](const Call& c) { return Value(c.heap().make<TorchDtype>(c.tensor(0).dtype())); });
  r.add_value("device", as_attribute, "input",
              [](const Call& c) { return Value(c.heap().make<interp::String>("cpu")); });
  r.add_value("device", in_torch, "type, index=", [](const Call& c) {
    return Value(c.heap().make<interp::String>(std::string(c.text(0, "cpu"))));
  });
  r.add_value("is_tensor", in_torch, "obj", [](const Call& c) { return Value::boolean(c.is_tensor(0)); });
  r.add_value("is_floating_point", both, "input",
              [](const Call& c) { return Value::boolean(tensor::is_floating(c.tensor(0).dtype())); });
  r.add_value("finfo", in_torch, "type=", type_limits, 1);
  r.add_value("iinfo", in_torch, "type", type_limits, 0);

  r.add("fill", in_torch, "input, value", [](const Call& c) { return fill_view(c).clone(); });
  r.add("fill", only_in_place, "input, value", fill_view);
  r.add("zero", only_in_place, "input", [](const Call& c) {
    return tensor::broadcast_to(Tensor::scalar(0, c.tensor(0).dtype()), c.tensor(0).element_sizes(),
                                c.function());
  });
  r.add("copy", only_in_place, "input, src, non_blocking=", [](const Call& c) {
    if (!c.is_tensor(1)) return fill_view(c);
    return tensor::broadcast_to(c.tensor(1).to(c.tensor(0).dtype()), c.tensor(0).element_sizes(),
                                c.function());
  });
}

} // namespace step::vocabulary
