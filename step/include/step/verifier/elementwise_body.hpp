// SPDX-License-Identifier: MIT
// A body all of whose operations work element by element, run on tiles that stay in the processor's cache:
// one pass over the data whatever the number of operations, and a fold whose state never leaves the tile.
#pragma once

#include "step/tensor/kernels/table.hpp"
#include "step/tensor/tensor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace step {

/// Immutable. Made from a BodyProgram; results equal those of its operations to the bit.
class ElementwiseBody {
 public:
  /// A value: a state, an input, a constant or a result. One position of it is a single number, or has as
  /// many as every other value that is not a single number (`elements`).
  struct Slot {
    bool full = false;  ///< has `elements` numbers per position
    float constant = 0; ///< of a constant
    std::uint32_t place =
        0; ///< of all but inputs: the scratch memory it shares with values that are dead by then
  };
  /// Of one operand, of two, or with neither kernel the sum of two products a * b + c * d, where b, d and the
  /// result are full.
  struct Operation {
    tensor::Unary unary = nullptr;
    tensor::Binary<float> binary = nullptr;
    std::uint32_t a = 0, b = 0, out = 0; ///< slots
    std::uint32_t c = 0, d = 0;          ///< of a sum of products
    [[nodiscard]] bool is_blend() const { return unary == nullptr && binary == nullptr; }
  };

  std::uint32_t states = 0, inputs = 0; ///< slots 0 .. states-1, then the inputs, then constants and results
  tensor::Shape shape{};                ///< of one position of a full value
  std::int64_t elements = 1;            ///< the product of it
  std::vector<Slot> slots{};
  std::vector<Operation> operations{};
  std::vector<std::uint32_t> outputs{}; ///< slots; for a fold they become the states
  std::vector<std::uint32_t> places{};  ///< by place: the first slot that is there

  /// Gives every value a place; once slots, operations and outputs are there. A result may take the place of
  /// an operand that dies, so that a tile needs little of the cache.
  void find_places();
  /// Makes one operation of two products and their sum. Before find_places().
  void find_blends();

  /// Whether map() pays: several operations, and every output is the result of one.
  [[nodiscard]] bool maps() const;
  /// Whether fold() can run it.
  [[nodiscard]] bool folds() const { return states > 0; }

  /// The outputs for all positions of the inputs' first `axes` axes. Float32 fields, lead() ignored; an axis
  /// along which all of them have stride 0 has stride 0 in the result. O(positions * operations); memory
  /// beyond the result: a few tiles.
  [[nodiscard]] std::vector<tensor::Tensor> map(std::span<const tensor::Tensor> input, int axes) const;
  /// Folds over the last `folded` of the first `axes` axes in row-major order, from states filled with
  /// `init`: the last states, or with `every` the state after each position, at its place.
  [[nodiscard]] std::vector<tensor::Tensor> fold(std::span<const double> init,
                                                 std::span<const tensor::Tensor> input, int axes, int folded,
                                                 bool every) const;

 private:
  struct Run;
  [[nodiscard]] std::uint32_t first_result() const;
};

} // namespace step
