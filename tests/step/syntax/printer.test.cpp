// SPDX-License-Identifier: MIT
#include "step/syntax/printer.hpp"

#include "step/syntax/parser.hpp"

#include <doctest/doctest.h>

using namespace step::syntax;

TEST_CASE("dump names every kind of node and operator as it is written") {
  CHECK(dump(*parse("x += -1 if a is not b else 0.1").root) ==
        "(block (augmented + (name x) (conditional (compare (name a) (operand is not (name b))) (unary - "
        "(integer 1)) "
        "(real 0.10000000000000001))))");
  CHECK(
      dump(*parse("def f(a, /, b, *c, d=1, **e): nonlocal_\nreturn").root) ==
      "(block (function f (parameters (parameter posonly a - -) (parameter plain b - -) (parameter * c - -) "
      "(parameter kwonly d (integer 1) -) (parameter ** e - -)) (block (expression (name nonlocal_))) -) "
      "(return -))");
  CHECK(dump(*parse("assert a, 'b\"\\n'").root) == "(block (assert (name a) (string \"b\\\"\\x0a\")))");
}

TEST_CASE("every enumerator has its own name") {
  CHECK(name_of(Kind::name) == "name");
  CHECK(name_of(Kind::formatted) == "formatted");
  CHECK(name_of(Kind::clause) == "clause");
  CHECK(name_of(Kind::alias) == "alias");
  CHECK(name_of(Kind::foreign) == "foreign");
  CHECK(name_of(Op::double_star) == "**");
  CHECK(name_of(Op::not_in) == "not in");
}
