// SPDX-License-Identifier: MIT
// Brings the operands of one operation to common batch axes and common element axes, and takes results back.
// Batch axes along which no operand varies are computed once.
#pragma once

#include "step/tensor/tensor.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace step::tensor {

/// The batch sizes of whichever operands have some; Fault{type} when they disagree.
[[nodiscard]] inline Shape common_lead(std::span<const Tensor* const> operands) {
  const Tensor* found = nullptr;
  for (const Tensor* t : operands) {
    if (t->lead() == 0) continue;
    if (found == nullptr)
      found = t;
    else if (Shape(t->lead_sizes()) != Shape(found->lead_sizes()))
      fail("operands belong to different batches: " + text(t->lead_sizes()) + " and " +
           text(found->lead_sizes()));
  }
  return found == nullptr ? Shape{} : Shape(found->lead_sizes());
}

/// An unbatched tensor with batch axes of stride 0; a batched one unchanged.
[[nodiscard]] inline Tensor with_batch(const Tensor& t, const Shape& lead) {
  if (t.lead() > 0 || lead.empty()) return t;
  Shape sizes = lead, strides(lead.size(), 0);
  sizes.append(t.sizes());
  strides.append(t.strides());
  return t.restrided(sizes, strides, lead.size());
}

/// Gives all operands the same batch axes, of length 1 where none of them varies, and returns the full batch
/// sizes. Results computed from them are completed by regrown(). With no batched operand nothing happens.
inline Shape align(std::span<Tensor> operands) {
  Shape lead;
  for (const Tensor& t : operands) {
    if (t.lead() == 0) continue;
    if (lead.empty())
      lead = Shape(t.lead_sizes());
    else if (lead != Shape(t.lead_sizes()))
      fail("operands belong to different batches: " + text(t.lead_sizes()) + " and " + text(lead));
  }
  if (lead.empty()) return lead;
  for (Tensor& t : operands) t = with_batch(t, lead);
  for (int i = 0; i < lead.size(); ++i) {
    bool varies = lead[i] == 0;
    for (const Tensor& t : operands) varies = varies || t.strides()[i] != 0;
    if (varies) continue;
    for (Tensor& t : operands) t = t.narrowed(i, 0, 1);
  }
  return lead;
}

/// Element sizes to which both broadcast; Fault{type} naming `function` and both shapes otherwise.
[[nodiscard]] inline Shape broadcast_sizes(std::span<const std::int64_t> a, std::span<const std::int64_t> b,
                                           std::string_view function) {
  if (a.size() < b.size()) std::swap(a, b);
  Shape out(a);
  const int shift = static_cast<int>(a.size() - b.size());
  for (int i = shift; i < out.size(); ++i) {
    const std::int64_t n = b[static_cast<std::size_t>(i - shift)];
    if (out[i] == n || n == 1) continue;
    if (out[i] != 1)
      fail(std::string(function) + "(): shapes " + text(a) + " and " + text(b) +
           " do not broadcast at dimension " + std::to_string(i) + " (" + std::to_string(out[i]) + " and " +
           std::to_string(n) + ")");
    out[i] = n;
  }
  return out;
}

/// A view with these element sizes: new axes in front, axes of length 1 repeated.
[[nodiscard]] inline Tensor broadcast_to(const Tensor& t, std::span<const std::int64_t> sizes,
                                         std::string_view function) {
  const int n = static_cast<int>(sizes.size());
  const int shift = n - t.rank();
  bool fits = shift >= 0;
  Shape s(t.lead_sizes()), steps(t.strides().first(t.lead()));
  for (int i = 0; i < n && fits; ++i) {
    const std::int64_t want = sizes[static_cast<std::size_t>(i)];
    const std::int64_t have = i < shift ? 1 : t.size(i - shift);
    fits = have == want || have == 1;
    s.push_back(want);
    steps.push_back(i < shift || have != want || have == 1 ? 0 : t.strides()[t.lead() + i - shift]);
  }
  if (!fits)
    fail(std::string(function) + "(): shape " + text(t.element_sizes()) + " does not broadcast to " +
         text(sizes));
  return t.restrided(s, steps, t.lead());
}

/// Operands of an element-wise operation laid over one another.
template <int N> struct Overlay {
  Shape lead;                   ///< full batch sizes
  Shape sizes;                  ///< all axes, batch axes along which nothing varies with length 1
  std::array<Shape, N> strides; ///< of each operand along `sizes`

  [[nodiscard]] Tensor make(DType dtype) const { return Tensor::empty(sizes, dtype, lead.size()); }
  [[nodiscard]] Tensor finish(Tensor out) const { return std::move(out).regrown(lead); }
};

