// SPDX-License-Identifier: MIT
// What a run may use, and the reasons why it ended.
// A limit that strikes in the middle of a step ends that step in order: what was drawn is judged and kept.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <string_view>

namespace strata {

/// Why a run ended.
enum class ended : std::uint8_t {
  solved_all, ///< no task is open any more
  exhausted,  ///< all experience was shown and nothing new was solved
  samples,    ///< limits::samples
  steps,      ///< limits::steps
  time,       ///< limits::time
  budget,     ///< limits::tokens or limits::cost_usd, or a budget of the sampler
  stopped,    ///< limits::stop
  failed,     ///< the sampler could not go on, as it told its sink: its model refuses everything, say
};

[[nodiscard]] constexpr std::string_view to_string(ended why) noexcept {
  switch (why) {
  case ended::solved_all:
    return "solved_all";
  case ended::exhausted:
    return "exhausted";
  case ended::samples:
    return "samples";
  case ended::steps:
    return "steps";
  case ended::time:
    return "time";
  case ended::budget:
    return "budget";
  case ended::stopped:
    return "stopped";
  case ended::failed:
    return "failed";
  }
  return "unknown";
}

/// Bounds of a run. `samples` and `steps` cut at a fixed place, so that equal draws still give equal reports;
/// where the others cut depends on the order of arrival.
struct limits {
  std::size_t samples = std::numeric_limits<std::size_t>::max(); ///< jobs in total, failed requests included
  std::size_t steps = std::numeric_limits<std::size_t>::max();
  std::chrono::duration<double> time{std::numeric_limits<double>::infinity()}; ///< wall time
  std::uint64_t tokens = std::numeric_limits<std::uint64_t>::max();            ///< input and output together
  double cost_usd = std::numeric_limits<double>::infinity();
  std::stop_token stop{};  ///< ends the run when requested
  std::size_t threads = 0; ///< that verify; 0 means as many as the machine has
};

} // namespace strata
