// SPDX-License-Identifier: MIT
#include "step/syntax/normal_form.hpp"

#include "step/syntax/parser.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace step::syntax;

namespace {

void isomorphic(std::string_view a, std::string_view b) {
  CAPTURE(a);
  CAPTURE(b);
  CHECK(normal_form(parse(a)) == normal_form(parse(b)));
  CHECK(isomorphism_key(parse(a)) == isomorphism_key(parse(b)));
}
void different(std::string_view a, std::string_view b) {
  CAPTURE(a);
  CAPTURE(b);
  CHECK(normal_form(parse(a)) != normal_form(parse(b)));
  CHECK(isomorphism_key(parse(a)) != isomorphism_key(parse(b)));
}

} // namespace

TEST_CASE("names that the program binds do not matter, in any scope") {
  isomorphic("a = step.Map(fn=f).apply(E0)\nreturn a", "E1 = step.Map(fn=f).apply(E0)\nreturn E1");
  isomorphic("a, *b = f(x)\nreturn b, a", "b, *a = f(x)\nreturn a, b");
  isomorphic("def f(x, y=z): return x + y\nreturn f(1)", "def g(a, b=z): return a + b\nreturn g(1)");
  isomorphic("return [a + b for a in xs for b in a]", "return [y + x for y in xs for x in y]");
  isomorphic("return lambda a, *b, c=d: a", "return lambda x, *y, c1=d: x");
  isomorphic("x = 1\ndef f():\n  nonlocal x\n  x = 2", "y = 1\ndef f():\n  nonlocal y\n  y = 2");
  isomorphic("print(y := 1)\nreturn [(x := a) for a in b], x, y",
             "print(p := 1)\nreturn [(q := r) for r in b], q, p");
  isomorphic("for i in range(3): x = i", "for j in range(3): y = j");
  isomorphic("x = 1\ny = [x for x in x]", "a = 1\nb = [c for c in a]"); // the first iterable is the outer x
  isomorphic("x = 1\ndef f(x=x): return x", "x = 1\ndef f(y=x): return y");
}

TEST_CASE("what a program refers to does matter") {
  different("return step.Map(fn=f).apply(E0)", "return step.Map(fn=f).apply(E1)");
  different("return step.Map(fn=f).apply(E0)", "return step.Map(fn=g).apply(E0)");
  different("return step.Map(fn=f).apply(E0)", "return step.Scan(fn=f).apply(E0)");
  different("return step.Bufferize(a=1).apply(E0)", "return step.Bufferize(a=2).apply(E0)");
  different("return step.Bufferize(a=1).apply(E0)", "return step.Bufferize(b=1).apply(E0)");
  different("a = f(x)\nb = g(x)\nreturn a, b", "a = f(x)\nb = g(x)\nreturn b, a");
  different("x = f(E0)\nx = g(x)\nreturn x", "x = f(E0)\ny = g(x)\nreturn x");
  different("E0 = f(E0)\nreturn E0", "E1 = f(E1)\nreturn E1"); // different inputs
  different("x = 1\ndef f():\n  x = 2\nreturn x", "x = 1\ndef f():\n  nonlocal x\n  x = 2\nreturn x");
  different("return (a, b)", "return [a, b]");
  different("return 1", "return 1.0");
  different("return True", "return 1");
  different("return '1'", "return 1");
  different("return a - b", "return a + b");
  different("def f(a, /): return a", "def f(a): return a");
  different("x = lambda: (y := 1)\nreturn y", "x = lambda: 1\nreturn y1");
}

TEST_CASE("layout, comments, spelling and statements without effect do not matter") {
  isomorphic("x = f(a,b) # c\n\nreturn (x)", "x=f( a ,\n  b )\nreturn x;");
  isomorphic("return 'a\"', 16, 1000.0, 'ab'", "return \"a\\\"\", 0x10, 1e3, 'a' \"b\"");
  isomorphic("return f'a'", "return 'a'");
  isomorphic("'''doc'''\nimport step\nfrom step import *\npass\nprint('x', len(a))\n...\nreturn a",
             "return a");
  isomorphic("x: int = f(a)\ny: int\ndef g(b: int) -> str: return b", "x = f(a)\ndef g(b): return b");
  isomorphic("if a:\n  pass\n  b()", "if a: b()");
  isomorphic("if a: b()\nelif c: d()", "if a: b()\nelse:\n  if c: d()");
  isomorphic("    x = 1\n    return x", "x = 1\nreturn x");
  isomorphic("return f(a, y=1, x=2)", "return f(a, x=2, y=1)");
  isomorphic("import step as s\nreturn s.Map(fn=f)", "import step\nreturn step.Map(fn=f)");
  isomorphic("from step import Map as M\nreturn M(fn=f)", "return step.Map(fn=f)");
}

