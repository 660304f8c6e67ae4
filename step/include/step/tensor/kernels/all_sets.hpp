// SPDX-License-Identifier: MIT
// Compiles the kernels once per instruction set, each time into a namespace of its own.
// Compilers inline code of the baseline into that of larger sets, so helpers from elsewhere may be used.
// Lambdas may not: g++ would compile their bodies for the baseline.
#pragma once

#include "step/tensor/kernels/table.hpp"
#include "step/tensor/pool.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <type_traits>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define STEP_INLINE [[gnu::always_inline]] inline

#define STEP_TARGET baseline
#define STEP_VECTOR_BYTES 16
namespace step::tensor::baseline {
#include "step/tensor/kernels/one_set.hpp"
}
#undef STEP_TARGET
#undef STEP_VECTOR_BYTES

#if defined(__x86_64__)

#define STEP_TARGET avx2
#define STEP_VECTOR_BYTES 32
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace step::tensor::avx2 {
#include "step/tensor/kernels/one_set.hpp"
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef STEP_TARGET
#undef STEP_VECTOR_BYTES

#define STEP_TARGET avx512
#define STEP_VECTOR_BYTES 64
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),         \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
namespace step::tensor::avx512 {
#include "step/tensor/kernels/one_set.hpp"
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef STEP_TARGET
#undef STEP_VECTOR_BYTES

#endif

#undef STEP_INLINE
