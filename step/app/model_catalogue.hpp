// SPDX-License-Identifier: MIT
// The models that the command knows: the bundled file, and those that the user names.
#pragma once

#include "data.hpp"

#include "strata/llm/catalogue.hpp"

#include <string>
#include <vector>

namespace app {

/// Throws Failure or llm::catalogue_error.
[[nodiscard]] inline strata::llm::catalogue model_catalogue(const std::vector<std::string>& more_files) {
  auto known = strata::llm::catalogue::load(data_directory("", "data", "STRATA_DATA_DIR") / "models.yaml");
  for (const auto& file : more_files) known.extend(file);
  return known;
}

} // namespace app
