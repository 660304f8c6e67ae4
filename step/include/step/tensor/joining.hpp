// SPDX-License-Identifier: MIT
// Operations that copy elements to new places: concatenation, stacking, repetition, rolling, flipping,
// padding. The batch axes of all operands are aligned first.
#pragma once

#include "step/tensor/binary.hpp"
#include "step/tensor/shaping.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace step::tensor {

/// Operands one after another along `dim`, promoted to a common type. Empty vectors of shape [0] are skipped.
[[nodiscard]] inline Tensor cat(std::vector<Tensor> parts, std::int64_t dim,
                                std::string_view function = "cat") {
  const std::string name(function);
  if (parts.empty()) fail(name + "(): expected a non-empty list of Tensors");
  Promotion promotion;
  for (const Tensor& t : parts) {
    promotion.add(t.dtype(), t.rank());
    if (t.rank() == 0) fail(name + "(): zero-dimensional tensor cannot be concatenated");
  }
  const Shape lead = align(parts);
  const Tensor* shaped = &parts.front();
  for (const Tensor& t : parts)
    if (!(t.rank() == 1 && t.size(0) == 0)) {
      shaped = &t;
      break;
    }
  const int d = shaped->dim(dim, function), axis = shaped->lead() + d;
  Shape sizes = shaped->sizes();
  std::int64_t total = 0;
  for (const Tensor& t : parts) {
    if (t.rank() == 1 && t.size(0) == 0) continue;
    bool fits = t.rank() == shaped->rank();
    for (int i = 0; i < t.rank() && fits; ++i) fits = i == d || t.size(i) == shaped->size(i);
    if (!fits)
      fail(name + "(): sizes of tensors must match except in dimension " + std::to_string(d) + ", but got " +
           text(shaped->element_sizes()) + " and " + text(t.element_sizes()));
    total += t.size(d);
  }
  sizes[axis] = total;
  Tensor out = Tensor::empty(sizes, promotion.result(), shaped->lead());
  std::int64_t at = 0;
  for (const Tensor& t : parts) {
    if (t.rank() == 1 && t.size(0) == 0) continue;
    Tensor place = out.narrowed(axis, at, t.size(d));
    copy(place, t);
    at += t.size(d);
  }
  return out.regrown(lead);
}

/// Operands of equal shape along a new dimension.
[[nodiscard]] inline Tensor stack(std::vector<Tensor> parts, std::int64_t dim,
                                  std::string_view function = "stack") {
  if (parts.empty()) fail(std::string(function) + "(): expected a non-empty list of Tensors");
  const int d = Tensor::wrap(dim, parts.front().rank() + 1, function);
  for (const Tensor& t : parts)
    if (Shape(t.element_sizes()) != Shape(parts.front().element_sizes()))
      fail(std::string(function) + "(): expects each tensor to be equal size, but got " +
           text(parts.front().element_sizes()) + " and " + text(t.element_sizes()));
  Promotion promotion;
  for (const Tensor& t : parts) promotion.add(t.dtype(), t.rank());
  const Shape lead = align(parts);
  Shape sizes = parts.front().sizes();
  const int axis = parts.front().lead() + d;
  sizes.insert(axis, static_cast<std::int64_t>(parts.size()));
  Tensor out = Tensor::empty(sizes, promotion.result(), parts.front().lead());
  // Where parts lie side by side, all of them are written before the cache has lost the place.
  const std::int64_t n = parts.front().sizes().empty() ? 1 : parts.front().sizes()[0];
  const std::int64_t rest = n == 0 ? 1 : parts.front().numel() / n;
  const std::int64_t chunk =
      axis == 0 || out.numel() < 4096 ? n : std::max<std::int64_t>(1024 / std::max<std::int64_t>(rest, 1), 1);
  for (std::int64_t from = 0; from < n; from += chunk)
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Tensor place = out.selected(axis, static_cast<std::int64_t>(i));
      if (chunk == n) {
        copy(place, parts[i]);
        continue;
      }
      const std::int64_t m = std::min(chunk, n - from);
      place = std::move(place).narrowed(0, from, m);
      copy(place, parts[i].narrowed(0, from, m));
    }
  return std::move(out).regrown(lead);
}

