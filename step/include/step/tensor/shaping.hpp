// SPDX-License-Identifier: MIT
// Views of a tensor in other shapes: reshape, transpose, squeeze, expand, split and the like.
// Everything counts element dimensions only; nothing is copied unless reshape must.
#pragma once

#include "step/tensor/batch.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace step::tensor {

using Integers = std::span<const std::int64_t>;

/// Fills in one -1 and checks the product. Fault{type} when the shape does not hold x's elements.
[[nodiscard]] inline Shape resolve_shape(const Tensor& x, Integers sizes, std::string_view function) {
  Shape out(sizes);
  int unknown = -1;
  for (int i = 0; i < out.size(); ++i) {
    if (out[i] >= 0) continue;
    if (out[i] != -1) fail(std::string(function) + "(): invalid shape dimension " + std::to_string(out[i]));
    if (unknown >= 0) fail(std::string(function) + "(): only one dimension can be inferred");
    unknown = i;
    out[i] = 1;
  }
  const std::int64_t have = x.element_count(), known = count(out);
  const bool fits = unknown < 0 ? have == known : known != 0 && have % known == 0;
  if (!fits)
    fail(std::string(function) + "(): shape " + text(sizes) + " is invalid for input of shape " +
         text(x.element_sizes()) + " (" + std::to_string(have) + " elements)");
  if (unknown >= 0) out[unknown] = have / known;
  return out;
}

/// The element axes in another shape: a view when possible.
[[nodiscard]] inline Tensor reshape(const Tensor& x, Integers sizes, std::string_view function = "reshape") {
  const Shape to = resolve_shape(x, sizes, function);
  if (auto v = x.viewed(x.lead(), to)) return *v;
  return *x.packed().viewed(x.lead(), to);
}

/// As reshape, but Fault{type} when the strides do not allow a view.
[[nodiscard]] inline Tensor view(const Tensor& x, Integers sizes) {
  const Shape to = resolve_shape(x, sizes, "view");
  if (auto v = x.viewed(x.lead(), to)) return *v;
  fail("view(): size " + text(sizes) + " is not compatible with input's size " + text(x.element_sizes()) +
       " and stride; use reshape instead");
}

[[nodiscard]] inline Tensor permute(const Tensor& x, Integers dims, std::string_view function = "permute") {
  if (static_cast<int>(dims.size()) != x.rank())
    fail(std::string(function) + "(): " + std::to_string(dims.size()) + " dims given for a tensor of shape " +
         text(x.element_sizes()));
  int order[max_axes];
  unsigned seen = 0;
  for (int i = 0; i < x.lead(); ++i) order[i] = i;
  for (int i = 0; i < x.rank(); ++i) {
    const int d = x.dim(dims[static_cast<std::size_t>(i)], function);
    if ((seen >> static_cast<unsigned>(d) & 1U) != 0) fail(std::string(function) + "(): repeated dim");
    seen |= 1U << static_cast<unsigned>(d);
    order[x.lead() + i] = x.lead() + d;
  }
  return x.permuted({order, static_cast<std::size_t>(x.axes())});
}

[[nodiscard]] inline Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b,
                                      std::string_view function = "transpose") {
  const int i = x.dim(a, function), j = x.dim(b, function);
  return x.rank() == 0 ? x : x.transposed(x.lead() + i, x.lead() + j);
}

/// Dimensions `from` move to places `to`; the others keep their order.
[[nodiscard]] inline Tensor movedim(const Tensor& x, Integers from, Integers to, std::string_view function) {
  const std::string name(function);
  if (from.size() != to.size())
    fail(name + "(): source and destination must have the same number of elements");
  if (x.rank() == 0) {
    for (auto list : {from, to})
      for (std::int64_t d : list) (void)x.dim(d, function);
    return x;
  }
  const auto n = static_cast<std::size_t>(x.rank());
  std::vector<std::int64_t> order(n, -1);
  std::vector<char> used(n, 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto s = static_cast<std::size_t>(x.dim(from[i], function)),
               d = static_cast<std::size_t>(x.dim(to[i], function));
    if (used[s] != 0 || order[d] != -1) fail(name + "(): repeated dim");
    used[s] = 1;
    order[d] = static_cast<std::int64_t>(s);
  }
  std::size_t next = 0;
  for (std::int64_t& o : order) {
    if (o != -1) continue;
    while (used[next] != 0) ++next;
    o = static_cast<std::int64_t>(next++);
  }
  return permute(x, order, function);
}

