// SPDX-License-Identifier: MIT
// Lines are read in batches; threads verify the batches; the reader writes them out in order.
// At most a few batches per thread exist at a time.
#include "corpus.hpp"

#include "data.hpp"
#include "failure.hpp"
#include "line_reader.hpp"
#include "verdict_text.hpp"

#include "step/tasks/load.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace app {

namespace {

/// The tasks of a directory by id; the verifier of each is made when first needed.
class Checkers {
 public:
  Checkers(const std::filesystem::path& directory, CheckSettings settings) : settings_(std::move(settings)) {
    for (auto& task : step::load_tasks(directory)) {
      std::string id = task->id;
      entries_.emplace(std::move(id), std::make_unique<Entry>(std::move(task)));
    }
  }
  /// Null when there is no such task; throws TaskError when the task is broken.
  [[nodiscard]] const Checker* find(const std::string& id) {
    const auto at = entries_.find(id);
    if (at == entries_.end()) return nullptr;
    Entry& entry = *at->second;
    std::call_once(entry.made, [&] {
      try {
        entry.checker.emplace(entry.task, settings_);
      } catch (const step::TaskError& e) {
        entry.error = e.what();
      }
    });
    if (!entry.checker) throw step::TaskError(entry.error);
    return &*entry.checker;
  }

 private:
  struct Entry {
    explicit Entry(std::shared_ptr<const step::Task> t) : task(std::move(t)) {}
    std::shared_ptr<const step::Task> task;
    std::once_flag made;
    std::optional<Checker> checker;
    std::string error;
  };
  CheckSettings settings_;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
};

bool is_json_number(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const auto begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - begin;
  };
  const auto accept = [&](std::string_view any) {
    const bool is = i < text.size() && any.find(text[i]) != std::string_view::npos;
    i += is ? 1 : 0;
    return is;
  };
  accept("-");
  const bool zero = i < text.size() && text[i] == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (accept(".") && digits() == 0) return false;
  if (accept("eE")) {
    accept("+-");
    if (digits() == 0) return false;
  }
  return i == text.size();
}

/// Where the number of the member "id" stands in a line, if it has one: numbers come back as they were
/// written, whatever their size. Nothing if the line is no JSON object.
std::optional<std::pair<std::size_t, std::size_t>> number_of_id(std::string_view line) {
  std::optional<std::pair<std::size_t, std::size_t>> found;
  const auto after_blanks = [&](std::size_t i) {
    return std::min(line.find_first_not_of(" \t\r\n", i), line.size());
  };
  std::size_t depth = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '{' || line[i] == '[') ++depth;
    if (line[i] == '}' || line[i] == ']') depth -= depth > 0 ? 1 : 0;
    if (line[i] != '"') continue;
    const std::size_t begin = i + 1;
    for (++i; i < line.size() && line[i] != '"'; ++i)
      if (line[i] == '\\') ++i;
    if (depth != 1 || i >= line.size() || line.substr(begin, i - begin) != "id") continue;
    const auto colon = after_blanks(i + 1);
    if (colon >= line.size() || line[colon] != ':') continue;
    const auto number = after_blanks(colon + 1);
    const auto end = std::min(line.find_first_not_of("+-.0123456789eE", number), line.size());
    found.reset();
    if (is_json_number(line.substr(number, end - number))) found.emplace(number, end);
  }
  return found;
}

struct Batch {
  std::vector<Line> lines;
  std::string output;
  bool finished = false;
};

class Corpus {
 public:
  Corpus(const VerifyCommand& command, CheckSettings settings)
      : checkers_(tasks_directory(command.data), without_cache(std::move(settings), command.no_cache)) {
    const unsigned machine = std::max(1U, std::thread::hardware_concurrency());
    threads_ = command.jobs > 0 ? static_cast<unsigned>(command.jobs) : machine;
  }

