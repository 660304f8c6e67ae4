// SPDX-License-Identifier: MIT
// Names and rates of scripted failures: what the command line accepts, and how often each is drawn.
#include "strata/llm/mock/failures.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

using namespace strata::llm::mock;

TEST_CASE("every misbehaviour has one name") {
  std::set<std::string_view> names;
  std::set<misbehaviour> kinds;
  for (const auto& row : misbehaviours()) {
    names.insert(row.name);
    kinds.insert(row.kind);
    CHECK(to_string(row.kind) == row.name);
    CHECK_FALSE(row.what.empty());
  }
  CHECK(names.size() == misbehaviours().size());
  CHECK(kinds.size() == static_cast<std::size_t>(misbehaviour::status_529));
}

TEST_CASE("failures are drawn as often as asked") {
  const auto plan = parse_failures("429=0.05,reset=0.02");
  std::map<misbehaviour, int> seen;
  for (std::uint64_t i = 0; i < 100'000; ++i) ++seen[plan.draw(mix(7, i))];
  CHECK(seen.size() == 3);
  CHECK(seen[misbehaviour::rate_limit] == doctest::Approx(5000).epsilon(0.05));
  CHECK(seen[misbehaviour::reset] == doctest::Approx(2000).epsilon(0.1));
  CHECK(plan.good() == doctest::Approx(0.93));
  CHECK(failure_plan().draw(1) == misbehaviour::none);
}

TEST_CASE("rate is shared by the harmless, any by all that are not fatal") {
  const auto effects = [](const char* spec) {
    const auto plan = parse_failures(spec);
    CHECK(plan.good() == doctest::Approx(0.5));
    std::set<effect> out;
    for (std::uint64_t i = 0; i < 20'000; ++i)
      for (const auto& row : misbehaviours())
        if (row.kind == plan.draw(mix(1, i))) out.insert(row.on_client);
    return out;
  };
  CHECK(effects("rate=0.5") == std::set{effect::none});
  CHECK(effects("any=0.5") == std::set{effect::none, effect::samples});
}

TEST_CASE("what is no list of failures is refused with its name") {
  const auto why = [](const char* spec) -> std::string {
    try {
      static_cast<void>(parse_failures(spec));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "accepted";
  };
  CHECK(why("") == "accepted");
  CHECK(why("resett=0.1").starts_with("'resett' is no failure; there are rate, any, truncated"));
  for (const char* bad : {"429", "429=", "429=x", "429=0.1x", "429=-0.1", "429=1.1", "429=nan", ",", "=0.1"})
    CHECK_MESSAGE(why(bad) != "accepted", bad);
  CHECK(why("429=0.6,reset=0.6") == "failure rates are more than 1 together");
}
