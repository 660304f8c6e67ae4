// SPDX-License-Identifier: MIT
// The choice of instructions: what is asked for, or the best that the machine has below it.
#include "step/tensor/instruction_set.hpp"

#include "step/tensor/kernels.hpp"

#include <doctest/doctest.h>

using namespace step::tensor;

TEST_CASE("an instruction set that the machine lacks is replaced by the next smaller one") {
  const InstructionSet before = instruction_set();
  CHECK(is_supported(InstructionSet::baseline));
  CHECK(is_supported(before));
  for (const auto wanted : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    use_instruction_set(wanted);
    CHECK(is_supported(instruction_set()));
    CHECK(instruction_set() <= wanted);
    CHECK((instruction_set() == wanted) == is_supported(wanted));
  }
  use_instruction_set(before);
}

TEST_CASE("every instruction set has kernels of its own") {
  const InstructionSet before = instruction_set();
  use_instruction_set(InstructionSet::baseline);
  const auto* baseline = &kernels();
  for (const auto s : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (!is_supported(s)) continue;
    use_instruction_set(s);
    CHECK(&kernels() != baseline);
    CHECK((kernels().exp != baseline->exp));
    CHECK((kernels().product_f32 != baseline->product_f32));
  }
  use_instruction_set(before);
}
