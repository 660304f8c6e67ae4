// SPDX-License-Identifier: MIT
// How the commands end: their exit codes, and the exception for whatever the user must put right (exit code
// 2). Its text is one line that says what is wrong, where, and what to do.
#pragma once

#include <stdexcept>

namespace app {

enum Exit : int {
  done = 0,     ///< done, or the program passed
  negative = 1, ///< the program is wrong, or the run ended early
  unusable = 2, ///< bad usage, unreadable input, unwritable output
};

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace app
