// SPDX-License-Identifier: MIT
// A strided tensor of run-time rank whose leading axes may be a batch that programs do not see.
// Views share storage and cost no allocation; writing in place is seen through every view.
#pragma once

#include "step/tensor/shape.hpp"
#include "step/tensor/storage.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace step::tensor {

/// `axis` counts all axes, `dim` the element axes only (those behind the batch axes).
///
/// A tensor with lead() == n stands for one element tensor per position of its first n axes. An axis of
/// stride 0 holds equal values at all its positions, and operations keep such batch axes unexpanded.
class Tensor {
 public:
  /// No tensor; only assignment and defined() are allowed.
  Tensor() = default;

  // ---- making
  /// Uninitialised, row-major. `sizes` holds all axes, the first `lead` of them batch axes.
  [[nodiscard]] static Tensor empty(const Shape& sizes, DType dtype, int lead = 0) {
    Tensor t;
    t.numel_ = count(sizes);
    t.storage_ = Storage(t.numel_, size_of(dtype));
    t.dtype_ = dtype;
    t.lead_ = lead;
    t.sizes_ = sizes;
    t.strides_ = row_major(sizes);
    return t;
  }
  [[nodiscard]] static Tensor zeros(const Shape& sizes, DType dtype, int lead = 0) {
    Tensor t = empty(sizes, dtype, lead);
    std::memset(t.storage_.bytes(), 0, static_cast<std::size_t>(t.numel_) * size_of(dtype));
    return t;
  }
  [[nodiscard]] static Tensor full(const Shape& sizes, const Scalar& value, DType dtype, int lead = 0) {
    Tensor t = empty(sizes, dtype, lead);
    visit(dtype, [&]<class T>(std::type_identity<T>) { std::fill_n(t.write<T>(), t.numel_, value.as<T>()); });
    return t;
  }
  /// Rank 0, of the scalar's type.
  [[nodiscard]] static Tensor scalar(const Scalar& value) { return full({}, value, value.dtype()); }
  [[nodiscard]] static Tensor scalar(const Scalar& value, DType dtype) { return full({}, value, dtype); }
  /// A copy of `values` in row-major order; their number is the product of `sizes`.
  template <class T>
  [[nodiscard]] static Tensor of(std::span<const T> values, const Shape& sizes, int lead = 0) {
    Tensor t = empty(sizes, dtype_of<T>, lead);
    if (static_cast<std::int64_t>(values.size()) != t.numel_) fail("wrong number of values for a tensor");
    std::copy(values.begin(), values.end(), t.write<T>());
    return t;
  }

