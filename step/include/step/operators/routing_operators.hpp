// SPDX-License-Identifier: MIT
// The operators whose result depends on the values of an index stream: Partition sends slices to experts,
// Merge folds what the experts made back into order. Both walk the index in row-major order.
#pragma once

#include "step/operators/function_operators.hpp"
#include "step/operators/operator.hpp"

#include <cstring>

namespace step::operators {

/// The number of streams an operator over this index makes or needs; nothing when its dtype is not Multihot.
inline std::optional<Dim> experts_of(const StreamType& index) {
  if (index.dtype.is_tuple() || !index.dtype.fields[0].is_multihot()) return std::nullopt;
  return index.dtype.fields[0].experts;
}

/// For each expert the row-major positions of the index at which its bit is 1.
inline std::vector<std::vector<std::int64_t>> routes(const Tensor& index) {
  const auto flat = index.contiguous().to(tensor::DType::float64).contiguous();
  const auto experts = flat.sizes()[flat.axes() - 1];
  std::vector<std::vector<std::int64_t>> out(static_cast<std::size_t>(experts));
  const auto* bits = flat.data<double>();
  for (std::int64_t i = 0; i < flat.numel(); ++i)
    if (bits[i] == 1.0) out[static_cast<std::size_t>(i % experts)].push_back(i / experts);
  return out;
}

/// The rows (indices of the first axis) of t, one after the other. O(elements copied).
inline Tensor gather_rows(const Tensor& t, std::span<const std::int64_t> rows) {
  const auto source = t.contiguous();
  auto sizes = source.sizes();
  sizes[0] = static_cast<std::int64_t>(rows.size());
  auto out = Tensor::empty(sizes, source.dtype());
  std::int64_t row = 1;
  for (auto n : sizes.from(1)) row *= n;
  tensor::visit(source.dtype(), [&]<class T>(std::type_identity<T>) {
    auto* to = out.write<T>();
    const auto* from = source.data<T>();
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(from + rows[i] * row, row, to + static_cast<std::int64_t>(i) * row);
  });
  return out;
}

/// Writes the rows of `from` over rows `rows` of `to`, which is row-major.
inline void scatter_rows(Tensor& to, std::span<const std::int64_t> rows, const Tensor& from) {
  const auto source = from.to(to.dtype()).contiguous();
  if (rows.empty()) return;
  const auto row = source.numel() / static_cast<std::int64_t>(rows.size());
  tensor::visit(to.dtype(), [&]<class T>(std::type_identity<T>) {
    auto* target = to.write<T>();
    const auto* values = source.data<T>();
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(values + static_cast<std::int64_t>(i) * row, row, target + rows[i] * row);
  });
}

/// The first `axes` axes as one.
inline Tensor flatten_front(const Tensor& t, int axes) {
  tensor::Shape sizes;
  std::int64_t rows = 1;
  for (int i = 0; i < axes; ++i) rows *= t.sizes()[i];
  sizes.push_back(rows);
  sizes.append(t.sizes().from(axes));
  return t.reshaped(sizes);
}

// ---- Partition

inline Typing infer_partition(const Config& c, std::span<const StreamType* const> in, TypeContext& context) {
  const auto &data = *in[0], &index = *in[1];
  const auto experts = experts_of(index);
  if (!experts) return fail("needs an index of Multihot, got " + index.dtype.text());
  if (!c.size.is_bound(context.bindings) || !experts->is_bound(context.bindings))
    return fail("needs a known number of experts N, got " + c.size.text());
  const auto n = c.size.evaluate(context.bindings);
  if (n != experts->evaluate(context.bindings))
    return fail("needs as many streams as the index has experts: N=" + c.size.text() + ", index " +
                index.dtype.text() + " (" + std::to_string(experts->evaluate(context.bindings)) +
                " experts)");
  if (n < 1 || n > 1024) return fail("needs 1 <= N <= 1024, got " + std::to_string(n));
  if (index.rank() > data.rank() ||
      !std::equal(index.shape.begin(), index.shape.end(), data.shape.end() - std::ssize(index.shape)))
    return fail("needs the index dims " + text(index.shape) + " to be the outermost dims of the data " +
                text(data.shape));
  Typing t;
  for (std::int64_t i = 0; i < n; ++i) {
    StreamType out{data.dtype, {data.shape.begin(), data.shape.end() - std::ssize(index.shape)}};
    out.shape.emplace_back(context.fresh());
    t.outputs.push_back(std::move(out));
  }
  return t;
}

inline std::vector<StreamData> evaluate_partition(const Config&, std::span<const StreamData* const> in,
                                                  std::span<const StreamType> types,
                                                  EvaluationContext& context) {
  const auto& index = (*in[1])[0];
  const auto per_expert = routes(index);
  StreamData rows;
  for (const auto& field : *in[0]) rows.push_back(flatten_front(field, index.axes() - 1));
  std::vector<StreamData> out;
  for (std::size_t e = 0; e < types.size(); ++e) {
    context.bindings.set(*types[e].shape.back().symbol(), static_cast<std::int64_t>(per_expert[e].size()));
    auto& stream = out.emplace_back();
    for (const auto& field : rows) stream.push_back(gather_rows(field, per_expert[e]));
  }
  return out;
}

// ---- Merge

inline Typing infer_merge(const Config& c, std::span<const StreamType* const> in, TypeContext& context) {
  const auto streams = in.first(in.size() - 1);
  const auto& index = *in.back();
  const auto experts = experts_of(index);
  if (!experts) return fail("needs an index of Multihot, got " + index.dtype.text());
  if (!experts->is_bound(context.bindings)) return fail("needs a known number of experts in the index");
  if (std::ssize(streams) != experts->evaluate(context.bindings))
    return fail("needs as many streams as the index has experts: got " + std::to_string(streams.size()) +
                " streams, index " + index.dtype.text() + " (" +
                std::to_string(experts->evaluate(context.bindings)) + " experts)");
  const auto& first = *streams[0];
  for (const auto* s : streams) {
    if (s->dtype != first.dtype)
      return fail("needs streams of equal dtype, got " + first.dtype.text() + " and " + s->dtype.text());
    if (s->shape.size() != first.shape.size() ||
        !std::equal(s->shape.begin(), s->shape.end() - 1, first.shape.begin()))
      return fail("needs streams whose inner dims agree, got " + text(first.shape) + " and " +
                  text(s->shape));
  }
  if (auto why = function_mismatch(*c.fn, first.dtype, true); !why.empty()) return fail(std::move(why));
  StreamType out{c.fn->output, {first.shape.begin(), first.shape.end() - 1}};
  out.shape.insert(out.shape.end(), index.shape.begin(), index.shape.end());
  return one(std::move(out));
}

inline std::vector<StreamData> evaluate_merge(const Config& c, std::span<const StreamData* const> in,
                                              std::span<const StreamType> types, EvaluationContext& context) {
  const auto streams = in.first(in.size() - 1);
  const auto& index = (*in.back())[0];
  const auto per_expert = routes(index);
  const int index_axes = index.axes() - 1;
  const int inner_axes = static_cast<int>(types[0].shape.size()) - index_axes;
  std::int64_t positions = 1;
  for (int i = 0; i < index_axes; ++i) positions *= index.sizes()[i];

  // axes: positions of the index, the inner stream axes, the field's axes
  const auto inner_sizes = (*streams[0])[0].sizes().first(1 + inner_axes).subspan(1);
  tensor::Shape lead_sizes{positions};
  lead_sizes.append(inner_sizes);
  StreamData result, initial = initial_state(*c.fn, lead_sizes.from(0), context.bindings);
  for (const auto& field : initial) result.push_back(Tensor::zeros(field.sizes(), tensor::default_float()));
  std::vector<char> touched(static_cast<std::size_t>(positions), 0);

  for (std::size_t e = 0; e < streams.size(); ++e) {
    const auto& rows = per_expert[e];
    if (rows.empty()) continue;
    const auto have = (*streams[e])[0].sizes()[0];
    if (have < std::ssize(rows))
      throw Fault(FaultKind::value, "Merge: the index sends " + std::to_string(rows.size()) +
                                        " positions to expert " + std::to_string(e) +
                                        ", but its stream has only " + std::to_string(have) + " slices");
    // a position's state is the constant init until some expert has been folded into it
    std::vector<std::int64_t> fresh, seen;
    for (auto row : rows) (touched[static_cast<std::size_t>(row)] != 0 ? seen : fresh).push_back(row);
    for (std::size_t f = 0; f < result.size(); ++f) {
      const auto constant = initial[f].with_lead(0).narrowed(0, 0, std::ssize(fresh));
      scatter_rows(result[f], fresh, constant);
    }
    for (auto row : fresh) touched[static_cast<std::size_t>(row)] = 1;
    StreamData state, slices;
    for (const auto& field : result) state.push_back(gather_rows(field, rows).with_lead(1 + inner_axes));
    for (const auto& field : *streams[e])
      slices.push_back(field.narrowed(0, 0, std::ssize(rows)).with_lead(1 + inner_axes));
    const auto next = context.functions.call(*c.fn, state, slices);
    for (std::size_t f = 0; f < result.size(); ++f) scatter_rows(result[f], rows, next[f].with_lead(0));
  }
  StreamData out;
  for (std::size_t f = 0; f < result.size(); ++f)
    out.push_back(
        result[f].reshaped(array_sizes(types[0].shape, types[0].dtype.fields[f], context.bindings)));
  return {std::move(out)};
}

} // namespace step::operators
