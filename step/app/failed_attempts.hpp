// SPDX-License-Identifier: MIT
// What goes wrong between a run and a model's server: every failed attempt in the run's failures.log, and a
// line on standard error now and then, so that nobody wonders why a run is slow.
#pragma once

#include "run_directory.hpp"
#include "verdict_text.hpp"

#include "strata/llm/engine.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace app {

class FailedAttempts {
 public:
  explicit FailedAttempts(std::filesystem::path file) : file_(std::move(file)) {}

  /// Called on the engine's thread only.
  void note(const strata::llm::attempt& a) {
    if (a.failed == nullptr) return;
    const auto& f = *a.failed;
    std::string line = "attempt " + std::to_string(a.number) + ", " + std::string(to_string(f.kind));
    if (f.status != 0) line += ", status " + std::to_string(f.status);
    line += ": " + f.message;
    if (!f.code.empty()) line += " [" + f.code + "]";
    if (!f.request_id.empty()) line += " [request " + f.request_id + "]";
    line += " -> " + std::string(a.reaction);
    line = one_line(line);
    write(line + (f.body.empty() ? "" : " | " + one_line(f.body)));
    if (a.adapted) return; // that is told apart, once
    ++since_shown_;
    const auto now = Clock::now();
    if (shown_ && now - *shown_ < std::chrono::seconds(10)) return;
    shown_ = now;
    say("failed attempts: " + std::to_string(std::exchange(since_shown_, 0)) +
        "; the last: " + line.substr(0, 400));
  }

  /// A server does not take a parameter.
  static void adapted(const strata::llm::model_profile& m, std::string_view what) {
    say(m.base_url + " does not take every parameter: " + one_line(std::string(what)).substr(0, 400));
  }
  /// A server has not answered the first request.
  static void silent(const strata::llm::model_profile& m, std::chrono::seconds since) {
    const std::time_t then = std::time(nullptr) - static_cast<std::time_t>(since.count());
    std::tm utc{};
    ::gmtime_r(&then, &utc);
    std::array<char, 32> at{};
    std::strftime(at.data(), at.size(), "%H:%M:%S UTC", &utc);
    say("the server at " + m.base_url + " has not answered the first request since " + at.data() + " (" +
        std::to_string(since.count()) +
        " s). A slow model may still be at work; nothing else is sent before it answers. Is the address "
        "right, and the "
        "server not busy? Ctrl-C ends the run");
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t most_bytes = std::uint64_t{64} << 20U;

  static void say(const std::string& text) {
    std::fprintf(stderr, "%sstrata: %s\n", ::isatty(2) == 1 ? "\r\033[K" : "", printable(text).c_str());
  }
  static std::string one_line(const std::string& text) {
    std::string out = printable(text);
    std::replace(out.begin(), out.end(), '\n', ' ');
    return out;
  }
  void write(const std::string& line) {
    if (written_ > most_bytes) return;
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> at{};
    std::strftime(at.data(), at.size(), "%Y-%m-%dT%H:%M:%SZ ", &utc);
    written_ += line.size();
    try { // a log that cannot be written is no reason to end a run
      if (!journal_) journal_.emplace(file_);
      journal_->write(at.data() + line);
    } catch (const Failure&) {
      written_ = most_bytes + 1;
    }
  }

  std::filesystem::path file_;
  std::optional<Journal> journal_;
  std::uint64_t written_ = 0, since_shown_ = 0;
  std::optional<Clock::time_point> shown_;
};

} // namespace app
