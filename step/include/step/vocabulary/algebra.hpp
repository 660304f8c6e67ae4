// SPDX-License-Identifier: MIT
// Names of the matrix products: matmul, mm, bmm, mv, dot, outer, einsum, linear, attention.
// Part of the vocabulary's table; see vocabulary.hpp.
#pragma once

#include "step/tensor/einsum.hpp"
#include "step/tensor/joining.hpp"
#include "step/tensor/lines.hpp"
#include "step/tensor/matmul.hpp"
#include "step/tensor/shaping.hpp"
#include "step/vocabulary/elementwise.hpp"

namespace step::vocabulary {

namespace detail {

/// matmul of operands that must have these ranks.
[[nodiscard]] inline Tensor ranked_product(const Call& c, std::size_t first, int rank1, int rank2) {
  const Tensor &a = c.tensor(first), &b = c.tensor(first + 1);
  if (a.rank() != rank1 || b.rank() != rank2)
    c.fail("expects a " + std::to_string(rank1) + "-D and a " + std::to_string(rank2) +
           "-D tensor, but got shapes " + tensor::text(a.element_sizes()) + " and " +
           tensor::text(b.element_sizes()));
  if (rank1 == 3 && a.size(0) != b.size(0))
    c.fail("batch sizes differ: shapes " + tensor::text(a.element_sizes()) + " and " +
           tensor::text(b.element_sizes()));
  return tensor::matmul(a, b, c.function());
}
/// beta * input + alpha * product
[[nodiscard]] inline Tensor add_product_of(const Call& c, int rank1, int rank2) {
  Tensor product = ranked_product(c, 1, rank1, rank2);
  const Tensor& input = c.tensor(0);
  if (input.dtype() != product.dtype()) c.fail("expected operands of the same dtype");
  if (c.has(4)) product = tensor::binary(BinaryOp::multiply, product, c.number(4), c.function());
  const Tensor scaled =
      c.has(3) ? tensor::binary(BinaryOp::multiply, input, c.number(3), c.function()) : input;
  return tensor::binary(BinaryOp::add, tensor::broadcast_to(scaled, product.element_sizes(), c.function()),
                        product, c.function());
}

[[nodiscard]] inline Tensor outer(const Call& c) {
  const Tensor &a = c.tensor(0), &b = c.tensor(1);
  if (a.rank() != 1 || b.rank() != 1)
    c.fail("expects 1-D tensors, but got shapes " + tensor::text(a.element_sizes()) + " and " +
           tensor::text(b.element_sizes()));
  return tensor::binary(BinaryOp::multiply, a.inserted(a.axes()), b, c.function());
}

[[nodiscard]] inline Tensor einsum(const Call& c) {
  auto* equation = c.value(0).as<interp::String>();
  if (equation == nullptr) c.wrong(0, "str");
  return tensor::einsum(equation->text, c.tensors(1));
}

[[nodiscard]] inline Tensor linear(const Call& c) {
  const Tensor &x = c.tensor(0), &w = c.tensor(1);
  if (w.rank() < 1 || w.rank() > 2)
    c.fail("weight must be a matrix or a vector, got shape " + tensor::text(w.element_sizes()));
  if (w.rank() == 1 && c.has(2) && c.tensor(2).rank() != 0) c.fail("bias must be 0-D when weight is 1-D");
  const Tensor product = tensor::matmul(x, w.rank() == 2 ? tensor::transpose(w, 0, 1) : w, c.function());
  if (!c.has(2)) return product;
  if (c.tensor(2).dtype() != x.dtype()) c.fail("expected operands of the same dtype");
  return tensor::binary(BinaryOp::add, product,
                        tensor::broadcast_to(c.tensor(2), product.element_sizes(), c.function()),
                        c.function());
}

/// softmax(q k^T * scale + mask) v
[[nodiscard]] inline Tensor attention(const Call& c) {
  const Tensor &q = c.tensor(0), &k = c.tensor(1), &v = c.tensor(2);
  if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2)
    c.fail("query, key and value must have at least 2 dimensions");
  if (q.dtype() != k.dtype() || q.dtype() != v.dtype() || !tensor::is_floating(q.dtype()))
    c.fail("expected query, key and value of one floating dtype");
  if (c.real(4, 0.0) != 0.0)
    throw Fault(FaultKind::rejected, "scaled_dot_product_attention(): dropout is random and not supported");
  const double scale = c.real(6, 1 / std::sqrt(static_cast<double>(q.size(q.rank() - 1))));
  Tensor scores = tensor::binary(
      BinaryOp::multiply, tensor::matmul(q, tensor::transpose(k, -2, -1), c.function()), scale, c.function());
  const double low = -std::numeric_limits<double>::infinity();
  if (c.flag(5, false)) {
    if (c.has(3)) c.fail("attn_mask must not be given when is_causal=True");
    const Tensor ones =
        Tensor::full({q.size(q.rank() - 2), k.size(k.rank() - 2)}, true, tensor::DType::boolean);
    scores = tensor::where(tensor::triangle(ones, 0, true, "tril"), scores, low);
  }
  if (c.has(3)) {
    const Tensor& mask = c.tensor(3);
    if (mask.dtype() == tensor::DType::boolean)
      scores = tensor::where(mask, scores, low);
    else
      scores = tensor::binary(BinaryOp::add, scores, mask, c.function());
  }
  return tensor::matmul(tensor::softmax(scores, scores.rank() - 1, false, c.function()), v, c.function());
}

/// a and b as Kronecker factors: ranks aligned at the right, then interleaved.
[[nodiscard]] inline Tensor kron(const Call& c) {
  Tensor a = c.tensor(0), b = c.tensor(1);
  while (a.rank() < b.rank()) a = a.inserted(a.lead());
  while (b.rank() < a.rank()) b = b.inserted(b.lead());
  tensor::Shape sizes;
  const int n = a.rank();
  for (int d = 0; d < n; ++d) sizes.push_back(tensor::count(tensor::Shape{a.size(d), b.size(d)}));
  for (int d = n; d-- > 0;) {
    a = a.inserted(a.lead() + d + 1);
    b = b.inserted(b.lead() + d);
  }
  return tensor::reshape(tensor::binary(BinaryOp::multiply, a, b, c.function()), sizes);
}

[[nodiscard]] inline Tensor tensordot(const Call& c) {
  const Tensor &a = c.tensor(0), &b = c.tensor(1);
  std::vector<std::int64_t> da, db;
  std::span<const Value> items;
  if (interp::sequence_items(c.value(2), items)) {
    if (items.size() != 2) c.fail("dims must be an int or a pair of lists");
    for (std::size_t k = 0; k < 2; ++k) {
      std::span<const Value> list;
      if (!interp::sequence_items(items[k], list)) list = items.subspan(k, 1);
      for (Value v : list) {
        if (!v.is_int()) c.wrong(2, "pair of lists of ints");
        (k == 0 ? da : db).push_back((k == 0 ? a : b).dim(v.as_int(), c.function()));
      }
    }
  } else {
    const std::int64_t n = c.integer(2, 2);
    if (n < 0 || n > a.rank() || n > b.rank()) c.fail("invalid number of dims");
    for (std::int64_t i = 0; i < n; ++i) {
      da.push_back(a.rank() - n + i);
      db.push_back(i);
    }
  }
  if (da.size() != db.size()) c.fail("both dimension lists should have same length");
  std::string equation, sa(static_cast<std::size_t>(a.rank()), ' '),
      sb(static_cast<std::size_t>(b.rank()), ' '), out;
  char next = 'a';
  for (std::size_t i = 0; i < da.size(); ++i, ++next) {
    if (sa[static_cast<std::size_t>(da[i])] != ' ' || sb[static_cast<std::size_t>(db[i])] != ' ')
      c.fail("repeated dim");
    if (a.size(static_cast<int>(da[i])) != b.size(static_cast<int>(db[i])))
      c.fail("contracted dimensions need to match, but got shapes " + tensor::text(a.element_sizes()) +
             " and " + tensor::text(b.element_sizes()));
    sa[static_cast<std::size_t>(da[i])] = sb[static_cast<std::size_t>(db[i])] = next;
  }
  for (std::string* s : {&sa, &sb})
    for (char& ch : *s)
      if (ch == ' ') out += ch = next++;
  return tensor::einsum(sa + "," + sb + "->" + out, {a, b});
}

} // namespace detail

