// SPDX-License-Identifier: MIT
// The parser against what Python 3.11 says of the same texts, then positions, messages and limits, which are
// ours.
#include "step/syntax/parser.hpp"

#include "step/syntax/printer.hpp"
#include "step/syntax/table.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>

using namespace step::syntax;
using step::Fault;
using step::FaultKind;

namespace {

std::optional<Fault> fault_of(std::string_view text, const ParseLimits& limits = {}) {
  try {
    (void)parse(text, limits);
    return std::nullopt;
  } catch (const Fault& fault) {
    return fault;
  }
}

std::string shape(std::string_view text, const ParseLimits& limits = {}) {
  return dump(*parse(text, limits).root);
}

void check_fault(std::string_view text, FaultKind kind, Position at, std::string_view part) {
  CAPTURE(text);
  const auto fault = fault_of(text);
  REQUIRE(fault);
  CHECK(fault->kind == kind);
  CHECK(fault->at.line == at.line);
  CHECK(fault->at.column == at.column);
  CAPTURE(fault->message);
  CHECK(fault->message.find(part) != std::string::npos);
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

} // namespace

TEST_CASE("parse agrees with Python 3.11 on what is Python and on its tree") {
  const auto rows =
      table::read(std::filesystem::path(STRATA_TEST_DIR "/step/syntax") / "data" / "python_3_11.tsv");
  REQUIRE(rows.size() > 500);
  ParseLimits whole;
  whole.whole_python = true;
  for (const auto& row : rows) {
    const std::string& verdict = row.at(0);
    const std::string& text = row.at(1);
    CAPTURE(text);
    const auto fault = fault_of(text);
    if (verdict == "tree") {
      CHECK(shape(text) == row.at(2));
      CHECK(shape(text, whole) == row.at(2));
    } else if (verdict == "outside") {
      REQUIRE(fault);
      CHECK(fault->kind == FaultKind::rejected);
    } else {
      REQUIRE(fault);
      CHECK(fault->kind == FaultKind::syntax);
    }
    // what Python finds only after parsing is no reason for the published checker to fail
    CHECK(fault_of(text, whole).has_value() == (verdict == "syntax"));
  }
}

TEST_CASE("nodes know where they start, in characters of the original text") {
  const Tree tree = parse("\xEF\xBB\xBF  é = 'ü' + a\r\n  f\"{é} {b . c}\"\r  return (\n x)\n");
  const Node& assign = tree.root->child(0);
  CHECK(assign.at == Position{1, 3});
  const Node& sum = assign.child(1);
  CHECK(sum.at == Position{1, 7});
  CHECK(sum.child(1).at == Position{1, 13});
  const Node& fields = tree.root->child(1).child(0);
  CHECK(fields.child(0).child(0).at == Position{2, 6});
  CHECK(fields.child(2).child(0).at == Position{2, 10});
  CHECK(tree.root->child(2).at == Position{3, 3});
  CHECK(tree.root->child(2).child(0).at == Position{4, 2});
  CHECK(tree.names() == std::vector<std::string_view>{"é", "a", "b", "x"}); // `c` is no variable
}

TEST_CASE("strings are decoded") {
  auto decoded = [](std::string_view text) {
    const Tree tree = parse(text);
    return std::string(tree.root->child(0).child(0).text);
  };
  CHECK(decoded(R"('a\tb\x41\u00e9\U0001F600\101\0z')") == std::string("a\tbA\xC3\xA9\xF0\x9F\x98\x80"
                                                                       "A\0z",
                                                                       13));
  CHECK(decoded("'\\777'") == "\xC7\xBF");
  CHECK(decoded(R"(r'a\tb\'c')") == R"(a\tb\'c)");
  CHECK(decoded("'a\\\nb' \"c\" '''d\ne'''") == "abcd\ne");
  CHECK(decoded(R"('\d\q')") == R"(\d\q)");
  CHECK(decoded("'''a\r\nb\rc'''") == "a\nb\nc");
}

TEST_CASE("numbers have their values") {
  auto number = [](std::string_view text) { return parse(text); };
  CHECK(number("9223372036854775807").root->child(0).child(0).integer == 9223372036854775807);
  CHECK(number("0x7fff_ffff_ffff_ffff").root->child(0).child(0).integer == 9223372036854775807);
  CHECK(number("0b1_01").root->child(0).child(0).integer == 5);
  CHECK(number("1_0.5e-1_0").root->child(0).child(0).real == 10.5e-10);
  CHECK(number("1e999").root->child(0).child(0).real == std::numeric_limits<double>::infinity());
  CHECK(number("0." + repeat("0", 400) + "1e-5").root->child(0).child(0).real == 0);
  CHECK(number("0." + repeat("0", 400) + "1e450").root->child(0).child(0).real == 1e49);
  check_fault("x = 9223372036854775808", FaultKind::limit, {1, 5}, "integer too large");
}

TEST_CASE("indentation follows Python's rules, and the text may be indented as a whole") {
  CHECK(shape("    a\n    if b:\n      c\n") == shape("a\nif b:\n  c"));
  CHECK(shape("\ta\n\tif b:\n\t\tc\n") == shape("a\nif b:\n\tc"));
  CHECK(shape("\n# x\n  # y\n\n  a\n# z\n  b") == "(block (expression (name a)) (expression (name b)))");
  CHECK(shape("\f\na\n\fb") == "(block (expression (name a)) (expression (name b)))");
  CHECK(shape("") == "(block)");
  CHECK(shape("  # nothing\n\n") == "(block)");
  check_fault("  a\nb", FaultKind::syntax, {2, 1}, "unindent");
  check_fault("a\n  b", FaultKind::syntax, {2, 3}, "unexpected indent");
  check_fault("if a:\n\tb\n        c", FaultKind::syntax, {3, 9}, "tabs and spaces");
  check_fault("for x in y:\n\nz", FaultKind::syntax, {3, 1},
              "expected an indented block after 'for' statement on line 1");
}

TEST_CASE("errors are reported where they are, the first one first") {
  check_fault("x = (1,\ny = 2\n", FaultKind::syntax, {1, 5}, "'(' was never closed");
  check_fault("x = [1)", FaultKind::syntax, {1, 7}, "closing ')' does not match opening '['");
  check_fault("x = 1)", FaultKind::syntax, {1, 6}, "unmatched ')'");
  check_fault("a b\n'unterminated", FaultKind::syntax, {1, 3}, "unexpected 'b'");
  check_fault("a\n'unterminated", FaultKind::syntax, {2, 1}, "unterminated string");
  check_fault("x = \"\"\"a\nb", FaultKind::syntax, {1, 5}, "unterminated triple-quoted string");
  check_fault("if a = b:\n  c", FaultKind::syntax, {1, 6}, "expected ':', found '='");
  check_fault("f(x) = 1", FaultKind::syntax, {1, 1}, "cannot assign to function call");
  check_fault("x, f(x)[0], None = 1", FaultKind::syntax, {1, 13}, "cannot assign to None");
  check_fault("print 'a'", FaultKind::syntax, {1, 1}, "missing parentheses in call to 'print'");
  check_fault("x = a → b", FaultKind::syntax, {1, 7}, "invalid character '→'");
  check_fault("f'{a b}'", FaultKind::syntax, {1, 6}, "unexpected 'b'");
  check_fault("f'{a!x}'", FaultKind::syntax, {1, 6}, "invalid conversion");
  check_fault("\xC3(", FaultKind::syntax, {1, 1}, "UTF-8");
  check_fault(std::string_view("a\0b", 3), FaultKind::syntax, {1, 2}, "NUL");
  check_fault("f(a=1, b=2, a=3)", FaultKind::syntax, {1, 13}, "keyword argument repeated: a");
  check_fault("def f():\n  break", FaultKind::syntax, {2, 3}, "'break' outside loop");
  check_fault("import os\nx = = 1", FaultKind::syntax, {2, 5},
              "unexpected '='"); // not Python at all comes first
}

TEST_CASE("constructs outside the language are rejected by name") {
  check_fault("x = 1\nimport numpy as np", FaultKind::rejected, {2, 8}, "import of 'numpy'");
  check_fault("from torch import nn", FaultKind::rejected, {1, 1}, "import from 'torch'");
  check_fault("import torch.nn", FaultKind::rejected, {1, 8}, "import of 'torch.nn'");
  check_fault("from .step import x", FaultKind::rejected, {1, 1}, "import from '.step'");
  check_fault("try:\n  a\nfinally:\n  b", FaultKind::rejected, {1, 1}, "`try`");
  check_fault("with a as b: c", FaultKind::rejected, {1, 1}, "`with`");
  check_fault("match a:\n  case 1: b", FaultKind::rejected, {1, 1}, "`match`");
  check_fault("x = (yield)", FaultKind::rejected, {1, 6}, "`yield`");
  check_fault("await x", FaultKind::rejected, {1, 1}, "`await`");
  check_fault("async def f(): pass", FaultKind::rejected, {1, 1}, "`async`");
  check_fault("global x", FaultKind::rejected, {1, 1}, "`global`");
  check_fault("class A: pass", FaultKind::rejected, {1, 1}, "classes");
  check_fault("@d\ndef f(): pass", FaultKind::rejected, {1, 1}, "decorators");
  check_fault("raise E", FaultKind::rejected, {1, 1}, "`raise`");
  check_fault("x = b'a'", FaultKind::rejected, {1, 5}, "bytes");
  check_fault("x = 2j", FaultKind::rejected, {1, 5}, "complex");
  check_fault("x = '\\N{BULLET}'", FaultKind::rejected, {1, 6}, "\\N{..}");
  CHECK(shape("import step, math as m, torch\nfrom step import (Map as M,)\nfrom step import *") ==
        "(block (import (alias step ) (alias math ) (alias torch )) (from step (alias Map )) (from step "
        "(alias * )))");
}

TEST_CASE("soft keywords are names") {
  CHECK(shape("match = case = type = _ = 1\nmatch(x)\nmatch[case] = type.match\nprint(match)") ==
        "(block (assign (name match) (name case) (name type) (name _) (integer 1)) (expression (call (name "
        "match) "
        "(name x))) (assign (subscript (name match) (name case)) (attribute match (name type))) (expression "
        "(call "
        "(name print) (name match))))");
}

TEST_CASE("hostile nesting ends in a limit, never in an overflow of the stack") {
  auto limited = [](std::string_view text) {
    const auto fault = fault_of(text);
    REQUIRE(fault);
    CHECK(fault->kind == FaultKind::limit);
    CHECK(fault->at.line > 0);
  };
  for (const char* open :
       {"(", "[", "{", "f(", "a[", "lambda: (", "not (", "-(", "{1: ", "a if b else (", "[x for x in ("})
    limited(repeat(open, 20'000));
  limited(repeat("lambda: ", 20'000) + "x");
  limited(repeat("a if b else ", 20'000) + "x");
  limited(repeat("a ** ", 40'000) + "x");
  limited(repeat("not ", 40'000) + "x");
  limited(repeat("- ", 100'000) + "x");
  limited("a" + repeat(".b", 100'000));
  limited("a" + repeat("()", 100'000));
  limited("a" + repeat("+a", 100'000));
  limited("if a: b\n" + repeat("elif a: b\n", 20'000));
  limited("f'{" + repeat("(", 20'000) + "x" + repeat(")", 20'000) + "}'");
  std::string blocks;
  for (std::size_t i = 0; i < 400; ++i) blocks += std::string(i, ' ') + "if a:\n";
  limited(blocks);
  limited(repeat(" ", 256 * 1024 + 1));
  // what people write is far below the limits
  CHECK_FALSE(fault_of(repeat("(", 150) + "x" + repeat(")", 150)));
  CHECK_FALSE(fault_of("x = a" + repeat(" + a", 500)));
  CHECK_FALSE(fault_of("if a: b\n" + repeat("elif a: b\n", 400)));
}

TEST_CASE("texts as long as the limit parse in linear time") { // quadratic work would take minutes here
  const std::size_t size = 256 * 1024 - 100;
  auto fill = [&](std::string_view part) { return repeat(part, size / part.size()); };
  CHECK_FALSE(fault_of(fill("x = f(a)\n")));
  CHECK_FALSE(fault_of(fill("x;")));
  CHECK_FALSE(fault_of("x = [" + fill("a,") + "]"));
  CHECK_FALSE(fault_of("é = f'" + fill("{a}") + "'"));
  CHECK_FALSE(fault_of("x = " + fill("'a'")));
  CHECK_FALSE(fault_of(fill("match\n")));
  CHECK_FALSE(fault_of("x = [" + fill("(a := 1),") + "1]"));
  CHECK_FALSE(fault_of("def f():\n  def g():\n" + fill("    nonlocal a\n") + "\n"));
  CHECK(fault_of("f(" + fill("a=1,") + ")"));
  CHECK(fault_of(fill("(yield)\n")));
}
