// SPDX-License-Identifier: MIT
// What fits into a line: parts are added in the order of importance.
// A terminal may be resized at any time, so its width is asked whenever a line is written.
#include "progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace app {

namespace {

std::string fixed(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// Columns: bytes but for the continuation bytes of UTF-8.
std::size_t columns(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return n;
}

} // namespace

std::string duration_text(double seconds) {
  if (seconds < 60) return fixed("%.0f s", seconds);
  if (seconds < 3600) return fixed("%.1f min", seconds / 60);
  return fixed("%.1f h", seconds / 3600);
}

std::string progress_line(const StepProgress& p, std::size_t width) {
  const std::string step = "step " + std::to_string(p.step) + ": ";
  const std::string solved = std::to_string(p.solved_before + p.solved_now) + "/" + std::to_string(p.tasks);
  const std::string now = " (+" + std::to_string(p.solved_now) + ")";
  const std::string samples = std::to_string(p.samples) + "/" + std::to_string(p.jobs);
  std::string line = step + solved + " solved" + now + ", " + samples + " samples";
  const auto fits = [width](const std::string& text) { return width == 0 || columns(text) <= width; };
  if (!fits(line)) {
    line = step + solved + now + ", " + samples;
    return fits(line) ? line : line.substr(0, width);
  }
  std::vector<std::string> parts;
  const double rate = p.seconds > 0 ? static_cast<double>(p.samples) / p.seconds : 0;
  if (rate > 0 && p.jobs > p.samples)
    parts.push_back(duration_text(static_cast<double>(p.jobs - p.samples) / rate) + " left");
  if (p.budget) parts.push_back(fixed("%.0f%% of budget", *p.budget * 100));
  for (std::size_t begin = 0; begin < p.model.size();) {
    const std::size_t end = std::min(p.model.find(", ", begin), p.model.size());
    parts.push_back(p.model.substr(begin, end - begin));
    begin = end + 2;
  }
  if (p.model.empty() && rate > 0) parts.push_back(fixed("%.0f verdicts/s", rate));
  for (const auto& part : parts)
    if (fits(line + ", " + part)) line += ", " + part;
  return line;
}

std::optional<std::size_t> terminal_width() {
  if (::isatty(2) != 1) return std::nullopt;
  winsize size{};
  if (::ioctl(2, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

Progress::Progress(std::size_t tasks) { now_.tasks = tasks; }

void Progress::step_begun(std::size_t step, std::size_t jobs) {
  now_.step = step;
  now_.jobs = jobs;
  now_.samples = now_.solved_now = 0;
  solved_.clear();
  step_begun_ = Clock::now();
}

void Progress::judged(std::size_t task, bool passed) {
  ++now_.samples;
  if (passed && solved_.insert(task).second) ++now_.solved_now;
}

bool Progress::due() const {
  const auto pause = ::isatty(2) == 1 ? std::chrono::milliseconds(100) : std::chrono::seconds(30);
  return Clock::now() - shown_ >= pause;
}

void Progress::show(std::string model, std::optional<double> budget) {
  shown_ = Clock::now();
  now_.seconds = std::chrono::duration<double>(shown_ - step_begun_).count();
  now_.model = std::move(model);
  now_.budget = budget;
  const auto width = terminal_width();
  if (!width) {
    std::fprintf(stderr, "%s\n", progress_line(now_, 0).c_str());
    return;
  }
  // the last column stays free: some terminals begin a new line after it
  std::fprintf(stderr, "\r\033[K%s", progress_line(now_, *width > 1 ? *width - 1 : 1).c_str());
}

void Progress::step_done(std::size_t solved) {
  const double seconds = std::chrono::duration<double>(Clock::now() - step_begun_).count();
  std::fprintf(stderr, "%sstep %zu: %zu/%zu solved (+%zu), %zu samples, %.1f s\n",
               ::isatty(2) == 1 ? "\r\033[K" : "", now_.step, solved, now_.tasks, now_.solved_now,
               now_.samples, seconds);
  now_.solved_before = solved;
  now_.solved_now = 0;
  solved_.clear();
}

} // namespace app
