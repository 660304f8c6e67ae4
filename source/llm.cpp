// SPDX-License-Identifier: MIT
// The LLM clients' engine and model catalogue, compiled once for all of this project's own programs.
#include "strata/llm/catalogue_source.hpp"
#include "strata/llm/engine_source.hpp"
