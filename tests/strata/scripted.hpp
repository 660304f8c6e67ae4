// SPDX-License-Identifier: MIT
// A language of right and wrong answers for testing the algorithm, with samplers whose successes are
// prescribed. A program is right if it begins with '+'; what follows tells programs apart.
#pragma once

#include "strata/improve.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace scripted {

struct language {
  using task = int;
  using program = std::string;
};

using strata::draw;
using strata::job;
using strata::sink;

struct verifier {
  [[nodiscard]] strata::verdict verify(int, const std::string& p) const {
    return {p.starts_with('+'), static_cast<double>(p.size()), p.starts_with('+') ? "" : "wrong"};
  }
};

/// Row s says how many samples of each task are right in step s; a negative number: so many requests fail
/// instead. Steps beyond the script find nothing.
struct sampler {
  std::vector<std::vector<int>> script;
  std::size_t calls = 0;

  void sample(std::span<const job<language>> jobs, sink<language> out) {
    ++calls;
    for (const auto& j : jobs) {
      const int n = j.step() < script.size() ? script[j.step()].at(j.task_index()) : 0;
      draw<language> d{.used = {10, 5, 0.001}};
      if (n < 0 && static_cast<int>(j.sample()) < -n)
        d.failure = "overloaded";
      else
        d.program = static_cast<int>(j.sample()) < n ? "+" + std::to_string(j.sample()) : "-";
      if (!out(j, std::move(d))) return;
    }
  }
};

/// One temperature, so many samples.
inline strata::sampling once(std::size_t samples) { return {.samples = samples, .temperatures = {0.7}}; }

inline std::vector<int> tasks(std::size_t n) { return std::vector<int>(n); }

/// Everything in a report but the seconds, doubles to the last bit.
template <strata::Language L> std::string text(const strata::report<L>& r) {
  std::ostringstream s;
  s << std::hexfloat << to_string(r.why) << ' ' << r.tasks << ' ' << r.samples << ' ' << r.failed_requests
    << ' ' << r.used.input_tokens << ' ' << r.used.output_tokens << ' ' << r.used.cost_usd << "\nopen";
  for (const auto t : r.open) s << ' ' << t;
  for (const auto& e : r.experience)
    s << "\nexperience " << e.task << ' ' << e.program << ' ' << e.success_rate << ' ' << e.successes << '/'
      << e.samples << ' ' << e.step;
  for (const auto& p : r.steps) {
    s << "\nstep " << p.step << ' ' << p.stratum << ' ' << p.demonstrations << ' ' << p.open << ' '
      << p.solved_total << ' ' << p.samples << ' ' << p.failed_requests << ' ' << p.undrawn << ' '
      << p.used.input_tokens << ' ' << p.used.output_tokens << ' ' << p.used.cost_usd << " new";
    for (const auto t : p.newly_solved) s << ' ' << t;
    s << " thresholds";
    for (const auto t : p.thresholds) s << ' ' << t;
  }
  return s.str();
}

} // namespace scripted
