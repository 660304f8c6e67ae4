// SPDX-License-Identifier: MIT
// The operators that change how a stream's positions are arranged and never look at values: Promote, Flatten,
// Reshape, Bufferize, Streamify, Repeat, RepeatRef, Zip, Copy, Identity. On the arrays they are views
// wherever possible.
#pragma once

#include "step/operators/operator.hpp"

#include <algorithm>
#include <limits>

namespace step::operators {

// ---- Promote: one more dim, of size 1

inline Typing infer_promote(const Config& c, std::span<const StreamType* const> in, TypeContext&) {
  const auto& s = *in[0];
  if (c.count < 0 || c.count > s.rank() + 1)
    return fail("needs 0 <= b <= rank+1 = " + std::to_string(s.rank() + 1) +
                ", got b=" + std::to_string(c.count));
  auto out = s;
  out.shape.insert(out.shape.begin() + c.count, Dim(1));
  return one(std::move(out));
}

inline std::vector<StreamData> evaluate_promote(const Config& c, std::span<const StreamData* const> in,
                                                std::span<const StreamType> types, EvaluationContext&) {
  StreamData out;
  for (const auto& field : *in[0]) out.push_back(field.inserted(static_cast<int>(types[0].rank() - c.count)));
  return {std::move(out)};
}

// ---- Flatten: consecutive dims multiplied into one

inline Typing infer_flatten(const Config& c, std::span<const StreamType* const> in, TypeContext&) {
  const auto& s = *in[0];
  if (c.levels.empty()) return fail("needs L with at least one level");
  for (std::size_t i = 0; i < c.levels.size(); ++i) {
    if (i != 0 && c.levels[i] != c.levels[i - 1] + 1)
      return fail("needs L of consecutive ascending integers, got " + std::to_string(c.levels[i - 1]) +
                  " then " + std::to_string(c.levels[i]));
    if (c.levels[i] < 1 || c.levels[i] > s.rank())
      return fail("needs levels from 1 to the rank " + std::to_string(s.rank()) + ", got " +
                  std::to_string(c.levels[i]));
  }
  StreamType out{s.dtype, {}};
  const auto first = static_cast<std::size_t>(c.levels.front() - 1),
             last = static_cast<std::size_t>(c.levels.back());
  for (std::size_t i = 0; i < s.shape.size(); ++i) {
    if (i > first && i <= last)
      out.shape.back() = out.shape.back() * s.shape[i];
    else
      out.shape.push_back(s.shape[i]);
  }
  return one(std::move(out));
}

/// Gives every field the stream axes of `shape` in place of its first `old_axes` axes.
inline StreamData reshape_stream_axes(const StreamData& data, std::size_t old_axes, const Shape& shape,
                                      const Bindings& bindings) {
  StreamData out;
  for (const auto& field : data) {
    tensor::Shape sizes;
    for (auto it = shape.rbegin(); it != shape.rend(); ++it) sizes.push_back(it->evaluate(bindings));
    sizes.append(field.sizes().from(static_cast<int>(old_axes)));
    out.push_back(field.reshaped(sizes));
  }
  return out;
}

inline std::vector<StreamData> evaluate_flatten(const Config& c, std::span<const StreamData* const> in,
                                                std::span<const StreamType> types,
                                                EvaluationContext& context) {
  const auto old_axes = types[0].shape.size() + c.levels.size();
  return {reshape_stream_axes(*in[0], old_axes, types[0].shape, context.bindings)};
}

// ---- Reshape: dims split into S (inner) and dim//S (outer)

inline Typing infer_reshape(const Config& c, std::span<const StreamType* const> in, TypeContext& context) {
  const auto& s = *in[0];
  auto levels = c.levels;
  std::sort(levels.begin(), levels.end());
  if (levels.empty()) return fail("needs L with at least one dim");
  if (std::adjacent_find(levels.begin(), levels.end()) != levels.end())
    return fail("needs L without repetitions");
  if (levels.front() < 0 || levels.back() > s.rank())
    return fail("needs dims from 0 to the rank " + std::to_string(s.rank()) + " in L");
  StreamType out{s.dtype, {}};
  for (std::size_t i = 0; i < s.shape.size(); ++i) {
    if (!std::binary_search(levels.begin(), levels.end(), static_cast<std::int64_t>(i))) {
      out.shape.push_back(s.shape[i]);
      continue;
    }
    if (!c.size.is_bound(context.bindings)) return fail("needs a known size S, got " + c.size.text());
    const auto split = c.size.evaluate(context.bindings);
    if (split < 1) return fail("needs S >= 1, got " + c.size.text());
    if (s.shape[i].is_bound(context.bindings)) {
      const auto whole = s.shape[i].evaluate(context.bindings);
      if (whole % split != 0)
        return fail("needs S to divide dim " + std::to_string(i) + " (" + s.shape[i].text() + " = " +
                    std::to_string(whole) + "), got S = " + c.size.text() + " = " + std::to_string(split));
    }
    out.shape.push_back(c.size);
    out.shape.push_back(floor_divide(s.shape[i], c.size));
  }
  return one(std::move(out));
}

inline std::vector<StreamData> evaluate_reshape(const Config& c, std::span<const StreamData* const> in,
                                                std::span<const StreamType> types,
                                                EvaluationContext& context) {
  const auto old_axes = types[0].shape.size() - c.levels.size();
  return {reshape_stream_axes(*in[0], old_axes, types[0].shape, context.bindings)};
}

// ---- Bufferize and Streamify: dims move between the stream and its positions; the arrays stay as they are

inline Typing infer_bufferize(const Config& c, std::span<const StreamType* const> in, TypeContext&) {
  const auto& s = *in[0];
  if (c.count < 1 || c.count > s.rank())
    return fail("needs 0 < a <= rank = " + std::to_string(s.rank()) + ", got a=" + std::to_string(c.count));
  StreamType out{s.dtype, {s.shape.begin() + c.count, s.shape.end()}};
  for (auto& field : out.dtype.fields)
    field.buffer.insert(field.buffer.end(), s.shape.begin(), s.shape.begin() + c.count);
  return one(std::move(out));
}

inline Typing infer_streamify(const Config&, std::span<const StreamType* const> in, TypeContext&) {
  const auto& s = *in[0];
  if (s.dtype.is_tuple() || !s.dtype.fields[0].is_buffer())
    return fail("needs a stream of Buffer, got " + s.dtype.text());
  auto out = s;
  auto& field = out.dtype.fields[0];
  out.shape.insert(out.shape.begin(), field.buffer.begin(), field.buffer.end());
  field.buffer.clear();
  return one(std::move(out));
}

inline std::vector<StreamData> evaluate_same_arrays(const Config&, std::span<const StreamData* const> in,
                                                    std::span<const StreamType>, EvaluationContext&) {
  return {*in[0]};
}

// ---- Repeat and RepeatRef: a new innermost dim, every position repeated

inline Typing infer_repeat(const Config& c, std::span<const StreamType* const> in, TypeContext& context) {
  if (c.size.is_bound(context.bindings) && c.size.evaluate(context.bindings) < 0)
    return fail("needs n >= 0, got n=" + c.size.text());
  auto out = *in[0];
  out.shape.insert(out.shape.begin(), c.size);
  return one(std::move(out));
}

inline StreamData repeat_innermost(const StreamData& data, std::size_t stream_axes, std::int64_t times) {
  StreamData out;
  for (const auto& field : data) out.push_back(field.inserted(static_cast<int>(stream_axes), times));
  return out;
}

inline std::vector<StreamData> evaluate_repeat(const Config& c, std::span<const StreamData* const> in,
                                               std::span<const StreamType> types,
                                               EvaluationContext& context) {
  return {repeat_innermost(*in[0], types[0].shape.size() - 1, c.size.evaluate(context.bindings))};
}

inline Typing infer_repeat_ref(const Config&, std::span<const StreamType* const> in, TypeContext&) {
  const auto &data = *in[0], &ref = *in[1];
  if (ref.rank() != data.rank() + 1)
    return fail("needs a reference one rank above the data: data " + text(data.shape) + ", reference " +
                text(ref.shape));
  if (!std::equal(data.shape.begin(), data.shape.end(), ref.shape.begin() + 1))
    return fail("needs reference dims " + text(ref.shape) + " to be one dim followed by the data's " +
                text(data.shape));
  return one({data.dtype, ref.shape});
}

inline std::vector<StreamData> evaluate_repeat_ref(const Config&, std::span<const StreamData* const> in,
                                                   std::span<const StreamType> types,
                                                   EvaluationContext& context) {
  return {repeat_innermost(*in[0], types[0].shape.size() - 1, types[0].shape[0].evaluate(context.bindings))};
}

// ---- Zip, Copy, Identity

inline Typing infer_zip(const Config&, std::span<const StreamType* const> in, TypeContext&) {
  StreamType out{{{}}, in[0]->shape};
  for (const auto* s : in) {
    if (s->shape != out.shape)
      return fail("needs streams of equal shape, got " + text(out.shape) + " and " + text(s->shape));
    out.dtype.fields.insert(out.dtype.fields.end(), s->dtype.fields.begin(), s->dtype.fields.end());
    if (out.dtype.fields.size() > 64) return fail("makes a tuple of more than 64 components");
  }
  return one(std::move(out));
}

inline std::vector<StreamData> evaluate_zip(const Config&, std::span<const StreamData* const> in,
                                            std::span<const StreamType>, EvaluationContext&) {
  StreamData out;
  for (const auto* s : in) out.insert(out.end(), s->begin(), s->end());
  return {std::move(out)};
}

inline Typing infer_copy(const Config&, std::span<const StreamType* const> in, TypeContext&) {
  return {{*in[0], *in[0]}, {}};
}

inline std::vector<StreamData> evaluate_copy(const Config&, std::span<const StreamData* const> in,
                                             std::span<const StreamType>, EvaluationContext&) {
  return {*in[0], *in[0]};
}

inline Typing infer_identity(const Config&, std::span<const StreamType* const> in, TypeContext&) {
  return one(*in[0]);
}

} // namespace step::operators
