// SPDX-License-Identifier: MIT
// Names of what changes the shape of tensors or joins them: reshape, permute, cat, repeat, split, tril.
// Part of the vocabulary's table; see vocabulary.hpp.
#pragma once

#include "step/tensor/indexing.hpp"
#include "step/tensor/joining.hpp"
#include "step/vocabulary/registry.hpp"

namespace step::vocabulary {

namespace detail {

/// A size given as ints or by one sequence.
[[nodiscard]] inline std::vector<std::int64_t> size_argument(const Call& c, std::size_t i) {
  if (!c.value(i).is_set()) c.fail("missing size");
  return c.integers(i);
}

[[nodiscard]] inline Tensor repeat_interleave(const Call& c) {
  const Tensor& x = c.tensor(0);
  if (c.has(2) && x.rank() == 0) c.fail("dimension specified but the tensor has no dimensions");
  const Tensor flat = c.has(2) ? x : tensor::reshape(x, tensor::Shape{-1});
  const std::int64_t dim = c.integer(2, 0);
  if (!c.is_tensor(1)) return tensor::repeat_each(flat, c.integer(1), dim);
  const Tensor& times = c.tensor(1);
  if (times.dtype() != tensor::DType::int64) c.fail("repeats has to be an int64 tensor");
  if (times.lead() > 0) tensor::need_positions("repeat_interleave");
  if (times.numel() == 1) return tensor::repeat_each(flat, tensor::reshape(times, {}).item().integer(), dim);
  const int d = flat.dim(dim, c.function());
  if (times.rank() != 1 || times.size(0) != flat.size(d))
    c.fail("repeats " + tensor::text(times.element_sizes()) +
           " must have the same size as input along dim, " + std::to_string(flat.size(d)));
  const Tensor counts = times.contiguous();
  const auto* n = counts.data<std::int64_t>();
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < counts.numel(); ++i) {
    if (n[i] < 0) c.fail("repeats can not be negative");
    total = tensor::count(tensor::Shape{1, n[i]}) + total;
    if (total > tensor::Storage::most_elements)
      throw Fault(FaultKind::limit, "repeat_interleave(): result too large");
  }
  Tensor places = Tensor::empty({total}, tensor::DType::int64);
  auto* at = places.write<std::int64_t>();
  for (std::int64_t i = 0; i < counts.numel(); ++i) at = std::fill_n(at, n[i], i);
  std::vector<Tensor> indices(static_cast<std::size_t>(d) + 1);
  indices.back() = places;
  return tensor::index(flat, std::move(indices), c.function());
}

/// Vectors as rows, columns or pages, for vstack, column_stack and dstack.
[[nodiscard]] inline Tensor at_least(const Tensor& x, int rank) {
  Tensor t = x;
  if (t.rank() == 0) t = t.inserted(t.axes());
  if (t.rank() == 1 && rank >= 2) t = t.inserted(t.lead());
  if (t.rank() == 2 && rank >= 3) t = t.inserted(t.axes());
  return t;
}

[[nodiscard]] inline Value split_parts(const Call& c, std::size_t size, std::size_t dim) {
  std::span<const Value> items;
  const std::int64_t d = c.integer(dim, 0);
  if (interp::sequence_items(c.value(size), items))
    return make(c.heap(), tensor::split_sizes(c.tensor(0), c.integers(size), d));
  return make(c.heap(), tensor::split(c.tensor(0), c.integer(size), d));
}

} // namespace detail