  // ---- reading
  [[nodiscard]] bool defined() const { return static_cast<bool>(storage_); }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] int lead() const { return lead_; }                 ///< batch axes
  [[nodiscard]] int axes() const { return sizes_.size(); }         ///< all axes
  [[nodiscard]] int rank() const { return sizes_.size() - lead_; } ///< element axes
  [[nodiscard]] const Shape& sizes() const { return sizes_; }
  [[nodiscard]] const Shape& strides() const { return strides_; } ///< in elements
  [[nodiscard]] std::int64_t numel() const { return numel_; }     ///< of all axes
  [[nodiscard]] std::span<const std::int64_t> lead_sizes() const { return sizes_.first(lead_); }
  [[nodiscard]] std::span<const std::int64_t> element_sizes() const { return sizes_.from(lead_); }
  /// Elements per position.
  [[nodiscard]] std::int64_t element_count() const { return count(element_sizes()); }
  [[nodiscard]] std::int64_t size(int dim) const { return sizes_[lead_ + dim]; }

  /// The first element; T is the C++ type of dtype().
  template <class T> [[nodiscard]] const T* data() const {
    return reinterpret_cast<const T*>(storage_.bytes()) + offset_;
  }
  /// The same for writing; Fault{type} when the storage is frozen.
  template <class T> [[nodiscard]] T* write() {
    if (storage_.frozen()) fail("in-place write to input data");
    return reinterpret_cast<T*>(storage_.bytes()) + offset_;
  }
  /// The only element as a number. Fault{per_position} when batched, Fault{type} when there is not exactly
  /// one.
  [[nodiscard]] Scalar item() const {
    if (lead_ > 0) need_positions("the value of a tensor");
    if (numel_ != 1)
      fail("a Tensor with " + std::to_string(numel_) + " elements cannot be converted to Scalar");
    return visit(dtype_, [&]<class T>(std::type_identity<T>) {
      if constexpr (std::is_floating_point_v<T>)
        return Scalar(static_cast<double>(*data<T>()));
      else
        return Scalar(*data<T>());
    });
  }
  [[nodiscard]] bool is_contiguous() const { return is_row_major(0); }
  [[nodiscard]] bool shares_storage(const Tensor& other) const { return storage_ == other.storage_; }
  /// Both refer to the same elements in the same order.
  [[nodiscard]] bool same_view(const Tensor& o) const {
    return storage_ == o.storage_ && offset_ == o.offset_ && sizes_ == o.sizes_ && strides_ == o.strides_;
  }
  [[nodiscard]] bool frozen() const { return storage_.frozen(); }
  /// Refuses writes through this and all other views from now on.
  Tensor& freeze() {
    storage_.freeze();
    return *this;
  }

  // ---- copies
  /// Row-major over all axes; the tensor itself when it already is. O(numel).
  [[nodiscard]] Tensor contiguous() const;
  /// New storage; batch axes of stride 0 stay so. O(distinct elements).
  [[nodiscard]] Tensor clone() const;
  /// As contiguous(), but only of the element axes, keeping batch axes of stride 0.
  [[nodiscard]] Tensor packed() const;
  /// Converted; the tensor itself when it has that type already.
  [[nodiscard]] Tensor to(DType dtype) const;

  // ---- views over all axes
  /// The same data with another number of batch axes.
  [[nodiscard]] Tensor with_lead(int lead) const& { return Tensor(*this).with_lead(lead); }
  [[nodiscard]] Tensor with_lead(int lead) && {
    lead_ = lead;
    return std::move(*this);
  }
  /// The element tensor at one position of the batch.
  [[nodiscard]] Tensor at(std::span<const std::int64_t> position) const {
    Tensor t = *this;
    for (std::size_t i = 0; i < position.size(); ++i) {
      t.offset_ += position[i] * strides_[static_cast<int>(i)];
      t.drop(0);
    }
    t.lead_ = lead_ - static_cast<int>(position.size());
    return t.counted();
  }
  /// Axis i of the result is axis order[i]; batch axes must stay in front.
  [[nodiscard]] Tensor permuted(std::span<const int> order) const {
    Tensor t = *this;
    for (int i = 0; i < axes(); ++i) {
      t.sizes_[i] = sizes_[order[static_cast<std::size_t>(i)]];
      t.strides_[i] = strides_[order[static_cast<std::size_t>(i)]];
    }
    return t;
  }
  [[nodiscard]] Tensor transposed(int a, int b) const {
    Tensor t = *this;
    std::swap(t.sizes_[a], t.sizes_[b]);
    std::swap(t.strides_[a], t.strides_[b]);
    return t;
  }
  /// Without `axis`, at index i of it (in range).
  [[nodiscard]] Tensor selected(int axis, std::int64_t i) const& { return Tensor(*this).selected(axis, i); }
  [[nodiscard]] Tensor selected(int axis, std::int64_t i) && {
    offset_ += i * strides_[axis];
    drop(axis);
    if (axis < lead_) --lead_;
    return std::move(counted());
  }
  /// `length` indices of `axis` from `start` with distance `step`, all in range.
  [[nodiscard]] Tensor narrowed(int axis, std::int64_t start, std::int64_t length,
                                std::int64_t step = 1) const& {
    return Tensor(*this).narrowed(axis, start, length, step);
  }
  [[nodiscard]] Tensor narrowed(int axis, std::int64_t start, std::int64_t length, std::int64_t step = 1) && {
    if (length > 0) offset_ += start * strides_[axis];
    sizes_[axis] = length;
    if (length > 1) strides_[axis] *= step;
    return std::move(counted());
  }
  /// With a new axis of length `size` and stride 0 before axis `axis`. It is a batch axis when axis < lead().
  [[nodiscard]] Tensor inserted(int axis, std::int64_t size = 1) const& {
    return Tensor(*this).inserted(axis, size);
  }
  [[nodiscard]] Tensor inserted(int axis, std::int64_t size = 1) && {
    sizes_.insert(axis, size);
    strides_.insert(axis, 0);
    if (axis < lead_) ++lead_;
    return std::move(size == 1 ? *this : counted());
  }
  /// Without `axis`, which has length 1 or stride 0.
  [[nodiscard]] Tensor removed(int axis) const& { return selected(axis, 0); }
  [[nodiscard]] Tensor removed(int axis) && { return std::move(*this).selected(axis, 0); }
  /// The axis of length 1 repeated without copying.
  [[nodiscard]] Tensor expanded(int axis, std::int64_t size) const {
    Tensor t = *this;
    t.sizes_[axis] = size;
    t.strides_[axis] = 0;
    return t.counted();
  }
  /// `axis` replaced by axes of these sizes, whose product is its length.
  [[nodiscard]] Tensor split(int axis, std::span<const std::int64_t> sizes) const {
    Tensor t = *this;
    std::int64_t step = strides_[axis];
    t.drop(axis);
    for (std::size_t i = sizes.size(); i-- > 0;) {
      t.sizes_.insert(axis, sizes[i]);
      t.strides_.insert(axis, step);
      step *= std::max<std::int64_t>(sizes[i], 1);
    }
    if (axis < lead_) t.lead_ += static_cast<int>(sizes.size()) - 1;
    return t.counted();
  }
  /// A view of the axes from `from` on in another shape of equal product, or nothing when strides forbid it.
  [[nodiscard]] std::optional<Tensor> viewed(int from, std::span<const std::int64_t> sizes) const;
  /// All axes in another shape of equal product; copies when it must. lead() of the result is `lead`.
  [[nodiscard]] Tensor reshaped(const Shape& sizes, int lead = 0) const {
    if (auto v = viewed(0, sizes)) return v->with_lead(lead);
    return contiguous().viewed(0, sizes)->with_lead(lead);
  }
  /// Any geometry over this storage: the caller answers for its being in range.
  [[nodiscard]] Tensor restrided(const Shape& sizes, const Shape& strides, int lead) const& {
    return Tensor(*this).restrided(sizes, strides, lead);
  }
  [[nodiscard]] Tensor restrided(const Shape& sizes, const Shape& strides, int lead) && {
    sizes_ = sizes;
    strides_ = strides;
    lead_ = lead;
    return std::move(counted());
  }

  // ---- batch axes of stride 0
  /// With stride-0 batch axes narrowed to length 1.
  [[nodiscard]] Tensor distinct() const {
    Tensor t = *this;
    for (int i = 0; i < lead_; ++i)
      if (strides_[i] == 0 && sizes_[i] > 1) t.sizes_[i] = 1;
    return t.counted();
  }
  /// Whether distinct() would change nothing.
  [[nodiscard]] bool is_distinct() const {
    for (int i = 0; i < lead_; ++i)
      if (strides_[i] == 0 && sizes_[i] > 1) return false;
    return true;
  }
  /// Batch axes of length 1 where `sizes` has another one, repeated to that length with stride 0.
  [[nodiscard]] Tensor regrown(std::span<const std::int64_t> lead) const& {
    return Tensor(*this).regrown(lead);
  }
  [[nodiscard]] Tensor regrown(std::span<const std::int64_t> lead) && {
    for (int i = 0; i < lead_; ++i)
      if (sizes_[i] != lead[static_cast<std::size_t>(i)]) {
        sizes_[i] = lead[static_cast<std::size_t>(i)];
        strides_[i] = 0;
      }
    return std::move(lead_ == 0 ? *this : counted());
  }
  // ---- dims
  /// `dim` counted from the front, checked; `function` names the caller in the message. Scalars accept 0 and
  /// -1.
  [[nodiscard]] int dim(std::int64_t d, std::string_view function) const { return wrap(d, rank(), function); }
  static int wrap(std::int64_t d, int rank, std::string_view function) {
    const int n = std::max(rank, 1);
    if (d < -n || d >= n)
      fail(std::string(function) + "(): Dimension out of range (expected to be in range of [" +
           std::to_string(-n) + ", " + std::to_string(n - 1) + "], but got " + std::to_string(d) + ")");
    return static_cast<int>(d < 0 ? d + n : d);
  }

 private:
  [[nodiscard]] bool is_row_major(int from) const {
    std::int64_t step = 1;
    if (numel_ == 0) return true;
    for (int i = axes() - 1; i >= from; --i) {
      if (sizes_[i] != 1 && strides_[i] != step) return false;
      step *= sizes_[i];
    }
    return true;
  }
  void drop(int axis) {
    sizes_.erase(axis);
    strides_.erase(axis);
  }
  Tensor& counted() {
    numel_ = count(sizes_);
    return *this;
  }
  [[nodiscard]] Tensor copied(DType dtype) const;

  Storage storage_;
  std::int64_t offset_ = 0;
  std::int64_t numel_ = 0;
  Shape sizes_;
  Shape strides_;
  DType dtype_ = DType::float32;
  int lead_ = 0;
};

