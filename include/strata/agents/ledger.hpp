// SPDX-License-Identifier: MIT
// What a run used, in integers: requests, tokens and money by sample, task, step and stage.
// An agent reports charges, `ledger::add` takes them; sums do not depend on the order in which they come.
#pragma once

#include "strata/agents/money.hpp"
#include "strata/llm/token_usage.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

namespace strata::agents {

/// What one request cost one sample. A request for several samples makes one charge for each, of which the
/// first counts the request; together they are exactly what the reply used.
struct charge {
  std::size_t step = 0;
  std::size_t task = 0;
  std::size_t sample = 0; ///< number within task and step
  std::string stage{};    ///< "propose", "guard" or "repair"
  std::uint32_t requests = 0;
  std::uint32_t failed = 0; ///< of these
  llm::token_usage used{};
  picodollars cost = 0;
  bool priced =
      true; ///< false: the price or the usage is not known: `cost` is 0, or the most it can have been
};

/// A sum of charges.
struct account {
  std::uint64_t requests = 0; ///< with those that failed
  std::uint64_t failed = 0;
  llm::token_usage used{}; ///< without `cost_usd`
  picodollars cost = 0;
  bool priced = true;

  account& operator+=(const charge& c) {
    requests += c.requests;
    failed += c.failed;
    llm::token_usage tokens = c.used;
    tokens.cost_usd.reset(); // doubles would make the sum depend on the order
    used += tokens;
    cost = agents::add(cost, c.cost);
    priced = priced && c.priced;
    return *this;
  }
  account& operator+=(const account& a) {
    requests += a.requests;
    failed += a.failed;
    used += a.used;
    cost = agents::add(cost, a.cost);
    priced = priced && a.priced;
    return *this;
  }
  friend bool operator==(const account&, const account&) = default;
};

/// Sums of all charges. Members may be called from any threads. About 150 bytes per sample.
class ledger {
 public:
  struct sample_key {
    std::size_t step = 0, task = 0, sample = 0;
    friend auto operator<=>(const sample_key&, const sample_key&) = default;
  };
  struct sums {
    account total{};
    std::map<std::size_t, account> by_step{};
    std::map<std::size_t, account> by_task{};
    std::map<std::string, account, std::less<>> by_stage{};
    std::map<std::tuple<std::size_t, std::size_t, std::string>, account>
        by_step_task_stage{}; ///< what all others are sums of
  };

  void add(const charge& c) {
    const std::scoped_lock lock(mutex_);
    sums_.total += c;
    sums_.by_step[c.step] += c;
    sums_.by_task[c.task] += c;
    sums_.by_stage[c.stage] += c;
    sums_.by_step_task_stage[{c.step, c.task, c.stage}] += c;
    samples_[{c.step, c.task, c.sample}] += c;
  }

  [[nodiscard]] account total() const {
    const std::scoped_lock lock(mutex_);
    return sums_.total;
  }
  /// A copy of all sums but those of single samples.
  [[nodiscard]] sums read() const {
    const std::scoped_lock lock(mutex_);
    return sums_;
  }
  /// What one sample used; nothing if it is not known.
  [[nodiscard]] account of(const sample_key& which) const {
    const std::scoped_lock lock(mutex_);
    const auto at = samples_.find(which);
    return at == samples_.end() ? account{} : at->second;
  }
  [[nodiscard]] std::map<sample_key, account> by_sample() const {
    const std::scoped_lock lock(mutex_);
    return samples_;
  }

 private:
  mutable std::mutex mutex_;
  sums sums_;
  std::map<sample_key, account> samples_;
};

} // namespace strata::agents
