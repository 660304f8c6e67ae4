// SPDX-License-Identifier: MIT
// A function's body as the straight line of tensor operations that it performs, found by running it once on
// stand-ins when the task is loaded. Running that line costs a fraction of interpreting the Python, and it
// shows what the body computes, so that sums and contractions can be done as one operation.
#pragma once

#include "step/interpreter/interpreter.hpp"
#include "step/tasks/task.hpp"
#include "step/vocabulary/objects.hpp"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace step {

/// Immutable and independent of how many positions are computed at once: a body sees one position.
/// Constants belong to the heap on which the program was recorded.
class BodyProgram {
 public:
  using Value = interp::Value;
  using Values = boost::container::small_vector<Value, 24>;

  /// A constant, a register, or a sequence or slice of operands.
  struct Operand {
    enum class Form : std::uint8_t { constant, reg, tuple, list, slice };
    Form form = Form::constant;
    std::uint32_t reg = 0;
    Value constant{};
    std::vector<Operand> parts{};
  };
  enum class Action : std::uint8_t { binary, compare, unary, call, item, unbind };
  struct Instruction {
    Action action{};
    syntax::Op op{};                               ///< of binary, compare and unary
    const vocabulary::Builtin* function = nullptr; ///< of call
    std::vector<Operand> operands{};               ///< the positional arguments of a call
    std::vector<std::pair<std::string_view, Operand>> keywords{};
    std::uint32_t first_result = 0;
    bool sequence = false; ///< a tuple of tensors instead of one
    std::vector<std::pair<tensor::Shape, tensor::DType>>
        results{}; ///< of one position, in consecutive registers
  };
  /// Operands of a product that has not been computed.
  struct Product {
    tensor::Tensor left, right;
  };

  /// Runs the body once on the heap. Null when what it does depends on data beyond values (a branch on a
  /// tensor, `.item()`), when it changes a tensor in place, and when it faults.
  /// `root` holds what the body's free names mean; `state` and `input` are the ids of these names, ~0 if
  /// unused.
  static std::unique_ptr<const BodyProgram> record(const Function& fn, interp::Heap& heap,
                                                   const interp::Frame& root, std::uint32_t state,
                                                   std::uint32_t input, const Bindings& bindings,
                                                   tensor::DType precision);

  /// Puts what the body returns into `out`, an item per component, batched over the lead axes of the fields.
  /// False when an operation gave another shape than it did when recorded, so that the body must be
  /// interpreted. Faults of the operations propagate.
  [[nodiscard]] bool run(interp::Heap& heap, std::span<const tensor::Tensor> state,
                         std::span<const tensor::Tensor> input, Values& out) const;
  /// The body returns only `a * b` for tensors a and b: these two, as views of equal sizes.
  [[nodiscard]] std::optional<Product> run_to_product(interp::Heap& heap,
                                                      std::span<const tensor::Tensor> input) const;

  /// The body returns only `state[0] + input[0]`.
  [[nodiscard]] bool is_sum() const { return sum_; }
  /// `start` plus the total over axes first .. first + count - 1 (of all axes), which the result lacks.
  static tensor::Tensor total(const tensor::Tensor& values, int first, int count, double start);
  /// The same of left * right, which have equal sizes: a contraction, so the products are never stored.
  static tensor::Tensor total(const Product& values, int first, int count, double start);
  /// run_to_product() can succeed.
  [[nodiscard]] bool is_product() const { return product_; }

 private:
  friend class BodyRecorder;
  void analyse();
  /// Executes the first `count` instructions; false when a result has an unexpected shape.
  bool execute(interp::Heap& heap, std::span<const tensor::Tensor> state,
               std::span<const tensor::Tensor> input, std::size_t count, Values& registers) const;

  std::uint32_t state_fields_ = 0, input_fields_ = 0, registers_ = 0; // registers: state, input, then results
  std::vector<Instruction> instructions_;
  std::vector<Operand> outputs_;
  bool sum_ = false, product_ = false;
};

} // namespace step

#ifndef STEP_SEPARATE_COMPILATION
#include "step/verifier/body_program_source.hpp"
#endif
