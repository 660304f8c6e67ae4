// SPDX-License-Identifier: MIT
// Looks for the directories of data.hpp; the only file that knows where the source tree is.
#include "data.hpp"

#include "failure.hpp"

#include <cstdlib>
#include <system_error>
#include <vector>

namespace app {

std::filesystem::path data_directory(const std::string& given, std::string_view name, const char* option) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!given.empty()) {
    if (!fs::is_directory(given, error))
      throw Failure(given + ": there is no such directory; correct " + option);
    return given;
  }
  std::vector<fs::path> roots;
  if (const char* root = std::getenv("STRATA_DATA_DIR"); root != nullptr && *root != '\0') {
    roots.emplace_back(root);
  } else {
    roots.emplace_back(STRATA_SOURCE_DIR);
    if (const auto self = fs::read_symlink("/proc/self/exe", error); !error)
      roots.push_back(self.parent_path().parent_path() / "share" / "strata");
  }
  for (const auto& root : roots)
    for (const auto& folder : {root / name, root / "step" / name})
      if (fs::is_directory(folder, error)) return folder;
  throw Failure((roots[0] / name).string() + ": the bundled " + std::string(name) + " are not there; set " +
                option + " or STRATA_DATA_DIR");
}

} // namespace app
