// SPDX-License-Identifier: MIT
// Demonstrations are read whatever their style, and those that are no programs teach nothing.
#include "step/proposer/demonstrations.hpp"

#include "proposing.hpp"
#include "step/proposer/learning.hpp"

#include <doctest/doctest.h>

using namespace proposing;
using namespace step::proposer;

TEST_CASE("operators between functions become paths, Copy disappears") {
  const auto traced =
      trace(mapped_sum(), "a, b = step.Copy().apply(E0)\n"
                          "c = step.Map(fn=f).apply(step.Promote(b=2).apply(a))\n"
                          "return step.Accum(fn=g, b=1).apply(step.Flatten(L=[2]).apply(c))\n");
  REQUIRE(traced);
  const auto& steps = traced->derivation.steps;
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].kind == StepKind::map);
  CHECK(steps[0].operands[0].value == 0);
  REQUIRE(steps[0].operands[0].path.size() == 1);
  CHECK(steps[0].operands[0].path[0] == Move{MoveKind::promote, 2, {}});
  CHECK(steps[1].kind == StepKind::accum);
  CHECK(steps[1].folded == 1);
  CHECK(steps[1].operands[0].value == 1);
  CHECK(steps[1].operands[0].path[0] == Move{MoveKind::flatten, 2, {}});
  CHECK(traced->derivation.outputs[0].value == 2);
}

TEST_CASE("the branches of a partition are one bundle") {
  const auto traced =
      trace(routed(), "i, j = step.Copy().apply(E1)\nx, y = step.Partition(N=2).apply((E0, i))\n"
                      "y = step.Map(fn=h1).apply(y)\nx = step.Map(fn=h0).apply(x)\n"
                      "return step.Merge(fn=s).apply(([x, y], j))\n");
  REQUIRE(traced);
  const auto& steps = traced->derivation.steps;
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].kind == StepKind::route);
  CHECK(steps[0].functions == std::vector<int>{0, 1});
  CHECK(steps[0].index == 1);
  CHECK(steps[1].kind == StepKind::merge);
  CHECK(steps[1].operands[0].value == 2);
}

TEST_CASE("what does not parse, type or end is no demonstration") {
  for (const auto* text :
       {"", "return E9", "return (", "return step.Map(fn=g).apply(E0)", "while True:\n  pass\n",
        "import os\nreturn E0", "return step.Map(fn=f).apply(E0), 3"}) {
    CAPTURE(text);
    CHECK_FALSE(trace(mapped_sum(), text));
  }
}

TEST_CASE("decisions are counted in their contexts") {
  const auto interface = mapped_sum();
  const auto traced = trace(interface, "return step.Accum(fn=g, b=1).apply(step.Map(fn=f).apply(E0))");
  REQUIRE(traced);
  Statistics seen;
  learn(seen, interface, *traced);
  CHECK(seen.count(Family::next_name, fact("f"), fact(std::uint64_t{0}, fact("g"))) == 1);
  CHECK(seen.count(Family::next_name, fact("<input>"), fact(std::uint64_t{0}, fact("f"))) == 1);
  CHECK(seen.count(Family::mode_name, fact("g"), 0) == 1);
  CHECK(seen.count(Family::mode_name, fact("g"), 1) == 0);
  CHECK(seen.count(Family::reuse, 0, 1) == 0);
  CHECK(seen.total(Family::reuse, 0) == 2);
  CHECK(preference(0, 0, 0.3, 1) == doctest::Approx(0));
}
