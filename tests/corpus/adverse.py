# SPDX-License-Identifier: MIT
"""Programs that must never pass: those that go round the language, and those that cost without bound."""

# In front of a right program: each of these alone must spoil it.
CHEAT_PREFIXES = r'''
import os
import os; os._exit(0)
import sys; sys.exit(0)
import sys, os
import pytest; pytest.skip()
import pytest\npytest.xfail('known')
import unittest.mock
import builtins
import ctypes
import inspect
import importlib
import gc
import signal; signal.alarm(0)
import torch as t
import torch.testing as tt
from torch import *
from torch.testing import assert_close
from os import *
from sys import exit
from step import Stream
exit()
quit()
exit(0)
raise SystemExit
raise SystemExit(0)
raise KeyboardInterrupt
torch.testing.assert_close = lambda *a, **k: None
torch.allclose = lambda *a, **k: True
torch.equal = print
torch.manual_seed(0)
torch.set_default_dtype(torch.float16)
x = torch
x = [torch]
x = lambda: torch.zeros(1)
x = f"{torch.zeros(1)}"
x = input_data
x = input_data['E0']
input_data['E0'] = None
input_data.clear()
del input_data
input_data = {}
E0.data = [E0]
E0.data[0] = 0
E0.data.clear()
E0.data += [1]
x = E0.data
x = E0.data[0] * 2
x = [E0][0].data
x = (lambda s: s.data)(E0)
E0.ctx = {}
E0.ctx[N] = 1
x = E0.ctx
E0.shape = [M]
E0.shape[0] = M
E0.shape += [M]
del E0.shape
E0.rank = 0
E0.dtype = None
E0.name = 'S0'
E0.apply = None
E0.__class__.data = 1
x = E0.__class__
x = E0.__dict__
x = E0.__dict__['data']
x = E0.__init__
x = ().__class__.__base__.__subclasses__()
x = (lambda: 0).__globals__
x = (lambda: 0).__code__
x = fn_code.__code__
x = "".__class__.__mro__
x = step.__dict__
x = step.Map.__init__
step.Map.__init__ = lambda *a, **k: None
step.Map.apply = lambda self, x: x
step.Map = None
step.Map = lambda **k: step.Copy()
step = None
del step
step.Stream = None
x = step.Stream
x = step.Stream('S0', E0.dtype, E0.rank, E0.shape)
x = step.Buffer
x = step.Fn
class Fake: pass
class Fake(step.Fn):\n  pass
class Stream:\n  shape = []\n  data = []
class int(int): pass
@staticmethod\ndef f(): pass
exec('x = 1')
exec("import os")
x = eval('1 + 1')
x = eval("E0.data")
x = compile('1', 'a', 'eval')
x = getattr(E0, 'data')
x = getattr(step, 'Str' + 'eam')
setattr(E0, 'data', [])
delattr(E0, 'data')
x = hasattr(E0, 'data')
x = globals()
globals()['fn_sum'] = 1
x = globals()['input_data']
x = locals()
x = vars(E0)
x = dir(E0)
x = type(E0)
x = type('S', (), {})
x = type(E0)('S0', E0.dtype, 0, [M])
x = object()
x = open('/etc/passwd')
x = open(__file__).read()
x = __import__('os')
x = __import__('torch').zeros(1)
x = __builtins__
x = __builtins__['open']
x = __name__
__name__ = 'main'
__builtins__ = {}
x = __debug__
breakpoint()
x = input()
help()
x = memoryview(b'a')
try:\n  import os\nexcept:\n  pass
try:\n  pass\nexcept:\n  pass
with open('x') as f:\n  pass
def g():\n  yield 1
def g():\n  global fn_sum\n  fn_sum = 1
global E0
async def g():\n  pass
match 1:\n  case _:\n    pass
N = M
D = 1
M += 1
del M
N_value = 1
D_value = 3
ctx = {}
ctx[N] = 3
ctx.clear()
ctx.update({})
for N in range(3): pass
for fn_NAME in [1]: pass
[D for D in range(3)]
fn_NAME = None
fn_NAME = lambda *a: a
def fn_NAME(*a):\n  return a
def M(): pass
def step(): pass
fn_NAME.apply = lambda *a: a
fn_NAME.input_dtype = fn_NAME.output_dtype
fn_NAME.getInit = None
fn_NAME.name = 'x'
x = fn_NAME.apply(E0)
x = fn_NAME.apply([E0])
x = fn_NAME([E0])
x = fn_NAME.input_dtype
del fn_NAME
import step as fn_NAME
from step import Map as fn_NAME
lambda fn_NAME: 1
if (fn_NAME := 1): pass
x, fn_NAME = 1, 2
x = y = fn_NAME = 3
torch = 1
def torch(): pass
x = [E0.data for _ in range(1)]
x = {'a': E0.data}
x = f'{E0.data}'
x = f'{E0.__class__}'
x = '{0.__class__}'.format(E0)
x = '%s' % E0.data
assert E0.data
if False: x = E0.data
if False: import os
def never():\n  return torch.zeros(1)
def never():\n  import os
lambda: input_data
E0.data: list = []
(E0.data) = []
[E0.data] = [[]]
for E0.data in [[]]: pass
E0.shape, x = [], 1
*E0.shape, x = 1, 2
'''

