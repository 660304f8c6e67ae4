// SPDX-License-Identifier: MIT
// The samplers that `strata run` can use, behind one type: where a model's name becomes something that draws
// programs. A further model is one more case in proposer.cpp.
#pragma once

#include "step/language.hpp"
#include "strata/job.hpp"

#include <functional>
#include <span>
#include <string>

namespace app {

using Jobs = std::span<const strata::job<step::Language>>;
using Sink = strata::sink<step::Language>;

/// A `strata::Sampler` of any kind.
struct AnySampler {
  std::function<void(Jobs, Sink)> draw;
  void sample(Jobs jobs, Sink out) const { draw(jobs, out); }
};

/// `model` has been validated by config_of.
[[nodiscard]] AnySampler make_sampler(const std::string& model);

} // namespace app
