// SPDX-License-Identifier: MIT
// The tensor vocabulary, compiled once for all of this project's own programs.
#include "step/verifier/snippet_host_source.hpp"
