// SPDX-License-Identifier: MIT
// The samplers that `strata run` can use, behind one type: the embedded proposer here, language models in
// language_model.hpp.
#pragma once

#include "step/language.hpp"
#include "strata/job.hpp"

#include <functional>
#include <span>

namespace app {

using Jobs = std::span<const strata::job<step::Language>>;
using Sink = strata::sink<step::Language>;

/// A `strata::Sampler` of any kind.
struct AnySampler {
  std::function<void(Jobs, Sink)> draw;
  void sample(Jobs jobs, Sink out) const { draw(jobs, out); }
};

/// The embedded proposer.
[[nodiscard]] AnySampler local_proposer();

} // namespace app