/// x copied `times[i]` times along dimension i, after 1s were put before its sizes.
[[nodiscard]] inline Tensor repeat(const Tensor& x, Integers times, std::string_view function = "repeat") {
  const int n = static_cast<int>(times.size());
  if (n < x.rank())
    fail(std::string(function) +
         "(): number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  for (std::int64_t t : times)
    if (t < 0) fail(std::string(function) + "(): repeats must not be negative, got " + text(times));
  Tensor t = x.distinct();
  for (int i = x.rank(); i < n; ++i) t = t.inserted(t.lead());
  Shape sizes = t.sizes();
  for (int i = 0; i < n; ++i)
    sizes[t.lead() + i] = count(Shape{sizes[t.lead() + i], times[static_cast<std::size_t>(i)]});
  Tensor out = Tensor::empty(sizes, x.dtype(), t.lead());
  if (out.numel() == 0) return out.regrown(x.lead_sizes());
  // One dimension at a time, so that rank 12 suffices: out viewed as (.., times, size, ..) receives an
  // expanded t.
  for (int i = n - 1; i >= 0; --i) {
    const int axis = t.lead() + i;
    const std::int64_t k = times[static_cast<std::size_t>(i)], s = t.sizes()[axis];
    if (k == 1) continue;
    Shape now = t.sizes();
    now[axis] = k * s;
    Tensor next = Tensor::empty(now, x.dtype(), t.lead());
    Tensor place = next.split(axis, Shape{k, s});
    copy(place, t.inserted(axis, k).with_lead(t.lead()));
    t = next;
  }
  copy(out, t);
  return out.regrown(x.lead_sizes());
}

/// Each element `times` times in place, along `dim`.
[[nodiscard]] inline Tensor repeat_each(const Tensor& x, std::int64_t times, std::int64_t dim) {
  if (times < 0) fail("repeat_interleave(): repeats must not be negative, got " + std::to_string(times));
  const Tensor t = x.rank() == 0 ? x.inserted(x.axes()) : x;
  const int d = t.dim(dim, "repeat_interleave");
  Shape sizes(t.element_sizes());
  sizes[d] = count(Shape{sizes[d], times});
  return reshape(t.inserted(t.lead() + d + 1, times), sizes, "repeat_interleave");
}

/// Moves elements by `shifts` along `dims`, around the end; along the flattened tensor when `dims` is empty.
[[nodiscard]] inline Tensor roll(const Tensor& x, Integers shifts, Integers dims) {
  if (shifts.empty()) fail("roll(): `shifts` required");
  if (dims.empty()) {
    if (shifts.size() != 1) fail("roll(): shifts and dimensions must align");
    const std::int64_t zero = 0;
    return reshape(roll(reshape(x, Shape{-1}), shifts, {&zero, 1}), x.element_sizes());
  }
  if (shifts.size() != dims.size()) fail("roll(): shifts and dimensions must align");
  if (x.rank() == 0)
    fail("roll(): dimension specified as " + std::to_string(dims[0]) + " but tensor has no dimensions");
  if (x.element_count() == 0) return x.clone();
  Tensor t = x;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const int d = t.dim(dims[i], "roll");
    const std::int64_t n = t.size(d), s = (shifts[i] % n + n) % n;
    const int axis = t.lead() + d;
    t = cat({t.narrowed(axis, n - s, s), t.narrowed(axis, 0, n - s)}, d, "roll");
  }
  return t.same_view(x) ? t.clone() : t;
}

