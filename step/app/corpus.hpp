// SPDX-License-Identifier: MIT
// `strata verify --corpus`: many programs as a stream, one JSON line in, one out, in the same order.
// Memory does not grow with the number of lines.
#pragma once

#include "checker.hpp"
#include "options.hpp"

namespace app {

/// Exit code 0 when every program passed, 1 when one failed, 2 when a line was malformed. Throws Failure,
/// TaskError.
int verify_corpus(const VerifyCommand& command, const CheckSettings& settings);

} // namespace app
