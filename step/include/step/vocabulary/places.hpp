// SPDX-License-Identifier: MIT
// Names of what reads or writes at places given by index tensors: gather, scatter, index_select, one_hot,
// nonzero. Part of the vocabulary's table; see vocabulary.hpp.
#pragma once

#include "step/tensor/indexing.hpp"
#include "step/tensor/joining.hpp"
#include "step/vocabulary/elementwise.hpp"

namespace step::vocabulary {

namespace detail {

using tensor::Store;

/// Index tensors for dimension d alone.
[[nodiscard]] inline std::vector<Tensor> only(int d, const Tensor& places) {
  std::vector<Tensor> indices(static_cast<std::size_t>(d) + 1);
  indices.back() = places;
  return indices;
}

[[nodiscard]] inline Tensor index_select(const Call& c) {
  const Tensor &x = c.tensor(0), &places = c.tensor(2);
  const int d = x.dim(c.integer(1), c.function());
  if (places.rank() > 1) c.fail("index is supposed to be a vector");
  if (places.dtype() != tensor::DType::int64) c.fail("expected dtype int64 for index");
  // Unlike subscripts, this does not count from the end.
  const Tensor negative = tensor::binary(BinaryOp::less, places, Scalar(0), c.function());
  if (places.lead() == 0 && tensor::any(negative, tensor::all_dims(negative), false).item().as<bool>())
    throw Fault(FaultKind::value, "index_select(): index out of range in self");
  if (places.lead() > 0) { // one check for all positions
    const Tensor flat = negative.contiguous().with_lead(0);
    if (tensor::any(flat, tensor::all_dims(flat), false).item().as<bool>())
      throw Fault(FaultKind::value, "index_select(): index out of range in self");
  }
  const Tensor list = places.rank() == 0 ? places.inserted(places.axes()) : places;
  if (x.rank() == 0) {
    const Tensor picked = tensor::index(x.inserted(x.axes()), only(0, list), c.function());
    return picked.removed(picked.axes() - 1);
  }
  return tensor::index(x, only(d, list), c.function());
}

/// scatter(dim, index, src or value, reduce)
[[nodiscard]] inline Tensor scatter(const Call& c) {
  const Tensor& x = c.tensor(0);
  Store how = Store::set;
  if (const auto mode = c.text(4, ""); !mode.empty()) {
    if (mode == "add")
      how = Store::add;
    else if (mode == "multiply")
      how = Store::multiply;
    else
      c.fail("reduce argument must be either add or multiply");
  }
  const std::size_t source = c.has(3) ? 3 : 5;
  if (!c.has(source)) c.fail("missing argument 'src' or 'value'");
  const Tensor& places = c.tensor(2);
  if (c.is_tensor(source))
    return tensor::scatter(x, c.integer(1), places, c.tensor(source), how, c.function());
  const Tensor value = fill_value(c, source, x);
  return tensor::scatter(x, c.integer(1), places,
                         tensor::broadcast_to(value, places.element_sizes(), c.function()), how,
                         c.function());
}

/// A copy of x changed at `places` along dimension d.
[[nodiscard]] inline Tensor changed(const Call& c, const Tensor& x, int d, const Tensor& places,
                                    const Tensor& value, Store how) {
  if (places.dtype() != tensor::DType::int64) c.fail("expected dtype int64 for index");
  if (places.rank() > 1) c.fail("index is supposed to be a vector");
  Tensor ops[3] = {x, places, value};
  const tensor::Shape lead = tensor::align(ops);
  Tensor out = Tensor::empty(ops[0].sizes(), x.dtype(), ops[0].lead());
  tensor::copy(out, ops[0]);
  tensor::index_put(out, only(d, ops[1].rank() == 0 ? ops[1].inserted(ops[1].axes()) : ops[1]), ops[2], how,
                    c.function());
  return out.regrown(lead);
}
[[nodiscard]] inline Tensor index_source(const Call& c, bool add) {
  const Tensor &x = c.tensor(0), &source = c.tensor(3);
  const int d = x.dim(c.integer(1), c.function());
  if (x.rank() == 0) c.fail("needs at least one dimension");
  if (source.dtype() != x.dtype()) c.fail("self and source are expected to have the same dtype");
  const std::int64_t n = c.tensor(2).element_count();
  bool fits = source.rank() == x.rank();
  for (int i = 0; i < x.rank() && fits; ++i) fits = source.size(i) == (i == d ? n : x.size(i));
  if (!fits)
    c.fail("source " + tensor::text(source.element_sizes()) + " does not fit self " +
           tensor::text(x.element_sizes()) + " with " + std::to_string(n) + " indices along dim " +
           std::to_string(d));
  const Tensor scaled =
      c.has(4) ? tensor::binary(BinaryOp::multiply, source, c.number(4), c.function()) : source;
  return changed(c, x, d, c.tensor(2), scaled, add ? Store::add : Store::set);
}

[[nodiscard]] inline Tensor take_along_dim(const Call& c) {
  Tensor x = c.tensor(0), places = c.tensor(1);
  if (places.dtype() != tensor::DType::int64) c.fail("dtype of indices should be int64");
  if (!c.has(2))
    return tensor::gather(tensor::reshape(x, tensor::Shape{-1}), 0,
                          tensor::reshape(places, tensor::Shape{-1}));
  if (x.rank() != places.rank())
    c.fail("input and indices should have the same number of dimensions, but got " +
           std::to_string(x.rank()) + " and " + std::to_string(places.rank()));
  const int d = x.dim(c.integer(2), c.function());
  if (x.rank() == 0) return tensor::gather(x, 0, places);
  tensor::Shape a(x.element_sizes()), b(places.element_sizes());
  const std::int64_t from = a[d], to = b[d];
  a[d] = b[d] = 1;
  tensor::Shape sizes = tensor::broadcast_sizes(a, b, c.function());
  sizes[d] = from;
  x = tensor::broadcast_to(x, sizes, c.function());
  sizes[d] = to;
  return tensor::gather(x, d, tensor::broadcast_to(places, sizes, c.function()));
}

[[nodiscard]] inline Tensor one_hot(const Call& c) {
  const Tensor& x = c.tensor(0);
  if (x.dtype() != tensor::DType::int64) c.fail("is only applicable to index tensors (int64)");
  std::int64_t classes = c.integer(1, -1);
  if (x.numel() == 0) {
    if (classes <= 0) c.fail("can not infer total number of classes from empty tensor");
  } else {
    const Tensor flat = x.contiguous().with_lead(0);
    const auto low = tensor::extremum(flat, tensor::all_dims(flat), false, false, "one_hot").item().integer();
    const auto high = tensor::extremum(flat, tensor::all_dims(flat), false, true, "one_hot").item().integer();
    if (low < 0) throw Fault(FaultKind::value, "one_hot(): class values must be non-negative");
    if (classes == -1) {
      if (x.lead() > 0) tensor::need_positions("one_hot without num_classes");
      classes = tensor::count(tensor::Shape{1, high}) + 1;
    } else if (classes < 1)
      c.fail("num_classes must be positive");
    if (high >= classes)
      throw Fault(FaultKind::value, "one_hot(): class values must be smaller than num_classes");
  }
  Tensor range = Tensor::empty({classes}, tensor::DType::int64);
  std::int64_t v = 0;
  for (auto* p = range.write<std::int64_t>(); v < classes; ++v) p[v] = v;
  return tensor::binary(BinaryOp::equal, x.inserted(x.axes()), range, c.function()).to(tensor::DType::int64);
}

[[nodiscard]] inline Tensor masked_select(const Call& c) {
  const Tensor &x = c.tensor(0), &mask = c.tensor(1);
  if (mask.dtype() != tensor::DType::boolean)
    c.fail("expected a boolean mask, but got " + std::string(name_of(mask.dtype())));
  if (mask.lead() > 0) tensor::need_positions("masked_select");
  const auto sizes = tensor::broadcast_sizes(x.element_sizes(), mask.element_sizes(), c.function());
  const Tensor places =
      tensor::nonzero(tensor::reshape(tensor::broadcast_to(mask, sizes, c.function()), tensor::Shape{-1}));
  const Tensor flat = tensor::reshape(tensor::broadcast_to(x, sizes, c.function()), tensor::Shape{-1});
  return tensor::index(flat, {tensor::select(places, 1, 0)}, c.function());
}

[[nodiscard]] inline Tensor bincount(const Call& c) {
  const Tensor& x = c.tensor(0);
  if (x.lead() > 0) tensor::need_positions("bincount");
  if (x.rank() != 1 || x.dtype() != tensor::DType::int64)
    c.fail("only supports 1-d non-negative integral inputs");
  std::int64_t n = c.integer(2, 0);
  if (n < 0) c.fail("minlength should be >= 0");
  const Tensor flat = x.contiguous();
  const auto* v = flat.data<std::int64_t>();
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    if (v[i] < 0) throw Fault(FaultKind::value, "bincount(): only supports non-negative inputs");
    n = std::max(n, tensor::count(tensor::Shape{1, v[i]}) + 1);
  }
  Tensor out = Tensor::zeros({n}, tensor::DType::int64);
  const Tensor one = Tensor::scalar(1);
  if (!c.has(1)) {
    tensor::index_put(out, {x}, one, Store::add, c.function());
    return out;
  }
  const Tensor& weights = c.tensor(1);
  if (weights.rank() != 1 || weights.size(0) != x.size(0))
    c.fail("weights should be 1-d and have the same length as input");
  out = Tensor::zeros({n}, weights.dtype() == tensor::DType::float32 ? tensor::DType::float32
                                                                     : tensor::DType::float64);
  tensor::index_put(out, {x}, weights, Store::add, c.function());
  return out;
}

} // namespace detail

