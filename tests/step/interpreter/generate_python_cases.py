#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes python_cases.txt: small texts of the Python subset with what CPython makes of their last expression.

A case is its text, a line `=> <repr>` or `=> !` when CPython raises, and an empty line.
"""
import pathlib

CASES = r'''
1 + 2 * 3 - 4 // 3
7 % 3, -7 % 3, 7 % -3, -7 // 2, 7 // -2
2 ** 10, 2 ** -1, (-2) ** 3
1 / 4, 3 / 1, 1e3, 0.1 + 0.2
True + True, True & False, not 0, not [1]
5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 10, 1023 >> 3
1 < 2 < 3, 1 < 2 > 3, 3 > 2 >= 2 != 1
1 == 1.0, "a" == "a", [1, 2] == [1, 2.0], (1,) == [1], {1: 2} == {1: 2}
None is None, 1 is not None
0 or "x", 1 and "y", "" or [] or 0, 1 and 0 and 2
"yes" if [] else "no"
[x * x for x in range(5) if x % 2]
[(a, b) for a in range(3) for b in range(a)]
{k: v for k, v in zip("abc", range(3))}
sorted({x % 3 for x in range(10)})
list(x + 1 for x in [1, 2, 3])
sum(x for x in range(101))
sum([[1], [2]], [])
max(3, 1, 2), min([4, 2, 8]), max([1, 5, 3], key=lambda v: -v)
list(reversed([1, 2, 3])), list(reversed(range(4)))
list(enumerate("ab")), list(enumerate("ab", start=1))
list(zip([1, 2, 3], "ab"))
list(map(lambda a, b: a * b, [1, 2, 3], [4, 5, 6]))
list(filter(None, [0, 1, 2])), any([0, 1]), all([]), all([1, 0])
len("abc"), len([1]), len({}), len(range(3, 10, 2))
list(range(10, 0, -3)), list(range(3)), range(5)[1], list(range(5)[::2])
[1, 2, 3][-1], [1, 2, 3][1:], [1, 2, 3][::-1], "hello"[1:4], (1, 2, 3, 4)[-3:-1]
[0, 1, 2, 3, 4][10:], [0, 1, 2, 3, 4][-10:2], [0, 1, 2][2:0:-1]
[1] + [2] * 3, (1,) * 2 + (3,), 2 * "ab"
3 in [1, 2, 3], "b" in "abc", 4 not in {1: 2}, "ell" in "hello"
str(1) + str(2.5) + str(None) + str([1, "a"]) + str((1,)) + str({})
f"{1 + 1}-{'x'!r}-{3.14159:.2f}-{5:03d}-{'ab':>4}|{'ab':<4}|{'ab':^4}"
f"{7=}", f"{{}}", f"{[1, 2]}"
"%s and %r" % (1, "x"), "{} {1}".format if False else "{0} {1} {name}".format(1, 2, name=3)
" a b  c ".split(), "a,b,,c".split(","), "-".join(["x", "y"]), "abc".upper().lower(), " x ".strip() + "|"
"banana".replace("an", "x"), "abc".startswith("ab"), "abc".endswith("bc")
isinstance(1, int), isinstance(True, int), isinstance([], (list, tuple)), isinstance("", str), isinstance(1.0, int)
int("12"), int(3.9), int(-3.9), float("2.5"), bool([]), bool("a"), abs(-3), abs(-2.5), round(2.567, 2), round(2.5), round(3.5)
divmod(7, 2), divmod(-7, 2), pow(2, 5)
(lambda a, b=2, *c, d=4, **e: (a, b, c, d, e))(1, 3, 5, 6, d=7, z=8)
(lambda *a: a)(*[1, 2], *(3,))
dict(a=1, **{"b": 2})
{**{"a": 1}, "b": 2, **{"a": 3}}
[*range(3), *"ab"], (*[1], 2), {*[1, 1]}
next(iter([])) if False else next(iter([]), "none")
tuple(sorted([3, 1, 2], reverse=True)), sorted(["b", "a", "C"], key=lambda s: s.lower())
1_000 + 0x10 + 0b11 + 0o7
'a' "b" 'c'
---
a = [1, 2, 3]
a[1] = 5
a.append(6)
a.extend((7, 8))
a.insert(0, 0)
b = a.pop()
del a[0]
(a, b, a.pop(0), a.index(6), a.count(5))
---
a, (b, *c), d = 1, (2, 3, 4), 5
[a, b, c, d]
---
*a, b = range(4)
first, *rest = "xyz"
(a, b, first, rest)
---
x = y = [1]
x += [2]
y *= 2
(x, y)
---
t = (1, 2)
u = t
t += (3,)
(t, u)
---
n = 0
while True:
    n += 1
    if n == 3:
        continue
    if n > 5:
        break
else:
    n = 100
n
---
out = []
for i in range(3):
    for j in range(3):
        if j == 2:
            break
        out.append((i, j))
    else:
        out.append("no")
else:
    out.append("done")
out
---
def f(n):
    return 1 if n < 2 else n * f(n - 1)
f(10)
---
def outer():
    count = 0
    def inner():
        nonlocal count
        count += 1
        return count
    inner()
    inner()
    return count
outer()
---
x = 1
def f():
    x = 2
    def g():
        return x
    return g()
(f(), x)
---
x = 1
def f():
    y = x
    x = 2
    return y
f()
---
fs = [lambda: i for i in range(3)]
[g() for g in fs]
---
fs = [lambda i=i: i for i in range(3)]
[g() for g in fs]
---
d = {}
d["a"] = 1
d.setdefault("b", []).append(2)
d.update({"c": 3}, e=5)
d2 = d.copy()
del d2["a"]
(list(d.items()), list(d.keys()), list(d.values()), d.get("z"), d.get("z", 9), d.pop("a"), "a" in d, d2)
---
if (n := 10) > 5:
    m = n
[m, n, [y := 1, y ** 2], y]
---
total = 0
for i, (a, b) in enumerate(zip([1, 2], [3, 4])):
    total += i * a * b
total
---
a = [1, 2, 3]
for x in a:
    if x < 3 and len(a) < 6:
        a.append(x + 3)
a
---
it = iter([1, 2, 3])
(next(it), list(it), list(it))
---
g = (x * 2 for x in range(3))
(next(g), list(g))
---
m = [[0] * 2 for _ in range(2)]
m[0][1] = 7
n = [[0] * 2] * 2
n[0][1] = 7
(m, n)
---
a = [3, 1, 2]
a.sort()
b = sorted(a, reverse=True)
a.reverse()
(a, b, a.copy())
---
a = [0, 1, 2, 3, 4, 5]
a[1:3] = ["x", "y", "z"]
a[::2] = [9, 9, 9, 9]
del a[1:3]
a
---
x: int = 3
y: "anything"
x
---
assert 1 == 1, "never"
pass
print("hello", 1, sep="")
"ok"
---
assert 1 == 2
1
---
1 / 0
---
[1][5]
---
{}["a"]
---
undefined_name
---
"a" + 1
---
a, b = 1, 2, 3
---
a, b, c = 1, 2
---
None + 1
---
(lambda a: a)(1, 2)
---
(lambda a: a)()
---
(lambda a: a)(b=1)
---
[].pop()
---
{[]: 1}
---
for x in 5: pass
---
next(iter([]))
---
"a" < 1
---
x = 5
del x
x
---
len(5)
---
int("x")
---
range(1.5)
---
s = {1, 2}
s.add(3)
s.discard(1)
(sorted(s), sorted(s | {9}), sorted(s & {3}), sorted(s - {3}), sorted(s ^ {2, 7}), s == {3, 2})
---
def f(a, /, b, *, c=3):
    return (a, b, c)
(f(1, 2), f(1, b=2, c=4))
---
def f(a, /):
    return a
f(a=1)
---
def g():
    for i in range(3):
        if i == 1:
            return i
g(), (lambda: None)()
---
a = 1 if True else 2 if False else 3
b = not a == 2
c = -2 ** 2
d = 2 ** 3 ** 2
(a, b, c, d)
---
a = [i for i in range(3)]
i = 7
b = [i for i in a]
i
---
matrix = {(0, 1): "a", (1, 0): "b"}
matrix[0, 1] + matrix[(1, 0)]
---
f = lambda x: (y := x + 1, y)
f(1)
---
a = b = 0
a, b = b + 1, a + 2
(a, b)
---
a = []
a.append(a)
a == a, len(a)
---
e = [1, 2, 3, 4][slice(1, 3)] if False else [1, 2, 3, 4][1:3]
e
---
k = "abc"
{c: ord_ for ord_, c in enumerate(k)}["b"]
'''


def split(text):
    for block in text.strip("\n").split("\n---\n"):
        if "\n" in block and all(l and not l[0].isspace() for l in block.split("\n")) and block.startswith("1 + 2"):
            yield from block.split("\n")
        else:
            yield block


def outcome(text):
    lines = text.split("\n")
    scope = {}
    try:
        body = "\n".join(lines[:-1])
        last = lines[-1]
        if last.startswith("for ") or ";" in last:
            body, last = (text.rsplit(";", 1) + ["None"])[:2] if ";" in last else (text, "None")
        program = "def program():\n" + "".join("    " + l + "\n" for l in body.split("\n") if l) + "    return (" + last.strip() + ")\n"
        exec(program, scope)
        import contextlib, io
        with contextlib.redirect_stdout(io.StringIO()):
            return repr(scope["program"]())
    except Exception:
        return "!"


if __name__ == "__main__":
    out = []
    for case in split(CASES):
        out.append(case + "\n=> " + outcome(case) + "\n")
    path = pathlib.Path(__file__).with_name("python_cases.txt")
    path.write_text("\n".join(out))
    print(len(out), "cases,", sum("=> !" in o for o in out), "of them errors")