[[nodiscard]] inline Tensor unsqueeze(const Tensor& x, std::int64_t dim) {
  return x.inserted(x.lead() + Tensor::wrap(dim, x.rank() + 1, "unsqueeze"));
}

/// Removes dimensions of length 1: those in `dims`, or all.
[[nodiscard]] inline Tensor squeeze(const Tensor& x, const std::int64_t* dim) {
  Tensor t = x;
  if (dim != nullptr) {
    const int d = x.dim(*dim, "squeeze");
    return x.rank() > 0 && x.size(d) == 1 ? x.removed(x.lead() + d) : x;
  }
  for (int i = t.axes() - 1; i >= t.lead(); --i)
    if (t.sizes()[i] == 1) t = t.removed(i);
  return t;
}

/// Dimensions from `start` to `end`, both included, become one.
[[nodiscard]] inline Tensor flatten(const Tensor& x, std::int64_t start, std::int64_t end) {
  const int a = x.dim(start, "flatten"), b = x.dim(end, "flatten");
  if (a > b) fail("flatten(): start_dim cannot come after end_dim");
  if (x.rank() == 0) return x.inserted(x.axes());
  Shape sizes;
  std::int64_t merged = 1;
  for (int d = 0; d < x.rank(); ++d) {
    if (d >= a && d <= b) merged *= x.size(d);
    if (d < a || d > b)
      sizes.push_back(x.size(d));
    else if (d == b)
      sizes.push_back(merged);
  }
  return reshape(x, sizes, "flatten");
}

[[nodiscard]] inline Tensor unflatten(const Tensor& x, std::int64_t dim, Integers sizes) {
  const int d = x.dim(dim, "unflatten");
  if (x.rank() == 0) fail("unflatten(): expects at least one dimension");
  if (sizes.empty()) fail("unflatten(): sizes must be non-empty");
  std::int64_t known = 1;
  int unknown = -1;
  Shape parts(sizes);
  for (int i = 0; i < parts.size(); ++i) {
    if (parts[i] == -1 && unknown < 0)
      unknown = i;
    else
      known = count(Shape{known, parts[i]});
  }
  if (unknown >= 0 && known > 0) parts[unknown] = x.size(d) / known;
  if (unknown >= 0 && known == 0) fail("unflatten(): cannot infer a dimension beside one of length 0");
  if (count(parts) != x.size(d))
    fail("unflatten(): sizes " + text(sizes) + " don't multiply up to the size of dim " + std::to_string(d) +
         " (" + std::to_string(x.size(d)) + ") of shape " + text(x.element_sizes()));
  return x.split(x.lead() + d, parts);
}

/// As torch's expand: -1 keeps a length.
[[nodiscard]] inline Tensor expand(const Tensor& x, Integers sizes) {
  Shape to(sizes);
  const int shift = to.size() - x.rank();
  if (shift < 0)
    fail("expand(): the number of sizes provided (" + std::to_string(sizes.size()) +
         ") must be greater or equal to the number of dimensions in the tensor (" + std::to_string(x.rank()) +
         ")");
  for (int i = 0; i < to.size(); ++i)
    if (to[i] == -1 && i >= shift) to[i] = x.size(i - shift);
  for (std::int64_t s : to)
    if (s < 0) fail("expand(): invalid size in " + text(sizes));
  return broadcast_to(x, to, "expand");
}

[[nodiscard]] inline Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start,
                                   std::int64_t length) {
  if (x.rank() == 0) fail("narrow(): cannot be applied to a 0-dim tensor");
  const int d = x.dim(dim, "narrow");
  const std::int64_t n = x.size(d);
  if (start < -n || start > n)
    fail("narrow(): start " + std::to_string(start) + " out of range for size " + std::to_string(n));
  if (start < 0) start += n;
  if (length < 0 || start > n - length)
    fail("narrow(): start (" + std::to_string(start) + ") + length (" + std::to_string(length) +
         ") exceeds dimension size (" + std::to_string(n) + ")");
  return x.narrowed(x.lead() + d, start, length);
}

[[nodiscard]] inline Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index,
                                   std::string_view function = "select") {
  if (x.rank() == 0) fail(std::string(function) + "(): invalid index of a 0-dim tensor");
  const int d = x.dim(dim, function);
  const std::int64_t n = x.size(d);
  if (index < -n || index >= n)
    fail(std::string(function) + "(): index " + std::to_string(index) + " is out of bounds for dimension " +
         std::to_string(d) + " with size " + std::to_string(n));
  return x.selected(x.lead() + d, index < 0 ? index + n : index);
}

