// SPDX-License-Identifier: MIT
// What a verifier says of one program.
// A failing program is data, never an exception; exceptions are for a broken environment and end the run.
#pragma once

#include <string>

namespace strata {

struct verdict {
  bool passed = false;
  double score =
      0; ///< the verifier's own measure of quality, larger is better; the default policies ignore it
  std::string feedback{}; ///< why, in words a model can act on

  friend bool operator==(const verdict&, const verdict&) = default;
};

} // namespace strata
