// SPDX-License-Identifier: MIT
// Any bytes as a task file: it is refused with a TaskError, or it is a task, which is then evaluated: sizes,
// `global`, inputs, functions and references.
#include "fuzz_target.hpp"

#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out{"", "inputs: [{name: E0, dtype: fp32, dims: [M], data_gen: torch.ones}]",
                               bytes_of(STRATA_TEST_DIR "/fuzz/task.yaml")};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("tasks"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) out.push_back(bytes_of(file.string()));
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto task = std::make_shared<const step::Task>(step::read_task(text, "file", "id"));
    step::VerifyOptions options;
    options.limits = {.steps = 20'000, .work = 400'000, .elements = 200'000};
    (void)step::Verifier(task, options).verify("return E0");
  } catch (const step::TaskError&) {
  }
  return 0;
}
