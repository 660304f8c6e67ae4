// SPDX-License-Identifier: MIT
// What an operator of the language is: its configuration, the form of its argument, its typing rule and its
// evaluation. The operators themselves are in the headers beside this one; table.hpp lists them all.
#pragma once

#include "step/tasks/task.hpp"
#include "step/tensor/tensor.hpp"
#include "step/types/dtype.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace step::operators {

using tensor::Tensor;

/// The kinds of configuration values.
enum class ConfigKind : std::uint8_t {
  function, ///< one of the task's functions
  count,    ///< an int: how many dims
  levels,   ///< a list, tuple or range of ints
  size,     ///< an int or a symbolic size
};

struct ConfigKey {
  std::string_view name;
  ConfigKind kind{};
};

/// The values of a configured operator; each operator reads the members its keys name.
struct Config {
  const Function* fn = nullptr;       ///< key `fn`
  std::int64_t count = 0;             ///< key `a` or `b`
  std::vector<std::int64_t> levels{}; ///< key `L`
  Dim size{};                         ///< key `n`, `N` or `S`
};

/// What `.apply` takes.
enum class ArgumentForm : std::uint8_t {
  stream,            ///< one stream
  stream_or_tuple,   ///< one stream, or a tuple of streams that are zipped first
  pair,              ///< two streams, as a tuple or list
  streams_and_index, ///< `([streams], index)`: inputs arrive as the streams, then the index
};

/// What `.apply` returns.
enum class ResultForm : std::uint8_t {
  stream, ///< one stream
  pair,   ///< a tuple of two streams
  list,   ///< a list of streams
};

/// What typing may look at besides the types: sizes of bound symbols, and a source of symbols nobody else
/// has.
struct TypeContext {
  const Bindings& bindings;
  std::uint32_t fresh_symbols = 0;
  Symbol fresh() { return Symbol::fresh(fresh_symbols++); }
};

/// The types of the outputs, or one sentence on which precondition is broken, with both sides.
struct Typing {
  std::vector<StreamType> outputs{};
  std::string error{};
  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// One stream's arrays, a field each: axes = the shape reversed, then the field's own axes. lead() is 0.
using StreamData = std::vector<Tensor>;

/// Calls the task's functions on batched values; implemented by the interpreter.
class FunctionCaller {
 public:
  virtual ~FunctionCaller() = default;
  /// One tensor per field, all with the same lead axes; returns the output's fields with those lead axes.
  /// `state` is empty for a function without init. Faults of the body propagate.
  virtual std::vector<Tensor> call(const Function& fn, std::span<const Tensor> state,
                                   std::span<const Tensor> input) = 0;
  /// Folds fn over the last `folded` of the first `axes` axes of the fields, the axes of a stream, when it is
  /// known how to do that without calling fn at each position: the last states, or with `every` the state
  /// after each position, as arrays. Otherwise nothing.
  virtual std::optional<StreamData> fold(const Function& fn, const StreamData& fields, int axes, int folded,
                                         bool every) = 0;
};

/// What evaluation may use. Partition binds its fresh symbol here.
struct EvaluationContext {
  Bindings& bindings;
  FunctionCaller& functions;
};

struct Operator {
  std::string_view name;
  std::span<const ConfigKey> keys;
  ArgumentForm argument{};
  ResultForm result{};
  std::string_view summary; ///< one line for error messages and documentation
  /// Typing rule. `inputs` has the form of `argument`. Complexity: linear in the dims.
  Typing (*infer)(const Config&, std::span<const StreamType* const> inputs, TypeContext&){};
  /// Data rule; the types have been checked. `types` are those of the outputs.
  std::vector<StreamData> (*evaluate)(const Config&, std::span<const StreamData* const> inputs,
                                      std::span<const StreamType> types, EvaluationContext&){};
  /// evaluate() only rearranges axes of its one input, without looking at values or copying them.
  bool view = false;
};

// ---- what the typing rules share

inline Typing fail(std::string message) { return {{}, std::move(message)}; }
inline Typing one(StreamType type) {
  Typing t;
  t.outputs.push_back(std::move(type));
  return t;
}

/// Empty when fn fits the dtype (and has, or has not, an init as required); else why not.
inline std::string function_mismatch(const Function& fn, const DType& dtype, bool stateful) {
  if (stateful && !fn.init) return fn.name + " has no init, so it cannot keep a state; use it with Map";
  if (!stateful && fn.init) return fn.name + " is stateful (it has init); use it with Accum, Scan or Merge";
  if (fn.input != dtype)
    return fn.name + " takes " + fn.input.text() + " but the stream holds " + dtype.text();
  return {};
}

/// Sizes of the array axes of one field: the shape reversed, then the field's own axes.
inline tensor::Shape array_sizes(const Shape& shape, const Field& field, const Bindings& bindings) {
  tensor::Shape sizes;
  for (auto it = shape.rbegin(); it != shape.rend(); ++it) sizes.push_back(it->evaluate(bindings));
  for (auto axis : field.axes(bindings)) sizes.push_back(axis);
  return sizes;
}

} // namespace step::operators
