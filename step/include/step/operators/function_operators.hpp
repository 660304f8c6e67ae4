// SPDX-License-Identifier: MIT
// The operators that apply a function of the task: Map, Accum and Scan. A body is evaluated once for all
// positions of a stream; a fold loops only over the folded dims and is batched over the others.
#pragma once

#include "step/operators/operator.hpp"
#include "step/operators/shape_operators.hpp"

#include <algorithm>

namespace step::operators {

// ---- Map

inline Typing infer_map(const Config& c, std::span<const StreamType* const> in, TypeContext& context) {
  if (in.size() > 1) {
    auto zipped = infer_zip(c, in, context);
    if (!zipped.ok()) return zipped;
    const StreamType* only = &zipped.outputs[0];
    return infer_map(c, {&only, 1}, context);
  }
  if (auto why = function_mismatch(*c.fn, in[0]->dtype, false); !why.empty()) return fail(std::move(why));
  return one({c.fn->output, in[0]->shape});
}

inline std::vector<StreamData> evaluate_map(const Config& c, std::span<const StreamData* const> in,
                                            std::span<const StreamType> types, EvaluationContext& context) {
  StreamData fields;
  for (const auto* s : in)
    for (const auto& field : *s) fields.push_back(field.with_lead(static_cast<int>(types[0].shape.size())));
  auto out = context.functions.call(*c.fn, {}, fields);
  for (auto& field : out) field = field.with_lead(0);
  return {std::move(out)};
}

// ---- Accum and Scan: folds over the innermost b dims

inline Typing infer_fold(const Config& c, const StreamType& s) {
  if (c.count < 1 || c.count > s.rank())
    return fail("needs 0 < b <= rank = " + std::to_string(s.rank()) + ", got b=" + std::to_string(c.count));
  if (auto why = function_mismatch(*c.fn, s.dtype, true); !why.empty()) return fail(std::move(why));
  return {};
}

inline Typing infer_accum(const Config& c, std::span<const StreamType* const> in, TypeContext&) {
  if (auto broken = infer_fold(c, *in[0]); !broken.ok()) return broken;
  return one({c.fn->output, {in[0]->shape.begin() + c.count, in[0]->shape.end()}});
}

inline Typing infer_scan(const Config& c, std::span<const StreamType* const> in, TypeContext&) {
  if (auto broken = infer_fold(c, *in[0]); !broken.ok()) return broken;
  return one({c.fn->output, in[0]->shape});
}

/// The initial state of fn for every position of the outer axes: constants with stride 0, so they cost no
/// memory.
inline StreamData initial_state(const Function& fn, std::span<const std::int64_t> outer,
                                const Bindings& bindings) {
  StreamData state;
  for (std::size_t i = 0; i < fn.output.fields.size(); ++i) {
    auto constant = Tensor::scalar(tensor::Scalar((*fn.init)[i]), tensor::default_float());
    for (auto size : outer) constant = constant.inserted(constant.axes(), size);
    for (auto size : fn.output.fields[i].axes(bindings)) constant = constant.inserted(constant.axes(), size);
    state.push_back(constant.with_lead(static_cast<int>(outer.size())));
  }
  return state;
}

/// The view at position `at` of the axes that start at `axis`.
inline Tensor at_axes(Tensor t, int axis, std::span<const std::int64_t> at) {
  for (auto i : at) t = t.selected(axis, i);
  return t;
}

/// The next position in row-major order; false after the last.
inline bool next_position(std::span<std::int64_t> at, std::span<const std::int64_t> extent) {
  for (std::size_t axis = at.size(); axis-- > 0;) {
    if (++at[axis] < extent[axis]) return true;
    at[axis] = 0;
  }
  return false;
}

/// Folds fn over the last `folded` of the `stream_axes` leading axes of the fields, in row-major order, and
/// hands each position and state (lead = the outer axes) to `visit`; returns the last state.
template <class Visit>
StreamData fold(const Function& fn, const StreamData& fields, int stream_axes, int folded,
                EvaluationContext& context, Visit visit) {
  const auto& sizes = fields[0].sizes();
  const int outer = stream_axes - folded;
  const auto extent = sizes.first(stream_axes).subspan(static_cast<std::size_t>(outer));
  auto state = initial_state(fn, sizes.first(outer), context.bindings);
  if (std::find(extent.begin(), extent.end(), 0) != extent.end()) return state;
  std::vector<std::int64_t> at(extent.size(), 0);
  StreamData slice(fields.size());
  do {
    for (std::size_t f = 0; f < fields.size(); ++f) slice[f] = at_axes(fields[f], outer, at).with_lead(outer);
    state = context.functions.call(fn, state, slice);
    visit(std::span<const std::int64_t>(at), state);
  } while (next_position(at, extent));
  return state;
}

inline std::vector<StreamData> evaluate_accum(const Config& c, std::span<const StreamData* const> in,
                                              std::span<const StreamType> types, EvaluationContext& context) {
  const auto folded = static_cast<int>(c.count), outer = static_cast<int>(types[0].shape.size());
  if (auto states = context.functions.fold(*c.fn, *in[0], outer + folded, folded, false))
    return {std::move(*states)};
  auto out = fold(*c.fn, *in[0], outer + folded, folded, context, [](auto&&...) {});
  for (auto& field : out) field = field.with_lead(0);
  return {std::move(out)};
}

inline std::vector<StreamData> evaluate_scan(const Config& c, std::span<const StreamData* const> in,
                                             std::span<const StreamType> types, EvaluationContext& context) {
  const auto folded = static_cast<int>(c.count), stream_axes = static_cast<int>(types[0].shape.size());
  if (auto states = context.functions.fold(*c.fn, *in[0], stream_axes, folded, true))
    return {std::move(*states)};
  StreamData out; // every state is written to its place
  for (const auto& field : types[0].dtype.fields)
    out.push_back(
        Tensor::empty(array_sizes(types[0].shape, field, context.bindings), tensor::default_float()));
  fold(*c.fn, *in[0], stream_axes, folded, context,
       [&](std::span<const std::int64_t> at, const StreamData& state) {
         for (std::size_t f = 0; f < out.size(); ++f) {
           auto place = at_axes(out[f], stream_axes - folded, at);
           tensor::copy(place, state[f].with_lead(0));
         }
       });
  return {std::move(out)};
}

} // namespace step::operators