inline void add_shapes(Registry& r) {
  using namespace detail;
  using tensor::Shape;
  constexpr unsigned both = in_torch | as_method;
  r.add("reshape", as_method, "input, *shape",
        [](const Call& c) { return tensor::reshape(c.tensor(0), size_argument(c, 1)); });
  r.add("reshape", in_torch, "input, shape",
        [](const Call& c) { return tensor::reshape(c.tensor(0), size_argument(c, 1)); });
  r.add("view", as_method, "input, *size", [](const Call& c) {
    if (auto* t = c.value(1).as<interp::Tuple>(); t != nullptr && t->items.size() == 1)
      if (auto* d = t->items[0].as<TorchDtype>()) { // only the same width would be a reinterpretation
        if (d->resolved() == c.tensor(0).dtype()) return c.tensor(0);
        c.fail("reinterpreting elements is not supported");
      }
    return tensor::view(c.tensor(0), size_argument(c, 1));
  });
  r.add("reshape_as", as_method, "input, other",
        [](const Call& c) { return tensor::reshape(c.tensor(0), c.tensor(1).element_sizes()); });
  r.add("view_as", as_method, "input, other",
        [](const Call& c) { return tensor::view(c.tensor(0), c.tensor(1).element_sizes()); });
  r.add("permute", as_method, "input, *dims",
        [](const Call& c) { return tensor::permute(c.tensor(0), size_argument(c, 1)); });
  r.add("permute", in_torch, "input, dims",
        [](const Call& c) { return tensor::permute(c.tensor(0), size_argument(c, 1)); });
  r.add("transpose swapaxes swapdims", both, "input, dim0, dim1",
        [](const Call& c) { return tensor::transpose(c.tensor(0), c.integer(1), c.integer(2)); });
  r.add("t", both, "input", [](const Call& c) {
    if (c.tensor(0).rank() > 2)
      c.fail("expects a tensor with <= 2 dimensions, but self is " + std::to_string(c.tensor(0).rank()) +
             "D");
    return c.tensor(0).rank() < 2 ? c.tensor(0) : tensor::transpose(c.tensor(0), 0, 1);
  });
  r.add("movedim moveaxis", both, "input, source, destination", [](const Call& c) {
    return tensor::movedim(c.tensor(0), c.integers(1), c.integers(2), c.function());
  });
  r.add("unsqueeze", both, "input, dim",
        [](const Call& c) { return tensor::unsqueeze(c.tensor(0), c.integer(1)); });
  r.add("squeeze", both, "input, dim=", [](const Call& c) {
    const std::int64_t d = c.integer(1, 0);
    return tensor::squeeze(c.tensor(0), c.has(1) ? &d : nullptr);
  });
  r.add("flatten", both, "input, start_dim=, end_dim=", [](const Call& c) {
    return tensor::flatten(c.tensor(0), c.integer(1, 0), c.integer(2, -1));
  });
  r.add("ravel", both, "input",
        [](const Call& c) { return tensor::reshape(c.tensor(0), Shape{-1}, "ravel"); });
  r.add("unflatten", both, "input, dim, sizes",
        [](const Call& c) { return tensor::unflatten(c.tensor(0), c.integer(1), c.integers(2)); });
  r.add("expand", as_method, "input, *size",
        [](const Call& c) { return tensor::expand(c.tensor(0), size_argument(c, 1)); });
  r.add("expand_as", as_method, "input, other",
        [](const Call& c) { return tensor::expand(c.tensor(0), c.tensor(1).element_sizes()); });
  r.add("broadcast_to", both, "input, size",
        [](const Call& c) { return tensor::expand(c.tensor(0), size_argument(c, 1)); });
  r.add_value("broadcast_tensors", in_torch, "*tensors", [](const Call& c) {
    if (!c.has(0)) return make(c.heap(), std::vector<Tensor>());
    auto parts = c.tensors(0);
    Shape sizes;
    for (const Tensor& t : parts) sizes = tensor::broadcast_sizes(sizes, t.element_sizes(), c.function());
    for (Tensor& t : parts) t = tensor::broadcast_to(t, sizes, c.function());
    return make(c.heap(), std::move(parts));
  });
  r.add("repeat", as_method, "input, *repeats",
        [](const Call& c) { return tensor::repeat(c.tensor(0), size_argument(c, 1)); });
  r.add("tile", as_method, "input, *dims", [](const Call& c) {
    auto times = size_argument(c, 1);
    while (static_cast<int>(times.size()) < c.tensor(0).rank()) times.insert(times.begin(), 1);
    return tensor::repeat(c.tensor(0), times, "tile");
  });
  r.add("tile", in_torch, "input, dims", [](const Call& c) {
    auto times = size_argument(c, 1);
    while (static_cast<int>(times.size()) < c.tensor(0).rank()) times.insert(times.begin(), 1);
    return tensor::repeat(c.tensor(0), times, "tile");
  });
  r.add("repeat_interleave", both, "input, repeats, dim=, *, output_size=", repeat_interleave);
  r.add_value("chunk", both, "input, chunks, dim=", [](const Call& c) {
    return make(c.heap(), tensor::chunk(c.tensor(0), c.integer(1), c.integer(2, 0)));
  });
  r.add_value("split", in_torch,
              "tensor, split_size_or_sections, dim=", [](const Call& c) { return split_parts(c, 1, 2); });
  r.add_value("split", as_method,
              "tensor, split_size, dim=", [](const Call& c) { return split_parts(c, 1, 2); });
  r.add_value("unbind", both, "input, dim=", [](const Call& c) {
    return make(c.heap(), tensor::unbind(c.tensor(0), c.integer(1, 0)));
  });
  r.add("cat concat concatenate", in_torch,
        "tensors, dim=", [](const Call& c) { return tensor::cat(c.tensors(0), c.integer(1, 0)); });
  r.add("stack", in_torch,
        "tensors, dim=", [](const Call& c) { return tensor::stack(c.tensors(0), c.integer(1, 0)); });
  r.add("hstack", in_torch, "tensors", [](const Call& c) {
    auto parts = c.tensors(0);
    for (Tensor& t : parts) t = at_least(t, 1);
    const std::int64_t dim = !parts.empty() && parts.front().rank() == 1 ? 0 : 1;
    return tensor::cat(std::move(parts), dim, "hstack");
  });
  r.add("vstack row_stack", in_torch, "tensors", [](const Call& c) {
    auto parts = c.tensors(0);
    for (Tensor& t : parts) t = at_least(t, 2);
    return tensor::cat(std::move(parts), 0, "vstack");
  });
  r.add("dstack", in_torch, "tensors", [](const Call& c) {
    auto parts = c.tensors(0);
    for (Tensor& t : parts) t = at_least(t, 3);
    return tensor::cat(std::move(parts), 2, "dstack");
  });
  r.add("column_stack", in_torch, "tensors", [](const Call& c) {
    auto parts = c.tensors(0);
    for (Tensor& t : parts) {
      if (t.rank() == 0) t = t.inserted(t.axes());
      if (t.rank() == 1) t = t.inserted(t.axes());
    }
    return tensor::cat(std::move(parts), 1, "column_stack");
  });
  r.add("roll", both, "input, shifts, dims=", [](const Call& c) {
    return tensor::roll(c.tensor(0), c.integers(1), c.integers(2));
  });
  r.add("flip", as_method, "input, *dims",
        [](const Call& c) { return tensor::flip(c.tensor(0), size_argument(c, 1)); });
  r.add("flip", in_torch, "input, dims",
        [](const Call& c) { return tensor::flip(c.tensor(0), size_argument(c, 1)); });
  r.add("fliplr", both, "input", [](const Call& c) {
    if (c.tensor(0).rank() < 2) c.fail("input must be >= 2-d");
    return tensor::flip(c.tensor(0), Shape{1});
  });
  r.add("flipud", both, "input", [](const Call& c) {
    if (c.tensor(0).rank() < 1) c.fail("input must be >= 1-d");
    return tensor::flip(c.tensor(0), Shape{0});
  });
  r.add("tril", both | also_in_place, "input, diagonal=", [](const Call& c) {
    return tensor::triangle(c.tensor(0), c.integer(1, 0), true, "tril");
  });
  r.add("triu", both | also_in_place, "input, diagonal=", [](const Call& c) {
    return tensor::triangle(c.tensor(0), c.integer(1, 0), false, "triu");
  });
  r.add("narrow", both, "input, dim, start, length",
        [](const Call& c) { return tensor::narrow(c.tensor(0), c.integer(1), c.integer(2), c.integer(3)); });
  r.add("select", both, "input, dim, index",
        [](const Call& c) { return tensor::select(c.tensor(0), c.integer(1), c.integer(2)); });
  r.add("diagonal", both, "input, offset=, dim1=, dim2=", [](const Call& c) {
    return tensor::diagonal(c.tensor(0), c.integer(1, 0), c.integer(2, 0), c.integer(3, 1));
  });
  r.add("diag", both, "input, diagonal=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    if (x.rank() == 1) return tensor::diag_embed(x, c.integer(1, 0));
    if (x.rank() == 2) return tensor::diagonal(x, c.integer(1, 0), 0, 1).clone();
    c.fail("matrix or a vector expected, got shape " + tensor::text(x.element_sizes()));
  });
  r.add("diag_embed", both,
        "input, offset=", [](const Call& c) { return tensor::diag_embed(c.tensor(0), c.integer(1, 0)); });
  r.add("unfold", as_method, "input, dimension, size, step",
        [](const Call& c) { return tensor::unfold(c.tensor(0), c.integer(1), c.integer(2), c.integer(3)); });
  r.add("contiguous", as_method,
        "input, *, memory_format=", [](const Call& c) { return c.tensor(0).packed(); });
  r.add("clone", both, "input, *, memory_format=", [](const Call& c) { return c.tensor(0).clone(); });
  r.add_value("size", as_method, "input, dim=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    if (!c.has(1)) return make_sizes(c.heap(), x.element_sizes());
    if (x.rank() == 0) c.fail("dimension specified but the tensor has no dimensions");
    return Value::integer(x.size(x.dim(c.integer(1), c.function())));
  });
  r.add_value("shape", as_attribute, "input",
              [](const Call& c) { return make_sizes(c.heap(), c.tensor(0).element_sizes()); });
  r.add_value("dim ndimension", as_method, "input",
              [](const Call& c) { return Value::integer(c.tensor(0).rank()); });
  r.add_value("ndim", as_attribute, "input",
              [](const Call& c) { return Value::integer(c.tensor(0).rank()); });
  for (auto [name, where] : {std::pair{"numel", both}, {"nelement", unsigned{as_method}}})
    r.add_value(name, where, "input",
                [](const Call& c) { return Value::integer(c.tensor(0).element_count()); });
  r.add_value("is_contiguous", as_method, "input", [](const Call& c) {
    return Value::boolean(c.tensor(0)
                              .at(std::vector<std::int64_t>(static_cast<std::size_t>(c.tensor(0).lead()), 0))
                              .is_contiguous());
  });
  r.add("T", as_attribute, "input", [](const Call& c) {
    std::vector<std::int64_t> order;
    for (int d = c.tensor(0).rank(); d-- > 0;) order.push_back(d);
    return tensor::permute(c.tensor(0), order);
  });
  r.add("mT", as_attribute, "input", [](const Call& c) {
    if (c.tensor(0).rank() == 0) return c.tensor(0);
    if (c.tensor(0).rank() < 2) c.fail("tensor.mT is only supported on matrices or batches of matrices");
    return tensor::transpose(c.tensor(0), -2, -1);
  });
  r.add("atleast_1d", in_torch, "input", [](const Call& c) { return at_least(c.tensor(0), 1); });
  r.add("atleast_2d", in_torch, "input", [](const Call& c) { return at_least(c.tensor(0), 2); });
  r.add("atleast_3d", in_torch, "input", [](const Call& c) { return at_least(c.tensor(0), 3); });
}

} // namespace step::vocabulary