/// Says which operands do not broadcast.
template <int N>
[[noreturn, gnu::cold]] void refuse_overlay(const std::array<const Tensor*, N>& operands,
                                            std::string_view function) {
  Shape all;
  for (const Tensor* t : operands)
    if (t != nullptr) all = broadcast_sizes(all, t->element_sizes(), function);
  fail(std::string(function) + "(): shapes do not broadcast");
}

/// A null operand stands for a Python number. Fault{type} for operands that do not broadcast.
template <int N>
[[nodiscard]] Overlay<N> overlay(const std::array<const Tensor*, N>& operands, std::string_view function) {
  Overlay<N> o;
  int rank = 0;
  for (const Tensor* t : operands) {
    if (t == nullptr) continue;
    rank = std::max(rank, t->rank());
    if (t->lead() == 0) continue;
    if (o.lead.empty())
      o.lead = Shape(t->lead_sizes());
    else if (o.lead != Shape(t->lead_sizes()))
      fail("operands belong to different batches: " + text(t->lead_sizes()) + " and " + text(o.lead));
  }
  const int lead = o.lead.size();
  for (int i = 0; i < lead; ++i) {
    bool varies = o.lead[i] == 0;
    for (const Tensor* t : operands)
      varies = varies || (t != nullptr && t->lead() > 0 && t->strides()[i] != 0);
    o.sizes.push_back(varies ? o.lead[i] : 1);
    for (std::size_t k = 0; k < static_cast<std::size_t>(N); ++k)
      o.strides[k].push_back(operands[k] != nullptr && operands[k]->lead() > 0 ? operands[k]->strides()[i]
                                                                               : 0);
  }
  for (int i = 0; i < rank; ++i) {
    std::int64_t size = 1;
    for (std::size_t k = 0; k < static_cast<std::size_t>(N); ++k) {
      const Tensor* t = operands[k];
      const int d = t == nullptr ? -1 : i - (rank - t->rank());
      const std::int64_t n = d < 0 ? 1 : t->size(d);
      if (n != 1 && size != 1 && n != size) refuse_overlay<N>(operands, function);
      if (n != 1) size = n;
      o.strides[k].push_back(n == 1 ? 0 : t->strides()[t->lead() + d]);
    }
    o.sizes.push_back(size);
  }
  return o;
}

/// Writes `value` into `self` as an in-place operation does: `value` broadcasts to self, self is neither
/// frozen nor repeated, and the category of value's type is not higher. Fault{per_position} when positions
/// share the target.
inline void assign(Tensor& self, Tensor value, std::string_view function) {
  if (self.frozen()) fail("in-place write to input data");
  if ((is_floating(value.dtype()) && !is_floating(self.dtype())) ||
      (value.dtype() != DType::boolean && self.dtype() == DType::boolean))
    fail(std::string(function) + "(): result type " + std::string(name_of(value.dtype())) +
         " can't be cast to the desired output type " + std::string(name_of(self.dtype())));
  if (value.lead() > 0 && self.lead() == 0) need_positions("an in-place write to a shared tensor");
  (void)common_lead(std::array<const Tensor*, 2>{&self, &value});
  Tensor target = self;
  value = with_batch(broadcast_to(value, self.element_sizes(), function), Shape(self.lead_sizes()));
  for (int i = 0; i < self.axes(); ++i) {
    if (self.strides()[i] != 0 || self.sizes()[i] <= 1) continue;
    if (value.strides()[i] != 0) {
      if (i < self.lead()) need_positions("an in-place write to a shared tensor");
      fail(std::string(function) +
           "(): more than one element of the written-to tensor refers to a single memory location");
    }
    target = target.narrowed(i, 0, 1);
    value = value.narrowed(i, 0, 1);
  }
  if (value.shares_storage(target)) {
    if (value.same_view(target)) return;
    value = value.clone();
  }
  copy(target, value);
}

/// One batched tensor from the values at all positions, in row-major order of `lead`. The values agree in
/// shape.
[[nodiscard]] inline Tensor stack_positions(std::span<const Tensor> values, const Shape& lead) {
  if (values.empty()) fail("no position to take a shape from");
  Shape sizes = lead;
  sizes.append(values.front().sizes());
  DType dtype = values.front().dtype();
  for (const Tensor& v : values) dtype = promote(dtype, v.dtype());
  Tensor out = Tensor::empty(sizes, dtype, lead.size());
  Shape flat{static_cast<std::int64_t>(values.size())};
  flat.append(values.front().sizes());
  const Tensor rows = *out.viewed(0, flat);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].sizes() != values.front().sizes())
      fail("positions disagree in shape: " + text(values[i].sizes()) + " and " +
           text(values.front().sizes()));
    Tensor row = rows.selected(0, static_cast<std::int64_t>(i));
    copy(row, values[i]);
  }
  return out;
}

} // namespace step::tensor
