// SPDX-License-Identifier: MIT
// A stratifier in the place of a selector, within a call of improve.

// expect: strata::Selector: it must .* select\(std::span<const stratum>, std::span<const experience<L>>,
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

int main() {
  const strata::from_predicate verifier{[](int, const std::string&) { return true; }};
  (void)strata::improve<language>(std::vector{1}, strata::table<language>{}, verifier,
                                  {.selector = strata::quantile{}});
}