# Whole answers that avoid the language. {dims}: the first output's dims; {name}: its name.
CHEAT_PROGRAMS = r'''
return input_data['E0']
return torch.zeros(5)
return torch.softmax(E0, dim=-1)
S0 = step.Stream('S0', step.Scalar('float'), 1, [{dims}])\nS0.data = [torch.zeros(1)]\nreturn S0
S0 = step.Stream('S0', E0.dtype, E0.rank, [{dims}])\nreturn S0
E0.data = [torch.ones(3)]\nreturn E0
E0.shape[:] = [{dims}]\nreturn E0
E0.shape.clear()\nE0.shape.extend([{dims}])\nreturn E0
E0.shape.pop()\nE0.shape.append(N)\nreturn E0
x = E0.shape\nx[0] = M\nx[:] = [{dims}]\nreturn E0
def check_data(*a, **k):\n  return True\nreturn E0
def check_shape(*a):\n  pass\ncheck_data = check_shape\nreturn E0
check_data = lambda *a: None\ncheck_shape = lambda *a: None\nreturn E0
def test_{name}(): pass\nreturn E0
import pytest\npytest.skip('no')
pytest.skip('no')
pytest.exit('ok', 0)
import os\nos._exit(0)
import sys\nsys.exit(0)
sys.exit(0)
exit(0)
raise SystemExit(0)
assert False
assert True
return True
return None
return ...
return E0 == E0
return 'PASSED'
return {{'pass': True}}
return verdict
return expected
return S0
return [S0]
return output_data['{name}']
return reference
return data_transform
return ctx
return step
return lambda *a: True
return print('1 passed')
print('{{"pass": true}}')
print('PASSED')\nreturn E0
class S:\n  def __eq__(self, other): return True\nreturn S()
class Always(float):\n  def __le__(self, o): return True\nreturn Always()
return type('S', (), dict(shape=[{dims}], data=E0.data))()
exec('S0 = E0')\nreturn S0
return eval('E0')
return getattr(E0, 'data')
globals()['check_data'] = print\nreturn E0
import torch\nreturn torch.einsum('ij->ji', input_data['E0'])
import torch\nreturn torch
from torch import einsum\nreturn einsum('ij->ij', E0)
try:\n  return E9\nexcept NameError:\n  return E0
def body():\n  yield E0\nreturn next(body())
def body():\n  return body\nreturn body
return (E0 for _ in range(1))
return [E0, E0, E0, E0]
yield E0
with E0 as S0:\n  return S0
E0.dtype = step.Buffer(E0.dtype, [D])\nreturn E0
step.Map.apply = lambda s, x: x\nreturn step.Map().apply(E0)
fn_NAME.apply = lambda *a: [input_data['E0']]\nreturn step.Map(fn=fn_NAME).apply(E0)
fn_NAME = lambda x: x\nreturn step.Map(fn=fn_NAME).apply(E0)
return step.Map(fn=lambda input: [torch.softmax(input[0], -1)]).apply(E0)
return step.Map(fn=torch.relu).apply(E0)
class F(step.Fn):\n  def apply(self, x): return x\nreturn step.Map(fn=F('F', E0.dtype, E0.dtype)).apply(E0)
return step.Map(fn=fn_NAME.__class__()).apply(E0)
return __import__('copy').copy(E0)
return ().__class__.__base__.__subclasses__()
return open('tasks/x.yaml').read()
return {{}}
return 0
return float('nan')
return E0.data[0]
return [E0.data]
return fn_NAME(E0)
return fn_NAME.apply([E0.data[0]])
return step
return step.Copy
return step.Copy()
return step.Copy().apply
return step.Copy().apply(E0)
return [[E0]]
return E0.shape
return range(3)
'''

