// SPDX-License-Identifier: MIT
// The measures of the paper: pass@k and the diversity of answers.
// They take what a step reports (`tally`) or programs, and know nothing of how these were drawn.
#pragma once

#include "strata/isomorphism.hpp"
#include "strata/report.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

namespace strata {

/// The chance that at least one of k answers, drawn without replacement from n of which c are correct, is
/// correct: 1 - C(n-c, k) / C(n, k), an unbiased estimate. As a product of at most min(c, k) factors it
/// neither overflows nor cancels. Throws std::invalid_argument unless c <= n and 1 <= k <= n.
[[nodiscard]] inline double pass_at_k(std::size_t n, std::size_t c, std::size_t k) {
  if (c > n || k < 1 || k > n) throw std::invalid_argument("strata: pass_at_k needs c <= n and 1 <= k <= n");
  if (n - c < k) return 1.0;
  // C(n-c, k) / C(n, k) is symmetric in c and k: prod (1 - k / i) over i = n-c+1 .. n; the shorter product is
  // taken
  const auto factors = std::min(c, k);
  const auto other = static_cast<double>(std::max(c, k));
  double miss = 1.0;
  for (std::size_t i = n - factors + 1; i <= n; ++i) miss *= 1.0 - other / static_cast<double>(i);
  return 1.0 - miss;
}

/// Mean of pass@k over tasks, at each task's best temperature; 0 for no tasks. A task with fewer than k
/// samples, because requests failed, is counted with all it has, and with 0 if it has none. So k = 1 is the
/// mean success rate and a k at least as large as every number of samples is the share of tasks solved.
/// Throws std::invalid_argument if k is 0.
[[nodiscard]] inline double pass_at_k(std::span<const tally> tallies, std::size_t k) {
  if (k == 0) throw std::invalid_argument("strata: pass_at_k needs k >= 1");
  double sum = 0;
  for (const tally& t : tallies)
    if (t.samples > 0) sum += pass_at_k(t.samples, t.successes, std::min(k, t.samples));
  return tallies.empty() ? 0.0 : sum / static_cast<double>(tallies.size());
}

/// Isomorphism classes per answer, in (0, 1]; 0 for no answers. The paper's success, failure and overall
/// diversity are the means over tasks of this over the task's correct, wrong and all answers.
template <Language L> [[nodiscard]] double diversity(std::span<const typename L::program> answers) {
  if (answers.empty()) return 0.0;
  return static_cast<double>(isomorphism_classes<L>(answers).size()) / static_cast<double>(answers.size());
}

} // namespace strata
