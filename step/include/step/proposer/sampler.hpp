// SPDX-License-Identifier: MIT
// The embedded proposer as a sampler: needs no network and no model, and is not one. It searches at random
// among well-typed programs, and writes more often what the demonstrations of the step have in common.
#pragma once

#include "step/language.hpp"
#include "step/proposer/composer.hpp"
#include "step/proposer/learning.hpp"
#include "step/proposer/writer.hpp"
#include "strata/concepts.hpp"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace step::proposer {

/// The statistics of a step's demonstrations. Those that cannot be traced teach nothing.
[[nodiscard]] inline Statistics statistics_of(std::span<const strata::demonstration<Language>> shown) {
  Statistics seen;
  for (const auto& d : shown) {
    const auto interface = interface_of(**d.task);
    if (const auto traced = trace(interface, *d.program)) learn(seen, interface, *traced);
  }
  return seen;
}

/// A sampler for `strata::improve<step::Language>`. Equal jobs give equal programs.
class LocalProposer {
 public:
  explicit LocalProposer(Prior prior = {}) : prior_(prior) {}

  void sample(std::span<const strata::job<Language>> jobs, strata::sink<Language> out) {
    if (jobs.empty()) return;
    const auto seen = statistics_of(jobs[0].demonstrations());
    std::vector<std::unique_ptr<Desk>> desks;
    for (const auto& job : jobs) {
      if (job.slot() >= desks.size()) desks.resize(job.slot() + 1);
      auto& desk = desks[job.slot()];
      if (!desk) desk = std::make_unique<Desk>(*job.task(), seen, prior_);
      auto random = job.random();
      strata::draw<Language> drawn;
      drawn.program = desk->writer.write(desk->composer.draw(random, job.temperature()));
      if (!out(job, std::move(drawn))) return;
    }
  }

 private:
  /// All that is made once per task and step.
  struct Desk {
    Desk(const Task& task, const Statistics& seen, const Prior& prior)
        : interface(interface_of(task)), types(interface), preferences(interface, seen, prior),
          composer(interface, types, preferences), writer(interface) {}
    Interface interface;
    Types types;
    Preferences preferences;
    Composer composer;
    Writer writer;
  };
  Prior prior_;
};

static_assert(strata::Sampler<LocalProposer, Language>);

} // namespace step::proposer
