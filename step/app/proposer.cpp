// SPDX-License-Identifier: MIT
// The only file that compiles the embedded proposer.
// It has no state between steps, so that a resumed run proposes what the stopped one would have proposed.
#include "proposer.hpp"

#include "step/proposer/sampler.hpp"

#include <memory>

namespace app {

AnySampler local_proposer() {
  auto proposer = std::make_shared<step::proposer::LocalProposer>();
  return {[proposer](Jobs jobs, Sink out) { proposer->sample(jobs, out); }};
}

} // namespace app