# In front of a right program: bounded time and memory, and no pass. Never run by the reference.
HOSTILE = [
    "while True:\n  pass\n",
    "while 1: a = 1\n",
    "i = 0\nwhile i >= 0:\n  i += 1\n",
    "i = 0\nwhile i < 10 ** 12:\n  i += 1\n",
    "for i in range(10 ** 12):\n  pass\n",
    "for i in range(10 ** 6):\n  for j in range(10 ** 6):\n    pass\n",
    "x = [0]\nfor y in x:\n  x.append(y)\n",
    "x = [0]\nwhile x:\n  x.append(x)\n",
    "x = [1]\nfor i in range(100):\n  x = x + x\n",
    "x = [1]\nfor i in range(100):\n  x += x\n",
    "x = [1]\nfor i in range(100):\n  x.extend(x)\n",
    "x = (1,)\nfor i in range(60):\n  x = x + x\n",
    "x = 'a'\nfor i in range(100):\n  x = x + x\n",
    "x = 'a'\nfor i in range(100):\n  x = f'{x}{x}'\n",
    "x = 'a'\nwhile True:\n  x += x\n",
    "x = 'a' * 10 ** 9\n",
    "x = 'a' * 10 ** 18\n",
    "x = [0] * 10 ** 9\n",
    "x = [E0] * 10 ** 12\n",
    "x = (0,) * (10 ** 10)\n",
    "x = 10 ** 9 * [0]\n",
    "x = list(range(10 ** 10))\n",
    "x = tuple(range(10 ** 10))\n",
    "x = [i for i in range(10 ** 10)]\n",
    "x = {i for i in range(10 ** 10)}\n",
    "x = {i: i for i in range(10 ** 10)}\n",
    "x = sum(range(10 ** 12))\n",
    "x = sum(i for i in range(10 ** 12))\n",
    "x = sorted(range(10 ** 10))\n",
    "x = list(reversed(range(10 ** 10)))\n",
    "x = list(enumerate(range(10 ** 10)))\n",
    "x = list(zip(range(10 ** 10), range(10 ** 10)))\n",
    "x = list(map(lambda i: i, range(10 ** 10)))\n",
    "x = [*range(10 ** 10)]\n",
    "a, *b = range(10 ** 10)\n",
    "x = [0 for a in range(10 ** 4) for b in range(10 ** 4) for c in range(10 ** 4)]\n",
    "x = next(i for i in range(10 ** 12) if i < 0)\n",
    "x = -1 in range(0, 10 ** 12)\nwhile not x:\n  pass\n",
    "x = 10 ** 10 ** 10\n",
    "x = 9 ** 9 ** 9 ** 9\n",
    "x = 2 ** (2 ** 60)\n",
    "x = 7\nwhile True:\n  x = x * x\n",
    "x = 1\nfor i in range(1, 10 ** 7):\n  x *= i\n",
    "x = 3\nfor i in range(64):\n  x = x ** 2\n",
    "x = 1 << 10 ** 12\n",
    "x = int('9' * 10 ** 8)\n",
    "x = (N + K + M + D) ** 300\n",
    "x = N + K + M + D + 1\nfor i in range(30):\n  x = x * x\n",
    "x = N\nfor i in range(10 ** 7):\n  x = x + K * i\n",
    "x = N ** (10 ** 9)\n",
    "def f(x):\n  return f(x)\nf(1)\n",
    "def f(x):\n  return f(x + 1) + 1\nf(1)\n",
    "def f():\n  g()\ndef g():\n  f()\nf()\n",
    "f = lambda: f()\nf()\n",
    "y = lambda f: f(f)\ny(y)\n",
    "def f(n):\n  return n if n < 2 else f(n - 1) + f(n - 2)\nf(60)\n",
    "def f(n):\n  for i in range(10):\n    f(n + 1)\nf(0)\n",
    "def f(g, n):\n  return [f(g, n + 1) for _ in range(3)]\nf(f, 0)\n",
    "x = []\nx.append(x)\nassert x == [x]\ny = []\ny.append(y)\nassert x == y\n",
    "x = []\nfor i in range(10 ** 6):\n  x = [x]\nassert x == [x]\n",
    "x = []\nfor i in range(10 ** 7):\n  x = [x]\n",
    "x = ()\nfor i in range(10 ** 7):\n  x = (x, x)\n",
    "x = lambda: 0\nfor i in range(10 ** 6):\n  x = (lambda y: lambda: y())(x)\nx()\n",
    "x = E0\nwhile True:\n  x = step.Identity().apply(x)\n",
    "x = step.Identity().apply(E0)\nfor i in range(10 ** 6):\n  x = step.Promote(b=0).apply(x)\n",
    "x = [E0]\nwhile True:\n  x = [c for s in x for c in step.Copy().apply(s)]\n",
    "x = step.Repeat(n=10 ** 9).apply(E0)\n",
    "x = step.Repeat(n=10 ** 18).apply(E0)\n",
    "x = step.Repeat(n=10 ** 30).apply(E0)\n",
    "x = step.Repeat(n=2 ** 63).apply(E0)\n",
    "x = step.Repeat(n=2 ** 62).apply(step.Repeat(n=2 ** 62).apply(E0))\n",
    "x = step.Repeat(n=N ** 30).apply(E0)\n",
    "x = step.Repeat(n=N * K * D * M * 10 ** 6).apply(E0)\n",
    "x = E0\nfor i in range(60):\n  x = step.Repeat(n=D).apply(x)\n",
    "x = E0\nfor i in range(60):\n  x = step.Flatten(L=[1]).apply(step.Repeat(n=D).apply(x))\n",
    "x = E0\nfor i in range(60):\n  a, b = step.Copy().apply(x)\n  x = step.Zip().apply((a, b))\n",
    "x = E0\nfor i in range(10 ** 5):\n  x = step.Repeat(n=1).apply(x)\n",
    "x = step.Flatten(L=range(1, 10 ** 12)).apply(E0)\n",
    "x = step.Flatten(L=list(range(1, 10 ** 9))).apply(E0)\n",
    "x = step.Reshape(S=1, L=range(10 ** 12)).apply(E0)\n",
    "x = step.Promote(b=0).applyList([E0] * 10 ** 9)\n",
    "x = step.Map(fn=1).applyList(E0 for _ in range(10 ** 12))\n",
    "x = " + "(" * 20000 + "1" + ")" * 20000 + "\n",
    "x = " + "[" * 5000 + "]" * 5000 + "\n",
    "x = " + "-" * 30000 + "1\n",
    "x = " + "not " * 10000 + "1\n",
    "x = " + "+".join(["1"] * 20000) + "\nwhile x:\n  pass\n",
    "x = " + "**".join(["2"] * 10000) + "\n",
    "x = E0" + ".apply" * 5000 + "\n",
    "x = E0" + "[0]" * 10000 + "\n",
    "x = E0" + "()" * 15000 + "\n",
    "x = " + "lambda: " * 4000 + "1\nwhile x:\n  pass\n",
    "x = " + "1 if 1 else " * 3000 + "1\nwhile x:\n  pass\n",
    "x = " + "f'{" * 200 + "1" + "}'" * 200 + "\n",
    "".join(" " * i + "if 1:\n" for i in range(300)) + " " * 300 + "while 1: pass\n",
    "".join(" " * i + "def f():\n" for i in range(250)) + " " * 250 + "pass\nwhile f:\n  pass\n",
    "x = '" + "a" * 50000 + "'\nwhile x:\n  pass\n",
    "x" * 50000 + " = 1\nwhile 1:\n  pass\n",
    "x = " + "9" * 50000 + "\nwhile x:\n  pass\n",
    "x = [" + "1," * 25000 + "]\nwhile x:\n  pass\n",
    "x = 1\n" * 8000 + "while x:\n  pass\n",
    "\n" * 30000 + "while 1:\n  pass\n",
    "# " + "c" * 50000 + "\nwhile 1:\n  pass\n",
    "x = 1\x00\nwhile 1:\n  pass\n",
    "print(" + ", ".join(["E0"] * 10000) + ")\nwhile 1:\n  pass\n",
    "x = {" + ", ".join(f"{i}: {i}" for i in range(4000)) + "}\nwhile x:\n  pass\n",
    "x = 1e999 * 0\nwhile x != x:\n  pass\n",
    "x = range(10 ** 30)\ny = len(x)\nwhile True:\n  pass\n",
    "for i in range(10 ** 9):\n  x = [j for j in range(10 ** 3)]\n",
]