inline void add_places(Registry& r) {
  using namespace detail;
  constexpr unsigned both = in_torch | as_method;
  r.add("gather", both, "input, dim, index, *, sparse_grad=", [](const Call& c) {
    return tensor::gather(c.tensor(0), c.integer(1), c.tensor(2));
  });
  r.add("scatter", both | also_in_place, "input, dim, index, src=, *, reduce=, value=", scatter);
  r.add("scatter_add", both | also_in_place, "input, dim, index, src", [](const Call& c) {
    return tensor::scatter(c.tensor(0), c.integer(1), c.tensor(2), c.tensor(3), Store::add, c.function());
  });
  r.add("index_select", both, "input, dim, index", index_select);
  r.add("index_add", both | also_in_place,
        "input, dim, index, source, *, alpha=", [](const Call& c) { return index_source(c, true); });
  r.add("index_copy", both | also_in_place, "input, dim, index, source",
        [](const Call& c) { return index_source(c, false); });
  r.add("index_fill", both | also_in_place, "input, dim, index, value", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    if (x.rank() == 0) c.fail("needs at least one dimension");
    return changed(c, x, x.dim(c.integer(1), c.function()), c.tensor(2), fill_value(c, 3, x), Store::set);
  });
  r.add("take_along_dim", both, "input, indices, dim=", take_along_dim);
  r.add("take", both, "input, index", [](const Call& c) {
    return tensor::index(tensor::reshape(c.tensor(0), tensor::Shape{-1}), {c.tensor(1)}, c.function());
  });
  r.add_value("nonzero", both, "input, *, as_tuple=", [](const Call& c) {
    const Tensor found = tensor::nonzero(c.tensor(0));
    if (!c.flag(1, false)) return make(c.heap(), found);
    std::vector<Tensor> parts;
    for (std::int64_t d = 0; d < found.size(1); ++d) parts.push_back(tensor::select(found, 1, d));
    return make(c.heap(), std::move(parts));
  });
  r.add("argwhere", both, "input", [](const Call& c) { return tensor::nonzero(c.tensor(0)); });
  r.add("masked_select", both, "input, mask", masked_select);
  r.add("one_hot", in_functional, "input, num_classes=", one_hot);
  r.add("bincount", both, "input, weights=, minlength=", bincount);
}

} // namespace step::vocabulary
