// SPDX-License-Identifier: MIT
// The files of a run: what is appended while it goes on, and what is read back to resume it.
// Whatever the files contain after a crash or by malice, reading ends in data or in a Failure.
#pragma once

#include "failure.hpp"
#include "json.hpp"
#include "run_state.hpp"
#include "whole_file.hpp"

#include "step/verifier/verdict.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace app {

/// Lines appended to a file, pushed to the system about once a second.
class Journal {
 public:
  /// Throws Failure when the file cannot be opened, or is no regular one.
  explicit Journal(std::filesystem::path file) : file_(std::move(file)) {
    errno = 0;
    descriptor_ = open_regular(file_, O_WRONLY | O_CREAT | O_APPEND);
    if (descriptor_ < 0) cannot_write(file_);
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() {
    try {
      flush();
    } catch (const Failure&) { // who wants to know flushes
    }
    ::close(descriptor_);
  }
  void write(std::string_view line) {
    buffer_.append(line) += '\n';
    if (buffer_.size() > (std::size_t{1} << 20U) ||
        std::chrono::steady_clock::now() - flushed_ > std::chrono::seconds(1))
      flush();
  }
  void flush() {
    flushed_ = std::chrono::steady_clock::now();
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const auto count = ::write(descriptor_, rest.data(), rest.size());
      if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
      if (count > 0 || (count < 0 && errno == EINTR)) continue;
      buffer_.clear();
      cannot_write(file_);
    }
    buffer_.clear();
  }
  /// What was written survives a power cut.
  void sync() {
    flush();
    if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) cannot_write(file_);
  }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::string buffer_;
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

/// Step, index of the task, and number of the sample.
using SampleKey = std::tuple<std::size_t, std::size_t, std::size_t>;

/// A sample of an earlier part of the run.
struct StoredSample {
  std::string program; ///< as it is written: well-formed UTF-8, and cut if `whole` is not the hash of it
  digest whole{};      ///< of the program as it was judged
  step::Verdict verdict;
};

/// What samples.jsonl holds. It is the truth about the samples that were judged, whatever a verifier would
/// say today.
struct StoredSamples {
  std::map<SampleKey, StoredSample> judged;
  std::map<SampleKey, std::string> failed; ///< requests, with the reason
  std::uint64_t lines = 0;
};

/// Adds the program to a line of samples.jsonl. One that would make the line longer than lines may be is cut,
/// and its hash is added.
void put_program(json::object& line, std::string_view program);

/// What StoredSample::whole is of a program, as far as a file can hold it.
[[nodiscard]] digest stored_digest(std::string_view program);

/// Reads samples.jsonl; the last line of a sample counts. With `repair`, an unfinished last line is cut off
/// the file, so that more can be appended. Throws Failure, naming the line, when a line is damaged. Memory:
/// the programs of the run.
[[nodiscard]] StoredSamples read_samples(const std::filesystem::path& run,
                                         const std::unordered_map<std::string, std::size_t>& task_index,
                                         bool repair);

/// Leaves of samples.jsonl the last line of every sample for which `live`; as a whole, or not at all.
void compact_samples(const std::filesystem::path& run,
                     const std::unordered_map<std::string, std::size_t>& task_index,
                     const std::function<bool(const SampleKey&)>& live);

/// A run directory that nobody else writes, as long as `state` lives.
struct RunDirectory {
  std::filesystem::path path;
  RunState state;
};

/// Makes a new run directory; empty means runs/<UTC time>. Of any number of processes that want the same one,
/// one gets it; they get different ones where the name is ours to choose. Throws Failure when it exists with
/// content, is another's, or cannot be made.
[[nodiscard]] RunDirectory make_run_directory(const std::string& given);

} // namespace app
