// SPDX-License-Identifier: MIT
// A stratifier that returns thresholds instead of strata.

// expect: strata::Stratifier: it must .* stratify\(std::span<const experience<L>>\) const ->
// std::vector<stratum>
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

struct thresholds {
  std::vector<double> stratify(std::span<const strata::experience<language>>) const { return {0.5}; }
};

int main() {
  const strata::policies<language> how{.stratifier = thresholds{}};
  (void)how;
}
