// SPDX-License-Identifier: MIT
#include "run_text.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace {

using namespace step;

std::string outcome(const std::string& text, Limits limits = {}) {
  Meter meter(limits);
  return run_text(text);
}

/// How outcome() begins for a fault of that kind.
std::string kind_mark(FaultKind kind) { return "!" + std::to_string(static_cast<int>(kind)) + " "; }

bool fails_with(FaultKind kind, const std::string& text) {
  return outcome(text).starts_with(kind_mark(kind));
}

} // namespace

TEST_CASE("the Python subset agrees with CPython") {
  std::ifstream file(std::string(STRATA_TEST_DIR) + "/step/interpreter/python_cases.txt");
  REQUIRE(file);
  std::string text, line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (!line.starts_with("=> ")) {
      text += (text.empty() ? "" : "\n") + line;
      continue;
    }
    const auto expected = line.substr(3);
    const auto got = outcome(text);
    INFO(text);
    if (expected == "!")
      CHECK(got.substr(0, 1) == "!");
    else
      CHECK(got == expected);
    ++cases;
    text.clear();
    std::getline(file, line); // the empty line
  }
  CHECK(cases > 90);
}

TEST_CASE("generated texts of the Python subset agree with CPython or are refused") {
  const char* other = std::getenv("STRATA_PYTHON_SNIPPETS"); // a larger file, by hand
  std::ifstream file(
      other != nullptr ? other : std::string(STRATA_TEST_DIR) + "/step/interpreter/python_snippets.txt");
  REQUIRE(file);
  std::string text, line;
  int agree = 0, outside = 0;
  while (std::getline(file, line)) {
    if (!line.starts_with("=> ")) {
      text += (text.empty() ? "" : "\n") + line;
      continue;
    }
    const auto expected = line.substr(3);
    const auto got = outcome(text);
    INFO(text);
    INFO("expected " << expected << ", got " << got);
    if (expected.starts_with("?")) {
      CHECK(
          (got.starts_with(kind_mark(FaultKind::limit)) || got.starts_with(kind_mark(FaultKind::rejected))));
      ++outside;
    } else {
      const auto wanted = expected == "!type"     ? kind_mark(FaultKind::type)
                          : expected == "!name"   ? kind_mark(FaultKind::name)
                          : expected == "!syntax" ? kind_mark(FaultKind::syntax)
                                                  : expected;
      CHECK((got == wanted || (expected.starts_with("!") && got.starts_with(wanted))));
      ++agree;
    }
    text.clear();
    std::getline(file, line); // the empty line
  }
  CHECK(agree >= 5000);
  CHECK(outside >= 50);
}

TEST_CASE("hostile texts end in a limit, soon and in little memory") {
  for (const std::string text : {
           "while True: pass\n1",
           "a = [0]\nwhile True: a = a + a\n1",
           "a = 'x'\nwhile True: a += a\n1",
           "'a' * 10**9",
           "[0] * 10**12",
           "(0,) * 10**18 * 10",
           "10 ** 10 ** 10",
           "1 << 100",
           "9223372036854775807 + 1",
           "def f(): return f()\nf()",
           "f = lambda: f()\nf()",
           "list(range(10**12))",
           "sum(range(10**12))",
           "a = []\nfor i in range(10**9): a.append(i)\n1",
           "a = [1]\nfor x in a: a.append(x)\n1",
           "[x for x in range(10**6) for y in range(10**6)]",
           "a = ()\nfor i in range(10**5): a = (a,)\nb = ()\nfor i in range(10**4): b = (b,)\na == b",
           "a = []\nfor i in range(5000): a = [a]\nb = []\nfor i in range(5000): b = [b]\na == b",
           "f'{1:>2000}'",
           "sorted(range(10**7))",
           "'ab'.replace('a', 'x' * 900000).replace('x', 'y' * 900000)",
           "dict((i, i) for i in range(10**8))",
           "next(x for x in range(10**9) if x < 0)",
       }) {
    INFO(text);
    CHECK(fails_with(FaultKind::limit, text));
  }
}

