# SPDX-License-Identifier: MIT
"""Python at its edges in front of a right program: what must work, what fails while it runs, what is no Python, and what is
outside the language.

Yields (task, kind, text, expected); expected is what the author means the verdict to be (None: the reference decides),
and make_corpus.py fails when the reference disagrees.
"""

PYTHON_GOOD = r'''
a = [1, 2, 3]; a.append(4); a.extend([5]); a.insert(0, 0); b = a.pop(); assert a == [0, 1, 2, 3, 4] and b == 5
a = [i * j for i in range(3) for j in range(i) if j != 1]; assert a == [0, 0]
d = {'a': 1, **{'b': 2}}; assert sorted(d.keys()) == ['a', 'b'] and sum(d.values()) == 3 and d.get('c', 7) == 7
d = {k: v for k, v in zip('abc', [1, 2, 3])}; assert list(d.items())[0] == ('a', 1)
s = {1, 2, 2}; assert len(s) == 2 and 1 in s and 3 not in s
t = (1, 2) + (3,); assert t[-1] == 3 and t[::-1] == (3, 2, 1) and t[1:] == (2, 3)
x, (y, z), *w = 1, (2, 3), 4, 5; assert w == [4, 5] and y + z == 5
f = lambda a, b=2, *c: a + b + len(c); assert f(1) == 3 and f(1, 1, 1, 1) == 4
g = lambda **k: k['a']; assert g(a=3) == 3
assert [*range(3), *(7, 8)] == [0, 1, 2, 7, 8]
assert list(map(lambda v: v + 1, [1, 2])) == [2, 3]
assert next(i for i in range(9) if i > 4) == 5
assert list(reversed([1, 2])) == [2, 1] and sorted([3, 1], reverse=True) == [3, 1]
assert [(i, c) for i, c in enumerate(['p', 'q'], 1)] == [(1, 'p'), (2, 'q')]
assert f"{1 + 1}{'x'!r}{3:>4}" == "2'x'   3"
assert "a" "b" == 'ab' and r'\n' == '\\n' and len('\n') == 1
assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 2 ** 10 == 1024 and 5 % 3 == 2
assert 1 < 2 < 3 and not 3 < 2 < 9 and (1 or 0 / 0) == 1
assert 0x1f == 31 and 1_000 == 1000 and 0b11 == 3 and 1e3 == 1000
v = 5 if N_value > 100 else 6; assert v == 6
n = 0; n += 3; n *= 2; n -= 1; n //= 2; assert n == 2
if (m := 4) > 3: assert m == 4
for i in range(10):\n  if i == 3: break\nelse:\n  i = 99\nassert i == 3
for i in range(3): pass\nelse:\n  i = 99\nassert i == 99
i = 0\nwhile True:\n  i += 1\n  if i % 2: continue\n  if i > 6: break\nassert i == 8
def fact(n):\n  return 1 if n <= 1 else n * fact(n - 1)\nassert fact(20) == 2432902008176640000
def outer(a):\n  def inner(b):\n    return a + b\n  return inner\nassert outer(1)(2) == 3
def nothing():\n  pass\nassert nothing() is None
def kw(a, *, b=1, **c):\n  "A docstring."\n  return a + b + len(c)\nassert kw(1, b=5, z=0) == 7
def typed(a: int, b: 'x' = 2) -> int:\n  return a * b\nassert typed(4) == 8
assert (lambda *a: sum(a))(1, 2, 3) == 6
assert N * K == K * N and N + N == 2 * N and N != K and (N + 1) - 1 == N
assert N_value * K_value == 63 and D_value == 16 and M_value == 5
assert int(7.9) == 7 and int('12') == 12 and tuple([1]) == (1,) and dict(a=1) == {'a': 1}
q = [[0] * 2 for _ in range(2)]; q[1][0] = 5; assert q == [[0, 0], [5, 0]]
q = list(range(10)); q[2:4] = []; del q[0]; assert q == [1, 4, 5, 6, 7, 8, 9] and q[::3] == [1, 6, 9]
d = {}; d['k'] = []; d['k'].append(1); d.update(z=2); assert d == {'k': [1], 'z': 2} and d.pop('z') == 2
a = b = []; a.append(1); assert b == [1] and a is b
print('text', 1, sep=' '); print()
assert None is None and True and not None and [] != [0] and not []
_ = ...
assert (1, 2) < (1, 3) and [1] < [2] and 'a' < 'b'
pass; pass
x: int = 3; y: 'list'; assert x == 3
'''

