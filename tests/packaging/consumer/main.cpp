// SPDX-License-Identifier: MIT
#include <strata/strata.hpp>

#include <span>
#include <string>
#include <vector>

// Tasks are numbers, programs are guesses: enough to see that the headers and their dependencies arrive.
struct guessing {
  using task = int;
  using program = int;
};

struct guess {
  void sample(std::span<const strata::job<guessing>> jobs, strata::sink<guessing> out) {
    for (const auto& job : jobs) {
      strata::draw<guessing> d;
      d.program = static_cast<int>(job.random().below(4));
      if (!out(job, std::move(d))) return;
    }
  }
};

struct compare {
  strata::verdict verify(const int& task, const int& program) const { return {task == program, 0, {}}; }
};

int main() {
  const std::vector<int> tasks{0, 1, 2, 3};
  const auto report = strata::improve<guessing>(tasks, guess{}, compare{});
  return report.solved() == tasks.size() ? 0 : 1;
}
