// SPDX-License-Identifier: MIT
// torch.einsum: any number of operands, repeated labels, ellipsis, implicit output.
// Operands are contracted from left to right, each step being a sum, an element-wise or a matrix product.
#pragma once

#include "step/tensor/matmul.hpp"
#include "step/tensor/reduce.hpp"
#include "step/tensor/shaping.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace step::tensor {

namespace detail {

// Labels are numbered: letters by their character, ellipsis dimensions from the right as 1, 2, ..
using Labels = std::vector<int>;
struct Labelled {
  Tensor tensor;
  Labels labels; ///< one per element axis, distinct
};
inline constexpr int most_ellipsis = max_axes;

[[nodiscard]] inline bool contains(const Labels& labels, int l) {
  return std::find(labels.begin(), labels.end(), l) != labels.end();
}

/// The labels of one subscript; `rank` < 0 leaves out the check against an operand, and `dots` is then the
/// number of ellipsis dimensions.
[[nodiscard]] inline Labels read_subscript(std::string_view s, int rank, int dots) {
  Labels out;
  int letters = 0;
  for (char c : s) letters += c != '.' && c != ' ' ? 1 : 0;
  bool seen = false;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (c == ' ') continue;
    if (c == '.') {
      if (seen || s.substr(i, 3) != "...")
        fail("einsum(): malformed ellipsis in subscript '" + std::string(s) + "'");
      seen = true;
      i += 2;
      const int n = rank < 0 ? dots : rank - letters;
      for (int k = n; k > 0; --k) out.push_back(k);
      continue;
    }
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
      fail("einsum(): subscripts must be letters, got '" + std::string(1, c) + "'");
    out.push_back(c);
  }
  if (rank >= 0 && static_cast<int>(out.size()) != rank)
    fail("einsum(): the subscript '" + std::string(s) + "' does not match an operand of " +
         std::to_string(rank) + " dimensions");
  return out;
}

/// Repeated labels become diagonals.
[[nodiscard]] inline Labelled take_diagonals(const Tensor& t, const Labels& labels) {
  Shape sizes(t.lead_sizes()), strides(t.strides().first(t.lead()));
  Labels kept;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const int axis = t.lead() + static_cast<int>(i);
    auto at = std::find(kept.begin(), kept.end(), labels[i]);
    if (at == kept.end()) {
      kept.push_back(labels[i]);
      sizes.push_back(t.sizes()[axis]);
      strides.push_back(t.strides()[axis]);
      continue;
    }
    const int k = t.lead() + static_cast<int>(at - kept.begin());
    if (sizes[k] != t.sizes()[axis]) fail("einsum(): a repeated subscript has two sizes in one operand");
    strides[k] += t.strides()[axis];
  }
  return {t.restrided(sizes, strides, t.lead()), kept};
}

[[nodiscard]] inline Labelled reordered(const Labelled& x, const Labels& order) {
  std::array<std::int64_t, max_axes> dims{};
  for (std::size_t i = 0; i < order.size(); ++i)
    dims[i] = std::find(x.labels.begin(), x.labels.end(), order[i]) - x.labels.begin();
  return {permute(x.tensor, Integers(dims.data(), order.size()), "einsum"), order};
}

/// Sums over the labels that nothing needs any more.
[[nodiscard]] inline Labelled summed(const Labelled& x, const Labels& needed) {
  DimSet dims = 0;
  Labels kept;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    if (contains(needed, x.labels[i]))
      kept.push_back(x.labels[i]);
    else
      dims |= 1U << i;
  }
  return dims == 0 ? x : Labelled{sum(x.tensor, dims, false), kept};
}

[[nodiscard]] inline std::int64_t extent(const Labelled& x, int label) {
  return x.tensor.size(
      static_cast<int>(std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin()));
}

/// The product of two operands, summed over common labels that are not `needed`.
[[nodiscard]] inline Labelled contract(Labelled a, Labelled b, const Labels& needed) {
  Labels wanted = needed;
  wanted.insert(wanted.end(), b.labels.begin(), b.labels.end());
  a = summed(a, wanted);
  wanted = needed;
  wanted.insert(wanted.end(), a.labels.begin(), a.labels.end());
  b = summed(b, wanted);
  Labels batch, left, right, common;
  for (int l : a.labels) (!contains(b.labels, l) ? left : contains(needed, l) ? batch : common).push_back(l);
  for (int l : b.labels)
    if (!contains(a.labels, l)) right.push_back(l);
  Shape sizes, sa, sb; // of the result and, with 1s, of the operands
  std::int64_t m = 1, n = 1, k = 1;
  Labels labels = batch;
  for (int l : batch) sizes.push_back(extent(a, l));
  sa = sb = sizes;
  for (int l : left) {
    sizes.push_back(extent(a, l));
    sa.push_back(extent(a, l));
    sb.push_back(1);
    m *= extent(a, l);
  }
  for (int l : right) {
    sizes.push_back(extent(b, l));
    sa.push_back(1);
    sb.push_back(extent(b, l));
    n *= extent(b, l);
  }
  for (int l : common) k *= extent(a, l);
  const auto join = [](Labels x, const Labels& y) {
    x.insert(x.end(), y.begin(), y.end());
    return x;
  };
  labels = join(join(batch, left), right);
  const Tensor x = reordered(a, join(join(batch, left), common)).tensor;
  const Tensor y =
      reordered(b, common.empty() ? join(batch, right) : join(join(batch, common), right)).tensor;
  if (common.empty())
    return {binary(BinaryOp::multiply, reshape(x, sa, "einsum"), reshape(y, sb, "einsum"), "einsum"), labels};
  Shape mx, my;
  for (int l : batch) {
    mx.push_back(extent(a, l));
    my.push_back(extent(a, l));
  }
  mx.push_back(m);
  mx.push_back(k);
  my.push_back(k);
  my.push_back(n);
  return {reshape(matmul(reshape(x, mx, "einsum"), reshape(y, my, "einsum"), "einsum"), sizes, "einsum"),
          labels};
}

} // namespace detail

