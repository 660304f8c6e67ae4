// SPDX-License-Identifier: MIT
// Verification in a process that may die: for programs that were being verified when a run was killed.
#pragma once

#include "step/verifier/verdict.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace app {

struct Trial {
  std::optional<step::Verdict> verdict{}; ///< none: the process died of it, or did not end
  std::string how_it_died{};              ///< for instance "signal 11, Segmentation fault"
  bool ended = true;                      ///< false: it was ended since it took too long
};

/// Verifies `program` for the task `id` of `tasks_directory` (`published`: by the single check) in a process
/// of its own, with bounds on its memory, its computing time and its time by the clock (60 s, or
/// STRATA_TRIAL_SECONDS). One death may have had another reason (somebody's kill), so that it takes two.
/// Throws Failure when a process cannot be had. Leaves no process behind.
[[nodiscard]] Trial verify_in_process(const std::filesystem::path& tasks_directory, const std::string& id,
                                      std::string_view program, bool published);

/// The verdict on a program that the verifier does not survive.
[[nodiscard]] step::Verdict died_verdict(const std::string& how);

} // namespace app