[[nodiscard]] inline Tensor flip(const Tensor& x, Integers dims) {
  Tensor t = x;
  unsigned seen = 0;
  for (std::int64_t dim : dims) {
    const int d = x.dim(dim, "flip");
    if ((seen >> static_cast<unsigned>(d) & 1U) != 0) fail("flip(): repeated dim");
    seen |= 1U << static_cast<unsigned>(d);
    if (x.rank() == 0 || x.size(d) == 0) continue;
    t = t.narrowed(x.lead() + d, x.size(d) - 1, x.size(d), -1); // a negative stride lives only until the copy
  }
  return t.clone();
}

/// Keeps the elements of the last two dimensions on one side of a diagonal.
[[nodiscard]] inline Tensor triangle(const Tensor& x, std::int64_t diagonal, bool lower,
                                     std::string_view function) {
  if (x.rank() < 2) fail(std::string(function) + "(): input tensor must have at least 2 dimensions");
  const std::int64_t rows = x.size(x.rank() - 2), columns = x.size(x.rank() - 1);
  Tensor mask = Tensor::empty({rows, columns}, DType::boolean);
  bool* m = mask.write<bool>();
  const std::int64_t limit = std::int64_t{1} << 41;
  diagonal = std::clamp(diagonal, -limit, limit);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      m[i * columns + j] = lower ? j - i <= diagonal : j - i >= diagonal;
  return where(mask, x, Scalar(false));
}

/// Vectors become matrices with that diagonal.
[[nodiscard]] inline Tensor diag_embed(const Tensor& x, std::int64_t offset) {
  if (x.rank() == 0) fail("diag_embed(): needs at least one dimension");
  const std::int64_t n = x.size(x.rank() - 1);
  if (std::abs(offset) > Storage::most_elements)
    throw Fault(FaultKind::limit, "diag_embed(): offset too large");
  const std::int64_t side = n + std::abs(offset);
  const Tensor source = x.distinct();
  Shape sizes = source.sizes();
  sizes[sizes.size() - 1] = side;
  sizes.push_back(side);
  const Tensor out = Tensor::zeros(sizes, x.dtype(), x.lead());
  Tensor line = diagonal(out, offset, -2, -1);
  copy(line, source);
  return out.regrown(x.lead_sizes());
}

/// `amounts` are (before, after) pairs from the last dimension on, as in torch.nn.functional.pad; negative
/// ones crop.
[[nodiscard]] inline Tensor pad(const Tensor& x, Integers amounts, const Scalar& value) {
  if (amounts.size() % 2 != 0 || static_cast<int>(amounts.size() / 2) > x.rank())
    fail("pad(): padding " + text(amounts) + " does not fit shape " + text(x.element_sizes()));
  Tensor source = x.distinct();
  Shape sizes = source.sizes();
  Tensor window = source;
  std::vector<std::pair<int, std::int64_t>> places;
  for (std::size_t i = 0; i < amounts.size() / 2; ++i) {
    const int axis = source.axes() - 1 - static_cast<int>(i);
    const std::int64_t before = amounts[2 * i], after = amounts[2 * i + 1];
    if (std::max(std::abs(before), std::abs(after)) > Storage::most_elements)
      throw Fault(FaultKind::limit, "pad(): padding too large");
    sizes[axis] += before + after;
    if (sizes[axis] < 0) fail("pad(): resulting dimension size would be negative");
    const std::int64_t first = std::max<std::int64_t>(-before, 0), last = std::max<std::int64_t>(-after, 0);
    window = window.narrowed(axis, first, std::max<std::int64_t>(window.sizes()[axis] - first - last, 0));
    places.emplace_back(axis, std::max<std::int64_t>(before, 0));
  }
  const Tensor out = Tensor::full(sizes, value, x.dtype(), x.lead());
  if (window.numel() > 0) {
    Tensor place = out;
    for (auto [axis, start] : places) place = place.narrowed(axis, start, window.sizes()[axis]);
    copy(place, window);
  }
  return out.regrown(x.lead_sizes());
}

} // namespace step::tensor
