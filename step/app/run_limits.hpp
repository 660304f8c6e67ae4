// SPDX-License-Identifier: MIT
// What a run may use, over all its parts: kept in the run's directory as limits.json, so that a budget given
// once holds until another is given. No part of config.json, since it does not determine the result.
#pragma once

#include "options.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace app {

/// A limit that is absent is none.
struct RunLimits {
  std::optional<double> usd, seconds;
  std::optional<std::uint64_t> tokens, requests;

  friend bool operator==(const RunLimits&, const RunLimits&) = default;
};

/// The limits of the options. Throws Failure for a number that is none.
[[nodiscard]] RunLimits limits_of(const RunCommand& command);
/// Puts `given` in the place of `stored`, where it is given.
[[nodiscard]] RunLimits merged(const RunLimits& stored, const RunLimits& given);

/// Throws Failure when the file is damaged; a directory without it (of strata 0.1.0, too) has no limits.
[[nodiscard]] RunLimits read_limits(const std::filesystem::path& run);
void write_limits(const std::filesystem::path& run, const RunLimits& limits);

/// The option that raises the limit which ended a run: "--budget-usd 6", twice what it was. `option` is its
/// name; empty if it is not one of them.
[[nodiscard]] std::string raising_option(const std::string& option, const RunLimits& limits);

} // namespace app