PYTHON_BAD = r'''
a = [1, 2][5]
a = (1, 2)[-3]
a = {'a': 1}['b']
a = 1 / 0
a = 1 // 0
a = 1 % 0
a, b = 1, 2, 3
a, b, c = [1, 2]
a, *b = []
a, b = 5
a = 'x' + 1
a = [1] + (2,)
a = undefined_name
a = later; later = 1
del nothing_here
a = 1; del a; b = a
a = int('x')
a = None + 1
a = None[0]
a = 5[0]
a = 5()
a = (lambda: 1)(2)
a = (lambda b: b)()
a = (lambda b: b)(c=1)
a = len(5)
a = sum(['a'])
a = sorted([1, 'a'])
a = 1 < 'a'
a = next(x for x in [])
a = [].pop()
a = range('3')
a = zip(1, 2); b = list(a)
for a in 5: pass
for a, b in [1, 2]: pass
assert False
assert 1 == 2, 'never'
assert N == K
assert E0.rank == 17
def f(a):\n  return a\nf()
def f(a):\n  return a\nf(1, 2)
def f():\n  return later_name\nf()\nlater_name = 1
def f():\n  q = q + 1\n  return q\nq = 1\nf()
if undefined_condition: pass
while undefined_condition: pass
x = E7
x = W
x = S0
x = N_size
x = step.Nope
x = [].nope
x = 'abc'.nope
x = {[]: 1}
x = {1, [2]}
x = E0.nope
x = dict([1])
x = [1, 2]['a']
x = 'abc'[7]
q = (1, 2); q[0] = 3
q = 'ab'; q[0] = 'c'
f'{undefined_name}'
[i for i in undefined_name]
list(i for i in 5)
'''

SYNTAX = r'''
a = (1, 2
a = [1, 2
a = {1: 2
a = 1)
a = 'text
a = """text
a = f'{1'
a ==
a = = 1
1 = a
a + b = 1
f() = 1
'a' = 1
None = 1
for = 3
lambda = 3
a = 1 2
a = b c
if True\n  pass
if True:\npass
if True:\n    pass\n  pass
  a = 1\nb = 2
def f:\n  pass
def f()\n  pass
def f(a, a): pass
def f(a=1, b): pass
while: pass
for i range(3): pass
for i in: pass
a++
a = b ? 1 : 2
a := 1
a = 1 if 2
a = [for i in b]
a = (yield
x = await y
break
continue
step.Map(fn=1, 2)
f(**a, *b)
f(a=1, a=2)
a, *b, *c = [1]
*a = [1]
print 'a'
else: pass
return return
import
from step import
from import step
del
del f()
assert
a = $b
a = b!
a = 0777
a = 1__0
a = 0x
a = 1.2.3
a = “text”
a → b
```python
impl: |
Here is the program:
let a = 1;
a = 1 // comment\nvar b
/* comment */
a = {1, 2: 3}
a = \ 1
try:\n  a = 1
with a as b\n  pass
class
@
a = lambda: (yield
\ta = 1\n        b = 2
'''

# outside the language, and harmless: a clear verdict, never a pass
REJECTED = r'''
try:\n  a = 1\nexcept Exception:\n  pass
try:\n  a = 1\nfinally:\n  pass
try:\n  a = undefined\nexcept NameError as e:\n  a = 2
with E0 as e:\n  pass
match 1:\n  case 1:\n    pass
class Helper:\n  pass
class Helper(object):\n  def go(self):\n    return 1
def gen():\n  yield 1\na = list(gen())
def gen():\n  yield from [1]
def f():\n  global q\n  q = 1\nf()
import os
import sys
import numpy as np
import random, time
import os.path
import torch.nn as nn
import torch.nn.functional as F
from torch import nn
from math import sqrt
from typing import List
from collections import defaultdict
from itertools import product
from functools import reduce
from __future__ import annotations
from . import step
from step.ops import Map
from step import Stream
import step.ops
raise ValueError('no')
async def f():\n  pass
a = type(E0)
a = type(3)
a = eval('1')
exec('a = 1')
a = compile('1', 'f', 'eval')
a = getattr(E0, 'rank')
a = globals()
a = locals()
a = vars()
a = open('/dev/null')
a = __name__
a = __file__
a = E0.__class__
a = [].__len__()
a = E0.data
a = E0.ctx
a = torch
a = torch.zeros(1)
a = input_data
a = input_data['E0']
a = step.Stream
a = step.Stream('a', E0.dtype, 0, [M])
'''


def python_programs(solutions):
    lists = (("python", PYTHON_GOOD, True), ("python", PYTHON_BAD, False), ("syntax", SYNTAX, False), ("rejected", REJECTED, False))
    tasks = sorted(solutions)
    for kind, text, expected in lists:
        for number, line in enumerate(text.strip("\n").splitlines()):
            snippet = line.replace("\\n", "\n").replace("\\t", "\t") if "r'\\n'" not in line else line
            task = tasks[(number * 5 + len(kind)) % len(tasks)]
            yield task, kind, f"{snippet}\n{solutions[task]}", expected
            if kind == "rejected":  # also where it does not run first
                dead = "if N_value < 0:\n" + "".join(f"  {l}\n" for l in snippet.splitlines()) + solutions[task]
                yield task, kind, dead, False
