// SPDX-License-Identifier: MIT
// The tensor kernels for every instruction set, compiled once: see step/tensor/kernels.hpp.
#include "step/tensor/kernels_source.hpp"
