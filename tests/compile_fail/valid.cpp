// SPDX-License-Identifier: MIT
// The control: what the other files get wrong, done right. It must compile, or their failures would prove
// nothing.

// expect: none
#include "strata/strata.hpp"

#include <string>
#include <vector>

struct language {
  using task = int;
  using program = std::string;
};

struct sampler {
  void sample(std::span<const strata::job<language>> jobs, strata::sink<language> out) const {
    for (const auto& job : jobs) out(job, {.program = ""});
  }
};
struct verifier {
  strata::verdict verify(int, const std::string&) const { return {true}; }
};
struct filter {
  std::vector<std::size_t> keep(const strata::solved<language>&, strata::random_stream&) const { return {0}; }
};
struct stratifier {
  std::vector<strata::stratum> stratify(std::span<const strata::experience<language>>) const { return {{}}; }
};
struct selector {
  std::vector<std::size_t> select(std::span<const strata::stratum>,
                                  std::span<const strata::experience<language>>,
                                  strata::random_stream&) const {
    return {0};
  }
};
struct observer {
  void step_done(const strata::events::step_done<language>&) {}
};

int main() {
  (void)strata::improve<language>(std::vector{1}, sampler{}, verifier{},
                                  {.filter = filter{}, .stratifier = stratifier{}, .selector = selector{}},
                                  {}, observer{});
}
