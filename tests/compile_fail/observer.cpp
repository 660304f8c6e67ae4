// SPDX-License-Identifier: MIT
// An observer whose handler takes the wrong event and would otherwise never be called.

// expect: strata::Observer: it must have at least one of step_begun, drawn, judged, step_done, run_done
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

struct printer {
  void step_done(const strata::events::step_begun<language>&) {}
};

int main() {
  const strata::from_predicate verifier{[](int, const std::string&) { return true; }};
  (void)strata::improve<language>(std::vector{1}, strata::table<language>{}, verifier, {}, {}, printer{});
}
