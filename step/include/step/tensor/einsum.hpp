// SPDX-License-Identifier: MIT
// torch.einsum: any number of operands, repeated labels, ellipsis, implicit output.
// Operands are contracted from left to right, each step being a sum, an element-wise product or a
// contraction.
#pragma once

#include "step/tensor/batch.hpp"
#include "step/tensor/contraction.hpp"
#include "step/tensor/reduce.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::tensor {

namespace detail {

// Labels are numbered: ellipsis dimensions from the right as 0, 1, .., then letters in the order of ASCII.
inline constexpr int letter_labels = max_axes;
[[nodiscard]] inline int label_of(char c) {
  if (c >= 'A' && c <= 'Z') return letter_labels + (c - 'A');
  if (c >= 'a' && c <= 'z') return letter_labels + 26 + (c - 'a');
  fail("einsum(): subscripts must be letters, got '" + std::string(1, c) + "'");
}

class LabelSet {
 public:
  void add(int l) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(l); }
  void add(LabelSet other) { bits_ |= other.bits_; }
  [[nodiscard]] bool has(int l) const { return (bits_ >> static_cast<unsigned>(l) & 1U) != 0; }

 private:
  std::uint64_t bits_ = 0;
};
static_assert(letter_labels + 52 <= 64);

/// Labels in order; as many as a tensor can have axes.
class Labels {
 public:
  void push_back(int l) {
    if (count_ == max_axes)
      throw Fault(FaultKind::limit, "einsum(): more than " + std::to_string(max_axes) + " subscripts");
    items_[static_cast<std::size_t>(count_++)] = static_cast<std::int8_t>(l);
  }
  void erase(int at) {
    std::copy(begin() + at + 1, end(), items_.data() + at);
    --count_;
  }
  [[nodiscard]] int size() const { return count_; }
  [[nodiscard]] int operator[](int i) const { return items_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::int8_t* begin() const { return items_.data(); }
  [[nodiscard]] const std::int8_t* end() const { return items_.data() + count_; }
  /// -1 when absent.
  [[nodiscard]] int find(int l) const {
    const auto* at = std::find(begin(), end(), l);
    return at == end() ? -1 : static_cast<int>(at - begin());
  }
  [[nodiscard]] LabelSet set() const {
    LabelSet s;
    for (int l : *this) s.add(l);
    return s;
  }

 private:
  std::array<std::int8_t, max_axes> items_{};
  int count_ = 0;
};

struct Labelled {
  Tensor tensor;
  Labels labels; ///< one per element axis, distinct
};

/// The labels of one subscript; `rank` < 0 leaves out the check against an operand, and `dots` is then the
/// number of ellipsis dimensions.
[[nodiscard]] inline Labels read_subscript(std::string_view s, int rank, int dots) {
  Labels out;
  int letters = 0;
  for (char c : s) letters += c != '.' && c != ' ' ? 1 : 0;
  bool seen = false;
  bool fits = true;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (c == ' ') continue;
    if (c == '.') {
      if (seen || s.substr(i, 3) != "...")
        fail("einsum(): malformed ellipsis in subscript '" + std::string(s) + "'");
      seen = true;
      i += 2;
      for (int k = rank < 0 ? dots : rank - letters; k > 0; --k) out.push_back(k - 1);
      continue;
    }
    const int l = label_of(c);
    if (rank >= 0 && out.size() >= rank)
      fits = false;
    else
      out.push_back(l);
  }
  if (rank >= 0 && (!fits || out.size() != rank))
    fail("einsum(): the subscript '" + std::string(s) + "' does not match an operand of " +
         std::to_string(rank) + " dimensions");
  return out;
}

/// Repeated labels become diagonals.
[[nodiscard]] inline Labelled take_diagonals(const Tensor& t, const Labels& labels) {
  Shape sizes(t.lead_sizes()), strides(t.strides().first(t.lead()));
  Labels kept;
  for (int i = 0; i < labels.size(); ++i) {
    const int axis = t.lead() + i, at = kept.find(labels[i]);
    if (at < 0) {
      kept.push_back(labels[i]);
      sizes.push_back(t.sizes()[axis]);
      strides.push_back(t.strides()[axis]);
      continue;
    }
    if (sizes[t.lead() + at] != t.sizes()[axis])
      fail("einsum(): a repeated subscript has two sizes in one operand");
    strides[t.lead() + at] += t.strides()[axis];
  }
  if (kept.size() == labels.size()) return {t, kept};
  return {t.restrided(sizes, strides, t.lead()), kept};
}

/// The axes of x in another order, where labels that x lacks become axes of length 1.
[[nodiscard]] inline Tensor spread_over(const Labelled& x, const Labels& order) {
  const int lead = x.tensor.lead();
  Shape sizes(x.tensor.lead_sizes()), strides(x.tensor.strides().first(lead));
  for (const int l : order) {
    const int at = x.labels.find(l);
    sizes.push_back(at < 0 ? 1 : x.tensor.sizes()[lead + at]);
    strides.push_back(at < 0 ? 0 : x.tensor.strides()[lead + at]);
  }
  return x.tensor.restrided(sizes, strides, lead);
}

