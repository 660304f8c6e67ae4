// SPDX-License-Identifier: MIT
// A language without a type of programs, in the place of L.

// expect: strata::Language: it must have the member types task and program
#include "strata/strata.hpp"

#include <vector>

struct language {
  using task = int;
};

int main() { (void)strata::improve<language>(std::vector{1}, 0, 0); }
