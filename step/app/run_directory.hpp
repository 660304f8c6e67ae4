// SPDX-License-Identifier: MIT
// The files of a run: what is appended while it goes on, and what is read back to resume it.
// Whatever the files contain after a crash or by malice, reading ends in data or in a Failure.
#pragma once

#include "failure.hpp"
#include "whole_file.hpp"

#include "step/verifier/verdict.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace app {

/// Lines appended to a file, pushed to the system about once a second.
class Journal {
 public:
  /// Throws Failure when the file cannot be opened.
  Journal(std::filesystem::path file, bool append) : file_(std::move(file)) {
    errno = 0;
    out_.open(file_, std::ios::binary | (append ? std::ios::app : std::ios::trunc));
    if (!out_) cannot_write(file_);
  }
  void write(std::string_view line) {
    errno = 0;
    out_.write(line.data(), static_cast<std::streamsize>(line.size())).put('\n');
    const auto now = std::chrono::steady_clock::now();
    if (now - flushed_ > std::chrono::seconds(1))
      flush();
    else if (!out_)
      cannot_write(file_);
  }
  void flush() {
    errno = 0;
    out_.flush();
    if (!out_) cannot_write(file_);
    flushed_ = std::chrono::steady_clock::now();
  }

 private:
  std::filesystem::path file_;
  std::ofstream out_;
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

/// A sample of an earlier part of the run.
struct StoredSample {
  std::string program;
  step::Verdict verdict;
};

/// By step, index of the task, and number of the sample.
using StoredSamples = std::map<std::tuple<std::size_t, std::size_t, std::size_t>, StoredSample>;

/// Reads samples.jsonl; an unfinished last line is cut off the file, so that more can be appended.
/// Throws Failure, naming the line, when a line is damaged. Memory: the programs of the run.
[[nodiscard]] StoredSamples read_samples(const std::filesystem::path& run,
                                         const std::unordered_map<std::string, std::size_t>& task_index);

/// Makes a new run directory; empty means runs/<UTC time>. Throws Failure when it exists with content or
/// cannot be made.
[[nodiscard]] std::filesystem::path make_run_directory(const std::string& given);

} // namespace app
