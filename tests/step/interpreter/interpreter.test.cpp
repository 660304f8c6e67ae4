// SPDX-License-Identifier: MIT
#include "step/interpreter/builtins.hpp"
#include "step/syntax/parser.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace {

using namespace step;

/// repr() of the last expression, or "!" and the fault when the text fails.
std::string outcome(const std::string& text, Limits limits = {}) {
  Meter meter(limits);
  try {
    const auto tree = syntax::parse(text);
    interp::Heap heap;
    interp::Host host;
    interp::Interpreter in(heap, host);
    auto* root = heap.make<interp::Frame>(tree, nullptr, nullptr, false);
    for (std::size_t id = 0; id < tree.names().size(); ++id)
      if (auto* native = interp::builtin(tree.names()[id])) root->slots[id] = native;
    return in.text(in.run_to_value(tree, *root), true);
  } catch (const Fault& fault) {
    return "!" + std::to_string(static_cast<int>(fault.kind)) + " " + fault.message;
  }
}

bool fails_with(FaultKind kind, const std::string& text) {
  return outcome(text).starts_with("!" + std::to_string(static_cast<int>(kind)) + " ");
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
