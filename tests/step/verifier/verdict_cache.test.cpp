// SPDX-License-Identifier: MIT
#include "step/verifier/verdict_cache.hpp"
#include "step/syntax/parser.hpp"
#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using namespace step;

namespace {

std::string key(std::string_view text) {
  return program_key(syntax::parse(text),
                     [](std::string_view name) { return name == "step" || name == "E0"; });
}

std::shared_ptr<const Task> row_sum() {
  static const auto task = std::make_shared<const Task>(
      load_task(std::string(STRATA_TEST_DIR) + "/corpus/tasks/example/scaled_row_sum.yaml"));
  return task;
}

} // namespace

TEST_CASE("programs that differ in layout and in their own names have one key") {
  const auto k = key("a = f(E0, x=1)\nb = [a, 2.5, 'c']\nreturn b");
  CHECK(key("total = f( E0, x = 1 ) # why\n\nb1 = [total, 2.50, \"c\"]\nreturn b1") == k);
  CHECK(key("a = f(E0, x=2)\nb = [a, 2.5, 'c']\nreturn b") != k);   // another number
  CHECK(key("a = f(E0, y=1)\nb = [a, 2.5, 'c']\nreturn b") != k);   // a keyword is not a name
  CHECK(key("a = g(E0, x=1)\nb = [a, 2.5, 'c']\nreturn b") != k);   // nor is what nothing binds
  CHECK(key("a = f(step, x=1)\nb = [a, 2.5, 'c']\nreturn b") != k); // nor are the task's names
  CHECK(key("a = f(E0, x=1)\nb = [a, 2.5, 'd']\nreturn b") != k);
  CHECK(key("a = f(E0, x=1)\nb = [a, 2.5, 'c']\nreturn a") != k);
  CHECK(key("a = f(E0, x=1)\na = [a, 2.5, 'c']\nreturn a") != k); // one name for two things
  CHECK(key("return step") != key("return stop"));
  CHECK(key("print(x)\nreturn E0") != key("return E0")); // x may be undefined
  CHECK(key("import step as s\nreturn s") == key("import step as t\nreturn t"));
  CHECK(key("import step as s\nreturn s") != key("import math as s\nreturn s"));
}

TEST_CASE("names that the language can tell apart give different keys") {
  struct Pair {
    std::string_view a, b;
  };
  for (const auto& [a, b] : std::vector<Pair>{
           // a call that names a parameter, directly or through a dict
           {"def f(a, b): return (a, b)\nreturn f(a=E0, b=1)",
            "def f(b, a): return (b, a)\nreturn f(a=E0, b=1)"},
           {"f = lambda a, b: (a, b)\nreturn f(a=E0, b=1)", "f = lambda b, a: (b, a)\nreturn f(a=E0, b=1)"},
           {"def f(a, b): return (a, b)\nreturn f(**{'a': E0, 'b': 1})",
            "def f(b, a): return (b, a)\nreturn f(**{'a': E0, 'b': 1})"},
           {"f = lambda **k: k\nreturn f(a=E0)['a']", "f = lambda **k: k\nreturn f(b=E0)['a']"},
           {"f = lambda a, *, b: a\nreturn f(E0, b=1)", "f = lambda a, *, c: a\nreturn f(E0, b=1)"},
           // a star gives a meaning to names that nothing binds, or not in time
           {"from step import *\nreturn Accum(b=1)", "from step import *\nreturn Scan(b=1)"},
           {"from step import *\nreturn Accum(b=1)", "from step import *\nreturn Nothing(b=1)"},
           {"from step import *\nif False: Accum = 1\nreturn Accum",
            "from step import *\nif False: x = 1\nreturn x"},
           {"from step import *\nMap = Map\nreturn Map", "from step import *\nx = x\nreturn x"},
           // imports
           {"from step import Map as a, Scan as b\nreturn a",
            "from step import Scan as a, Map as b\nreturn a"},
           {"import step as E0\nreturn E0", "import step as step\nreturn E0"},
           // a function's name shows in texts
           {"def f(): return 1\nreturn str(f)", "def g(): return 1\nreturn str(g)"},
           // keywords, attributes and strings are no variables
           {"a = dict(a=1)\nreturn a['a']", "b = dict(b=1)\nreturn b['a']"},
           {"x = E0\nreturn f'{x}' + 'x'", "y = E0\nreturn f'{y}' + 'y'"},
           {"x = E0\nreturn '{x}'.format(x=x)", "y = E0\nreturn '{x}'.format(y=y)"},
           {"rank = E0\nreturn rank.rank", "shape = E0\nreturn shape.shape"},
           // scopes
           {"x = 1\ndef f():\n  nonlocal x\n  x = 2\nf()\nreturn x",
            "x = 1\ndef f():\n  x = 2\nf()\nreturn x"},
           {"x = 1\ny = [x for x in [E0]]\nreturn x", "x = 1\ny = [z for z in [E0]]\nreturn z"},
           {"x: int\nreturn E0", "x: int = 1\nreturn E0"},
           // literals
           {"return 1", "return True"},
           {"return 1", "return 1.0"},
           {"return 0.0", "return -0.0"},
           {"return 'a'", "return f'a'"},
           {"return 'E0'", "return E0"},
           {"return (1,)", "return [1]"},
           {"return {}", "return {1: 1}"}}) {
    CAPTURE(a);
    CAPTURE(b);
    CHECK(key(a) != key(b));
  }
  CHECK(key("f = lambda a, b: (a, b)\nreturn f(E0, 1)") == key("g = lambda p, q: (p, q)\nreturn g(E0, 1)"));
  CHECK(key("x = [v for v in [E0]]\nreturn x") == key("y = [w for w in [E0]]\nreturn y"));
}