/// Sums over the labels that nothing needs any more.
inline void sum_unneeded(Labelled& x, LabelSet needed) {
  DimSet dims = 0;
  Labels kept;
  for (int i = 0; i < x.labels.size(); ++i) {
    if (needed.has(x.labels[i]))
      kept.push_back(x.labels[i]);
    else
      dims |= 1U << static_cast<unsigned>(i);
  }
  if (dims != 0) x = {sum(x.tensor, dims, false), kept};
}

/// The product of two operands, summed over labels that are not `needed`; the others come first as in
/// `order`.
[[nodiscard]] inline Labelled contract(Labelled a, Labelled b, LabelSet needed, const Labels& order) {
  LabelSet in_a = a.labels.set(), in_b = b.labels.set(), with_a = needed, with_b = needed;
  with_a.add(in_a);
  with_b.add(in_b);
  sum_unneeded(a, with_b);
  sum_unneeded(b, with_a);
  in_a = a.labels.set();
  in_b = b.labels.set();
  Labels kept;
  LabelSet seen;
  const auto keep = [&](const Labels& labels) {
    for (const int l : labels)
      if (needed.has(l) && !seen.has(l) && (in_a.has(l) || in_b.has(l))) {
        kept.push_back(l);
        seen.add(l);
      }
  };
  keep(order);
  keep(a.labels);
  keep(b.labels);
  Labels all = kept;
  AxisSet axes = 0;
  for (const int l : a.labels)
    if (!needed.has(l)) {
      axes |= AxisSet{1} << static_cast<unsigned>(a.tensor.lead() + all.size());
      all.push_back(l);
    }
  const Tensor x = spread_over(a, all), y = spread_over(b, all);
  return {axes == 0 ? binary(BinaryOp::multiply, x, y, "einsum") : tensor::contract(x, y, axes), kept};
}

} // namespace detail

/// Fault{type} for a malformed equation, a wrong number of operands, or sizes that disagree; Fault{limit}
/// when there are more subscripts than a tensor can have axes.
[[nodiscard]] inline Tensor einsum(std::string_view equation, std::vector<Tensor> operands) {
  using detail::Labels;
  using detail::LabelSet;
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
  terms.reserve(operands.size());
  int dots = 0;
  std::array<std::int64_t, 64> sizes; // by label, of those that occur
  LabelSet used, repeated;
  for (std::size_t i = 0, from = 0; i < operands.size(); ++i) {
    const auto comma = inputs.find(',', from);
    if (from > inputs.size() || (comma == std::string_view::npos) != (i + 1 == operands.size()))
      fail("einsum(): the number of subscripts in '" + std::string(equation) + "' does not match " +
           std::to_string(operands.size()) + " operands");
    const Labels labels = detail::read_subscript(inputs.substr(from, comma - from), operands[i].rank(), 0);
    from = comma + 1;
    for (int d = 0; d < labels.size(); ++d) {
      const int l = labels[d];
      if (l < detail::letter_labels) dots = std::max(dots, l + 1);
      std::int64_t& known = sizes[static_cast<std::size_t>(l)];
      if (!used.has(l))
        known = 1;
      else
        repeated.add(l);
      used.add(l);
      const std::int64_t n = operands[i].size(d);
      if (known == 1)
        known = n;
      else if (n != known && n != 1)
        fail("einsum(): operands do not broadcast: a subscript of '" + std::string(equation) +
             "' has sizes " + std::to_string(known) + " and " + std::to_string(n));
    }
    terms.push_back(detail::take_diagonals(operands[i], labels));
  }
  Labels wanted;
  LabelSet needed;
  if (arrow != std::string_view::npos) {
    wanted = detail::read_subscript(output, -1, dots);
    for (const int l : wanted) {
      if (!used.has(l) || needed.has(l))
        fail("einsum(): output subscript '" + std::string(output) +
             "' repeats a label or has one that no input has");
      needed.add(l);
    }
  } else {
    for (int k = dots; k > 0; --k) wanted.push_back(k - 1);
    for (int l = detail::letter_labels; l < 64; ++l)
      if (used.has(l) && !repeated.has(l)) wanted.push_back(l);
    needed = wanted.set();
  }
  // A dimension of length 1 that others repeat takes no part.
  for (auto& term : terms)
    for (int d = term.labels.size(); d-- > 0;)
      if (term.tensor.size(d) == 1 && sizes[static_cast<std::size_t>(term.labels[d])] != 1) {
        term.tensor = std::move(term.tensor).removed(term.tensor.lead() + d);
        term.labels.erase(d);
      }
  detail::Labelled result = std::move(terms.front());
  for (std::size_t i = 1; i < terms.size(); ++i) {
    LabelSet later = needed;
    for (std::size_t j = i + 1; j < terms.size(); ++j) later.add(terms[j].labels.set());
    result = detail::contract(std::move(result), std::move(terms[i]), later, wanted);
  }
  detail::sum_unneeded(result, needed);
  return detail::spread_over(result, wanted).regrown(lead);
}

} // namespace step::tensor
