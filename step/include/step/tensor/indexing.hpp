// SPDX-License-Identifier: MIT
// Reading and writing at places given by index tensors: x[i, j], gather, scatter, nonzero, one_hot.
// Indices may differ per position of a batch; what depends on the number of true elements may not.
#pragma once

#include "step/tensor/reduce.hpp"
#include "step/tensor/shaping.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace step::tensor {

/// How values are combined with what is there.
enum class Store : std::uint8_t { set, add, multiply };

namespace detail {

[[noreturn]] inline void out_of_bounds(std::string_view function, std::int64_t i, std::int64_t n) {
  throw Fault(FaultKind::value, std::string(function) + "(): index " + std::to_string(i) +
                                    " is out of bounds for dimension with size " + std::to_string(n));
}

template <class T> void store(T& to, T v, Store how) {
  if constexpr (std::is_same_v<T, bool>)
    to = how == Store::set ? v : how == Store::add ? to || v : to && v;
  else if constexpr (std::is_integral_v<T>)
    to = how == Store::set   ? v
         : how == Store::add ? wrapped(word(to) + word(v))
                             : wrapped(word(to) * word(v));
  else
    to = how == Store::set ? v : how == Store::add ? to + v : to * v;
}

/// Where the elements addressed by index tensors lie, relative to the first element of the batch position.
struct Places {
  Tensor offsets;           ///< (batch.., index shape..) int64, row-major
  Shape outer_strides;      ///< of the indexed tensor along the axes of `offsets`: 0 behind the batch axes
  Shape rest, rest_strides; ///< axes that are not indexed
  int first = 0;            ///< the first indexed dimension
  bool adjacent = true;     ///< the indexed dimensions are neighbours
};

/// `indices[d]` is the int64 index tensor of dimension d or undefined; all aligned with x.
[[nodiscard]] inline Places locate(const Tensor& x, const std::vector<Tensor>& indices,
                                   std::string_view function) {
  Places p;
  Shape shape;
  int last = -1;
  for (int d = 0; d < x.rank(); ++d) {
    const bool indexed =
        d < static_cast<int>(indices.size()) && indices[static_cast<std::size_t>(d)].defined();
    if (!indexed) {
      p.rest.push_back(x.size(d));
      p.rest_strides.push_back(x.strides()[x.lead() + d]);
      continue;
    }
    const Tensor& places = indices[static_cast<std::size_t>(d)];
    if (places.dtype() != DType::int64)
      fail(std::string(function) + "(): expected int64 indices, got " + std::string(name_of(places.dtype())));
    shape = broadcast_sizes(shape, places.element_sizes(), function);
    if (last < 0)
      p.first = d;
    else if (d != last + 1)
      p.adjacent = false;
    last = d;
  }
  Shape sizes(x.lead_sizes());
  p.outer_strides = Shape(x.strides().first(x.lead()));
  for (std::int64_t s : shape) {
    sizes.push_back(s);
    p.outer_strides.push_back(0);
  }
  p.offsets = Tensor::zeros(sizes, DType::int64, x.lead());
  Meter::current().work(static_cast<std::uint64_t>(p.offsets.numel()) *
                        static_cast<std::uint64_t>(indices.size()));
  auto* to = p.offsets.write<std::int64_t>();
  for (int d = 0; d < x.rank() && d < static_cast<int>(indices.size()); ++d) {
    if (!indices[static_cast<std::size_t>(d)].defined()) continue;
    const Tensor index = broadcast_to(indices[static_cast<std::size_t>(d)], shape, function);
    const auto* in = index.data<std::int64_t>();
    const std::int64_t n = x.size(d), step = x.strides()[x.lead() + d];
    for_tiles<2>(sizes, {&p.offsets.strides(), &index.strides()}, [&](const Tile<2>& t) {
      for (std::int64_t r = 0; r < t.rows; ++r)
        for (std::int64_t i = 0; i < t.length; ++i) {
          std::int64_t v = in[t.offset[1] + r * t.row_stride[1] + i * t.stride[1]];
          if (v < -n || v >= n) out_of_bounds(function, v, n);
          to[t.offset[0] + r * t.row_stride[0] + i * t.stride[0]] += (v < 0 ? v + n : v) * step;
        }
    });
  }
  return p;
}

/// Calls body(offset in x, offset in other) for every addressed element; `other` has axes (batch, index,
/// rest).
template <class Body> void for_places(const Places& p, const Tensor& other, Body&& body) {
  const int outer = p.offsets.axes();
  const Shape other_outer(other.strides().first(outer)), other_rest(other.strides().from(outer));
  const auto* offsets = p.offsets.data<std::int64_t>();
  Meter::current().work(static_cast<std::uint64_t>(other.numel()) +
                        16 * static_cast<std::uint64_t>(p.offsets.numel()));
  if (count(p.rest) == 0) return;
  for_tiles<3>(p.offsets.sizes(), {&p.offsets.strides(), &p.outer_strides, &other_outer},
               [&](const Tile<3>& t) {
                 for (std::int64_t r = 0; r < t.rows; ++r)
                   for (std::int64_t i = 0; i < t.length; ++i) {
                     const std::int64_t x = offsets[t.offset[0] + r * t.row_stride[0] + i * t.stride[0]] +
                                            t.offset[1] + r * t.row_stride[1] + i * t.stride[1];
                     const std::int64_t o = t.offset[2] + r * t.row_stride[2] + i * t.stride[2];
                     if (p.rest.empty()) {
                       body(x, o);
                       continue;
                     }
                     for_tiles<2>(p.rest, {&p.rest_strides, &other_rest}, [&](const Tile<2>& u) {
                       for (std::int64_t k = 0; k < u.rows; ++k)
                         for (std::int64_t j = 0; j < u.length; ++j)
                           body(x + u.offset[0] + k * u.row_stride[0] + j * u.stride[0],
                                o + u.offset[1] + k * u.row_stride[1] + j * u.stride[1]);
                     });
                   }
               });
}

/// (index dims, rest dims) to the order of the result: the index dims stand where the first indexed dim was
/// when all indexed dims were neighbours, else in front. `back` inverts it.
[[nodiscard]] inline Tensor place_index_dims(const Tensor& t, const Places& p, bool back) {
  const int n = p.offsets.axes() - p.offsets.lead();
  if (!p.adjacent || p.first == 0 || n == 0) return t;
  std::vector<std::int64_t> from, to;
  for (int i = 0; i < n; ++i) {
    from.push_back(i);
    to.push_back(p.first + i);
  }
  return back ? movedim(t, to, from, "index") : movedim(t, from, to, "index");
}

[[nodiscard]] inline std::vector<Tensor> with_operand(const std::vector<Tensor>& indices, const Tensor& x) {
  std::vector<Tensor> all{x};
  for (const Tensor& t : indices)
    if (t.defined()) all.push_back(t);
  return all;
}
inline void take_back(std::vector<Tensor>& indices, const std::vector<Tensor>& aligned) {
  std::size_t k = 1;
  for (Tensor& t : indices)
    if (t.defined()) t = aligned[k++];
}

} // namespace detail