TEST_CASE("a verifier that remembers gives the verdicts of one that does not") {
  const Verifier plain(row_sum()), caching(row_sum(), {.cache_bytes = 1U << 20U});
  const std::vector<std::string> programs{
      "return step.Map(fn=fn_half).apply(step.Accum(fn=fn_sum, b=1).apply(E0))",
      "a = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn step.Map(fn=fn_half).apply(a)",
      "b = step.Accum(fn=fn_sum, b=1).apply(E0)\n\nreturn step.Map(fn=fn_half).apply(b)",
      "a = E0\nreturn step.Map(fn=fn_half).apply(step.Accum(fn=fn_sum, b=1).apply(a))",
      "return step.Accum(fn=fn_sum, b=1).apply(E0)", // wrong values: names no place
      "return  step.Accum(fn=fn_sum, b=1).apply( E0 )",
      "return E0", // wrong shape
      "a = E0\nreturn a",
      "return undefined", // names a place
      "\n\nreturn undefined2",
      "x = step.Map(fn=fn_half).apply(E0)\nreturn step.Accum(fn=fn_sum, b=1).apply(E0)", // consumed twice
      "x =    step.Map(fn=fn_half).apply(E0)\nreturn step.Accum(fn=fn_sum, b=1).apply(E0)",
      "return step.Map(fn=fn_half, colour=1).apply(step.Accum(fn=fn_sum, b=1).apply(E0))", // a warning
      "\nreturn step.Map(fn=fn_half, colour=1).apply(step.Accum(fn=fn_sum, b=1).apply(E0))",
      "return (",
  };
  for (int round = 0; round < 2; ++round)
    for (const auto& impl : programs) {
      CAPTURE(impl);
      const auto a = plain.verify(impl), b = caching.verify(impl);
      CHECK(a.pass == b.pass);
      CHECK(a.functional == b.functional);
      CHECK(name_of(a.stage) == name_of(b.stage));
      CHECK(a.affine_flow == b.affine_flow);
      CHECK(a.affine_syntactic == b.affine_syntactic);
      CHECK(a.at == b.at);
      CHECK(a.message == b.message);
      CHECK(a.warnings == b.warnings);
    }
}

TEST_CASE("a remembered verdict is not computed again") {
  const Verifier v(row_sum(), {.cache_bytes = 1U << 20U});
  Verdict other;
  other.pass = true;
  v.remember("return E0", other);
  CHECK(v.verify("return E0").pass);        // taken as given
  CHECK_FALSE(v.verify("return  E0").pass); // another text
}

TEST_CASE("the cache stays within its memory and serves many threads") {
  VerdictCache cache(64 * 1024);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2000; ++i) {
        Verdict v;
        v.message = std::to_string(i);
        cache.keep(std::to_string(i), v);
        if (const auto known = cache.find(std::to_string(i * (t + 1))))
          CHECK(known->message == std::to_string(i * (t + 1)));
      }
    });
  threads.clear();
  int kept = 0;
  for (int i = 0; i < 2000; ++i) kept += cache.find(std::to_string(i)) ? 1 : 0;
  CHECK(kept > 0);
  CHECK(kept < 64 * 1024 / 256);
}
