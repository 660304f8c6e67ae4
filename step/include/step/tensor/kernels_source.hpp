// SPDX-License-Identifier: MIT
// The definition of kernels(), and with it the code for all instruction sets.
#pragma once

#include "step/separate_compilation.hpp"
#include "step/tensor/instruction_set.hpp"
#include "step/tensor/kernels/all_sets.hpp"

namespace step::tensor {

STEP_SOURCE const Kernels& kernels() {
#if defined(__x86_64__)
  switch (instruction_set()) {
  case InstructionSet::avx512:
    return avx512::table;
  case InstructionSet::avx2:
    return avx2::table;
  default:
    break;
  }
#endif
  return baseline::table;
}

} // namespace step::tensor