/// x[i0, i1, ..] with int64 index tensors, undefined entries standing for `:`. A copy.
[[nodiscard]] inline Tensor index(const Tensor& operand, std::vector<Tensor> indices,
                                  std::string_view function = "index") {
  std::vector<Tensor> all = detail::with_operand(indices, operand);
  const Shape lead = align(all);
  detail::take_back(indices, all);
  const Tensor& x = all.front();
  const detail::Places p = detail::locate(x, indices, function);
  Shape sizes = p.offsets.sizes();
  sizes.append(p.rest);
  Tensor out = Tensor::empty(sizes, x.dtype(), x.lead());
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* from = x.data<T>();
    T* to = out.write<T>();
    detail::for_places(p, out, [&](std::int64_t a, std::int64_t b) { to[b] = from[a]; });
  });
  return detail::place_index_dims(out, p, false).regrown(lead);
}

/// x[i0, i1, ..] = value (or += with Store::add, repeated places accumulating), in place; value broadcasts.
inline void index_put(Tensor& target, std::vector<Tensor> indices, const Tensor& value, Store how,
                      std::string_view function = "index_put_") {
  if (target.frozen()) fail("in-place write to input data");
  std::vector<Tensor> all = detail::with_operand(indices, target);
  all.push_back(value.to(target.dtype()));
  if (all.back().shares_storage(target)) all.back() = all.back().clone();
  const Shape lead = align(all);
  if (target.lead() < lead.size()) need_positions("an in-place write to a shared tensor");
  detail::take_back(indices, all);
  Tensor x = all.front();
  for (int i = 0; i < x.lead(); ++i)
    if (x.strides()[i] == 0 && x.sizes()[i] > 1) need_positions("an in-place write to a shared tensor");
  const detail::Places p = detail::locate(x, indices, function);
  Shape sizes(p.offsets.element_sizes());
  sizes.append(p.rest);
  Shape batch(x.lead_sizes());
  batch.append(sizes);
  // The value is given in the order of the result: broadcast there, then bring the index dims to the front.
  const Tensor shaped = detail::place_index_dims(
      Tensor::scalar(false).restrided(batch, Shape(batch.size(), 0), x.lead()), p, false);
  const Tensor from =
      detail::place_index_dims(broadcast_to(all.back(), shaped.element_sizes(), function), p, true);
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* in = from.data<T>();
    T* to = x.write<T>();
    detail::for_places(p, from, [&](std::int64_t a, std::int64_t b) { detail::store(to[a], in[b], how); });
  });
}

namespace detail {

/// Visits the index tensor of gather or scatter; body(offset in x of the addressed element, offset in other).
template <class Body>
void for_gathered(const Tensor& x, int dim, const Tensor& index, const Tensor& other,
                  std::string_view function, Body&& body) {
  const int axis = x.lead() + dim;
  const std::int64_t n = x.sizes()[axis], step = x.strides()[axis];
  Shape steps = x.strides();
  steps[axis] = 0;
  const auto* at = index.data<std::int64_t>();
  Meter::current().work(static_cast<std::uint64_t>(index.numel()) * 4); // places in any order
  for_tiles<3>(index.sizes(), {&index.strides(), &other.strides(), &steps}, [&](const Tile<3>& t) {
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t i = 0; i < t.length; ++i) {
        const std::int64_t v = at[t.offset[0] + r * t.row_stride[0] + i * t.stride[0]];
        if (v < 0 || v >= n) out_of_bounds(function, v, n);
        body(t.offset[2] + r * t.row_stride[2] + i * t.stride[2] + v * step,
             t.offset[1] + r * t.row_stride[1] + i * t.stride[1]);
      }
  });
}