/// Parts of these lengths, which add up to the dimension's.
[[nodiscard]] inline std::vector<Tensor> split_sizes(const Tensor& x, Integers lengths, std::int64_t dim) {
  if (x.rank() == 0) fail("split(): expects at least a 1-dimensional tensor");
  const int d = x.dim(dim, "split");
  std::vector<Tensor> parts;
  std::int64_t at = 0;
  for (std::int64_t n : lengths) {
    if (n < 0 || n > x.size(d) - at) {
      at = -1;
      break;
    }
    Meter::current().step();
    parts.push_back(x.narrowed(x.lead() + d, at, n));
    at += n;
  }
  if (at != x.size(d))
    fail("split(): split_sizes " + text(lengths) + " do not sum to " + std::to_string(x.size(d)) +
         " (dimension " + std::to_string(d) + ")");
  return parts;
}

/// Parts of length `length`, the last one possibly shorter.
[[nodiscard]] inline std::vector<Tensor> split(const Tensor& x, std::int64_t length, std::int64_t dim) {
  if (x.rank() == 0) fail("split(): expects at least a 1-dimensional tensor");
  const int d = x.dim(dim, "split");
  const std::int64_t n = x.size(d);
  if (length < 0 || (length == 0 && n != 0))
    fail("split(): split_size " + std::to_string(length) + " is invalid");
  std::vector<Tensor> parts;
  for (std::int64_t at = 0; at == 0 || at < n; at += std::max<std::int64_t>(length, 1)) {
    Meter::current().step();
    parts.push_back(x.narrowed(x.lead() + d, at, std::min(length, n - at)));
  }
  return parts;
}

[[nodiscard]] inline std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim) {
  if (x.rank() == 0) fail("chunk(): expects at least a 1-dimensional tensor");
  if (chunks <= 0) fail("chunk(): expects `chunks` to be greater than 0, got " + std::to_string(chunks));
  const int d = x.dim(dim, "chunk");
  const std::int64_t n = x.size(d);
  const std::int64_t length = n / chunks + (n % chunks != 0 ? 1 : 0);
  if (length == 0) {
    Meter::current().step(static_cast<std::uint64_t>(chunks));
    return std::vector<Tensor>(static_cast<std::size_t>(chunks), x);
  }
  return split(x, length, dim);
}

[[nodiscard]] inline std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim) {
  if (x.rank() == 0) fail("unbind(): dimension specified as 0 but tensor has no dimensions");
  const int d = x.dim(dim, "unbind");
  Meter::current().step(static_cast<std::uint64_t>(x.size(d)));
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < x.size(d); ++i) parts.push_back(x.selected(x.lead() + d, i));
  return parts;
}

/// The diagonal of two dimensions as a new last one.
[[nodiscard]] inline Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1,
                                     std::int64_t dim2) {
  if (x.rank() < 2) fail("diagonal(): needs at least two dimensions, got shape " + text(x.element_sizes()));
  const int a = x.lead() + x.dim(dim1, "diagonal"), b = x.lead() + x.dim(dim2, "diagonal");
  if (a == b) fail("diagonal(): dimensions cannot be identical");
  Tensor t = x;
  const int cut = offset > 0 ? b : a;
  const std::int64_t n = t.sizes()[cut];
  const std::int64_t skip = std::min<std::int64_t>(offset > 0 ? offset : offset < -n ? n : -offset, n);
  t = t.narrowed(cut, skip, n - skip);
  Shape sizes = t.sizes(), strides = t.strides();
  const std::int64_t length = std::min(sizes[a], sizes[b]), step = strides[a] + strides[b];
  for (int axis : {std::max(a, b), std::min(a, b)}) {
    sizes.erase(axis);
    strides.erase(axis);
  }
  sizes.push_back(length);
  strides.push_back(step);
  return t.restrided(sizes, strides, x.lead());
}

/// Windows of `size` at distance `step` along a dimension, as a new last one.
[[nodiscard]] inline Tensor unfold(const Tensor& x, std::int64_t dim, std::int64_t size, std::int64_t step) {
  const int d = x.lead() + x.dim(dim, "unfold");
  if (x.rank() == 0 || size < 0 || size > x.sizes()[d] || step <= 0)
    fail("unfold(): window of size " + std::to_string(size) + " and step " + std::to_string(step) +
         " does not fit shape " + text(x.element_sizes()));
  Shape sizes = x.sizes(), strides = x.strides();
  sizes[d] = (x.sizes()[d] - size) / step + 1;
  sizes.push_back(size);
  strides.push_back(strides[d]);
  if (sizes[d] > 1) strides[d] *= step;
  return x.restrided(sizes, strides, x.lead());
}

} // namespace step::tensor
