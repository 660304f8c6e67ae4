// SPDX-License-Identifier: MIT
// x[index] and x[index] = value with ints, slices, `...`, None, masks and index tensors in any combination.
// What does not use masks or index tensors is a view, as in PyTorch.
#pragma once

#include "step/tensor/indexing.hpp"
#include "step/tensor/joining.hpp"
#include "step/vocabulary/objects.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace step::vocabulary {

namespace detail {

/// A subscript after its ints, slices, None and `...` were applied: what remains are index tensors and one
/// kind of mask.
struct Subscript {
  Tensor view;
  std::vector<Tensor> indices; ///< per dimension of view; undefined stands for `:`
  Tensor mask; ///< the only advanced index, if it is a mask: boolean, for dims from `mask_dim` on
  int mask_dim = 0;
  bool selects = false;     ///< the only advanced index is a scalar that differs per position
  bool scalar_mask = false; ///< that mask was one bool, not a tensor with dimensions
  [[nodiscard]] bool advanced() const {
    return std::any_of(indices.begin(), indices.end(), [](const Tensor& t) { return t.defined(); });
  }
};

/// Nested lists of ints or bools as an index tensor.
[[nodiscard]] inline Tensor index_of_sequence(std::span<const Value> items, int depth = 0) {
  if (depth >= tensor::max_axes) throw Fault(FaultKind::limit, "too many nested lists in an index");
  if (items.empty()) return Tensor::empty({0}, tensor::DType::int64);
  std::vector<Tensor> parts;
  for (Value v : items) {
    Meter::current().step();
    std::span<const Value> inner;
    if (auto* t = v.as<TensorObject>())
      parts.push_back(t->tensor);
    else if (v.is_int())
      parts.push_back(Tensor::scalar(number_of(v)));
    else if (interp::sequence_items(v, inner))
      parts.push_back(index_of_sequence(inner, depth + 1));
    else
      tensor::fail("tensors cannot be indexed by a list holding '" + std::string(type_name(v)) + "'");
  }
  return tensor::stack(std::move(parts), 0, "index");
}

[[nodiscard]] inline std::int64_t slice_part(Value v, std::int64_t absent) {
  if (v.is_none() || !v.is_set()) return absent;
  if (v.is_int()) return v.as_int();
  if (auto* t = v.as<TensorObject>(); t != nullptr && !tensor::is_floating(t->tensor.dtype()))
    return t->tensor.item().integer();
  tensor::fail("slice indices must be integers or None, not '" + std::string(type_name(v)) + "'");
}
[[nodiscard]] inline Tensor sliced(const Tensor& x, int dim, const interp::Slice& s) {
  const std::int64_t n = x.size(dim), step = slice_part(s.step, 1);
  if (step <= 0) tensor::fail("slice step must be positive, got " + std::to_string(step));
  const auto clip = [n](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? std::max<std::int64_t>(i, -n) + n : i, 0, n);
  };
  const std::int64_t from = clip(slice_part(s.lower, 0)), to = clip(slice_part(s.upper, n));
  const std::int64_t length = to <= from ? 0 : (to - from - 1) / step + 1;
  return x.narrowed(x.lead() + dim, from, length, length > 1 ? step : 1);
}

