// SPDX-License-Identifier: MIT
#include "step/syntax/rules.hpp"

#include "step/syntax/parser.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

using namespace step::syntax;

namespace {

const RuleContext reserved{{"fn_sum", "N", "N_value", "M_value", "step", "ctx", "check_data"}};

std::optional<step::Fault> violation(std::string_view text) {
  const Tree tree = parse(text);
  try {
    check_program_rules(tree, reserved);
    return std::nullopt;
  } catch (const step::Fault& fault) {
    CHECK(fault.kind == step::FaultKind::rejected);
    return fault;
  }
}

void rejects(std::string_view text, Position at, std::string_view part) {
  CAPTURE(text);
  const auto fault = violation(text);
  REQUIRE(fault);
  CAPTURE(fault->message);
  CHECK(fault->message.find(part) != std::string::npos);
  CHECK(fault->at.line == at.line);
  CHECK(fault->at.column == at.column);
}

void accepts(std::string_view text) {
  CAPTURE(text);
  const auto fault = violation(text);
  if (fault) CAPTURE(fault->message);
  CHECK_FALSE(fault);
}

} // namespace

TEST_CASE("what models write is within the rules") {
  accepts("import step\nimport torch\nimport math as m\nfrom step import *\nfrom step import Map as M\n"
          "E0, E1 = step.Copy().apply(E0)\nx = [step.Map(fn=fn_sum).apply(a) for a in (E0, E1)]\n"
          "def f(x, n=3, *fns): return x.shape[0], N_value, ctx[M]\nreturn f(x[0], input=1)");
  accepts("a[0] = 1\na[0][1] += 2\ndel a[0]\na, (b, *c) = d\nfor i, a[0] in b: pass");
  accepts("x = id(a), hash(a), callable(a), repr(a), isinstance(a, int)\n_y = x\n_ = 1");
  accepts("def f(x: step.Stream, y: 'torch.Tensor', z: torch.Tensor = None) -> list[step.Stream]: return "
          "x\nz: step.Stream = f(a)");
  accepts("for input in inputs: y = input\ndef g(object, dir): return vars_\n"); // names of its own
}

TEST_CASE("reflection is out of reach") {
  for (const char* name :
       {"exec", "eval", "compile", "getattr", "setattr", "delattr", "hasattr", "globals", "locals", "vars",
        "dir", "type", "open", "input", "breakpoint", "object", "super", "__import__", "__builtins__"}) {
    rejects(std::string("x = ") + name, {1, 5}, name);
    rejects("a\nb = [" + std::string(name) + "('x') for c in d]", {2, 6}, name);
  }
  rejects("type = 3", {1, 1}, "`type`");
  rejects("def f(eval): pass", {1, 7}, "`eval`");
  rejects("def exec(): pass", {1, 1}, "`exec`");
  rejects("x = a.__class__", {1, 5}, "`.__class__`");
  rejects("x = a._data", {1, 5}, "`._data`");
  rejects("x = f'{a.__dict__}'", {1, 8}, "`.__dict__`");
  rejects("f(__x=1)", {1, 3}, "`__x`");
  rejects("from step import _x", {1, 18}, "_x");
  rejects("import math as open", {1, 8}, "`open`");
  rejects("x: a.__class__ = 1", {1, 4}, "__class__");
}

TEST_CASE("torch and the raw data are out of reach") {
  rejects("x = torch.zeros(3)", {1, 5}, "torch");
  rejects("import torch as t", {1, 8}, "cannot be bound by an import");
  rejects("if False: x = E0.data", {1, 15}, ".data");
  rejects("x = E0.ctx[N]", {1, 5}, ".ctx");
  rejects("torch = 1", {1, 1}, "torch");
  rejects("def f(x=torch): pass", {1, 9}, "torch");
  rejects("def f(x: torch.zeros(3)): pass", {1, 10}, "torch");
  rejects("x = input_data['E0']", {1, 5}, "input_data");
  rejects("x = step.Stream(1)", {1, 5}, "step.Stream");
  rejects("import step as s\nx = s.Stream", {2, 5}, "step.Stream");
  rejects("from step import Stream", {1, 18}, "step.Stream");
}

TEST_CASE("attributes cannot be assigned in any way") {
  rejects("x.data = 1", {1, 1}, "`.data`");
  rejects("a = x.ctx = 1", {1, 5}, "`.ctx`");
  rejects("a, (b, [*x.shape]) = c", {1, 10}, "`.shape`");
  rejects("x.shape += [1]", {1, 1}, "`.shape`");
  rejects("x.shape: int = 1", {1, 1}, "`.shape`");
  rejects("del x.data", {1, 5}, "`.data`");
  rejects("for x.data in y: pass", {1, 5}, "`.data`");
  rejects("z = [1 for x.data in y]", {1, 12}, "`.data`");
  rejects("x.shape[0] = 1", {1, 1}, "`.shape`");
  rejects("del x.data[0][1]", {1, 5}, "`.data`");
  rejects("ctx[N] = 1", {1, 1}, "`ctx`");
}

TEST_CASE("nothing rebinds what the task defines, not even in a scope of its own") {
  rejects("def f(x, N=3): return x", {1, 10}, "defined by the task");
  rejects("f = lambda step: step", {1, 12}, "defined by the task");
  rejects("y = [N for N in range(3)]", {1, 12}, "defined by the task");
  rejects("fn_sum = 1", {1, 1}, "`fn_sum`");
  rejects("N_value += 1", {1, 1}, "`N_value`");
  rejects("a = [b, N] = c", {1, 9}, "`N`");
  rejects("for i, N in x: pass", {1, 8}, "`N`");
  rejects("print(N := 3)", {1, 7}, "`N`");
  rejects("x = [(N := y) for y in z]", {1, 7}, "`N`");
  rejects("def check_data(): pass", {1, 1}, "`check_data`");
  rejects("def f():\n  N = 3", {2, 3}, "`N`");
  rejects("del step", {1, 5}, "`step`");
  rejects("N: int", {1, 1}, "`N`");
  rejects("import math as step", {1, 8}, "`step`");
  rejects("from step import Map as fn_sum", {1, 18}, "`fn_sum`");
  rejects("def f():\n  nonlocal N", {2, 12}, "`N`");
}
