// SPDX-License-Identifier: MIT
// A function's body as the straight line of tensor operations that it performs, found by running it once on
// stand-ins when the task is loaded. Running that line costs a fraction of interpreting the Python, and it
// shows what the body computes, so that sums and contractions can be done as one operation.
#pragma once

#include "step/interpreter/interpreter.hpp"
#include "step/tasks/task.hpp"
#include "step/verifier/elementwise_body.hpp"
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

    /// Calls f(register) for every register in it.
    template <class F> void each_register(F&& f) const {
      if (form == Form::reg) f(reg);
      for (const auto& part : parts) part.each_register(f);
    }
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

    /// Calls f(register) for every register that it reads.
    template <class F> void each_register(F&& f) const {
      for (const auto& o : operands) o.each_register(f);
      for (const auto& [name, o] : keywords) o.each_register(f);
    }
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
  /// The same as operations on tiles, when all of them work element by element on float32; else null.
  [[nodiscard]] const ElementwiseBody* elementwise() const { return elementwise_.get(); }
  /// run_to_product() can succeed.
  [[nodiscard]] bool is_product() const { return product_; }

 private:
  friend class BodyRecorder;
  /// A part of the line: one instruction, or several that `tiles` does at once.
  struct Piece {
    std::size_t first = 0; ///< of the instructions
    std::unique_ptr<const ElementwiseBody> tiles{};
    std::vector<std::uint32_t> inputs{}, outputs{}; ///< registers that the tiles read and leave behind
  };

  void analyse();
  void find_elementwise(const Function& fn, const Bindings& bindings);
  void find_pieces();
  void add_piece(std::size_t first, std::span<const Instruction> later);
  [[nodiscard]] std::unique_ptr<ElementwiseBody> tiles(std::span<const Instruction> line,
                                                       std::span<const std::uint32_t> arguments,
                                                       std::uint32_t states,
                                                       std::span<const std::uint32_t> outputs) const;
  /// Executes the line, or all but its last instruction; false when a result has an unexpected shape.
  bool execute(interp::Heap& heap, std::span<const tensor::Tensor> state,
               std::span<const tensor::Tensor> input, bool all, Values& registers) const;
  bool execute(interp::Heap& heap, const Instruction& i, Values& registers) const;

  tensor::DType precision_{};
  std::uint32_t state_fields_ = 0, input_fields_ = 0, registers_ = 0; // registers: state, input, then results
  std::vector<tensor::Shape> shapes_;                                 ///< by register: of one position
  std::vector<std::pair<std::uint32_t, Value>> constants_; ///< tensors that fill a register from the start
  std::vector<Instruction> instructions_;
  std::vector<Piece> pieces_; ///< the instructions again, in order
  std::vector<Operand> outputs_;
  bool sum_ = false, product_ = false;
  std::unique_ptr<const ElementwiseBody> elementwise_;
};

} // namespace step
