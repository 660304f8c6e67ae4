// SPDX-License-Identifier: MIT
// The tensor vocabulary, compiled once for all of this project's own programs.
#include "step/verifier/body_program_source.hpp"
#include "step/verifier/snippet_host_source.hpp"
