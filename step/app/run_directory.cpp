// SPDX-License-Identifier: MIT
// Making run directories, and reading back what a stopped run has stored.
// The verdicts are stored with the samples, so that nothing has to be verified again.
#include "run_directory.hpp"

#include "line_reader.hpp"
#include "verdict_text.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>

namespace app {

namespace {

/// Of a program in a line: with escapes it may take six times as much.
constexpr std::size_t longest_program = LineReader::longest / 8;

struct SampleLine {
  SampleKey key;
  json::value value;
};

/// Calls `use(SampleLine, text)` for every line. Returns the length of the file up to its last complete line.
template <class F>
std::uint64_t each_sample(const std::filesystem::path& file,
                          const std::unordered_map<std::string, std::size_t>& task_index, F&& use) {
  const int descriptor = open_regular(file, O_RDONLY);
  if (descriptor < 0) return 0; // stopped before the first sample
  ::close(descriptor);
  std::ifstream in(file, std::ios::binary);
  LineReader reader(in);
  std::uint64_t complete = 0;
  while (const auto line = reader.next()) {
    if (!line->complete) break;
    complete = reader.bytes();
    const auto damaged = [&](const std::string& why) {
      throw Failure(file.string() + ":" + std::to_string(line->number) + ": damaged: " + why +
                    "; remove the line to sample again, or start a new run");
    };
    if (line->too_long) damaged("it is longer than " + std::to_string(LineReader::longest) + " bytes");
    std::string problem;
    SampleLine sample;
    sample.value = parse_json(line->text, problem);
    if (!problem.empty()) damaged(problem);
    const auto task = task_index.find(text_or(sample.value, "task"));
    if (task == task_index.end()) damaged("it names a task that the run does not have");
    constexpr std::uint64_t none = ~std::uint64_t{0};
    const auto step = count_or(sample.value, "step", none), index = count_or(sample.value, "index", none);
    if (step == none || index == none) damaged("'step' or 'index' is missing");
    sample.key = {step, task->second, index};
    use(sample, line->text, damaged);
  }
  return complete;
}

} // namespace

void put_program(json::object& line, std::string_view program) {
  if (program.size() <= longest_program) {
    line["program"] = json_string(program);
    return;
  }
  line["program"] = json_string(program.substr(0, longest_program / 8));
  line["program_hash"] = strata::store::to_hex(stored_digest(program)); // it is not all there
}

digest stored_digest(std::string_view program) {
  const auto text = json_string(program);
  return strata::store::digest_of({text.data(), text.size()});
}

StoredSamples read_samples(const std::filesystem::path& run,
                           const std::unordered_map<std::string, std::size_t>& task_index, bool repair) {
  StoredSamples out;
  const auto file = run / "samples.jsonl";
  const auto complete =
      each_sample(file, task_index, [&](SampleLine& line, const std::string&, auto& damaged) {
        ++out.lines;
        const auto* program = member(line.value, "program");
        if (program == nullptr) {
          out.judged.erase(line.key);
          out.failed[line.key] = text_or(line.value, "failure");
          return;
        }
        StoredSample sample;
        if (!program->is_string() || !read_verdict(line.value, sample.verdict))
          damaged("'stage' or 'program' is missing");
        sample.program = text_or(line.value, "program");
        sample.whole = strata::store::digest_of(sample.program);
        if (const auto hash = text_or(line.value, "program_hash"); !hash.empty())
          if (!strata::store::from_hex(hash, sample.whole)) damaged("'program_hash' is none");
        out.failed.erase(line.key);
        out.judged.insert_or_assign(line.key, std::move(sample));
      });
  std::error_code error;
  if (!repair || !std::filesystem::exists(file, error) || std::filesystem::file_size(file, error) == complete)
    return out;
  std::filesystem::resize_file(file, complete, error);
  if (error) throw Failure(file.string() + ": cannot cut off the unfinished last line: " + error.message());
  return out;
}

void compact_samples(const std::filesystem::path& run,
                     const std::unordered_map<std::string, std::size_t>& task_index,
                     const std::function<bool(const SampleKey&)>& live) {
  const auto file = run / "samples.jsonl";
  std::map<SampleKey, std::uint64_t> last;
  std::uint64_t number = 0;
  each_sample(file, task_index,
              [&](SampleLine& line, const std::string&, auto&) { last[line.key] = ++number; });
  auto aside = file;
  aside += "." + std::to_string(::getpid()) + ".tmp";
  std::error_code ignored;
  try {
    {
      Journal out(aside);
      number = 0;
      each_sample(file, task_index, [&](SampleLine& line, const std::string& text, auto&) {
        if (last[line.key] == ++number && live(line.key)) out.write(text);
      });
      out.sync();
    }
    if (::rename(aside.c_str(), file.c_str()) != 0) cannot_write(file);
  } catch (const Failure&) {
    std::filesystem::remove(aside, ignored);
    throw;
  }
}

namespace {

namespace fs = std::filesystem;

/// Whether there is nothing but what a run leaves that was killed before it began.
bool unused(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name == RunState::file_name || name == "limits.json" || name.ends_with(".tmp") ||
                      (name == "solutions" && fs::is_empty(entry.path(), error));
    if (!ours) return false;
  }
  return !error;
}

[[noreturn]] void not_empty(const fs::path& run) {
  throw Failure(run.string() +
                ": the directory is not empty; choose another --out, or continue it with --resume " +
                run.string());
}

RunDirectory claim(const fs::path& run) {
  if (!unused(run)) not_empty(run);
  RunDirectory out{run, RunState(run)};
  if (!unused(run)) not_empty(run); // another had it meanwhile
  std::error_code error;
  fs::create_directories(run / "solutions", error);
  if (error)
    throw Failure(run.string() + ": cannot make the directory: " + error.message() +
                  "; choose another --out");
  return out;
}

} // namespace

RunDirectory make_run_directory(const std::string& given) {
  std::error_code error;
  const auto cannot_make = [](const fs::path& run, const std::string& why) {
    throw Failure(run.string() + ": cannot make the directory: " + why + "; choose another --out");
  };
  if (!given.empty()) {
    const fs::path run = given;
    if (fs::exists(run, error) && !fs::is_directory(run, error))
      throw Failure(run.string() + ": this is a file; choose another --out");
    fs::create_directories(run, error);
    if (error) cannot_make(run, error.message());
    return claim(run);
  }
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> name{};
  std::strftime(name.data(), name.size(), "%Y%m%dT%H%M%SZ", &utc);
  fs::create_directories("runs", error);
  if (error) cannot_make("runs", error.message());
  for (int i = 1;; ++i) {
    const fs::path run = fs::path("runs") / (name.data() + (i == 1 ? "" : "-" + std::to_string(i)));
    if (::mkdir(run.c_str(), 0777) == 0) return claim(run); // whoever makes it has it
    if (errno != EEXIST || i == 10'000) cannot_make(run, std::strerror(errno));
  }
}

} // namespace app
