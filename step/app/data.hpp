// SPDX-License-Identifier: MIT
// Where tasks, solutions and prompts lie: what the user names, else $STRATA_DATA_DIR, else the source tree
// this program was built from, else share/strata beside the installed program.
#pragma once

#include "options.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace app {

/// The directory of that name. Throws Failure, which says to correct `option`, if it is not there.
[[nodiscard]] std::filesystem::path data_directory(const std::string& given, std::string_view name,
                                                   const char* option);

[[nodiscard]] inline std::filesystem::path tasks_directory(const DataOptions& data) {
  return data_directory(data.tasks, "tasks", "--tasks");
}
[[nodiscard]] inline std::filesystem::path solutions_directory(const DataOptions& data) {
  return data_directory(data.solutions, "solutions", "--solutions");
}
[[nodiscard]] inline std::filesystem::path prompts_directory(const DataOptions& data) {
  return data_directory(data.prompts, "prompts", "--prompts");
}

} // namespace app
