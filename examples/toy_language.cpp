// SPDX-License-Identifier: MIT
// A complete port of strata to a toy language: a task is a number, its program the digits in words.
// The model guesses at first; what it guesses right becomes demonstrations, from which it learns the words.
#include "strata/strata.hpp"

#include <array>
#include <iostream>
#include <string>

struct numerals {
  using task = int;
  using program = std::string;
};
const std::array<std::string, 10> words = {"zero", "one", "two",   "three", "four",
                                           "five", "six", "seven", "eight", "nine"};

std::string spell(int n) {
  return (n > 9 ? spell(n / 10) + " " : "") + words[static_cast<std::size_t>(n % 10)];
}

// The "model": uses the words that it is shown, and guesses the others.
std::string guess(const strata::job<numerals>& job) {
  auto random = job.random();
  std::string program;
  for (const char digit : std::to_string(job.task())) {
    std::string word = words[random.below(10)];
    for (const auto& shown : job.demonstrations())
      if (const auto digits = std::to_string(*shown.task); digits.size() == 1 && digits[0] == digit)
        word = *shown.program;
    program += (program.empty() ? "" : " ") + word;
  }
  return program;
}

int main() {
  const std::vector<int> tasks = {1, 2, 3, 4, 5, 6, 7, 42, 1234, 76543, 1234567, 7654321};
  strata::from_function sampler{guess};
  strata::from_predicate verifier{[](int n, const std::string& program) { return program == spell(n); }};

  const auto report = strata::improve<numerals>(tasks, sampler, verifier, {.sampling = {.samples = 16}});

  for (const auto& step : report.steps)
    std::cout << "step " << step.step << "  demonstrations " << step.demonstrations << "  solved "
              << std::string(step.solved_total, '#') << ' ' << step.solved_total << '/' << tasks.size()
              << '\n';
  for (const auto& e : report.experience)
    std::cout << tasks[e.task] << " = " << e.program << "  (success rate " << e.success_rate << ")\n";
  return report.why == strata::ended::solved_all ? 0 : 1;
}
