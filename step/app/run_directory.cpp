// SPDX-License-Identifier: MIT
// Reading back what a stopped run has stored.
// The verdicts are stored with the samples, so that nothing has to be verified again.
#include "run_directory.hpp"

#include "json.hpp"
#include "line_reader.hpp"

#include <array>
#include <ctime>

namespace app {

namespace {

step::Affine affine_of(const json::value& line, std::string_view key) {
  const auto* v = member(line, key);
  if (v == nullptr || !v->is_bool()) return step::Affine::error;
  return v->get_bool() ? step::Affine::pass : step::Affine::violation;
}

bool read_stage(const std::string& name, step::Stage& stage) {
  for (int i = 0; i <= static_cast<int>(step::Stage::limit); ++i)
    if (step::name_of(static_cast<step::Stage>(i)) == name) {
      stage = static_cast<step::Stage>(i);
      return true;
    }
  return false;
}

} // namespace

StoredSamples read_samples(const std::filesystem::path& run,
                           const std::unordered_map<std::string, std::size_t>& task_index) {
  StoredSamples out;
  const auto file = run / "samples.jsonl";
  std::ifstream in(file, std::ios::binary);
  if (!in) return out; // stopped before the first sample
  LineReader reader(in);
  std::uint64_t complete = 0;
  while (const auto line = reader.next()) {
    if (!line->complete) {
      in.close();
      std::error_code error;
      std::filesystem::resize_file(file, complete, error);
      if (error)
        throw Failure(file.string() + ": cannot cut off the unfinished last line: " + error.message());
      break;
    }
    complete = reader.bytes();
    const auto damaged = [&](const std::string& why) {
      throw Failure(file.string() + ":" + std::to_string(line->number) + ": damaged: " + why +
                    "; remove the line to sample again, or start a new run");
    };
    std::string problem;
    const json::value value = parse_json(line->text, problem);
    if (!problem.empty()) damaged(problem);
    const auto* program = member(value, "program");
    if (program == nullptr) continue; // a failed request: to be asked again
    const auto task = task_index.find(text_or(value, "task"));
    if (task == task_index.end()) damaged("it names a task that the run does not have");
    constexpr std::uint64_t none = ~std::uint64_t{0};
    const auto step = count_or(value, "step", none), index = count_or(value, "index", none);
    StoredSample sample;
    if (step == none || index == none || !program->is_string() ||
        !read_stage(text_or(value, "stage"), sample.verdict.stage))
      damaged("'step', 'index', 'stage' or 'program' is missing");
    sample.program = text_or(value, "program");
    sample.verdict.pass = bool_or(value, "pass");
    sample.verdict.functional = bool_or(value, "functional");
    sample.verdict.published = bool_or(value, "published", sample.verdict.pass);
    sample.verdict.affine_flow = affine_of(value, "affine_flow");
    sample.verdict.affine_syntactic = affine_of(value, "affine_syntactic");
    sample.verdict.message = text_or(value, "message");
    sample.verdict.at = {static_cast<std::uint32_t>(count_or(value, "line")),
                         static_cast<std::uint32_t>(count_or(value, "column"))};
    out.insert_or_assign(
        std::tuple(static_cast<std::size_t>(step), task->second, static_cast<std::size_t>(index)),
        std::move(sample));
  }
  return out;
}

std::filesystem::path make_run_directory(const std::string& given) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path run = given;
  if (given.empty()) {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> name{};
    std::strftime(name.data(), name.size(), "%Y%m%dT%H%M%SZ", &utc);
    run = fs::path("runs") / name.data();
    for (int i = 2; fs::exists(run, error) && i < 1000; ++i)
      run = fs::path("runs") / (std::string(name.data()) + "-" + std::to_string(i));
  }
  if (fs::exists(run, error)) {
    if (!fs::is_directory(run, error)) throw Failure(run.string() + ": this is a file; choose another --out");
    if (!fs::is_empty(run, error))
      throw Failure(run.string() +
                    ": the directory is not empty; choose another --out, or continue it with --resume " +
                    run.string());
  }
  fs::create_directories(run / "solutions", error);
  if (error)
    throw Failure(run.string() + ": cannot make the directory: " + error.message() +
                  "; choose another --out");
  return run;
}

} // namespace app
