// SPDX-License-Identifier: MIT
// The operator table: every operator with its configuration, argument, typing rule and evaluation, in one
// place. To add an operator, write its two rules beside their relatives and add a row here.
#pragma once

#include "step/operators/function_operators.hpp"
#include "step/operators/routing_operators.hpp"
#include "step/operators/shape_operators.hpp"

namespace step::operators {

inline constexpr ConfigKey key_fn[] = {{"fn", ConfigKind::function}};
inline constexpr ConfigKey keys_fold[] = {{"fn", ConfigKind::function}, {"b", ConfigKind::count}};
inline constexpr ConfigKey key_b[] = {{"b", ConfigKind::count}};
inline constexpr ConfigKey key_a[] = {{"a", ConfigKind::count}};
inline constexpr ConfigKey key_levels[] = {{"L", ConfigKind::levels}};
inline constexpr ConfigKey keys_reshape[] = {{"S", ConfigKind::size}, {"L", ConfigKind::levels}};
inline constexpr ConfigKey key_n[] = {{"n", ConfigKind::size}};
inline constexpr ConfigKey key_experts[] = {{"N", ConfigKind::size}};

/// Alphabetical.
inline constexpr Operator table[] = {
    {"Accum", keys_fold, ArgumentForm::stream, ResultForm::stream,
     "folds the innermost b dims with fn, starting from its init", infer_accum, evaluate_accum},
    {"Bufferize", key_a, ArgumentForm::stream, ResultForm::stream,
     "moves the innermost a dims of the stream into a buffer", infer_bufferize, evaluate_same_arrays, true},
    {"Copy",
     {},
     ArgumentForm::stream,
     ResultForm::pair,
     "two equal streams from one",
     infer_copy,
     evaluate_copy},
    {"Flatten", key_levels, ArgumentForm::stream, ResultForm::stream,
     "multiplies the dims L[0]-1 .. L[-1] into one", infer_flatten, evaluate_flatten},
    {"Identity",
     {},
     ArgumentForm::stream,
     ResultForm::stream,
     "the stream itself",
     infer_identity,
     evaluate_same_arrays,
     true},
    {"Map", key_fn, ArgumentForm::stream_or_tuple, ResultForm::stream, "applies fn to every position",
     infer_map, evaluate_map},
    {"Merge", key_fn, ArgumentForm::streams_and_index, ResultForm::stream,
     "folds the experts' slices back into the order of the index", infer_merge, evaluate_merge},
    {"Partition", key_experts, ArgumentForm::pair, ResultForm::list,
     "sends each slice to the experts whose bit is set in the index", infer_partition, evaluate_partition},
    {"Promote", key_b, ArgumentForm::stream, ResultForm::stream, "inserts a dim of size 1 at place b",
     infer_promote, evaluate_promote, true},
    {"Repeat", key_n, ArgumentForm::stream, ResultForm::stream,
     "repeats every position n times in a new innermost dim", infer_repeat, evaluate_repeat},
    {"RepeatLast", key_n, ArgumentForm::stream, ResultForm::stream, "another name of Repeat", infer_repeat,
     evaluate_repeat},
    {"RepeatRef",
     {},
     ArgumentForm::pair,
     ResultForm::stream,
     "repeats every position of the data to the shape of a reference one rank above it",
     infer_repeat_ref,
     evaluate_repeat_ref},
    {"Reshape", keys_reshape, ArgumentForm::stream, ResultForm::stream,
     "splits each dim in L into S and dim//S", infer_reshape, evaluate_reshape},
    {"Scan", keys_fold, ArgumentForm::stream, ResultForm::stream,
     "as Accum, but keeps the state after each step", infer_scan, evaluate_scan},
    {"Streamify",
     {},
     ArgumentForm::stream,
     ResultForm::stream,
     "opens a buffer into dims of the stream",
     infer_streamify,
     evaluate_same_arrays,
     true},
    {"Zip",
     {},
     ArgumentForm::pair,
     ResultForm::stream,
     "pairs two streams of equal shape",
     infer_zip,
     evaluate_zip},
};

/// The operator of that name, or null.
[[nodiscard]] inline const Operator* find(std::string_view name) {
  for (const auto& op : table)
    if (op.name == name) return &op;
  return nullptr;
}

} // namespace step::operators