/// Fault{type} for a malformed equation, a wrong number of operands, or sizes that disagree.
[[nodiscard]] inline Tensor einsum(std::string_view equation, std::vector<Tensor> operands) {
  using detail::Labels;
  if (operands.empty()) fail("einsum(): must provide at least one operand");
  if (operands.size() > 64) throw Fault(FaultKind::limit, "einsum(): more than 64 operands");
  for (const Tensor& t : operands) {
    if (t.dtype() != operands.front().dtype()) fail("einsum(): expected operands of the same dtype");
    if (t.dtype() == DType::boolean && operands.size() > 1) fail("einsum(): not defined for torch.bool");
  }
  std::string_view inputs = equation, output;
  const auto arrow = equation.find("->");
  if (arrow != std::string_view::npos) {
    inputs = equation.substr(0, arrow);
    output = equation.substr(arrow + 2);
  }
  const Shape lead = align(operands);
  std::vector<detail::Labelled> terms;
  int dots = 0;
  std::array<std::int64_t, 128> sizes;
  std::array<int, 128> uses{};
  sizes.fill(-1);
  for (std::size_t i = 0, from = 0; i < operands.size(); ++i) {
    const auto comma = inputs.find(',', from);
    if (from > inputs.size() || (comma == std::string_view::npos) != (i + 1 == operands.size()))
      fail("einsum(): the number of subscripts in '" + std::string(equation) + "' does not match " +
           std::to_string(operands.size()) + " operands");
    const Labels labels = detail::read_subscript(inputs.substr(from, comma - from), operands[i].rank(), 0);
    from = comma + 1;
    for (int l : labels) {
      ++uses[static_cast<std::size_t>(l)];
      if (l <= detail::most_ellipsis) dots = std::max(dots, l);
    }
    terms.push_back(detail::take_diagonals(operands[i], labels));
    const auto& term = terms.back();
    for (std::size_t d = 0; d < term.labels.size(); ++d) {
      std::int64_t& known = sizes[static_cast<std::size_t>(term.labels[d])];
      const std::int64_t n = term.tensor.size(static_cast<int>(d));
      if (known == -1 || known == 1)
        known = n;
      else if (n != known && n != 1)
        fail("einsum(): operands do not broadcast: a subscript of '" + std::string(equation) +
             "' has sizes " + std::to_string(known) + " and " + std::to_string(n));
    }
  }
  Labels wanted;
  if (arrow != std::string_view::npos) {
    wanted = detail::read_subscript(output, -1, dots);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (uses[static_cast<std::size_t>(wanted[i])] == 0 ||
          std::find(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(i), wanted[i]) !=
              wanted.begin() + static_cast<std::ptrdiff_t>(i))
        fail("einsum(): output subscript '" + std::string(output) +
             "' repeats a label or has one that no input has");
  } else {
    for (int k = dots; k > 0; --k) wanted.push_back(k);
    for (int l = 'A'; l <= 'z'; ++l)
      if (uses[static_cast<std::size_t>(l)] == 1) wanted.push_back(l);
  }
  // A dimension of length 1 that others repeat takes no part.
  for (auto& term : terms)
    for (std::size_t d = term.labels.size(); d-- > 0;)
      if (term.tensor.size(static_cast<int>(d)) == 1 &&
          sizes[static_cast<std::size_t>(term.labels[d])] != 1) {
        term.tensor = term.tensor.removed(term.tensor.lead() + static_cast<int>(d));
        term.labels.erase(term.labels.begin() + static_cast<std::ptrdiff_t>(d));
      }
  detail::Labelled result = terms.front();
  for (std::size_t i = 1; i < terms.size(); ++i) {
    Labels needed = wanted;
    for (std::size_t j = i + 1; j < terms.size(); ++j)
      needed.insert(needed.end(), terms[j].labels.begin(), terms[j].labels.end());
    result = detail::contract(result, terms[i], needed);
  }
  return detail::reordered(detail::summed(result, wanted), wanted).tensor.regrown(lead);
}

} // namespace step::tensor
