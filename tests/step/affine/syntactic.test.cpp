// SPDX-License-Identifier: MIT
// The published checker against the same rule written with Python's own parser, then what the report says.
#include "step/affine/syntactic.hpp"

#include "step/syntax/table.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

using namespace step::affine;

TEST_CASE("check_syntactic agrees with the reference implementation") {
  const auto rows =
      table::read(std::filesystem::path(STRATA_TEST_DIR "/step/affine") / "data" / "syntactic.tsv");
  REQUIRE(rows.size() > 400);
  for (const auto& row : rows) {
    const std::string text = row.size() > 1 ? row[1] : "";
    CAPTURE(text);
    CHECK(to_string(check_syntactic(text).outcome) == row.at(0));
  }
}

TEST_CASE("a violation names the first name that was used twice, how often, and where") {
  const auto report =
      check_syntactic("y = A.apply(x)\nz = A.apply((a, b))\nu = A.apply((b, x))\nv = A.apply((x, a))\n");
  CHECK(report.outcome == Outcome::violation);
  CHECK(report.name == "b");
  CHECK(report.count == 2);
  CHECK(report.at == step::syntax::Position{3, 14});
  const auto mapped = check_syntactic("for x in xs:\n  A.apply(x)\n  A.apply(x)\nA.apply(x)");
  CHECK(mapped.name == "xs");
  CHECK(mapped.count == 3);
  CHECK(mapped.at == step::syntax::Position{3, 11});
}

TEST_CASE("an error says where the text stops being Python") {
  const auto report = check_syntactic("x = 1\ny = = 2");
  CHECK(report.outcome == Outcome::error);
  CHECK(report.at == step::syntax::Position{2, 5});
  CHECK(report.name.empty());
}

TEST_CASE("a tree of the language gives the same report as its text") {
  const auto tree = step::syntax::parse("E1 = step.Map(fn=f).apply(E0)\nreturn step.Map(fn=f).apply(E0)");
  CHECK(check_syntactic(tree).outcome == Outcome::violation);
  CHECK(check_syntactic(tree).name == "E0");
}
