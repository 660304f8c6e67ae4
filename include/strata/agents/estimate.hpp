// SPDX-License-Identifier: MIT
// What a step of a run will take, before the first request is paid for: requests, tokens and a range of cost.
// Tokens are counted nearly (tokens.hpp), so take all numbers as a guide.
#pragma once

#include "strata/agents/money.hpp"
#include "strata/agents/tokens.hpp"
#include "strata/llm/model.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace strata::agents {

/// Requests that share one prompt, or have prompts as long as this one.
struct planned_requests {
  llm::conversation prompt{};
  std::uint64_t samples = 0;
  std::uint64_t at_least =
      0; ///< samples that are certainly asked for; fewer than `samples` where a check decides
  bool same_prompt = true; ///< one prompt for all samples: several choices per request, one cached prompt
  std::uint32_t max_tokens = 1024;
  std::uint32_t per_request = 8; ///< choices, at most what the model takes
};

struct range {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const range&, const range&) = default;
};

struct estimate {
  range requests{};
  range input{}; ///< tokens of all prompts, cached or not
  range output{};
  picodollars cost_low = 0, cost_high = 0;
  bool priced = true; ///< false: no price is known for the model, the cost is not known

  estimate& operator+=(const estimate& e) {
    const auto grow = [](range& a, const range& b) {
      a.low += b.low;
      a.high += b.high;
    };
    grow(requests, e.requests);
    grow(input, e.input);
    grow(output, e.output);
    cost_low = add(cost_low, e.cost_low);
    cost_high = add(cost_high, e.cost_high);
    priced = priced && e.priced;
    return *this;
  }
  friend bool operator==(const estimate&, const estimate&) = default;
};

/// Low: every prefix the provider can cache is cached after the first request, and answers have
/// `short_answer` tokens. High: nothing is cached (but written, where that costs more), one choice per
/// request and every answer as long as allowed; retries are not counted. O(text).
[[nodiscard]] inline estimate estimate_of(const llm::model_profile& model, const planned_requests& plan,
                                          std::chrono::system_clock::time_point when,
                                          std::uint32_t short_answer = 100) {
  estimate out;
  if (plan.samples == 0) return out;
  const std::uint64_t least = std::min(plan.at_least, plan.samples);
  const std::uint32_t n =
      plan.same_prompt ? std::max(1U, std::min(plan.per_request, std::max(1U, model.takes.max_n))) : 1;
  const std::uint64_t prompt = approximate_tokens(plan.prompt);
  std::uint64_t shared = 0; // up to the last marker
  std::uint64_t so_far = 3;
  for (const llm::message& m : plan.prompt) {
    so_far += 4 + approximate_tokens(m.text);
    if (m.shared_prefix) shared = so_far;
  }
  if (plan.same_prompt && model.takes.cache == llm::caching::automatic) shared = prompt;
  constexpr std::uint64_t shortest_cached = 512;
  if (model.takes.cache == llm::caching::none || shared < shortest_cached) shared = 0;

  const std::uint64_t most = model.takes.max_output_tokens != 0
                                 ? std::min(plan.max_tokens, model.takes.max_output_tokens)
                                 : plan.max_tokens;
  out.requests = {(least + n - 1) / n, plan.samples};
  out.input = {out.requests.low * prompt, out.requests.high * prompt};
  out.output = {least * std::min<std::uint64_t>(short_answer, most), plan.samples * most};

  const auto cost = [&](std::uint64_t input, std::uint64_t cached, std::uint64_t written,
                        std::uint64_t output) {
    llm::token_usage used{.input = input, .cached = cached, .cache_write = written, .output = output};
    const auto usd = model.cost(used, when);
    if (!usd) out.priced = false;
    return to_picodollars(usd.value_or(0));
  };
  const bool writes = model.takes.cache == llm::caching::marked && shared > 0;
  // per request, since the price may depend on the length of the prompt
  const auto times = [](picodollars one, std::uint64_t count) {
    return count != 0 &&
                   one > INT64_MAX / static_cast<std::int64_t>(std::min<std::uint64_t>(count, 1U << 30U))
               ? INT64_MAX
               : one * static_cast<std::int64_t>(count);
  };
  if (out.requests.low > 0) {
    out.cost_low =
        add(cost(prompt, 0, writes ? shared : 0, 0), times(cost(prompt, shared, 0, 0), out.requests.low - 1));
    // the price of an answer depends on the length of its prompt
    const auto answer =
        cost(prompt, 0, 0, std::min<std::uint64_t>(short_answer, most)) - cost(prompt, 0, 0, 0);
    out.cost_low = add(out.cost_low, times(answer, least));
  }
  out.cost_high = times(cost(prompt, 0, writes ? shared : 0, most), plan.samples);
  return out;
}

/// The sum over all requests of a step.
[[nodiscard]] inline estimate estimate_of(const llm::model_profile& model,
                                          const std::vector<planned_requests>& plans,
                                          std::chrono::system_clock::time_point when) {
  estimate sum;
  for (const planned_requests& p : plans) sum += estimate_of(model, p, when);
  return sum;
}

} // namespace strata::agents
