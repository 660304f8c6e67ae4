// SPDX-License-Identifier: MIT
// The verifier behind a wall: its many headers are compiled in one file only.
// A Checker belongs to one task and may be used from many threads.
#pragma once

#include "step/tasks/task.hpp"
#include "step/verifier/verdict.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {

using Sizes = std::vector<std::pair<std::string, std::int64_t>>;

struct CheckSettings {
  step::AffineRule affine = step::AffineRule::flow;
  bool published = false;         ///< the single check of the prototype decides
  std::vector<Sizes> extra_sizes; ///< besides the default sizes
  int seeds = 1;
  /// Memory per task for verdicts that are remembered; 0 for none.
  std::size_t cache_bytes = std::size_t{8} << 20U;
};

class Checker {
 public:
  /// Throws step::TaskError when the task's own references cannot be evaluated.
  explicit Checker(std::shared_ptr<const step::Task> task, const CheckSettings& settings = {});
  Checker(Checker&&) noexcept;
  Checker& operator=(Checker&&) noexcept;
  ~Checker();
  [[nodiscard]] step::Verdict verify(std::string_view impl) const;
  /// Takes the verdict of an earlier run as given.
  void remember(std::string_view impl, const step::Verdict& verdict) const;
  [[nodiscard]] const step::Task& task() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// "M=5,N=7" as sizes; throws Failure.
[[nodiscard]] Sizes parse_sizes(std::string_view text);

} // namespace app
