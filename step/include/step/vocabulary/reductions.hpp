// SPDX-License-Identifier: MIT
// Names of the reductions and of what runs along one dimension: sum, max, norm, softmax, cumsum, sort, topk.
// Part of the vocabulary's table; see vocabulary.hpp.
#pragma once

#include "step/tensor/lines.hpp"
#include "step/tensor/shaping.hpp"
#include "step/vocabulary/registry.hpp"

#include <string>

namespace step::vocabulary {

namespace detail {

using tensor::all_dims;
using tensor::DimSet;
using tensor::Indexed;

/// The input in the dtype the call asks for, which is argument i.
[[nodiscard]] inline Tensor cast_input(const Call& c, std::size_t i) {
  return c.has(i) ? c.tensor(0).to(c.dtype(i, tensor::DType::float32)) : c.tensor(0);
}
[[nodiscard]] inline Tensor in_dtype(const Call& c, std::size_t i, const Tensor& t) {
  return c.has(i) ? t.to(c.dtype(i, t.dtype())) : t;
}
[[nodiscard]] inline DimSet one_dim(const Call& c, std::size_t i, const Tensor& x) {
  if (!c.has(i)) return all_dims(x);
  const int d = x.dim(c.integer(i), c.function());
  return x.rank() == 0 ? 0 : DimSet{1} << static_cast<unsigned>(d);
}

[[nodiscard]] inline Value indexed(const Call& c, Indexed r) {
  std::vector<Value> items{make(c.heap(), std::move(r.values)), make(c.heap(), std::move(r.indices))};
  return c.heap().make<NamedTuple>(std::vector<std::string_view>{"values", "indices"}, std::move(items));
}

/// max and min in their three forms: of everything, along a dimension, of two tensors.
template <bool largest> [[nodiscard]] Value extreme(const Call& c) {
  const Tensor& x = c.tensor(0);
  if (c.is_tensor(1)) {
    if (c.value(2).is_set()) c.fail("takes two tensors, or one tensor and a dimension");
    const auto op = largest ? tensor::BinaryOp::maximum : tensor::BinaryOp::minimum;
    return make(c.heap(), tensor::binary(op, x, c.tensor(1), c.function()));
  }
  if (!c.has(1)) {
    if (c.value(2).is_set()) c.fail("needs `dim` for `keepdim`");
    return make(c.heap(), tensor::extremum(x, all_dims(x), false, largest, c.function()));
  }
  return indexed(
      c, tensor::arg_extremum(x, x.dim(c.integer(1), c.function()), c.flag(2, false), largest, c.function()));
}

template <bool largest> [[nodiscard]] Tensor arg_extreme(const Call& c) {
  const Tensor& x = c.tensor(0);
  if (x.dtype() == tensor::DType::boolean) c.fail("not defined for torch.bool");
  const bool keep = c.flag(2, false);
  if (c.has(1))
    return tensor::arg_extremum(x, x.dim(c.integer(1), c.function()), keep, largest, c.function()).indices;
  if (x.element_count() == 0) c.fail("expected reduction dim to be specified for an empty tensor");
  Tensor r =
      tensor::arg_extremum(tensor::reshape(x, tensor::Shape{-1}), 0, false, largest, c.function()).indices;
  if (keep)
    for (int d = 0; d < x.rank(); ++d) r = r.inserted(r.axes());
  return r;
}

/// var and std. The second argument may be `unbiased` in place of `dim`.
[[nodiscard]] inline Tensor spread(const Call& c, const Tensor& x) {
  const bool first_is_flag = c.value(1).is_bool();
  const bool unbiased = first_is_flag ? c.value(1).as_bool() : c.flag(2, true);
  const double correction = c.has(4) ? c.real(4) : unbiased ? 1.0 : 0.0;
  const DimSet dims = first_is_flag ? all_dims(x) : c.dims(1, x);
  return tensor::variance(x, dims, c.flag(3, false), correction, c.function());
}

[[nodiscard]] inline Tensor norm(const Call& c, std::size_t order, std::size_t dim, std::size_t keep,
                                 std::size_t dtype, bool linalg, bool matrix) {
  const Tensor x = cast_input(c, dtype);
  double p = 2;
  if (auto* s = c.value(order).as<interp::String>()) {
    if (s->text != "fro") c.fail("order '" + s->text + "' is not supported");
    if (linalg && (!matrix || x.rank() != 2 || (c.has(dim) && c.integers(dim).size() != 2)))
      c.fail("order 'fro' needs a matrix");
  } else if (c.has(order)) {
    p = c.real(order);
    const bool two = c.has(dim) ? c.integers(dim).size() == 2 : x.rank() == 2;
    if (matrix && two)
      throw Fault(FaultKind::rejected,
                  std::string(c.function()) + "(): matrix norms other than 'fro' are not supported");
  }
  if (linalg && std::isinf(p) && x.element_count() == 0 && tensor::count_in(x, c.dims(dim, x)) == 0)
    c.fail("the infinity norm of an empty tensor is not defined");
  return tensor::norm(x, p, c.dims(dim, x), c.flag(keep, false), c.function());
}

[[nodiscard]] inline Tensor soft(const Call& c, bool logarithm, double sign, int dim_argument,
                                 int dtype_argument) {
  Tensor x = cast_input(c, static_cast<std::size_t>(dtype_argument));
  const auto at = static_cast<std::size_t>(dim_argument);
  // Without a dim, torch.nn.functional picks one by rank.
  const std::int64_t dim = c.has(at)                                         ? c.integer(at)
                           : x.rank() == 0 || x.rank() == 1 || x.rank() == 3 ? 0
                                                                             : 1;
  if (sign < 0) x = tensor::unary(tensor::UnaryOp::negative, x, c.function());
  return tensor::softmax(x, x.dim(dim, c.function()), logarithm, c.function());
}

[[nodiscard]] inline Indexed median(const Call& c, const Tensor& x, int dim, bool keep) {
  if (x.rank() > 0 && x.size(dim) == 0) c.fail("cannot reduce an empty dimension");
  const std::int64_t n = x.rank() == 0 ? 1 : x.size(dim);
  Indexed all = tensor::sorted(x, dim, false, -1, c.function());
  if (x.rank() == 0) return all;
  for (Tensor* t : {&all.values, &all.indices}) {
    *t = tensor::narrow(*t, dim, (n - 1) / 2, 1);
    if (!keep) *t = t->removed(t->lead() + dim);
  }
  if (tensor::is_floating(x.dtype())) { // the first NaN, if any, is the median
    const Indexed top = tensor::arg_extremum(x, dim, keep, true, c.function());
    const Tensor missing = tensor::unary(tensor::UnaryOp::isnan, top.values, c.function());
    all = {tensor::where(missing, top.values, all.values), tensor::where(missing, top.indices, all.indices)};
  }
  return all;
}

} // namespace detail

inline void add_reductions(Registry& r) {
  using namespace detail;
  constexpr unsigned both = in_torch | as_method;
  r.add("sum", both, "input, dim=, keepdim=, *, dtype=", [](const Call& c) {
    const Tensor x = cast_input(c, 3);
    return in_dtype(c, 3, tensor::sum(x, c.dims(1, x), c.flag(2, false)));
  });
  r.add("nansum", both, "input, dim=, keepdim=, *, dtype=", [](const Call& c) {
    if (tensor::is_floating(c.tensor(0).dtype()) && c.has(3) &&
        !tensor::is_floating(c.dtype(3, tensor::DType::float32)))
      c.fail("result type can't be an integer");
    Tensor x = cast_input(c, 3);
    if (tensor::is_floating(x.dtype()))
      x = tensor::where(tensor::unary(tensor::UnaryOp::isnan, x, "nansum"), Scalar(0), x);
    return in_dtype(c, 3, tensor::sum(x, c.dims(1, x), c.flag(2, false)));
  });
  r.add("mean", both, "input, dim=, keepdim=, *, dtype=", [](const Call& c) {
    const Tensor x = cast_input(c, 3);
    return tensor::mean(x, c.dims(1, x), c.flag(2, false));
  });
  r.add("prod", both, "input, dim=, keepdim=, *, dtype=", [](const Call& c) {
    const Tensor x = cast_input(c, 3);
    return in_dtype(c, 3, tensor::product(x, one_dim(c, 1, x), c.flag(2, false)));
  });
  r.add_value("max", both, "input, dim=, keepdim=, other=", [](const Call& c) {
    if (!c.has(3)) return extreme<true>(c);
    return make(c.heap(), tensor::binary(tensor::BinaryOp::maximum, c.tensor(0), c.tensor(3), c.function()));
  });
  r.add_value("min", both, "input, dim=, keepdim=, other=", [](const Call& c) {
    if (!c.has(3)) return extreme<false>(c);
    return make(c.heap(), tensor::binary(tensor::BinaryOp::minimum, c.tensor(0), c.tensor(3), c.function()));
  });
  r.add("amax", both, "input, dim=, keepdim=", [](const Call& c) {
    return tensor::extremum(c.tensor(0), c.dims(1, c.tensor(0)), c.flag(2, false), true, c.function());
  });
  r.add("amin", both, "input, dim=, keepdim=", [](const Call& c) {
    return tensor::extremum(c.tensor(0), c.dims(1, c.tensor(0)), c.flag(2, false), false, c.function());
  });
  r.add_value("aminmax", both, "input, *, dim=, keepdim=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    std::vector<Value> items;
    for (bool largest : {false, true})
      items.push_back(
          make(c.heap(), tensor::extremum(x, one_dim(c, 1, x), c.flag(2, false), largest, c.function())));
    return Value(c.heap().make<NamedTuple>(std::vector<std::string_view>{"min", "max"}, std::move(items)));
  });
  r.add("argmax", both, "input, dim=, keepdim=", arg_extreme<true>);
  r.add("argmin", both, "input, dim=, keepdim=", arg_extreme<false>);
  r.add("any", both, "input, dim=, keepdim=", [](const Call& c) {
    return tensor::any(c.tensor(0), one_dim(c, 1, c.tensor(0)), c.flag(2, false));
  });
  r.add("all", both, "input, dim=, keepdim=", [](const Call& c) {
    return tensor::all(c.tensor(0), one_dim(c, 1, c.tensor(0)), c.flag(2, false));
  });
  r.add("count_nonzero", both, "input, dim=", [](const Call& c) {
    const Tensor flags = c.tensor(0).to(tensor::DType::boolean);
    return tensor::sum(flags, c.dims(1, flags), false);
  });
  r.add("var", both, "input, dim=, unbiased=, keepdim=, *, correction=", [](const Call& c) {
    return spread(c, c.tensor(0));
  });
  r.add("std", both, "input, dim=, unbiased=, keepdim=, *, correction=", [](const Call& c) {
    return tensor::unary(tensor::UnaryOp::sqrt, spread(c, c.tensor(0)), c.function());
  });
  r.add("norm", both,
        "input, p=, dim=, keepdim=, dtype=", [](const Call& c) { return norm(c, 1, 2, 3, 4, false, false); });
  r.add("norm", in_linalg, "input, ord=, dim=, keepdim=, *, dtype=", [](const Call& c) {
    return norm(c, 1, 2, 3, 4, true, true);
  });
  r.add("vector_norm", in_linalg, "input, ord=, dim=, keepdim=, *, dtype=", [](const Call& c) {
    return norm(c, 1, 2, 3, 4, true, false);
  });
  r.add("logsumexp", both, "input, dim, keepdim=", [](const Call& c) {
    return tensor::logsumexp(c.tensor(0), c.dims(1, c.tensor(0)), c.flag(2, false));
  });
  r.add("softmax", both, "input, dim, dtype=", [](const Call& c) { return soft(c, false, 1, 1, 2); });
  r.add("log_softmax", both, "input, dim, dtype=", [](const Call& c) { return soft(c, true, 1, 1, 2); });
  r.add("softmax", in_functional,
        "input, dim=, _stacklevel=, dtype=", [](const Call& c) { return soft(c, false, 1, 1, 3); });
  r.add("log_softmax", in_functional,
        "input, dim=, _stacklevel=, dtype=", [](const Call& c) { return soft(c, true, 1, 1, 3); });
  r.add("softmin", in_functional,
        "input, dim=, _stacklevel=, dtype=", [](const Call& c) { return soft(c, false, -1, 1, 3); });
  r.add("cumsum", both | also_in_place, "input, dim, *, dtype=", [](const Call& c) {
    const Tensor x = cast_input(c, 2);
    return in_dtype(c, 2, tensor::running(x, x.dim(c.integer(1), c.function()), false));
  });
  r.add("cumprod", both | also_in_place, "input, dim, *, dtype=", [](const Call& c) {
    const Tensor x = cast_input(c, 2);
    return in_dtype(c, 2, tensor::running(x, x.dim(c.integer(1), c.function()), true));
  });
  r.add("diff", both, "input, n=, dim=", [](const Call& c) {
    Tensor x = c.tensor(0);
    if (x.rank() == 0) c.fail("expects input to be at least one-dimensional");
    const int d = x.dim(c.integer(2, -1), c.function());
    std::int64_t n = c.integer(1, 1);
    for (; n > 0 && x.size(d) > 0; --n) {
      Meter::current().step();
      const std::int64_t m = x.size(d);
      const auto op =
          x.dtype() == tensor::DType::boolean ? tensor::BinaryOp::bit_xor : tensor::BinaryOp::subtract;
      x = tensor::binary(op, tensor::narrow(x, d, 1, m - 1), tensor::narrow(x, d, 0, m - 1), c.function());
    }
    return x;
  });
  r.add_value("sort", both, "input, dim=, descending=, stable=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    return indexed(
        c, tensor::sorted(x, x.dim(c.integer(1, -1), c.function()), c.flag(2, false), -1, c.function()));
  });
  r.add("argsort", both, "input, dim=, descending=, stable=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    return tensor::sorted(x, x.dim(c.integer(1, -1), c.function()), c.flag(2, false), -1, c.function())
        .indices;
  });
  r.add("msort", both, "input", [](const Call& c) {
    return tensor::sorted(c.tensor(0), c.tensor(0).dim(0, c.function()), false, -1, c.function()).values;
  });
  r.add_value("topk", both, "input, k, dim=, largest=, sorted=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    if (x.dtype() == tensor::DType::boolean) c.fail("not defined for torch.bool");
    if (c.integer(1) < 0) c.fail("selected index k out of range");
    return indexed(c, tensor::sorted(x, x.dim(c.integer(2, -1), c.function()), c.flag(3, true), c.integer(1),
                                     c.function()));
  });
  r.add_value("kthvalue", both, "input, k, dim=, keepdim=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    const int d = x.dim(c.integer(2, -1), c.function());
    if (x.dtype() == tensor::DType::boolean) c.fail("not defined for torch.bool");
    const std::int64_t k = c.integer(1), n = x.rank() == 0 ? 1 : x.size(d);
    if (k < 1 || k > n) c.fail("selected number k out of range for dimension " + std::to_string(d));
    Indexed all = tensor::sorted(x, d, false, k, c.function());
    if (x.rank() > 0)
      for (Tensor* t : {&all.values, &all.indices}) {
        *t = tensor::narrow(*t, d, k - 1, 1);
        if (!c.flag(3, false)) *t = t->removed(t->lead() + d);
      }
    return indexed(c, std::move(all));
  });
  r.add_value("median", both, "input, dim=, keepdim=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    if (x.dtype() == tensor::DType::boolean) c.fail("not defined for torch.bool");
    if (c.has(1)) return indexed(c, median(c, x, x.dim(c.integer(1), c.function()), c.flag(2, false)));
    if (x.element_count() == 0 && tensor::is_floating(x.dtype()))
      return make(c.heap(), Tensor::full(tensor::Shape(x.lead_sizes()),
                                         std::numeric_limits<double>::quiet_NaN(), x.dtype(), x.lead()));
    return make(c.heap(), median(c, tensor::reshape(x, tensor::Shape{-1}), 0, false).values);
  });
}

} // namespace step::vocabulary
