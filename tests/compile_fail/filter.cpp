// SPDX-License-Identifier: MIT
// A filter that returns a program instead of an index.

// expect: strata::Filter: it must .* keep\(const solved<L>&, random_stream&\) const ->
// std::vector<std::size_t>
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

struct first {
  std::string keep(const strata::solved<language>& s, strata::random_stream&) const {
    return s.candidates[0].program;
  }
};

int main() {
  const strata::policies<language> how{.filter = first{}};
  (void)how;
}