  int run(std::istream& in) {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < threads_; ++i) workers.emplace_back([this] { work(); });
    LineReader reader(in);
    const std::size_t most_in_flight = 3 * std::size_t{threads_};
    try {
      for (;;) {
        auto batch = read(reader);
        if (!batch) break;
        while (in_order_.size() >= most_in_flight) write_front();
        in_order_.push_back(batch);
        {
          const std::scoped_lock lock(mutex_);
          waiting_.push_back(std::move(batch));
        }
        work_.notify_one();
      }
      while (!in_order_.empty()) write_front();
      if (std::fflush(stdout) != 0)
        throw Failure("standard output: cannot write the verdicts; free some space");
    } catch (...) {
      finish();
      throw;
    }
    finish();
    if (progress_) std::fprintf(stderr, "\r\033[K");
    return malformed_ > 0 ? Exit::unusable : failed_ > 0 ? Exit::negative : Exit::done;
  }
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  static CheckSettings without_cache(CheckSettings settings, bool without) {
    if (without) settings.cache_bytes = 0;
    return settings;
  }
  static std::shared_ptr<Batch> read(LineReader& reader) {
    auto batch = std::make_shared<Batch>();
    std::size_t bytes = 0;
    while (batch->lines.size() < 256 && bytes < (std::size_t{1} << 20U)) {
      auto line = reader.next();
      if (!line) break;
      bytes += line->text.size();
      batch->lines.push_back(std::move(*line));
    }
    return batch->lines.empty() ? nullptr : batch;
  }
  void finish() {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    waiting_.clear();
    work_.notify_all();
  }
  void work() {
    for (;;) {
      std::shared_ptr<Batch> batch;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return finished_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        batch = std::move(waiting_.front());
        waiting_.pop_front();
      }
      std::string output;
      for (Line& line : batch->lines) output += answer(line) + "\n";
      {
        const std::scoped_lock lock(mutex_);
        batch->output = std::move(output);
        batch->finished = true;
      }
      done_.notify_one();
    }
  }
  void write_front() {
    const auto batch = in_order_.front();
    {
      std::unique_lock lock(mutex_);
      done_.wait(lock, [&] { return batch->finished; });
    }
    in_order_.pop_front();
    if (std::fwrite(batch->output.data(), 1, batch->output.size(), stdout) != batch->output.size())
      throw Failure("standard output: cannot write the verdicts; free some space");
    written_ += batch->lines.size();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    if (progress_ && elapsed.count() > shown_ + 0.25) {
      shown_ = elapsed.count();
      std::fprintf(stderr, "\r%llu verdicts, %.0f per second", static_cast<unsigned long long>(written_),
                   static_cast<double>(written_) / shown_);
    }
  }

  /// The answer to a line; a number that identifies it stands there as it was given.
  std::string answer(Line& line) {
    const auto place = line.too_long ? std::nullopt : number_of_id(line.text);
    if (!place) return to_text(judge(line));
    const std::string id = line.text.substr(place->first, place->second - place->first);
    line.text.replace(place->first, id.size(), "0");
    const json::object out = judge(line);
    if (!out.contains("id") || out.at("id").is_null()) return to_text(out);
    const std::string text = to_text(out); // the id comes first
    return "{\"id\":" + id + text.substr(std::string_view("{\"id\":0").size());
  }
  json::object error(const Line& line, json::value id, std::string_view text) {
    ++malformed_;
    json::object out;
    out["id"] = std::move(id);
    out["line"] = line.number;
    out["error"] = json_string(text);
    return out;
  }
  json::object judge(const Line& line) {
    if (line.too_long) return error(line, nullptr, "the line is longer than 4 MiB; shorten the program");
    std::string problem;
    const json::value input = parse_json(line.text, problem);
    if (!problem.empty() || !input.is_object())
      return error(line, nullptr,
                   problem.empty() ? "the line is no JSON object" : "the line is no JSON: " + problem);
    const auto* given = member(input, "id");
    json::value id = given == nullptr ? json::value(nullptr) : *given;
    const auto *task = member(input, "task"), *impl = member(input, "impl");
    if (task == nullptr || !task->is_string() || impl == nullptr || !impl->is_string())
      return error(line, std::move(id), "the keys 'task' and 'impl' must be there and be strings");
    const std::string task_id(text_or(input, "task")), program(text_or(input, "impl"));
    try {
      const auto start = std::chrono::steady_clock::now();
      const Checker* checker = checkers_.find(task_id);
      if (checker == nullptr)
        return error(line, std::move(id),
                     "there is no task " + step::excerpt(task_id) + "; ids are folder/basename");
      const auto verdict = checker->verify(program);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      if (!verdict.pass) ++failed_;
      json::object out;
      out["id"] = std::move(id);
      out["task"] = json_string(task_id);
      put_verdict(out, verdict, seconds.count());
      return out;
    } catch (const std::exception& e) {
      return error(line, std::move(id), e.what());
    }
  }

  Checkers checkers_;
  unsigned threads_;
  std::atomic<std::uint64_t> malformed_{0}, failed_{0};
  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<std::shared_ptr<Batch>> waiting_;  // guarded by mutex_
  bool finished_ = false;                       // guarded by mutex_
  std::deque<std::shared_ptr<Batch>> in_order_; // the reader's own
  std::uint64_t written_ = 0;
  const bool progress_ = ::isatty(2) == 1 && ::isatty(1) == 0;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double shown_ = 0;
};

} // namespace

int verify_corpus(const VerifyCommand& command, const CheckSettings& settings) {
  Corpus corpus(command, settings);
  int code = Exit::done;
  if (command.corpus == "-") {
    std::ios::sync_with_stdio(false);
    code = corpus.run(std::cin);
  } else {
    std::error_code error;
    if (std::filesystem::exists(command.corpus, error) &&
        !std::filesystem::is_directory(command.corpus, error) &&
        !std::filesystem::is_regular_file(command.corpus, error)) // a pipe would be waited for
      throw Failure(command.corpus + ": this is no regular file; pipe it into standard input, and name it -");
    std::ifstream in(command.corpus, std::ios::binary);
    if (!in || std::filesystem::is_directory(command.corpus, error))
      throw Failure(command.corpus +
                    ": cannot open the corpus; name a file of JSON lines, or - for standard input");
    code = corpus.run(in);
    if (in.bad()) throw Failure(command.corpus + ": reading failed; check the disk");
  }
  if (corpus.malformed() > 0)
    throw Failure((command.corpus == "-" ? "standard input" : command.corpus) + ": " +
                  std::to_string(corpus.malformed()) +
                  " line(s) could not be used; see \"error\" in the output");
  return code;
}

} // namespace app
