// SPDX-License-Identifier: MIT
#include "strata/agents/ledger.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace strata::agents;

TEST_CASE("all sums of a ledger are sums of the same charges, whatever the order") {
  std::vector<charge> charges;
  for (std::size_t i = 0; i < 600; ++i) {
    charge c{.step = i % 3, .task = i % 5, .sample = i / 15, .stage = i % 2 == 0 ? "propose" : "guard"};
    c.requests = i % 4 == 0 ? 1 : 0;
    c.used.input = 1000 + i;
    c.used.cached = 900;
    c.used.output = i % 7;
    c.used.cost_usd = 0.1; // never summed as a double
    c.cost = static_cast<picodollars>(1'000'003 * i);
    charges.push_back(c);
  }
  ledger forwards, together;
  for (const auto& c : charges) forwards.add(c);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < charges.size(); i += 4) together.add(charges[charges.size() - 1 - i]);
      });
  }
  CHECK(forwards.total() == together.total());
  CHECK(forwards.by_sample() == together.by_sample());
  const auto sums = forwards.read();
  CHECK(sums.total.requests == 150);
  CHECK(sums.total.cost == 1'000'003LL * 600 * 599 / 2);
  CHECK(!sums.total.used.cost_usd);
  picodollars by_step = 0, by_task = 0, by_stage = 0, by_sample = 0, by_all = 0;
  for (const auto& [k, a] : sums.by_step) by_step += a.cost;
  for (const auto& [k, a] : sums.by_task) by_task += a.cost;
  for (const auto& [k, a] : sums.by_stage) by_stage += a.cost;
  for (const auto& [k, a] : sums.by_step_task_stage) by_all += a.cost;
  for (const auto& [k, a] : forwards.by_sample()) by_sample += a.cost;
  for (const auto sum : {by_step, by_task, by_stage, by_sample, by_all}) CHECK(sum == sums.total.cost);
  CHECK(sums.by_stage.at("guard").used.input + sums.by_stage.at("propose").used.input ==
        sums.total.used.input);
  CHECK(forwards.of({9, 9, 9}) == account{});
}
