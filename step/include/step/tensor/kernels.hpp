// SPDX-License-Identifier: MIT
// The innermost loops that are worth vector instructions, as a table of functions per instruction set.
// Header-only unless STEP_SEPARATE_COMPILATION is defined; then exactly one translation unit of the program
// includes step/tensor/kernels_source.hpp.
#pragma once

#include "step/tensor/instruction_set.hpp"
#include "step/tensor/kernels/table.hpp"

namespace step::tensor {

/// The kernels for instruction_set().
[[nodiscard]] const Kernels& kernels();

} // namespace step::tensor

#ifndef STEP_SEPARATE_COMPILATION
#include "step/tensor/kernels_source.hpp"
#endif