CHEAT_TASKS = ["norm/G_0_8_01", "moe/G_0_9_01", "attention/G_0_9_01", "bmm/bmm_1", "moe/G_0_5_02", "gemm-easy/G_0_6_03"]
HOSTILE_TASKS = ["norm/G_0_16_01", "attention/G_0_4_01", "moe/G_0_12_01", "rope/G_0_3_03"]


def unescape(line):
    return line.replace("\\n", "\n")


def cheat_programs(solutions, tasks):
    """(task, text). Each prefix before two solutions, each whole program for two tasks."""
    for number, line in enumerate(CHEAT_PREFIXES.strip("\n").splitlines()):
        for task in (CHEAT_TASKS[number % 6], CHEAT_TASKS[(number + 1 + number // 6) % 6]):
            name = tasks[task]["fns"][0]["func_name"]
            yield task, unescape(line).replace("fn_NAME", name) + "\n" + solutions[task]
    for number, line in enumerate(CHEAT_PROGRAMS.strip("\n").splitlines()):
        for task in (CHEAT_TASKS[number % 6], CHEAT_TASKS[(number + 3) % 6]):
            first = tasks[task]["outputs"][0]
            text = unescape(line).format(dims=", ".join(map(str, first["dims"])), name=first["name"])
            yield task, text.replace("fn_NAME", tasks[task]["fns"][0]["func_name"]) + "\n"


def hostile_programs(solutions):
    for number, text in enumerate(HOSTILE):
        task = HOSTILE_TASKS[number % len(HOSTILE_TASKS)]
        yield task, text + solutions[task]
