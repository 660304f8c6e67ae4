// SPDX-License-Identifier: MIT
// How far a run is, on standard error: one line that is rewritten on a terminal, a line now and then
// elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_set>

namespace app {

/// What there is to say about a step that is not over.
struct StepProgress {
  std::size_t step = 0;
  std::size_t tasks = 0;
  std::size_t solved_before = 0; ///< in earlier steps
  std::size_t solved_now = 0;    ///< in this one, so far
  std::size_t samples = 0;       ///< that are finished
  std::size_t jobs = 0;          ///< samples of the whole step
  double seconds = 0;            ///< of the step
  std::optional<double> budget;  ///< the used share of the budget that is nearest to its end
  std::string model;             ///< what a language model is about, parts separated by ", "
};

/// One line of at most `width` columns, the least important parts left out; `width` 0: no limit.
[[nodiscard]] std::string progress_line(const StepProgress& p, std::size_t width);

/// "8 s", "2.5 min", "3.1 h".
[[nodiscard]] std::string duration_text(double seconds);

/// Columns of the terminal that standard error is, asked anew each time since it may have been resized;
/// nothing if it is none. 80 where the terminal does not say.
[[nodiscard]] std::optional<std::size_t> terminal_width();

/// The progress of a run. Not for use by several threads at once.
class Progress {
 public:
  explicit Progress(std::size_t tasks);

  void step_begun(std::size_t step, std::size_t jobs);
  void judged(std::size_t task, bool passed);
  void failed() { ++now_.samples; }
  /// Whether it is time to show something again.
  [[nodiscard]] bool due() const;
  void show(std::string model, std::optional<double> budget);
  void step_done(std::size_t solved);

 private:
  using Clock = std::chrono::steady_clock;
  StepProgress now_;
  std::unordered_set<std::size_t> solved_; // in this step
  Clock::time_point step_begun_ = Clock::now(), shown_ = step_begun_;
};

} // namespace app