TEST_CASE("chains of iterators and of calls, and values nested deeply, end in a limit, and their end is no "
          "recursion") {
  const std::string build = "a = (1,)\nfor i in range(150000): a = ";
  for (const std::string& text : {
           build + "zip(a)\nnext(a)",
           build + "zip(a, [1])\nlist(a)",
           build + "enumerate(a)\nnext(a)",
           build + "map(lambda x: x, a)\nlist(a)",
           build + "map(abs, a)\nsum(a)",
           build + "filter(None, a)\nfor x in a: pass\n1",
           build + "(x for x in a)\nmax(a)",
           build + "(x for x in a if x)\n1 in a",
           build + "(y for x in [a] for y in x)\n[*a]",
           build + "map(next, [iter(a)])\ntuple(a)",
           build + "iter(iter(a).__class__ if 0 else (lambda g: lambda: next(g))(iter(a)), 2)\nnext(a)",
           build + "zip(*[iter(a)])\nx, = a\nx",
           build + "[a]\nstr(a)",
           build + "(a,)\nf'{a}'",
           build + "(a,)\n{a: 1}",
           build + "(a,)\n{}.get(a)",
           build + "{1: a}\nrepr(a)",
           build + "(a,)\nisinstance(1, a)",
           build + "[a]\nb = [1]\nfor i in range(150000): b = [b]\na == b",
           build + "{1: a}\nb = {1: (1,)}\nfor i in range(150000): b = {1: b}\na == b",
           build + "(a,)\nb = (1,)\nfor i in range(150000): b = (b,)\na < b",
           build + "(a,)\nb = (1,)\nfor i in range(150000): b = (b,)\nsorted([a, b])",
           build + "frozenset([a])\nb = (1,)\nfor i in range(150000): b = frozenset([b])\na == b",
           build + "{1: a}.items()\nb = (1,)\nfor i in range(150000): b = {1: b}.items()\na == b",
           std::string("f = lambda: 1\nfor i in range(150000): f = (lambda g: lambda: g())(f)\nf()"),
           std::string(
               "f = lambda x: 1\nfor i in range(150000): f = (lambda g: lambda x: max([x], key=g))(f)\nf(1)"),
           std::string("f = lambda x: 1\nfor i in range(150000): f = (lambda g: lambda x: sorted([x], "
                       "key=g))(f)\nf(1)"),
           std::string("f = lambda x: 1\nfor i in range(150000): f = (lambda g: lambda x: list(map(g, "
                       "[x])))(f)\nf(1)"),
           std::string("def f(n): return f'{f(n)}'\nf(1)"),
           std::string("def f(n): return [f(n) for x in n]\nf([1])"),
           std::string("def f(n): return sum(f(n) for x in n)\nf([1])"),
           std::string("def f(n): return next(map(f, [n]))\nf(1)"),
           std::string("def f(*n): return f(*n, **{})\nf(1)"),
           std::string(
               "def f(n=1):\n    for i in range(2):\n        if i:\n            while f(): pass\nf()"),
       }) {
    INFO(text);
    CHECK(fails_with(FaultKind::limit, text));
  }
  // and what is only built, or is used one level at a time, is fine
  CHECK(outcome("a = [1]\nfor i in range(100000): a = [a]\nlen(a)") == "1");
  CHECK(outcome("a = iter([1])\nfor i in range(100000): a = zip(a)\n1") == "1");
  CHECK(outcome("a = [1]\nfor i in range(50): a = zip(a)\nlen(list(a))") == "1");
}

TEST_CASE("what Python has and the language has not is refused by name") {
  for (const std::string text :
       {"hash(1)", "id(1)", "bytes(1)", "complex(1)", "(-8) ** 0.5", "'a'.encode()", "'é'.upper()",
        "'{0.x}'.format(1)", "(1).bit_length()", "(x for x in [1]).send(None)", "'a'.translate({})"}) {
    INFO(text);
    CHECK(fails_with(FaultKind::rejected, text));
  }
}