// PyTorch's rule: consecutive old axes that are contiguous among themselves form chunks, and the new axes
// must divide the chunks exactly.
inline std::optional<Tensor> Tensor::viewed(int from, std::span<const std::int64_t> sizes) const {
  Tensor t = *this;
  while (t.axes() > from) t.drop(t.axes() - 1);
  const int n = static_cast<int>(sizes.size());
  if (numel_ == 0 || axes() == from) {
    const Shape steps = row_major(sizes);
    for (int i = 0; i < n; ++i) {
      t.sizes_.push_back(sizes[static_cast<std::size_t>(i)]);
      t.strides_.push_back(steps[i]);
    }
    t.lead_ = std::min(t.lead_, from);
    return t.counted();
  }
  Shape steps(n, 0);
  int at = n - 1;
  std::int64_t chunk_step = strides_[axes() - 1];
  std::int64_t chunk = 1;
  std::int64_t made = 1;
  for (int i = axes() - 1; i >= from; --i) {
    chunk *= sizes_[i];
    const bool ends = i == from || (sizes_[i - 1] != 1 && strides_[i - 1] != chunk * chunk_step);
    if (!ends) continue;
    while (at >= 0 && (made < chunk || sizes[static_cast<std::size_t>(at)] == 1)) {
      steps[at] = made * chunk_step;
      made *= sizes[static_cast<std::size_t>(at)];
      --at;
    }
    if (made != chunk) return std::nullopt;
    if (i > from) {
      chunk_step = strides_[i - 1];
      chunk = made = 1;
    }
  }
  if (at != -1) return std::nullopt;
  for (int i = 0; i < n; ++i) {
    t.sizes_.push_back(sizes[static_cast<std::size_t>(i)]);
    t.strides_.push_back(steps[i]);
  }
  t.lead_ = std::min(t.lead_, from);
  return t.counted();
}

} // namespace step::tensor

#include "step/tensor/convert.hpp"
