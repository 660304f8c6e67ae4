// SPDX-License-Identifier: MIT
// How the definitions in *_source.hpp are declared: inline where headers are all there is, and plain where
// STEP_SEPARATE_COMPILATION says that one translation unit of the program includes them.
#pragma once

#ifdef STEP_SEPARATE_COMPILATION
#define STEP_SOURCE
#else
#define STEP_SOURCE inline
#endif
