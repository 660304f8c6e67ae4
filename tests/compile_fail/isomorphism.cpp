// SPDX-License-Identifier: MIT
// Programs that cannot be compared, and a language that does not say when they are the same.

// expect: strata: to group programs, give the language a static isomorphism_key\(program\)
#include "strata/strata.hpp"

struct language {
  using task = int;
  struct program {
    int value;
  };
};

int main() {
  const strata::policies<language> how{};
  (void)how;
}