TEST_CASE("integers beyond 64 bits are a limit wherever they arise") {
  const std::string least = "(-9223372036854775807 - 1)", most = "9223372036854775807";
  for (const std::string& text : std::vector<std::string>{"-" + least,
                                                          "abs(" + least + ")",
                                                          least + " // -1",
                                                          least + " * -1",
                                                          least + " - 1",
                                                          most + " + 1",
                                                          most + " * 2",
                                                          "2 ** 63",
                                                          "3 ** 64",
                                                          "(-2) ** 64",
                                                          "1 << 63",
                                                          "-1 << 64",
                                                          "1 << " + most,
                                                          "divmod(" + least + ", -1)",
                                                          "sum([" + most + ", 1])",
                                                          "list(enumerate('ab', " + most + "))",
                                                          "int('9223372036854775808')",
                                                          "int('-9223372036854775809')",
                                                          "int(1e19)",
                                                          "int(-1e19)",
                                                          "int(9223372036854775807.0)",
                                                          "round(1e19)",
                                                          "round(" + most + ", -1)",
                                                          "round(" + least + ", -1)",
                                                          "len(range(" + least + ", 1))",
                                                          "range(" + least + ", " + most + ")",
                                                          "range(10)[::" + most + "][::" + most + "]",
                                                          "'%d' % 1e19",
                                                          "9223372036854775808",
                                                          "pow(2, 63)",
                                                          "1000000 ** 4",
                                                          "[1] * " + most,
                                                          "'ab' * " + most,
                                                          "'a'.ljust(" + most + ")",
                                                          "'%*d' % (" + least + ", 1)"}) {
    INFO(text);
    CHECK(fails_with(FaultKind::limit, text));
  }
  CHECK(outcome(least + " % -1, " + least + " // 1, " + least + " >> 63, " + least + " >> 9999, ~" + least +
                ", int('-9223372036854775808')") ==
        "(0, -9223372036854775808, -1, -1, 9223372036854775807, -9223372036854775808)");
  CHECK(outcome("[1, 2, 3][" + least + ":" + most + ":" + most + "], [1, 2, 3][::" + least + "], range(" +
                least + ", " + most + ", " + most + ")[-1], pow(" + least + ", " + most + ", " + least +
                ")") == "([1], [3], 9223372036854775806, 0)");
}

TEST_CASE("what is not defined is a name fault with a position") {
  try {
    Meter meter;
    const auto tree = syntax::parse("a = 1\nb = a + nothing\nb");
    interp::Heap heap;
    interp::Host host;
    interp::Interpreter in(heap, host);
    in.run_to_value(tree, *heap.make<interp::Frame>(tree, nullptr, nullptr, false));
    FAIL("no fault");
  } catch (const Fault& fault) {
    CHECK(fault.kind == FaultKind::name);
    CHECK(fault.at == syntax::Position{2, 9});
  }
}

TEST_CASE("values shared between evaluations cannot be changed") {
  Meter meter;
  interp::Heap shared, heap;
  auto* list = shared.make<interp::List>(std::vector{interp::Value::integer(1)});
  auto* dict = shared.make<interp::Dict>();
  shared.freeze();
  interp::Host host;
  for (const std::string text : {"l.append(1)", "l[0] = 2\n1", "l += [1]\n1", "l.sort()", "del l[0]\n1",
                                 "d['a'] = 1\n1", "d.update(a=1)", "d.setdefault(1, 2)"}) {
    INFO(text);
    const auto tree = syntax::parse(text);
    auto* root = heap.make<interp::Frame>(tree, nullptr, nullptr, false);
    for (std::size_t id = 0; id < tree.names().size(); ++id)
      root->slots[id] = tree.names()[id] == "l" ? interp::Value(list) : interp::Value(dict);
    interp::Interpreter in(heap, host);
    CHECK_THROWS_AS(in.run_to_value(tree, *root), Fault);
  }
  CHECK(list->items.size() == 1);
  CHECK(dict->table.size() == 0);
}