inline void check_index(const Tensor& x, const Tensor& index, int dim, std::string_view function) {
  if (index.dtype() != DType::int64) fail(std::string(function) + "(): expected dtype int64 for index");
  bool fits = std::max(x.rank(), 1) == std::max(index.rank(), 1);
  for (int d = 0; d < index.rank() && fits && x.rank() > 0; ++d)
    fits = d == dim || index.size(d) <= x.size(d);
  if (!fits && index.numel() > 0)
    fail(std::string(function) + "(): expected index " + text(index.element_sizes()) +
         " to be no larger than self " + text(x.element_sizes()) + " apart from dimension " +
         std::to_string(dim));
  if (!fits && std::max(x.rank(), 1) != std::max(index.rank(), 1))
    fail(std::string(function) + "(): index and self must have the same number of dimensions");
}
[[nodiscard]] inline Tensor at_least_vector(const Tensor& t) {
  return t.rank() > 0 ? t : t.inserted(t.axes());
}

} // namespace detail

/// out[.., i, ..] = x[.., index[.., i, ..], ..] along `dim`.
[[nodiscard]] inline Tensor gather(const Tensor& operand, std::int64_t dim, const Tensor& places) {
  const int d = operand.dim(dim, "gather");
  detail::check_index(operand, places, d, "gather");
  Tensor ops[2] = {detail::at_least_vector(operand), detail::at_least_vector(places)};
  const Shape lead = align(ops);
  const auto& [x, index] = ops;
  Tensor out = Tensor::empty(index.sizes(), x.dtype(), index.lead());
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* from = ops[0].data<T>();
    T* to = out.write<T>();
    detail::for_gathered(ops[0], d, ops[1], out, "gather",
                         [&](std::int64_t a, std::int64_t b) { to[b] = from[a]; });
  });
  return (places.rank() == 0 ? out.removed(out.axes() - 1) : out).regrown(lead);
}

/// A copy of x with src written at the places of `index` along `dim`; src is not smaller than index.
[[nodiscard]] inline Tensor scatter(const Tensor& operand, std::int64_t dim, const Tensor& places,
                                    const Tensor& source, Store how, std::string_view function) {
  const int d = operand.dim(dim, function);
  detail::check_index(operand, places, d, function);
  if (source.dtype() != operand.dtype())
    fail(std::string(function) + "(): expected self.dtype to be equal to src.dtype, got " +
         std::string(name_of(operand.dtype())) + " and " + std::string(name_of(source.dtype())));
  Tensor ops[3] = {detail::at_least_vector(operand), detail::at_least_vector(places),
                   detail::at_least_vector(source)};
  const Shape lead = align(ops);
  const Tensor& index = ops[1];
  bool fits = ops[2].rank() == index.rank();
  for (int i = 0; i < index.rank() && fits; ++i) fits = index.size(i) <= ops[2].size(i);
  if (!fits && index.numel() > 0)
    fail(std::string(function) + "(): expected index " + text(places.element_sizes()) +
         " to be no larger than src " + text(source.element_sizes()));
  Tensor out = Tensor::empty(ops[0].sizes(), operand.dtype(), ops[0].lead());
  copy(out, ops[0]);
  if (index.numel() > 0)
    visit(operand.dtype(), [&]<class T>(std::type_identity<T>) {
      const T* from = ops[2].data<T>();
      T* to = out.write<T>();
      detail::for_gathered(out, d, index, ops[2], function,
                           [&](std::int64_t a, std::int64_t b) { detail::store(to[a], from[b], how); });
    });
  return (operand.rank() == 0 ? out.removed(out.axes() - 1) : out).regrown(lead);
}

/// The indices of the elements that are not zero, one row each. Fault{per_position} when batched.
[[nodiscard]] inline Tensor nonzero(const Tensor& x) {
  if (x.lead() > 0) need_positions("nonzero");
  const Tensor flags = x.to(DType::boolean).contiguous();
  Meter::current().work(static_cast<std::uint64_t>(flags.numel()));
  const bool* f = flags.data<bool>();
  const std::int64_t found = std::count(f, f + flags.numel(), true);
  const int rank = x.rank();
  Tensor out = Tensor::empty({found, rank}, DType::int64);
  auto* to = out.write<std::int64_t>();
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < flags.numel(); ++i) {
    if (!f[i]) continue;
    std::int64_t rest = i;
    for (int d = rank - 1; d >= 0; --d) {
      to[at * rank + d] = rest % x.size(d);
      rest /= x.size(d);
    }
    ++at;
  }
  return out;
}

} // namespace step::tensor
