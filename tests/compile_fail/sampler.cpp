// SPDX-License-Identifier: MIT
// A sampler that takes one job instead of a batch: the sentence names the concept and the signature.

// expect: strata::Sampler: it must have sample\(std::span<const job<L>>, sink<L>\)
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

struct one_at_a_time {
  std::string sample(const strata::job<language>&) const { return ""; }
};

int main() {
  const strata::from_predicate verifier{[](int, const std::string&) { return true; }};
  (void)strata::improve<language>(std::vector{1}, one_at_a_time{}, verifier);
}
