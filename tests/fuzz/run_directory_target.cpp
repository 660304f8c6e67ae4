// SPDX-License-Identifier: MIT
// Any bytes as one of the files of a run directory: the first byte says which, the others are its content.
// All readers end in data or in a Failure; what was repaired or written again reads the same.
#include "fuzz_target.hpp"

#include "failure.hpp"
#include "run_config.hpp"
#include "run_directory.hpp"
#include "run_files.hpp"
#include "run_limits.hpp"
#include "run_results.hpp"
#include "verdict_text.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::vector<std::pair<const char*, std::string>>& files() {
  static const std::vector<std::pair<const char*, std::string>> all = {
      {"config.json",
       R"({"version":1,"model":"server:http://127.0.0.1:1/v1#any","mode":"iterative","samples":8,"temperatures":[0.4,1],)"
       R"("granularity":3,"seed":"18446744073709551615","tasks_directory":"/t","tasks":["a/x","a/y"],"fingerprint":"0",)"
       R"("agent":"no-ir,guardian","repair":2,"max_tokens":1024,"reasoning":"low","per_request":8,"model_files":["m"],)"
       R"("prompts_directory":"/p","prompts_fingerprint":"1","replay_of":"/r"})"},
      {"samples.jsonl",
       R"({"step":0,"task":"a/x","index":0,"temperature":0.4,"pass":true,"stage":"passed","functional":true,)"
       R"("affine_flow":true,"affine_syntactic":"error","line":null,"column":null,"message":"","seconds":1e-05,)"
       R"("input_tokens":10,"output_tokens":20,"cost_usd":0.5,"program":"return E0\n"})"
       "\n"
       R"({"step":0,"task":"a/y","index":5,"temperature":1,"failure":"reset"})"
       "\n"
       R"({"step":1,"task":"a/y","index":5,"pass":false,"stage":"values","message":"m","line":2,"column":3,)"
       R"("program":"x","program_hash":"00112233445566778899aabbccddeeff"})"
       "\n"},
      {"steps.jsonl",
       R"({"step":0,"stratum":0,"demonstrations":0,"open":2,"newly_solved":["a/x"],"solved_total":1,"samples":3,)"
       R"("input_tokens":9,"output_tokens":9,"cost_usd":0.25,"failed_requests":1,"undrawn":2,"thresholds":[0.5,1],)"
       R"("seconds":1,"usage":{"requests":3,"cost_known":false},"tallies":[{"task":"a/x","successes":2,"samples":3,)"
       R"("temperature":1,"all_successes":3,"all_samples":4,"usage":{"input_tokens":5,"output_tokens":6}}]})"
       "\n"},
      {"summary.json",
       R"({"tasks":2,"solved":1,"samples":3,"failed_requests":1,"seconds":2.5,"steps":[],"ended":"budget",)"
       R"("complete":false,"cost_usd":0.25,"usage":{"requests":3,"cached_tokens":1,"cost_known":true}})"},
      {"limits.json", R"({"usd":3.5,"seconds":60,"tokens":1000000,"requests":18446744073709551615})"},
      {"run.state", std::string("1STSTATE", 8) + std::string(80, '\1')},
  };
  return all;
}

void put(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

const fs::path& directory() {
  static const struct Directory {
    fs::path path;
    Directory() {
      std::error_code error;
      const fs::path memory = "/dev/shm";
      std::string name =
          ((fs::is_directory(memory, error) ? memory : fs::temp_directory_path()) / "strata-fuzz-XXXXXX")
              .string();
      if (::mkdtemp(name.data()) == nullptr) std::abort();
      path = name;
      for (const auto& [file, text] : files()) put(path / file, text);
    }
    ~Directory() {
      std::error_code error;
      fs::remove_all(path, error);
    }
  } made;
  return made.path;
}

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void read_all(const fs::path& run) {
  static const std::unordered_map<std::string, std::size_t> tasks = {{"a/x", 0}, {"a/y", 1}};
  const auto attempt = [](const std::function<void()>& f) {
    try {
      f();
    } catch (const app::Failure& e) {
      must(std::string_view(e.what()).size() > 10, "a failure says nothing");
    }
  };
  attempt([&] { (void)app::to_text(app::to_json(app::read_config(run))); });
  attempt([&] {
    const auto report = app::read_run(run);
    must(app::curve_text(report.steps, report.tasks.size()).find('\n') != std::string::npos, "no curve");
  });
  attempt([&] {
    const auto limits = app::read_limits(run);
    app::write_limits(run, limits);
    must(app::read_limits(run) == limits || limits.usd || limits.seconds,
         "limits change when they are written");
  });
  attempt([&] { (void)app::RunState::config_of(run); });
  attempt([&] { (void)app::RunState(run).suspicion({"a/x", "p"}); });
  attempt([&] { (void)app::RunResults(run).kept_back(); });
  attempt([&] {
    const auto found = app::read_samples(run, tasks, true);
    const auto again = app::read_samples(run, tasks, false);
    must(found.lines == again.lines && found.judged.size() == again.judged.size(),
         "the repaired file reads otherwise");
    app::compact_samples(run, tasks, [](const app::SampleKey&) { return true; });
    const auto compact = app::read_samples(run, tasks, false);
    must(compact.judged.size() == found.judged.size() && compact.failed.size() == found.failed.size() &&
             compact.lines <= found.lines,
         "compacting changes samples");
  });
}

} // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < files().size(); ++i)
    out.push_back(std::string(1, static_cast<char>('0' + i)) + files()[i].second);
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& [name, sound] = files()[data[0] % files().size()];
  put(directory() / name, {reinterpret_cast<const char*>(data) + 1, size - 1});
  read_all(directory());
  for (const auto& [file, text] : files())
    if (file == name || std::string_view(file) == "samples.jsonl" ||
        std::string_view(file) == "limits.json" || std::string_view(file) == "run.state")
      put(directory() / file, text);
  return 0;
}
