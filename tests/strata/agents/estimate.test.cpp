// SPDX-License-Identifier: MIT
#include "strata/agents/estimate.hpp"

#include "strata/agents/scripted_client.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::agents;
namespace llm = strata::llm;

namespace {

llm::conversation long_prompt() {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "word " + std::to_string(i % 10) + " ";
  return {text, "the task"};
}

} // namespace

TEST_CASE("tokens are counted nearly") {
  CHECK(approximate_tokens("") == 0);
  CHECK(approximate_tokens("word") == 1);
  CHECK(approximate_tokens("several words here") == 4); // "several" is taken for two
  CHECK(approximate_tokens("E1 = step.Map(fn=fn_exp).apply(E0)\n") == 19);
  CHECK(approximate_tokens(std::string(600, 'x')) == 100);
  CHECK(approximate_tokens(llm::conversation("a", "b")) == 3 + 2 * 5);
}

TEST_CASE("a step's requests and cost lie within the estimate") {
  const auto when = std::chrono::system_clock::now();
  planned_requests plan{.prompt = long_prompt(), .samples = 64, .at_least = 64, .max_tokens = 1000};
  const std::uint64_t prompt = approximate_tokens(plan.prompt);
  REQUIRE(prompt > 1000);

  SUBCASE("several choices per request") {
    const auto e = estimate_of(scripted::priced(8), plan, when);
    CHECK(e.requests == range{8, 64});
    CHECK(e.input == range{8 * prompt, 64 * prompt});
    CHECK(e.output == range{64 * 100, 64 * 1000});
    CHECK(e.cost_low == static_cast<picodollars>(8 * prompt * 3'000'000 + 6400ULL * 15'000'000));
    CHECK(e.cost_high == static_cast<picodollars>(64 * (prompt * 3'000'000 + 1000ULL * 15'000'000)));
    CHECK(e.priced);
  }
  SUBCASE("a marked prefix is written once and read by the others") {
    const auto e = estimate_of(scripted::priced(1, llm::caching::marked), plan, when);
    CHECK(e.requests == range{64, 64});
    const std::uint64_t shared = 3 + 4 + approximate_tokens(plan.prompt.messages()[0].text);
    const std::uint64_t rest = prompt - shared;
    const auto expected = static_cast<picodollars>(shared * 3'750'000 + 63 * shared * 300'000 +
                                                   64 * rest * 3'000'000 + 6400ULL * 15'000'000);
    CHECK(e.cost_low == expected);
    CHECK(e.cost_low < e.cost_high);
  }
  SUBCASE("what only a check asks for may not be needed") {
    plan.at_least = 0;
    plan.same_prompt = false;
    const auto e = estimate_of(scripted::priced(8), plan, when);
    CHECK(e.requests == range{0, 64});
    CHECK(e.cost_low == 0);
  }
  SUBCASE("without a price the cost is not known") {
    const auto e = estimate_of(llm::model_profile{}, plan, when);
    CHECK(!e.priced);
    CHECK(e.cost_high == 0);
    CHECK(e.requests.low == 64);
  }
  SUBCASE("sums") {
    const auto one = estimate_of(scripted::priced(), plan, when);
    const auto two = estimate_of(scripted::priced(), std::vector{plan, plan}, when);
    CHECK(two.requests.high == 2 * one.requests.high);
    CHECK(two.cost_high == 2 * one.cost_high);
  }
}
