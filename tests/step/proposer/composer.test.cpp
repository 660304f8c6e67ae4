// SPDX-License-Identifier: MIT
// Whatever the composer draws must be a program of the language: it is read back by running its text over
// types.
#include "step/proposer/composer.hpp"

#include "proposing.hpp"
#include "step/proposer/demonstrations.hpp"
#include "step/proposer/learning.hpp"
#include "step/proposer/writer.hpp"

#include <doctest/doctest.h>

using namespace proposing;
using namespace step::proposer;

namespace {

std::vector<std::string> draw(const Interface& interface, int count, const Statistics& seen = {},
                              double temperature = 1) {
  Types types(interface);
  const Preferences preferences(interface, seen, Prior{});
  Composer composer(interface, types, preferences);
  Writer writer(interface);
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    strata::random_stream random({7, 0, 0, static_cast<std::uint32_t>(i)});
    out.push_back(writer.write(composer.draw(random, temperature)));
  }
  return out;
}

std::size_t count_of(const std::vector<std::string>& programs, const std::string& wanted) {
  return static_cast<std::size_t>(std::count(programs.begin(), programs.end(), wanted));
}

} // namespace

TEST_CASE("every program is well-typed and takes every stream at most once") {
  for (const auto& interface : {mapped_sum(), routed()}) {
    std::vector<Function> functions;
    for (const auto& f : interface.functions) functions.push_back(bare(f));
    for (const auto& text : draw(interface, 300)) {
      CAPTURE(text);
      const auto plan =
          step::proposer::detail::record(interface, functions, text); // throws when it does not type
      CHECK_FALSE(plan.reuse);
      CHECK(plan.outputs.size() == 1);
    }
  }
}

TEST_CASE("the plain program is found without demonstrations") {
  CHECK(count_of(draw(mapped_sum(), 300),
                 "E1 = step.Map(fn=f).apply(E0)\nE2 = step.Accum(fn=g, b=1).apply(E1)\nreturn E2\n") > 0);
  CHECK(count_of(draw(routed(), 300), "E2, E3 = step.Copy().apply(E1)\n"
                                      "E4, E5 = step.Partition(N=2).apply((E0, E2))\n"
                                      "E6 = step.Map(fn=h0).apply(E4)\nE7 = step.Map(fn=h1).apply(E5)\n"
                                      "E8 = step.Merge(fn=s).apply(([E6, E7], E3))\nreturn E8\n") > 0);
}

TEST_CASE("names of functions make no difference without demonstrations") {
  auto renamed = draw(mapped_sum("zz", "aa"), 100);
  for (auto& text : renamed) {
    for (auto [from, to] : {std::pair{"fn=zz", "fn=f"}, {"fn=aa", "fn=g"}})
      for (auto at = text.find(from); at != std::string::npos; at = text.find(from)) text.replace(at, 5, to);
  }
  CHECK(renamed == draw(mapped_sum(), 100));
}

TEST_CASE("equal streams of random numbers give equal programs") {
  CHECK(draw(routed(), 50) == draw(routed(), 50));
}

TEST_CASE("a demonstration of one interface makes the same idiom likelier in another") {
  Statistics seen;
  const auto shown = routed();
  const auto traced = trace(shown, "a, b = step.Copy().apply(E1)\n"
                                   "parts = step.Partition(N=2).apply((E0, a))\n"
                                   "done = [step.Map(fn=f).apply(p) for f, p in zip([h0, h1], parts)]\n"
                                   "return step.Merge(fn=s).apply((done, b))\n");
  REQUIRE(traced);
  for (int i = 0; i < 3; ++i) learn(seen, shown, *traced);
  auto other = routed();
  for (auto [i, name] : {std::pair{0, "q0"}, {1, "q1"}, {2, "total"}})
    other.functions[static_cast<std::size_t>(i)].name = name;
  const auto routes = [](const std::vector<std::string>& programs) {
    return std::count_if(programs.begin(), programs.end(), [](const auto& p) {
      return p.find("Partition") != std::string::npos && p.find("Merge") != std::string::npos;
    });
  };
  CHECK(routes(draw(other, 300, seen)) > routes(draw(other, 300)) * 5 / 4);
}
