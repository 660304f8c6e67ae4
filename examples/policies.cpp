// SPDX-License-Identifier: MIT
// Swapping policies: the same tasks and model under the paper's policies, under others that come with the
// library, and under one written here. A program is a set of known letters; a word is solved when all its
// letters are in it.
#include "strata/strata.hpp"

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <set>
#include <string>

struct spelling {
  using task = std::string;
  using program = std::string;
  static std::string isomorphism_key(std::string p) { // the order of the letters does not matter
    std::ranges::sort(p);
    return p;
  }
};

// Knows the letters of the demonstrations, and guesses three more.
struct speller {
  void sample(std::span<const strata::job<spelling>> jobs, strata::sink<spelling> out) const {
    for (const auto& job : jobs) {
      std::set<char> letters;
      for (const auto& shown : job.demonstrations())
        letters.insert(shown.program->begin(), shown.program->end());
      auto random = job.random();
      for (int i = 0; i < 3; ++i) letters.insert(static_cast<char>('a' + random.below(26)));
      const std::size_t prompt = 20 + 10 * job.demonstrations().size();
      if (!out(job, {.program = std::string(letters.begin(), letters.end()),
                     .used = {prompt, letters.size(), 0.0}}))
        return;
    }
  }
};

struct dictionary {
  strata::verdict verify(const std::string& word, const std::string& letters) const {
    const auto missing = word.find_first_not_of(letters);
    if (missing == std::string::npos)
      return {.passed = true, .score = 1.0 / static_cast<double>(letters.size())};
    return {.feedback = std::string("the letter ") + word[missing] + " is missing"};
  }
};

// A filter of one's own: the program with the best score.
struct best_score {
  std::vector<std::size_t> keep(const strata::solved<spelling>& s, strata::random_stream&) const {
    const auto best = std::ranges::max_element(s.candidates, {}, &strata::candidate<spelling>::score);
    return {static_cast<std::size_t>(best - s.candidates.begin())};
  }
};

// An observer of one's own: only the events it names.
struct curve {
  std::string solved;
  void step_done(const strata::events::step_done<spelling>& e) {
    solved += ' ' + std::to_string(e.report.solved_total);
  }
};

int main() {
  const std::vector<std::string> words = {"a",    "be",     "bad",    "cab",   "face",    "bead",
                                          "cafe", "decade", "facade", "hedge", "cabbage", "beachhead"};
  const auto run = [&](const char* name, strata::policies<spelling> how) {
    how.sampling = {.samples = 100, .temperatures = {0.7}};
    curve seen;
    const auto r = strata::improve<spelling>(words, speller{}, dictionary{}, how,
                                             {.time = std::chrono::minutes(1)}, seen);
    std::cout << std::left << std::setw(26) << name << std::setw(11) << to_string(r.why) << std::right
              << std::setw(8) << r.used.input_tokens << " tokens  solved" << seen.solved << '\n';
    return r.solved();
  };
  const auto paper = run("the paper's", {});
  run("five strata", {.stratifier = strata::quantile{.granularity = 5}});
  run("everything at once", {.stratifier = strata::single{}});
  run("newest first", {.stratifier = strata::by_step{}});
  run("two random ones", {.stratifier = strata::single{}, .selector = strata::random_k{2}});
  run("several per task", {.filter = strata::one_per_class{}, .selector = strata::hardest_k{4}});
  run("best score, easiest first", {.filter = best_score{}, .selector = strata::easiest_first{}});
  return paper == words.size() ? 0 : 1;
}
