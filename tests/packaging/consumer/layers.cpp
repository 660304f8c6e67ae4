// SPDX-License-Identifier: MIT
// The layers with dependencies, header-only as users get them: a model from the installed file, a store
// beside it.
#include <strata/llm/catalogue.hpp>
#include <strata/store/recorded_client.hpp>

#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto model =
      strata::llm::catalogue::load(argv[1])
          .resolve("http://127.0.0.1:1/v1#any", [](const std::string&) { return std::string(); })
          .model;
  const auto file = std::filesystem::temp_directory_path() / ("layers-" + std::to_string(::getpid()) + ".db");
  {
    strata::store::run_store runs(file, strata::store::mode::create);
    runs.set("model", model.spec);
    std::cout << runs.get("model").value_or("nothing") << '\n';
  }
  for (const char* const part : {"", "-wal", "-shm", ".lock", ".reserve"})
    std::filesystem::remove(file.string() + part);
  return model.name == "any" ? 0 : 1;
}