[[nodiscard]] inline Subscript read_subscript(const Tensor& x, Value index) {
  Subscript s{x, {}, {}, 0};
  std::span<const Value> items(&index, 1);
  if (auto* t = index.as<interp::Tuple>()) items = t->items;
  int consumed = 0;
  for (Value v : items) {
    if (v.is_none() || v.is_bool() || v.as<interp::Ellipsis>() != nullptr) continue;
    auto* t = v.as<TensorObject>();
    consumed += t != nullptr && t->tensor.dtype() == tensor::DType::boolean ? t->tensor.rank() : 1;
  }
  if (consumed > x.rank())
    tensor::fail("too many indices for tensor of dimension " + std::to_string(x.rank()) + " (shape " +
                 tensor::text(x.element_sizes()) + ")");
  int dim = 0, masks = 0, others = 0;
  bool dots = false, varying_scalar = false;
  const auto put = [&](int d, const Tensor& t) {
    if (static_cast<int>(s.indices.size()) <= d) s.indices.resize(static_cast<std::size_t>(d) + 1);
    s.indices[static_cast<std::size_t>(d)] = t;
  };
  const auto put_mask = [&](const Tensor& mask) {
    for (int d = 0; d < mask.rank(); ++d)
      if (mask.size(d) != s.view.size(dim + d))
        tensor::fail("the shape of the mask " + tensor::text(mask.element_sizes()) + " at index " +
                     std::to_string(dim + d) + " does not match the shape of the indexed tensor " +
                     tensor::text(s.view.element_sizes()));
    ++masks;
    s.mask = mask;
    s.mask_dim = dim;
    for (int d = 0; d < mask.rank(); ++d) put(dim + d, mask); // resolved below
    dim += mask.rank();
  };
  for (Value v : items) {
    auto* t = v.as<TensorObject>();
    std::span<const Value> list;
    if (v.is_none()) {
      s.view = s.view.inserted(s.view.lead() + dim++);
    } else if (v.as<interp::Ellipsis>() != nullptr) {
      if (std::exchange(dots, true)) tensor::fail("an index can only have a single ellipsis ('...')");
      dim += x.rank() - consumed;
    } else if (v.is_bool() ||
               (t != nullptr && t->tensor.dtype() == tensor::DType::boolean && t->tensor.rank() == 0)) {
      // One more dimension of length 1, kept or dropped.
      s.view = s.view.inserted(s.view.lead() + dim);
      s.scalar_mask = true;
      put_mask(t != nullptr ? t->tensor.inserted(t->tensor.axes())
                            : Tensor::full({1}, v.as_bool(), tensor::DType::boolean));
    } else if (v.is_int()) {
      s.view = tensor::select(s.view, dim, v.as_int(), "index");
    } else if (auto* slice = v.as<interp::Slice>()) {
      s.view = sliced(s.view, dim++, *slice);
    } else if (t != nullptr || interp::sequence_items(v, list)) {
      const Tensor places = t != nullptr ? t->tensor : index_of_sequence(list);
      if (places.dtype() == tensor::DType::boolean) {
        put_mask(places);
      } else if (places.dtype() != tensor::DType::int64) {
        tensor::fail("tensors used as indices must be int64 or bool tensors, not " +
                     std::string(name_of(places.dtype())));
      } else if (places.rank() == 0 && places.lead() == 0) {
        s.view = tensor::select(s.view, dim, places.item().integer(), "index");
      } else {
        varying_scalar = varying_scalar || places.rank() == 0;
        ++others;
        put(dim++, places);
      }
    } else
      tensor::fail("a tensor cannot be indexed by '" + std::string(type_name(v)) + "'");
  }
  // A scalar that differs per position selects like an int, which moves no dimension: only alone is that the
  // same.
  if (varying_scalar && masks + others > 1) tensor::need_positions("an index");
  s.selects = varying_scalar;
  if (masks != 1 || others != 0) s.mask = Tensor();
  return s;
}

/// Masks become the index tensors of their true elements. Fault{per_position} for batched masks.
inline void resolve_masks(Subscript& s) {
  for (std::size_t d = 0; d < s.indices.size(); ++d) {
    if (!s.indices[d].defined() || s.indices[d].dtype() != tensor::DType::boolean) continue;
    const Tensor found = tensor::nonzero(s.indices[d]);
    const int rank = s.indices[d].rank();
    for (int k = 0; k < rank; ++k) s.indices[d + static_cast<std::size_t>(k)] = tensor::select(found, 1, k);
    d += static_cast<std::size_t>(rank) - 1;
  }
}

} // namespace detail

/// x[index]. Fault{type} for indices that do not fit, Fault{value} for elements of an index tensor out of
/// range.
[[nodiscard]] inline Value get_item(Heap& heap, const Tensor& x, Value index) {
  detail::Subscript s = detail::read_subscript(x, index);
  if (!s.advanced()) return make(heap, std::move(s.view));
  detail::resolve_masks(s);
  return make(heap, tensor::index(s.view, std::move(s.indices)));
}

/// x[index] = value, in place: the value broadcasts and is converted to x's type.
inline void set_item(Heap&, Tensor& x, Value index, Value value) {
  if (x.frozen()) tensor::fail("in-place write to input data");
  if (index.is_bool() && !index.as_bool()) return;
  detail::Subscript s = detail::read_subscript(x, index.is_bool() ? Value::none() : index);
  Tensor v;
  bool same_type = true;
  if (auto* t = value.as<TensorObject>()) {
    same_type = t->tensor.dtype() == x.dtype();
    v = t->tensor.to(x.dtype());
  } else if (value.is_number())
    v = Tensor::scalar(number_of(value), x.dtype());
  else
    tensor::fail("can't assign a " + std::string(type_name(value)) + " to a tensor element");
  while (v.rank() > 0 && v.size(0) == 1) v = v.removed(v.lead()); // leading 1s are ignored
  if (!s.advanced()) return tensor::assign(s.view, v, "setitem");
  if (!same_type && !s.selects && (!s.mask.defined() || s.scalar_mask || v.rank() != 0))
    tensor::fail("setitem: source and destination dtypes must match, got " +
                 std::string(name_of(value.as<TensorObject>()->tensor.dtype())) + " for a tensor of " +
                 std::string(name_of(x.dtype())));
  if (s.mask.defined() && v.rank() == 0) { // the same for every true element: no need to know which these are
    Tensor mask = s.mask;
    for (int d = s.mask_dim + mask.rank(); d < s.view.rank(); ++d) mask = mask.inserted(mask.axes());
    return tensor::assign(s.view, tensor::where(mask, v, s.view), "setitem");
  }
  detail::resolve_masks(s);
  tensor::index_put(s.view, std::move(s.indices), v, tensor::Store::set, "setitem");
}

} // namespace step::vocabulary
