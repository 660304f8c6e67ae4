// SPDX-License-Identifier: MIT
#include "run_directory.hpp"
#include "run_limits.hpp"
#include "run_results.hpp"

#include "line_reader.hpp"
#include "verdict_text.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <sys/stat.h>
#include <unordered_map>

namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path;
  Directory() {
    std::string name = (fs::temp_directory_path() / "strata-run-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { fs::remove_all(path); }
  [[nodiscard]] std::string text(const char* file) const {
    return fs::exists(path / file) ? app::read_whole_file(path / file, 1 << 26) : "";
  }
  void write(const char* file, const std::string& text) const {
    std::ofstream(path / file, std::ios::binary | std::ios::trunc) << text;
  }
};

const std::unordered_map<std::string, std::size_t> tasks = {{"a/x", 0}, {"a/y", 1}};

std::string line(std::uint64_t step, const std::string& task, std::uint64_t index, std::string_view program,
                 bool pass = false, std::string message = "") {
  app::json::object out;
  out["step"] = step;
  out["task"] = task;
  out["index"] = index;
  step::Verdict v;
  v.pass = pass;
  v.message = std::move(message);
  app::put_verdict(out, v, 0.5);
  app::put_program(out, program);
  return app::to_text(out) + "\n";
}

} // namespace

TEST_CASE("run directory: every line that is written is one that is read") {
  const Directory dir;
  std::vector<std::string> programs = {"",         "return E0\n", std::string("\0\x01\x7f\"\\\n\t", 7),
                                       "\xff\xfe", "\xe2\x82",    "é\xf0\x9f\x98\x80"};
  for (const std::size_t size : {std::size_t{500} << 10U, std::size_t{600} << 10U, std::size_t{9} << 20U})
    for (const char c : {'a', '\x01', '\xff'}) programs.emplace_back(size, c);
  std::string all;
  for (std::size_t i = 0; i < programs.size(); ++i)
    all += line(0, "a/x", i, programs[i], i % 2 == 0, std::string(2048, '\x02'));
  dir.write("samples.jsonl", all);
  for (std::size_t begin = 0; begin < all.size(); begin = all.find('\n', begin) + 1)
    CHECK(all.find('\n', begin) - begin < app::LineReader::longest);
  const auto read = app::read_samples(dir.path, tasks, true);
  REQUIRE(read.judged.size() == programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const auto& sample = read.judged.at({0, 0, i});
    CHECK(sample.whole == app::stored_digest(programs[i]));
    CHECK(sample.verdict.pass == (i % 2 == 0));
  }
  CHECK(dir.text("samples.jsonl") == all);
}

TEST_CASE("run directory: the last line of a sample counts, and what is dead is left out at the end") {
  const Directory dir;
  const std::string failed = R"({"step":0,"task":"a/y","index":3,"failure":"reset"})"
                             "\n";
  dir.write("samples.jsonl", line(0, "a/x", 0, "first") + failed + line(0, "a/x", 0, "second", true) +
                                 line(0, "a/y", 3, "third") + line(4, "a/y", 0, "stale") + failed +
                                 "{\"step\":0,");
  auto read = app::read_samples(dir.path, tasks, false);
  CHECK(read.judged.at({0, 0, 0}).program == "second");
  CHECK(read.failed.at({0, 1, 3}) == "reset");
  CHECK(read.judged.size() == 2);
  CHECK(read.lines == 6);
  const auto size = fs::file_size(dir.path / "samples.jsonl");
  CHECK(app::read_samples(dir.path, tasks, true).lines == 6);
  CHECK(fs::file_size(dir.path / "samples.jsonl") == size - 10); // the unfinished line
  app::compact_samples(dir.path, tasks, [](const app::SampleKey& key) { return std::get<0>(key) == 0; });
  CHECK(dir.text("samples.jsonl") == line(0, "a/x", 0, "second", true) + failed);
  CHECK(std::distance(fs::directory_iterator(dir.path), {}) == 1);
}

TEST_CASE("run directory: damage is named by its line") {
  const Directory dir;
  for (const std::string& bad :
       {std::string("nonsense"), std::string("[]"), std::string("{}"), std::string(R"({"task":"b/z"})"),
        std::string(R"({"task":"a/x","step":-1,"index":0,"program":""})"),
        std::string(R"({"task":"a/x","step":0,"index":1e300,"program":"","stage":"parse"})"),
        std::string(R"({"task":"a/x","step":0,"index":0,"program":"","stage":"other"})"),
        std::string(R"({"task":"a/x","step":0,"index":0,"program":7,"stage":"parse"})"),
        std::string(R"({"task":"a/x","step":0,"index":0,"program":"","stage":"parse","program_hash":"x"})"),
        std::string(app::LineReader::longest + 1, ' ')}) {
    dir.write("samples.jsonl", line(0, "a/x", 0, "p") + bad + "\n");
    CHECK_THROWS_WITH_AS((void)app::read_samples(dir.path, tasks, true),
                         doctest::Contains("samples.jsonl:2: damaged"), app::Failure);
  }
}

