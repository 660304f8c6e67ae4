// SPDX-License-Identifier: MIT
// What determines the result of a run: stored in its directory, and compared when the run is resumed.
// Limits (budgets, concurrency) are no part of it: a resumed run may have others.
#pragma once

#include "json.hpp"
#include "options.hpp"

#include "step/tasks/task.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace app {

struct RunConfig {
  std::string model = "local";
  std::string mode = "iterative";
  int samples = 64;
  std::vector<double> temperatures = {0.4, 0.7, 1.0};
  int granularity = 3;
  std::uint64_t seed = 0;
  std::string tasks;            ///< the directory
  std::vector<std::string> ids; ///< of the tasks, in order
  std::string fingerprint;      ///< of the tasks' content
};

/// The configuration that the options ask for, without tasks. Throws Failure for a value out of range.
[[nodiscard]] RunConfig config_of(const RunCommand& command);

/// What a run directory holds. Throws Failure when it is no run, or its configuration is damaged.
[[nodiscard]] RunConfig read_config(const std::filesystem::path& run);

[[nodiscard]] json::object to_json(const RunConfig& config);

/// Throws Failure when an option that was given contradicts the stored configuration.
void require_same(const RunCommand& command, const RunConfig& stored);

/// A hash of what the tasks contain, as text.
[[nodiscard]] std::string fingerprint_of(const std::vector<std::shared_ptr<const step::Task>>& tasks);

} // namespace app