TEST_CASE("statements with an effect stay") {
  different("print(x := f(a))\nreturn a", "return a");
  different("print(step.Map(fn=f).apply(a))\nreturn a", "return a");
  different("def g(): return step.Map(fn=f).apply(a)\nprint(g())", "def g(): return step.Map(fn=f).apply(a)");
  different("def print(x): return f(x)\nprint(a)", "def print(x): return f(x)");
  different("f(a)\nreturn a", "return a");
}

TEST_CASE("what could fail or act stays") {
  different("print(1 // 0)\nreturn a", "return a");
  different("x = f(a)\ny = x\ndel x\nprint(x)\nreturn y", "x = f(a)\ny = x\ndel x\nreturn y");
  different("if False: E0 = 1\nreturn E0", "if False: E1 = 1\nreturn E1");
  different("print(b)\nreturn a", "return a"); // b may be undefined
  different("print(x)\nx = f(a)\nreturn x", "x = f(a)\nreturn x");
  different("x = iter(a)\nprint(list(x))\nreturn x", "x = iter(a)\nreturn x");
  different("x = f(a)\nprint(x[3])\nreturn x", "x = f(a)\nreturn x");
  different("return f(a=x.pop(), b=x.pop())", "return f(b=x.pop(), a=x.pop())");
  isomorphic("x = f(a)\nprint(x.shape, f'{x}', len(a))\nreturn x", "x = f(a)\nreturn x");
}

TEST_CASE("parameters that a call can name keep their names") {
  different("def f(a, b): return g((a, b))\nreturn f(a=x, b=y)",
            "def f(b, a): return g((b, a))\nreturn f(a=x, b=y)");
  different("f = lambda a, b: g((a, b))\nreturn f(**{'a': x, 'b': y})",
            "f = lambda b, a: g((b, a))\nreturn f(**{'a': x, 'b': y})");
  isomorphic("def f(a, b): return g((a, b))\nreturn f(x, y)",
             "def f(p, q): return g((p, q))\nreturn f(x, y)");
}

TEST_CASE("imports vanish only where they surely mean the same") {
  different("from step import *\nreturn Accum(b=1)", "return Accum(b=1)");
  different("from step import *\nreturn Accum(b=1)", "from step import *\nreturn Scan(b=1)");
  different("from step import *\nif False: Accum = 1\nreturn Accum(b=1)",
            "from step import *\nif False: Other = 1\nreturn Other(b=1)");
  isomorphic("from step import *\nreturn Accum(b=1)", "return step.Accum(b=1)");
  different("x = s.Map(fn=f)\nimport step as s\nreturn x", "import step as s\nx = s.Map(fn=f)\nreturn x");
  different("def g():\n  import step as s\nreturn s.Map(fn=f)", "import step as s\nreturn s.Map(fn=f)");
  different("from step import Nope\nreturn a", "return a");
  different("from step import Map as a, Scan as b\nif False: a = 1\nreturn a, b",
            "from step import Map as b, Scan as a\nif False: a = 1\nreturn a, b");
  different("a = b = 1\nimport step as a\nreturn a", "a = b = 1\nimport step as b\nreturn a");
}

TEST_CASE("the normal form is fixed") {
  CHECK(normal_form(parse("import step\ny = step.Zip().apply((E0, E1))\nreturn y")) ==
        "(block (assign (call (attribute apply (call (attribute Zip (name step)))) (tuple (name E0) (name "
        "E1))) %0) "
        "(return %0))");
  CHECK(isomorphism_key(parse("")) == 11767616962615032467ULL);
}
