// SPDX-License-Identifier: MIT
// Names of torch.nn.functional that are not plain element-wise functions, and the module constructors of
// torch.nn. A module is a function of this vocabulary with its keywords bound.
#pragma once

#include "step/tensor/joining.hpp"
#include "step/vocabulary/algebra.hpp"
#include "step/vocabulary/elementwise.hpp"

#include <string>

namespace step::vocabulary {

namespace detail {

/// The trailing dimensions that `normalized_shape` names, checked.
[[nodiscard]] inline tensor::DimSet trailing(const Call& c, const Tensor& x,
                                             const std::vector<std::int64_t>& shape) {
  const int n = static_cast<int>(shape.size()), first = x.rank() - n;
  bool fits = n > 0 && first >= 0;
  tensor::DimSet dims = 0;
  for (int i = 0; i < n && fits; ++i) {
    fits = x.size(first + i) == shape[static_cast<std::size_t>(i)];
    dims |= 1U << static_cast<unsigned>(first + i);
  }
  if (!fits)
    c.fail("given normalized_shape=" + tensor::text(shape) + ", expected input with shape [*, ..], but got " +
           tensor::text(x.element_sizes()));
  return dims;
}
/// x * weight + bias, where these are given and of the normalised shape.
[[nodiscard]] inline Tensor affine(const Call& c, Tensor x, const std::vector<std::int64_t>& shape,
                                   std::size_t weight, std::size_t bias) {
  for (std::size_t i : {weight, bias}) {
    if (i == 0 || !c.has(i)) continue;
    if (tensor::Shape(c.tensor(i).element_sizes()) != tensor::Shape(shape))
      c.fail("expected weight and bias of shape " + tensor::text(shape) + ", but got " +
             tensor::text(c.tensor(i).element_sizes()));
    x = tensor::binary(i == weight ? BinaryOp::multiply : BinaryOp::add, x, c.tensor(i), c.function());
  }
  return x;
}
[[nodiscard]] inline Tensor layer_norm(const Call& c) {
  const Tensor& x = c.tensor(0);
  const auto shape = c.integers(1);
  const auto dims = trailing(c, x, shape);
  const Tensor centred =
      tensor::binary(BinaryOp::subtract, x, tensor::mean(x, dims, true, c.function()), c.function());
  const Tensor spread = tensor::variance(x, dims, true, 0, c.function());
  const Tensor scale = tensor::unary(
      UnaryOp::rsqrt, tensor::binary(BinaryOp::add, spread, c.real(4, 1e-5), c.function()), c.function());
  return affine(c, tensor::binary(BinaryOp::multiply, centred, scale, c.function()), shape, 2, 3);
}
[[nodiscard]] inline Tensor rms_norm(const Call& c) {
  const Tensor& x = c.tensor(0);
  const auto shape = c.integers(1);
  const auto dims = trailing(c, x, shape);
  if (!tensor::is_floating(x.dtype())) c.fail("not defined for " + std::string(name_of(x.dtype())));
  const double eps =
      c.real(3, x.dtype() == tensor::DType::float32 ? 1.1920928955078125e-07 : 2.220446049250313e-16);
  const Tensor square =
      tensor::mean(tensor::unary(UnaryOp::square, x, c.function()), dims, true, c.function());
  const Tensor scale =
      tensor::unary(UnaryOp::rsqrt, tensor::binary(BinaryOp::add, square, eps, c.function()), c.function());
  return affine(c, tensor::binary(BinaryOp::multiply, x, scale, c.function()), shape, 2, 0);
}
[[nodiscard]] inline Tensor gelu(const Call& c) {
  const auto mode = c.text(1, "none");
  if (mode != "none" && mode != "tanh") c.fail("approximate argument must be either none or tanh");
  return tensor::unary(mode == "tanh" ? UnaryOp::gelu_tanh : UnaryOp::gelu, c.tensor(0), c.function());
}
[[nodiscard]] inline Tensor normalize(const Call& c) {
  const Tensor& x = c.tensor(0);
  const Tensor size = tensor::norm(
      x, c.real(1, 2.0),
      tensor::DimSet{x.rank() == 0 ? 0U : 1U << static_cast<unsigned>(x.dim(c.integer(2, 1), c.function()))},
      true, c.function());
  if (x.rank() == 0) (void)x.dim(c.integer(2, 1), c.function());
  const Scalar least = c.real(3, 1e-12);
  return tensor::binary(BinaryOp::divide, x, tensor::clamp(size, &least, nullptr), c.function());
}
[[nodiscard]] inline Tensor cosine_similarity(const Call& c) {
  tensor::Promotion promotion;
  for (std::size_t i : {0U, 1U}) promotion.add(c.tensor(i).dtype(), c.tensor(i).rank());
  if (!tensor::is_floating(promotion.result())) c.fail("expected common dtype to be floating point");
  const Tensor a = c.tensor(0).to(promotion.result()), b = c.tensor(1).to(promotion.result());
  const auto sizes = tensor::broadcast_sizes(a.element_sizes(), b.element_sizes(), c.function());
  const Tensor x = tensor::broadcast_to(a, sizes, c.function()),
               y = tensor::broadcast_to(b, sizes, c.function());
  const auto dims =
      x.rank() == 0 ? 0 : tensor::DimSet{1} << static_cast<unsigned>(x.dim(c.integer(2, 1), c.function()));
  const Scalar least = c.real(3, 1e-8);
  const auto unit = [&](const Tensor& t) {
    const Tensor size = tensor::norm(t, 2, dims, true, c.function());
    return tensor::binary(BinaryOp::divide, t, tensor::clamp(size, &least, nullptr), c.function());
  };
  return tensor::sum(tensor::binary(BinaryOp::multiply, unit(x), unit(y), c.function()), dims, false);
}
[[nodiscard]] inline Tensor glu(const Call& c) {
  const Tensor& x = c.tensor(0);
  if (x.rank() == 0) c.fail("does not support 0-dimensional tensors");
  if (!tensor::is_floating(x.dtype())) c.fail("not defined for " + std::string(name_of(x.dtype())));
  const int d = x.dim(c.integer(1, -1), c.function());
  if (x.size(d) % 2 != 0)
    c.fail("halving dimension must be even, but dimension " + std::to_string(d) + " is size " +
           std::to_string(x.size(d)));
  const std::int64_t half = x.size(d) / 2;
  return tensor::binary(BinaryOp::multiply, tensor::narrow(x, d, 0, half),
                        tensor::unary(UnaryOp::sigmoid, tensor::narrow(x, d, half, half), c.function()),
                        c.function());
}
/// How a loss is reduced, by argument i.
[[nodiscard]] inline Tensor reduced(const Call& c, std::size_t i, const Tensor& t) {
  const auto how = c.text(i, "mean");
  if (how == "none") return t;
  if (how == "sum") return tensor::sum(t, tensor::all_dims(t), false);
  if (how != "mean") c.fail("'" + std::string(how) + "' is not a valid value for reduction");
  return tensor::mean(t, tensor::all_dims(t), false, c.function());
}

} // namespace detail

inline void add_functional(Registry& r) {
  using namespace detail;
  r.add("gelu", in_functional, "input, *, approximate=", gelu);
  r.add("softplus", in_functional, "input, beta=, threshold=", [](const Call& c) {
    return tensor::softplus(c.tensor(0), c.real(1, 1.0), c.real(2, 20.0));
  });
  r.add("elu", in_functional, "input, alpha=, inplace=", [](const Call& c) {
    return tensor::elu(c.tensor(0), c.real(1, 1.0), 1.0);
  });
  r.add("celu", in_functional, "input, alpha=, inplace=", [](const Call& c) {
    const double alpha = c.real(1, 1.0);
    if (alpha == 0) c.fail("alpha must not be 0");
    return tensor::elu(c.tensor(0), alpha, 1 / alpha);
  });
  r.add("leaky_relu", in_functional, "input, negative_slope=, inplace=", [](const Call& c) {
    return tensor::leaky_relu(c.tensor(0), c.real(1, 0.01));
  });
  r.add("hardtanh", in_functional, "input, min_val=, max_val=, inplace=", [](const Call& c) {
    const Scalar low = c.real(1, -1.0), high = c.real(2, 1.0);
    if (c.tensor(0).dtype() == tensor::DType::boolean) c.fail("not defined for torch.bool");
    return tensor::clamp(c.tensor(0), &low, &high).to(c.tensor(0).dtype());
  });
  r.add("threshold", in_functional | in_torch, "input, threshold, value, inplace=", [](const Call& c) {
    const Tensor& x = c.tensor(0);
    const Tensor low = tensor::binary(BinaryOp::less_equal, x, c.number(1), c.function());
    return tensor::where(low, c.number(2), x).to(x.dtype());
  });
  r.add("layer_norm", in_functional | in_torch, "input, normalized_shape, weight=, bias=, eps=", layer_norm);
  r.add("rms_norm", in_functional, "input, normalized_shape, weight=, eps=", rms_norm);
  r.add("normalize", in_functional, "input, p=, dim=, eps=", normalize);
  r.add("cosine_similarity", in_functional | in_torch, "x1, x2, dim=, eps=", cosine_similarity);
  r.add("glu", in_functional, "input, dim=", glu);
  r.add("pad", in_functional, "input, pad, mode=, value=", [](const Call& c) {
    if (c.text(2, "constant") != "constant")
      throw Fault(FaultKind::rejected, "pad(): only mode='constant' is supported");
    return tensor::pad(c.tensor(0), c.integers(1), c.has(3) ? c.number(3) : Scalar(0));
  });
  r.add("embedding", in_functional, "input, weight", [](const Call& c) {
    if (c.tensor(1).rank() != 2 || c.tensor(0).dtype() != tensor::DType::int64)
      c.fail("expects int64 indices and a matrix of weights");
    return tensor::index(c.tensor(1), {c.tensor(0)}, c.function());
  });
  r.add("mse_loss", in_functional, "input, target, size_average=, reduce=, reduction=", [](const Call& c) {
    const Tensor d = tensor::binary(BinaryOp::subtract, c.tensor(0), c.tensor(1), c.function());
    return reduced(c, 4, tensor::unary(UnaryOp::square, d, c.function()));
  });
  r.add("l1_loss", in_functional, "input, target, size_average=, reduce=, reduction=", [](const Call& c) {
    const Tensor d = tensor::binary(BinaryOp::subtract, c.tensor(0), c.tensor(1), c.function());
    return reduced(c, 4, tensor::unary(UnaryOp::absolute, d, c.function()));
  });
}

/// A module's constructor: its name, its parameters, and the function that it binds.
struct ModuleEntry {
  std::string_view name, signature, function; ///< an empty function is the identity
};
inline constexpr ModuleEntry modules[] = {
    {"Softmax", "dim=", "softmax"},
    {"LogSoftmax", "dim=", "log_softmax"},
    {"Softmin", "dim=", "softmin"},
    {"GELU", "approximate=", "gelu"},
    {"SiLU", "inplace=", "silu"},
    {"ReLU", "inplace=", "relu"},
    {"ReLU6", "inplace=", "relu6"},
    {"Sigmoid", "", "sigmoid"},
    {"Tanh", "", "tanh"},
    {"Softplus", "beta=, threshold=", "softplus"},
    {"LeakyReLU", "negative_slope=, inplace=", "leaky_relu"},
    {"ELU", "alpha=, inplace=", "elu"},
    {"CELU", "alpha=, inplace=", "celu"},
    {"SELU", "inplace=", "selu"},
    {"Mish", "inplace=", "mish"},
    {"Softsign", "", "softsign"},
    {"LogSigmoid", "", "logsigmoid"},
    {"Hardtanh", "min_val=, max_val=, inplace=", "hardtanh"},
    {"Hardswish", "inplace=", "hardswish"},
    {"Hardsigmoid", "inplace=", "hardsigmoid"},
    {"Tanhshrink", "", "tanhshrink"},
    {"GLU", "dim=", "glu"},
    {"LayerNorm", "normalized_shape, eps=, elementwise_affine=", "layer_norm"},
    {"RMSNorm", "normalized_shape, eps=, elementwise_affine=", "rms_norm"},
    {"CosineSimilarity", "dim=, eps=", "cosine_similarity"},
    {"Identity", "", ""},
};

/// The whole table; see vocabulary.hpp.
[[nodiscard]] const Registry& registry();

namespace detail {

[[nodiscard]] inline Value make_module(const Call& c) {
  const ModuleEntry& entry = modules[c.code()];
  const std::string function = "torch.nn.functional." + std::string(entry.function);
  auto* m = c.heap().make<TorchModule>(entry.function.empty() ? nullptr : registry().find(function));
  for (std::size_t i = 0; i < c.parameters().size(); ++i) {
    const auto name = c.parameters()[i].name;
    // Affine parameters start as the identity and nothing trains them.
    if (c.value(i).is_set() && name != "elementwise_affine") m->keywords.emplace_back(name, c.value(i));
  }
  return m;
}

} // namespace detail

inline void add_modules(Registry& r) {
  int code = 0;
  for (const ModuleEntry& m : modules) r.add_value(m.name, in_nn, m.signature, detail::make_module, code++);
}

} // namespace step::vocabulary