inline void add_algebra(Registry& r) {
  using namespace detail;
  constexpr unsigned both = in_torch | as_method;
  r.add("matmul", both, "input, other",
        [](const Call& c) { return tensor::matmul(c.tensor(0), c.tensor(1)); });
  r.add("matmul", in_linalg, "input, other",
        [](const Call& c) { return tensor::matmul(c.tensor(0), c.tensor(1)); });
  r.add("mm", both, "input, mat2", [](const Call& c) { return ranked_product(c, 0, 2, 2); });
  r.add("bmm", both, "input, mat2", [](const Call& c) { return ranked_product(c, 0, 3, 3); });
  r.add("mv", both, "input, vec", [](const Call& c) { return ranked_product(c, 0, 2, 1); });
  r.add("dot inner vdot", both, "input, other", [](const Call& c) {
    if (c.function() != "inner") return ranked_product(c, 0, 1, 1);
    const Tensor &a = c.tensor(0), &b = c.tensor(1);
    if (a.rank() == 0 || b.rank() == 0) return tensor::binary(BinaryOp::multiply, a, b, c.function());
    const std::int64_t k = a.size(a.rank() - 1);
    if (k != b.size(b.rank() - 1))
      c.fail("the last dimensions differ: shapes " + tensor::text(a.element_sizes()) + " and " +
             tensor::text(b.element_sizes()));
    tensor::Shape sizes(a.element_sizes().first(static_cast<std::size_t>(a.rank() - 1)));
    sizes.append(b.element_sizes().first(static_cast<std::size_t>(b.rank() - 1)));
    const auto rows = [k](const Tensor& t) {
      return tensor::reshape(t, tensor::Shape{t.element_count() / std::max<std::int64_t>(k, 1), k});
    };
    if (k == 0) c.fail("the last dimension is empty");
    return tensor::reshape(tensor::matmul(rows(a), tensor::transpose(rows(b), 0, 1), "inner"), sizes);
  });
  r.add("addmm", both,
        "input, mat1, mat2, *, beta=, alpha=", [](const Call& c) { return add_product_of(c, 2, 2); });
  r.add("addmv", both,
        "input, mat, vec, *, beta=, alpha=", [](const Call& c) { return add_product_of(c, 2, 1); });
  r.add("baddbmm", both,
        "input, batch1, batch2, *, beta=, alpha=", [](const Call& c) { return add_product_of(c, 3, 3); });
  r.add("outer ger", both, "input, vec2", outer);
  r.add("einsum", in_torch, "equation, *operands", einsum);
  r.add("tensordot", in_torch, "a, b, dims=", tensordot);
  r.add("kron", both, "input, other", kron);
  r.add("trace", both, "input", [](const Call& c) {
    if (c.tensor(0).rank() != 2)
      c.fail("expected a matrix, got shape " + tensor::text(c.tensor(0).element_sizes()));
    if (c.tensor(0).dtype() == tensor::DType::boolean) c.fail("not defined for torch.bool");
    const Tensor d = tensor::diagonal(c.tensor(0), 0, 0, 1);
    return tensor::sum(d, tensor::all_dims(d), false);
  });
  r.add("linear", in_functional, "input, weight, bias=", linear);
  r.add("scaled_dot_product_attention", in_functional,
        "query, key, value, attn_mask=, dropout_p=, is_causal=, scale=", attention);
}

} // namespace step::vocabulary