TEST_CASE("run directory: results take the place of others only when they are worth as much") {
  const Directory dir;
  fs::create_directories(dir.path / "solutions");
  {
    app::RunResults first(dir.path);
    first.add_step(R"({"step":0,"samples":100})", 100, {{"a/x", "one"}});
    first.write("running");
    CHECK(dir.text("summary.json") == "running");
    first.add_step(R"({"step":1,"samples":50})", 50, {});
    first.write("stopped");
  }
  const auto steps = dir.text("steps.jsonl");
  app::RunResults again(dir.path);
  again.add_step(R"({"step":0,"samples":100,"again":1})", 100, {{"a/x", "two"}});
  again.write("running again");
  CHECK(again.kept_back());
  CHECK(dir.text("steps.jsonl") == steps);
  CHECK(dir.text("summary.json") == "stopped");
  CHECK(dir.text("solutions/a/x.yaml") == "one");
  SUBCASE("less") {
    again.add_step(R"({"step":1,"samples":49})", 49, {});
    again.write("less");
    CHECK(again.kept_back());
    CHECK(dir.text("steps.jsonl") == steps);
    CHECK(dir.text("summary.json") == "stopped");
  }
  SUBCASE("as much, and more") {
    again.add_step(R"({"step":1,"samples":50,"again":1})", 50, {{"a/y", "three"}});
    again.write("as much");
    CHECK_FALSE(again.kept_back());
    CHECK(dir.text("summary.json") == "as much");
    CHECK(dir.text("solutions/a/x.yaml") == "two");
    CHECK(dir.text("solutions/a/y.yaml") == "three");
    again.add_step(R"({"step":2})", 0, {});
    again.write("more");
    CHECK(dir.text("steps.jsonl") == R"({"step":0,"samples":100,"again":1})"
                                     "\n"
                                     R"({"step":1,"samples":50,"again":1})"
                                     "\n"
                                     R"({"step":2})"
                                     "\n");
  }
  SUBCASE("a run that went to its end counts in any case") {
    again.complete();
    again.write("complete");
    CHECK(dir.text("summary.json") == "complete");
    CHECK(dir.text("steps.jsonl") == R"({"step":0,"samples":100,"again":1})"
                                     "\n");
  }
}

TEST_CASE("run directory: what there is may be anything") {
  const Directory dir;
  dir.write("steps.jsonl", "{\"samples\":1e300}\n[]\n\xff\n{\"samples\":-5}\n{}");
  app::RunResults results(dir.path);
  results.add_step("{}", 1, {});
  results.write("x");
  CHECK(results.kept_back()); // three lines that may be steps
}

TEST_CASE("run limits: stored, merged, and raised by what the message says") {
  const Directory dir;
  CHECK(app::read_limits(dir.path) == app::RunLimits{});
  const app::RunLimits all{.usd = 1e-7, .seconds = 90, .tokens = UINT64_MAX, .requests = 0};
  app::write_limits(dir.path, all);
  CHECK(app::read_limits(dir.path) == all);
  CHECK(dir.text("limits.json").find("e-") == std::string::npos);
  app::write_limits(
      dir.path, {.usd = std::numeric_limits<double>::infinity(), .seconds = {}, .tokens = 5, .requests = {}});
  CHECK(app::read_limits(dir.path) == app::RunLimits{.usd = {}, .seconds = {}, .tokens = 5, .requests = {}});
  const auto both = app::merged({.usd = 3.0, .seconds = {}, .tokens = 7, .requests = {}},
                                {.usd = 2.0, .seconds = 1.0, .tokens = {}, .requests = {}});
  CHECK(both == app::RunLimits{.usd = 2.0, .seconds = 1.0, .tokens = 7, .requests = {}});
  CHECK(app::raising_option("--budget-usd", {.usd = 3.0, .seconds = {}, .tokens = {}, .requests = {}}) ==
        "--budget-usd 6");
  CHECK(app::raising_option("--budget-tokens", all) == "--budget-tokens 18446744073709551615");
  CHECK(app::raising_option("--budget-requests", all) == "--budget-requests 100");
  CHECK(app::raising_option("--budget-usd", {}) == "");
  CHECK(app::raising_option("", all) == "");
  for (const char* bad :
       {"", "[]", "{\"usd\":-1}", "{\"usd\":\"3\"}", "{\"usd\":null}", "{\"dollars\":3}", "{\"usd\":1"}) {
    dir.write("limits.json", bad);
    CHECK_THROWS_WITH_AS((void)app::read_limits(dir.path), doctest::Contains("limits.json: damaged"),
                         app::Failure);
  }
}

TEST_CASE("run directory: a directory that is not empty is refused and left as it was") {
  const Directory dir;
  dir.write("notes.txt", "mine");
  CHECK_THROWS_WITH_AS((void)app::make_run_directory(dir.path.string()), doctest::Contains("is not empty"),
                       app::Failure);
  CHECK(std::distance(fs::directory_iterator(dir.path), {}) == 1);
  fs::remove(dir.path / "notes.txt");
  {
    const auto made = app::make_run_directory(dir.path.string());
    CHECK_THROWS_WITH_AS((void)app::make_run_directory(dir.path.string()),
                         doctest::Contains("another process"), app::Failure);
  }
  // killed before it began
  CHECK(app::make_run_directory(dir.path.string()).path == dir.path);
}

TEST_CASE("json: numbers are plain decimals that read back the same") {
  for (const double value :
       {0.1, 1e-5, 1e-300, 5e-324, 123456789.25, 1e15, 1e22, 1.7976931348623157e308, -2.5e-7, 0.0}) {
    const auto text = app::to_text(app::json::value(value));
    CHECK(text.find_first_not_of("-0123456789.") == std::string::npos);
    CHECK(std::strtod(text.c_str(), nullptr) == value);
  }
}
