// SPDX-License-Identifier: MIT
// A verifier that is not const, although it is called from many threads.

// expect: strata::Verifier: it must have verify\(const L::task&, const L::program&\) const -> verdict
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

struct counting {
  int calls = 0;
  strata::verdict verify(int, const std::string&) { return {++calls > 1}; }
};

int main() { (void)strata::improve<language>(std::vector{1}, strata::table<language>{}, counting{}); }
