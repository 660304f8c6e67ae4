#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes python_snippets.txt: generated texts of the Python subset with what CPython 3.11 makes of them.

The texts come from tables of values, functions, methods, operators and formats, combined at random from a fixed
seed. A case is its text and a line that says what must come out:

    => <repr>     this value of the last expression
    => !type      an error while it runs (TypeError, ValueError, KeyError, ..)
    => !name      a name without a value
    => !syntax    the text is not Python
    => ?<reason>  outside the language: the interpreter must refuse it as `limit` or `rejected`

Other numbers, seeds and files: generate_python_snippets.py [number [seed [file]]]; the test reads another file when
STRATA_PYTHON_SNIPPETS names it.
"""
import ast
import pathlib
import random
import sys
import warnings

warnings.simplefilter("ignore")
WANTED = int(sys.argv[1]) if len(sys.argv) > 1 else 5600
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 20260801)

# ---- what arguments look like, by kind

VALUES = {
    "int": ["0", "1", "-1", "2", "3", "5", "-7", "10", "64", "True", "False", "255", "12345", "-1000000",
            "2**62", "9223372036854775807", "-2**62", "2**53 + 1", "10**18"],
    "small": ["0", "1", "2", "3", "-1", "-2", "4", "7", "True", "100"],
    "float": ["0.0", "-0.0", "1.5", "-2.5", "0.1", "3.0", "2.5", "1e300", "1e-7", "123456.789", "-1e16", "2.0**53",
              "float('inf')", "float('-inf')", "float('nan')", "0.5"],
    "str": ["''", "'a'", "'abc'", "'a,b,,c'", "' x  y '", "'Hello World'", "'banana'", "'12'", "'aXbXc'", "'\\t\\n'",
            "'AbC'", "'ab'", "','", "' '", "'an'", "'x=1;y=2'", "'a\\nb\\r\\nc'", "'aaa'", "'-42'"],
    "wide": ["'é'", "'日本語'", "'naïve'", "'a😀b'", "'ß é'", "'\\u00a0x\\u2003'", "'\\u200b'", "'→x→'"],
    "list": ["[]", "[1, 2, 3]", "['b', 'a']", "[3, 1, 2]", "[[1], [2]]", "[1, 'a']", "[0]", "[1, 1, 2]", "[None, 0]",
             "['x', 'yy', '']", "[(1, 'a'), (2, 'b')]", "[1.5, 2]", "[True, 0, 2]"],
    "tuple": ["()", "(1,)", "(1, 2)", "('a', 'b')", "(3, 1, 2)", "((1, 2), 3)", "(0, None)", "('k', 1)"],
    "dict": ["{}", "{'a': 1}", "{'a': 1, 'b': 2}", "{1: 'x', 2: 'y'}", "{(1, 2): [3]}", "{'k': None}",
             "{True: 1, 0: 2}", "{'x': {'y': 1}}"],
    "set": ["set()", "{1}", "{1, 2}", "{1, 2, 3}", "{'a'}", "{2, 3}", "{(1, 2)}"],
    "frozenset": ["frozenset()", "frozenset([1])", "frozenset((1, 2))", "frozenset('a')"],
    "range": ["range(0)", "range(3)", "range(1, 7, 2)", "range(5, 0, -2)", "range(-3, 3)", "range(10)"],
    "none": ["None"],
    "function": ["len", "str", "(lambda x: x)", "(lambda x: -x)", "(lambda x, y: (y, x))", "(lambda: 1)", "abs", "repr",
                 "(lambda *a: a)", "bool", "int", "str.upper"],
    "iterator": ["iter([1, 2, 3])", "(i * i for i in range(3))", "zip('ab', [1, 2])", "enumerate('xy')",
                 "map(str, range(2))", "reversed([1, 2])", "iter('ab')", "filter(None, [0, 1, 2])",
                 "iter({'a': 1})", "iter(())"],
    "view": ["{'a': 1, 'b': 2}.keys()", "{'a': 1, 'b': 2}.values()", "{'a': 1}.items()", "{}.keys()",
             "{1: 2, 3: 4}.items()", "{1: 2}.keys()"],
    "slice": ["slice(1, 2)", "slice(None)", "slice(-2, None)", "slice(None, None, -1)"],
    "digits": ["'12'", "' 7 '", "'-0x1f'", "'0b101'", "'0o17'", "'1_000'", "'1__0'", "'z'", "'ff'", "'+5'", "''", "'_1'",
               "'0x'", "'1e3'", "'.5'", "'5.'", "'inf'", "'-Infinity'", "'nan'", "'1_0.5'", "'9223372036854775807'",
               "'-9223372036854775808'", "'1.5e-3'", "'1e400'", "'0_1'", "'00'", "'010'", "'\\n3\\t'", "'- 1'", "'1 2'",
               "'Zz'", "'12é'[:2]"],
    "format": ["''", "'d'", "'5'", "'<5'", "'^7'", "'05d'", "'.2f'", "'+.1e'", "',' ", "'x'", "'#b'", "'s'", "'%'", "'_'",
               "'08.3f'", "'g'"],
    "pairs": ["[('a', 1), ('b', 2)]", "(('x', 0),)", "['ab', 'cd']", "[(1, 2, 3)]", "[1]", "{'q': 9}", "[]",
              "zip('ab', range(2))", "[[1, 2], [3, 4]]"],
    "strings": ["['a', 'b']", "('x',)", "'abc'", "[]", "['a', 1]", "{'k': 1}", "(c for c in 'xyz')", "[None]", "['é', 'b']",
                "map(str, range(3))"],
    "hashable": ["1", "'a'", "(1, 2)", "None", "2.0", "True", "frozenset([1])", "'b'", "'zz'", "3"],
}
ITERABLE = ["list", "tuple", "str", "dict", "set", "range", "iterator", "view", "frozenset", "wide"]
ANY = [k for k in VALUES if k not in ("digits", "format", "pairs", "strings", "small", "hashable")]


def value(kind, wrong=0.12):
    """A text of that kind; now and then of any other."""
    if kind == "any":
        kind = rng.choice(ANY)
    elif kind == "iterable":
        kind = rng.choice(ITERABLE)
    elif kind == "number":
        kind = rng.choice(["int", "small", "small", "float", "float"])
    elif kind == "text":
        kind = rng.choice(["str", "str", "str", "wide"])
    if rng.random() < wrong:
        kind = rng.choice(ANY)
    return rng.choice(VALUES[kind])


def arguments(parameters, wrong=0.12):
    """Arguments for parameters given as "kind", "kind?" (may be left out), "name=kind" (keyword only) or
    "name:kind?" (by place or by keyword): most fit, some are too many, too few, unknown or given twice."""
    out, keywords = [], []
    for p in parameters:
        optional = p.endswith("?")
        p = p.rstrip("?")
        if "=" in p:
            name, kind = p.split("=")
            if rng.random() < 0.4:
                keywords.append(f"{name}={value(kind, wrong)}")
            continue
        if optional and rng.random() < 0.5:
            break
        if ":" in p:
            name, kind = p.split(":")
            if keywords or rng.random() < 0.3:
                keywords.append(f"{name}={value(kind, wrong)}")
                continue
            p = kind
        if keywords:
            break
        out.append(value(p, wrong))
    trouble = rng.random()
    if trouble < 0.03:
        out.append(value("any"))
    elif trouble < 0.06 and out:
        out.pop()
    elif trouble < 0.09:
        keywords.append(rng.choice(["key", "start", "x", "sep", "default", "strict", "self", "object", "iterable"]) + "="
                        + value("any"))
    elif trouble < 0.11:
        keywords.append("**" + rng.choice(["{'key': None}", "{'start': 1}", "{1: 2}", "{}", "[]", "{'reverse': True}"]))
    elif trouble < 0.13:
        out = ["*" + rng.choice(["[1, 2]", "'ab'", "()", "5", "[[3, 1]]"])] if not out else out + ["*()"]
    names = [k.split("=")[0] for k in keywords if not k.startswith("**")]
    if len(names) != len(set(names)):  # Python would not compile it
        keywords = keywords[:1]
    return ", ".join(out + keywords)


# ---- functions and methods: their parameters

BUILTINS = {
    "len": ["any"], "abs": ["number"], "sum": ["iterable", "start:any?"], "sorted": ["iterable", "key=function", "reverse=small"],
    "min": ["iterable", "key=function", "default=any"], "max": ["iterable", "key=function", "default=any"],
    "list": ["iterable?"], "tuple": ["iterable?"], "set": ["iterable?"], "frozenset": ["iterable?"],
    "dict": ["pairs?", "a=int", "b=any"], "range": ["small", "small?", "small?"],
    "divmod": ["number", "number"], "pow": ["number", "number", "mod:small?"], "round": ["number", "ndigits:small?"],
    "int": ["digits", "base:small?"], "float": ["digits?"], "bool": ["any?"], "str": ["object:any?"], "repr": ["any"],
    "isinstance": ["any", "function"], "callable": ["any"], "ord": ["text"], "chr": ["small"], "bin": ["int"], "hex": ["int"],
    "oct": ["int"], "format": ["any", "format?"], "ascii": ["text"], "any": ["iterable"], "all": ["iterable"],
    "slice": ["small", "small?", "small?"], "print": ["any", "sep=str", "end=str"],
    "next": ["iterator", "any?"],
}
ITERATORS = {
    "zip": ["iterable", "iterable?", "iterable?", "strict=small"], "enumerate": ["iterable", "start:small?"],
    "map": ["function", "iterable", "iterable?"], "filter": ["function", "iterable"], "reversed": ["iterable"],
    "iter": ["iterable"],
}
TEXT = {
    "upper": [], "lower": [], "title": [], "capitalize": [], "swapcase": [], "casefold": [], "isdigit": [], "isalpha": [],
    "isalnum": [], "isspace": [], "isupper": [], "islower": [], "istitle": [], "isidentifier": [], "isprintable": [],
    "isascii": [], "isdecimal": [], "isnumeric": [],
    "split": ["sep:text?", "maxsplit:small?"], "rsplit": ["sep:text?", "maxsplit:small?"], "splitlines": ["keepends:small?"],
    "partition": ["text"], "rpartition": ["text"], "join": ["strings"], "replace": ["text", "text", "small?"],
    "find": ["text", "small?", "small?"], "rfind": ["text", "small?", "small?"], "index": ["text", "small?", "small?"],
    "rindex": ["text", "small?"], "count": ["text", "small?", "small?"], "startswith": ["text", "small?", "small?"],
    "endswith": ["text", "small?"], "strip": ["text?"], "lstrip": ["text?"], "rstrip": ["text?"],
    "removeprefix": ["text"], "removesuffix": ["text"], "ljust": ["small", "text?"], "rjust": ["small", "text?"],
    "center": ["small", "text?"], "zfill": ["small"], "expandtabs": ["tabsize:small?"], "format": ["any", "any?"],
}
LIST = {
    "append": ["any"], "extend": ["iterable"], "insert": ["small", "any"], "pop": ["small?"], "remove": ["small"], "clear": [],
    "reverse": [], "sort": ["key=function", "reverse=small"], "copy": [], "index": ["small", "small?", "small?"], "count": ["any"],
}
TUPLE = {"index": ["small", "small?", "small?"], "count": ["any"]}
RANGE = {"index": ["small"], "count": ["number"]}
DICT = {
    "get": ["hashable", "any?"], "setdefault": ["hashable", "any?"], "pop": ["hashable", "any?"], "popitem": [], "keys": [],
    "values": [], "items": [], "clear": [], "copy": [], "update": ["pairs?", "a=int", "z=any"],
}
SET = {
    "add": ["hashable"], "discard": ["hashable"], "remove": ["hashable"], "clear": [], "copy": [], "union": ["iterable?", "iterable?"],
    "intersection": ["iterable?", "iterable?"], "difference": ["iterable?", "iterable?"], "symmetric_difference": ["iterable"],
    "update": ["iterable?", "iterable?"], "intersection_update": ["iterable?"], "difference_update": ["iterable?"],
    "symmetric_difference_update": ["iterable"], "issubset": ["iterable"], "issuperset": ["iterable"], "isdisjoint": ["iterable"],
    "pop": [],
}
VIEW = {"isdisjoint": ["iterable"]}
METHODS = [("str", TEXT, 5), ("wide", TEXT, 2), ("list", LIST, 4), ("tuple", TUPLE, 1), ("range", RANGE, 1), ("dict", DICT, 3),
           ("set", SET, 3), ("frozenset", SET, 2), ("view", VIEW, 1)]
# what needs properties of characters that the language does not know
NEEDS_ASCII = {"upper", "lower", "title", "capitalize", "swapcase", "casefold", "isdigit", "isalpha", "isalnum", "isspace",
               "isupper", "islower", "istitle", "isidentifier", "isprintable", "isdecimal", "isnumeric"}

BINARY = ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"]
COMPARE = ["<", "<=", ">", ">=", "==", "!="]


def one_line():
    pick = rng.random()
    if pick < 0.30:
        name = rng.choice(list(BUILTINS))
        return f"{name}({arguments(BUILTINS[name])})"
    if pick < 0.40:
        name = rng.choice(list(ITERATORS))
        return rng.choice(["list", "tuple", "sorted", "len", "dict", "next", "set"] + ["list"] * 8) + f"({name}({arguments(ITERATORS[name])}))"
    if pick < 0.64:
        return operation()
    if pick < 0.74:
        return f"{value('any')} {rng.choice(COMPARE)} {value('any')}" if rng.random() < 0.4 else comparison()
    if pick < 0.86:
        return subscript()
    return formatting()


def operation():
    op = rng.choice(BINARY)
    kinds = rng.choice([("number", "number")] * 5 + [("any", "any"), ("str", "small"), ("small", "list"), ("tuple", "tuple"), ("list", "list"),
                        ("set", "set"), ("set", "frozenset"), ("view", "set"), ("view", "view"), ("view", "list"), ("set", "view"),
                        ("dict", "dict"), ("str", "str"), ("tuple", "small")])
    if rng.random() < 0.1:
        return f"{rng.choice(['-', '+', '~', 'not '])}({value('any')})"
    if rng.random() < 0.06:
        large = ["2**62", "9223372036854775807", "(-9223372036854775807 - 1)", "2**53 + 1", "10**18", "3037000500", "-1", "3", "-2**62"]
        return f"({rng.choice(large)}) {rng.choice(BINARY)} ({rng.choice(large)})"
    if rng.random() < 0.15:
        a, b, c = (value("number", 0.03) for _ in range(3))
        return f"({a}) {op} ({b}) {rng.choice(BINARY)} ({c})"
    return f"({value(kinds[0], 0.05)}) {op} ({value(kinds[1], 0.05)})"


def comparison():
    kind = rng.choice(["number", "text", "list", "tuple", "set", "view", "dict", "range", "frozenset"])
    a, b = value(kind, 0.1), value(kind, 0.1)
    if rng.random() < 0.3:
        return f"({value('any')}) {rng.choice(['in', 'not in'])} ({value('iterable', 0.1)})"
    if rng.random() < 0.2:
        return f"({a}) {rng.choice(COMPARE)} ({b}) {rng.choice(COMPARE)} ({value(kind)})"
    if rng.random() < 0.15:
        return f"({a}) {rng.choice(['and', 'or'])} ({b}) if ({value('any')}) else ({value('any')})"
    return f"({a}) {rng.choice(COMPARE)} ({b})"


def slice_text():
    part = lambda: rng.choice(["", "", "1", "-1", "2", "0", "-2", "10", "-10", "None", "2**62", "-9223372036854775807"] + ["'a'"] * (rng.random() < 0.1))
    return f"{part()}:{part()}" + (f":{part()}" if rng.random() < 0.5 else "")


def subscript():
    target = value(rng.choice(["str", "wide", "list", "tuple", "range", "dict", "view", "set"]), 0.08)
    index = slice_text() if rng.random() < 0.6 else value(rng.choice(["small", "hashable"]), 0.1)
    return f"({target})[{index}]"


def spec():
    out = ""
    if rng.random() < 0.4:
        out += rng.choice(["", "*", "0", "é", " "]) + rng.choice("<>^=")
    if rng.random() < 0.3:
        out += rng.choice("+- ")
    if rng.random() < 0.05:
        out += "z"
    if rng.random() < 0.15:
        out += "#"
    if rng.random() < 0.3:
        out += "0"
    if rng.random() < 0.6:
        out += str(rng.choice([1, 4, 8, 12, 20]))
    if rng.random() < 0.2:
        out += rng.choice(",_")
    if rng.random() < 0.4:
        out += "." + rng.choice(["0", "1", "2", "3", "6", "10", ""] if rng.random() < 0.2 else ["0", "1", "2", "3", "6"])
    if rng.random() < 0.7:
        out += rng.choice("dfegs%xXobcnFEG" + "dfeg" * 3 + "q" * (rng.random() < 0.1))
    return out


def formatting():
    pick = rng.random()
    kind = rng.choice(["int", "small", "float", "float", "str", "wide", "any"])
    if pick < 0.45:
        item = value(kind, 0.05).replace("'", '"')
        conversion = rng.choice(["", "", "", "!r", "!s", "!a"])
        if "\\" in item or "{" in item or "lambda" in item:
            item = "1"
        s = spec() if rng.random() < 0.8 else "{" + rng.choice(["5", "'>4'", "2 + 3"]).replace("'", '"') + "}"
        return f"f'<{{{item}{conversion}:{s}}}>'" if s or rng.random() < 0.5 else f"f'{{{item}{conversion}}} {{1 + 1=}}'"
    if pick < 0.75:
        flags = "".join(rng.sample("-+ #0", rng.choice([0, 0, 1, 1, 2])))
        width = rng.choice(["", "", "5", "8", "*"])
        precision = rng.choice(["", "", ".0", ".2", ".5", ".", ".*"])
        code = rng.choice("dddisrfgexXoEGcau%" + "y" * (rng.random() < 0.1))
        stars = width.count("*") + precision.count("*")
        items = [rng.choice(["3", "7", "-6"]) for _ in range(stars)]
        if code != "%":
            items.append(value({"s": "any", "r": "any", "a": "any", "c": "small"}.get(code, "number"), 0.1))
        if rng.random() < 0.08:
            items.append("1")
        if rng.random() < 0.06 and items:
            items.pop()
        if rng.random() < 0.1:
            return f"'%(a){flags}{code} %(b)s' % {rng.choice(['{}', '{0}'])}".replace(
                "{}", "{'a': 1, 'b': 2}").replace("{0}", "{'a': 'x'}")
        right = f"({', '.join(items)},)" if len(items) != 1 or rng.random() < 0.5 else f"({items[0]})"
        return f"'<%{flags}{width}{precision}{code}>' % " + (right if items else "()")
    fields = rng.choice(["{}", "{0}", "{1} {0}", "{} {}", "{a}", "{0!r:>6}", "{:{}}", "{0[0]}", "{a[k]}", "{{}} {}", "{", "}", "{} {1}", "{!x}",
                         "{:" + spec().replace("é", "*") + "}", "{0:" + spec() + "}", "{2}", "{0[x]}", "{:>{w}}", "{!s:^5}|{!a}", "{0", "{0}}"])
    given = rng.choice(["1", "'x', 2", "[7, 8]", "a='k'", "3.5, 8", "a={'k': 1}", "5, w=4", "'é', 'b'", "", "*[1, 2]", "**{'a': 1}"])
    return f"'{fields}'.format({given})"


def method_call():
    kind, table, _ = rng.choices(METHODS, [w for _, _, w in METHODS])[0]
    name = rng.choice(list(table) + ["nothing"] * (rng.random() < 0.15))
    target = value(kind, 0.02)
    call = f"{name}({arguments(table.get(name, []))})"
    if kind in ("list", "dict", "set") and rng.random() < 0.85:
        return f"x = {target}\nr = x.{call}\n(r, x)"
    if rng.random() < 0.06 and kind in ("str", "list", "dict", "set"):
        arguments_ = call[len(name) + 1:-1]
        return f"{kind}.{name}({target}{', ' + arguments_ if arguments_ else ''})"
    return f"{target}.{call}" if not target[0].isdigit() else f"({target}).{call}"


# ---- statements

STATEMENTS = [
    lambda: f"a = {value('iterable')}\n{targets()} = a\n{shown()}",
    lambda: f"{targets()} = {value('iterable')}\n{shown()}",
    lambda: f"x = {value('any')}\ny = x\nx {rng.choice(BINARY)}= {value('any')}\n(x, y)",
    lambda: augmented(),
    lambda: f"x = {value(rng.choice(['list', 'dict', 'tuple', 'str']))}\nx[{rng.choice([slice_text(), value('hashable')])}] = {value('any')}\nx",
    lambda: f"x = [0, 1, 2, 3, 4, 5]\nx[{slice_text()}] = {value('iterable')}\nx",
    lambda: f"x = {value(rng.choice(['list', 'dict', 'tuple']))}\ndel x[{rng.choice([slice_text(), value('hashable')])}]\nx",
    lambda: f"x = [0, 1, 2, 3, 4, 5, 6]\ndel x[{slice_text()}]\nx",
    lambda: f"x = [1, [2, 3], {{'a': [4]}}]\n{rng.choice(['x[1][0]', 'x[2][' + repr('a') + '][0]', 'x[1][:]', 'x[-1]'])} {rng.choice(['=', '+=', '*='])} {value('any')}\nx",
    lambda: f"out = []\nfor {rng.choice(['x', 'x, y', 'i, (x, *y)', '[x, y]'])} in {rng.choice([value('iterable'), value('pairs'), 'enumerate([(1, 2), (3, 4, 5)])', 'zip([1, 2], [3, 4])'])}:\n    out.append(x)\nelse:\n    out.append('else')\nout",
    lambda: loop(),
    lambda: mutation(),
    lambda: function_call(),
    lambda: closure(),
    lambda: comprehension(),
    lambda: f"assert {value('any')}, {value('any')}\n'held'",
    lambda: f"it = {value('iterator')}\na = next(it, None)\nb = list(it)\n(a, b, list(it), next(it, 'end'))",
    lambda: f"it = iter({value('iterable')})\n[(a, b) for a, b in zip(it, it)]",
    lambda: f"x = {value('iterable')}\n[*x, *{value('iterable')}]",
    lambda: f"{{**{value('dict', 0.1)}, {rng.choice(['**' + value('dict', 0.1), repr('a') + ': 0'])}}}",
    lambda: f"a = {value('list')}\nb = a{rng.choice(['', '[:]', '.copy()', ' + []', ' * 1'])}\nb.append(9)\n(a, b, a is b, a == b)",
    lambda: f"def f():\n    {rng.choice(['return', 'pass', 'x = 1', 'return 1, 2', 'return None if 0 else []'])}\nf()",
    lambda: f"x = {value('any')}\nif x:\n    r = 'yes'\nelif {value('any')}:\n    r = 'elif'\nelse:\n    r = 'no'\n(r, bool(x), not x)",
    lambda: f"x = 5\n{rng.choice(['del x', 'pass', 'x: int = 6', 'x, y = 1, x', 'x = y = 3', 'del x, x', 'y = (x := 2) + x'])}\n{rng.choice(['x', '(x, y)'])}",
    lambda: f"sorted({value('iterable')}, key={value('function')}, reverse={value('small')})",
    lambda: f"d = {value('dict')}\nv = d.{rng.choice(['keys', 'values', 'items'])}()\nd['new'] = 1\n(len(v), list(v), {rng.choice(['v', 'list(reversed(v))', repr('new') + ' in v', 'v == v', '1 in v', 'v[0]', 'v | {1}', 'sorted(v & {' + repr('new') + '})', 'list(map(str, v))'])})",
    lambda: f"a, b = {value('any')}, {value('any')}\n(a == b, [a] == [b], a in (b,), {{'k': a}} == {{'k': b}})",
    lambda: f"r = range({value('small')}, {value('small')}, {rng.choice(['1', '2', '-1', '-3', '0'])})\n(len(r), list(r), r[{slice_text()}], {value('number')} in r, bool(r), r == range(3), r.{rng.choice(['start', 'stop', 'step', 'size'])})",
]


def augmented():
    kind = rng.choice(["list", "set", "dict", "str", "tuple", "number", "frozenset"])
    other = {"list": "iterable", "set": "set", "dict": "pairs", "str": "str", "tuple": "tuple", "number": "number", "frozenset": "set"}[kind]
    ops = {"list": ["+", "*"], "set": ["|", "&", "-", "^"], "dict": ["|"], "str": ["+", "*", "%"], "tuple": ["+", "*"],
           "number": BINARY, "frozenset": ["|", "&"]}[kind]
    return f"x = {value(kind)}\ny = x\nx {rng.choice(ops)}= {value(other, 0.2)}\n(x, y)"


def targets():
    return rng.choice(["a, b", "a, b, c", "a, *b", "*a, b", "a, *b, c", "[a, b]", "(a, b), c", "a, (b, *c)", "a,", "*a,", "a, [b, c]", "*a, (b, c)"])


def shown():
    return "(a, b)" if rng.random() < 0.5 else "[a]"


def loop():
    exits = rng.choice(["break", "continue", "pass"])
    limit = rng.choice(["2", "5", "9"])
    if rng.random() < 0.5:
        return (f"n, out = 0, []\nwhile n < {limit}:\n    n += 1\n    if n {rng.choice(['==', '%', '>'])} 3:\n        {exits}\n    out.append(n)\n"
                f"else:\n    out.append('else')\nout")
    return (f"out = []\nfor i in range({limit}):\n    for j in range(i):\n        if (i + j) {rng.choice(['% 2', '== 4', '> 5'])}:\n            {exits}\n"
            f"        out.append((i, j))\n    else:\n        out.append(i)\nout")


def mutation():
    what = rng.choice([
        ("{'a': 1, 'b': 2}", ["d['c'] = 1", "del d['a']", "d['a'] = 5", "d.pop('b', 0)", "d.clear()", "d.update(z=1)", "d.setdefault('a', 1)"]),
        ("{1, 2}", ["d.add(3)", "d.discard(1)", "d.add(1)", "d.clear()", "d |= {7}"]),
        ("[1, 2]", ["d.append(3) if len(d) < 6 else None", "d.pop()", "d.clear()", "d.insert(0, 0) if len(d) < 5 else None", "d.remove(k)"]),
    ])
    over = "d" if what[0][0] != "{" or ":" not in what[0] else rng.choice(["d", "d.keys()", "d.values()", "d.items()", "list(d)", "dict(d)"])
    return f"d = {what[0]}\nn = 0\nfor k in {over}:\n    n += 1\n    {rng.choice(what[1])}\n(n, len(d))"


def function_call():
    parameters = rng.choice(["a, b", "a, b=2", "*a", "a, *b", "a, /, b", "a, *, b", "*, a, b=1", "**k", "a, **k", "a, b=[], *c, d=4, **e", "a, /, *, b=3",
                             "a=1, /, b=2", "", "a, /, **k"])
    names = [p.split("=")[0].strip(" *") for p in parameters.split(",")]
    result = "(" + "".join(n + ", " for n in names if n and n != "/") + ")"
    parts = [rng.choice(["1", "2", "'x'", "*[3, 4]", "*()", "*'ab'", "[]"]) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    keywords = rng.sample(["a=7", "b=8", "z=9", "d=0"], rng.choice([0, 0, 1, 2]))
    keywords += [rng.choice(["**{}", "**{'a': 1}", "**{'b': 5}", "**{'q': 1, 'r': 2}", "**{1: 2}", "**None"])] * (rng.random() < 0.3)
    call = f"f({', '.join(parts + keywords)})"
    if rng.random() < 0.3 and parameters:
        return f"f = lambda {parameters}: {result}\n{call}"
    return f"def f({parameters}):\n    return {result}\n{call}"


def closure():
    return rng.choice([
        f"fs = [lambda{rng.choice(['', ' i=i', ' *, i=i', ' j=0'])}: i for i in range({rng.choice('234')})]\n[f() for f in fs]",
        f"def f(x, seen={rng.choice(['[]', 'None', '()', '{}'])}):\n    {rng.choice(['seen.append(x)', 'seen = [x]', 'seen[x] = 1', 'pass'])}\n    return seen\n(f(1), f(2))",
        f"x = 1\ndef f():\n    {rng.choice(['x = 2', 'y = x', 'print(x)', 'x += 1', 'del x'])}\n    return {rng.choice(['x', 'x + 1', '(x, 3)'])}\n(f(), x)",
        f"def f():\n    n = {rng.choice(['0', '5'])}\n    def g():\n        {rng.choice(['nonlocal n', 'pass'])}\n        n {rng.choice(['+=', '='])} 1\n        return n\n    return {rng.choice(['(g(), g(), n)', 'g() + n', '[g() for _ in range(3)]'])}\nf()",
        f"def f(n):\n    return n if n < 2 else f(n - 1) {rng.choice(['+', '*'])} f(n - 2)\nf({rng.choice('05789')})",
        f"def outer(a):\n    def inner(b):\n        return {rng.choice(['a + b', 'a * b', '(a, b, c)', '[a, b]'])}\n    {rng.choice(['a = 10', 'c = 3', 'pass'])}\n    return inner\nouter(1)(2)",
        f"add = lambda a: lambda b: {rng.choice(['a + b', '(a, b)', 'a if b else -a'])}\nadd({value('small')})({value('small')})",
        f"g = (x for x in {value('iterable')})\n(next(g, 'none'), {rng.choice(['list(g)', 'sum(1 for _ in g)', '1 in g, list(g)', 'any(g)'])})",
    ])


def comprehension():
    source = value("iterable", 0.05)
    clauses = rng.choice([f"for x in {source}", f"for x in {source} if x", f"for x in [1, 2, 3] for y in range(x)", f"for x, y in {value('pairs')}",
                          f"for x in [[1, 2], [3]] for x in x", f"for i, x in enumerate({source})", "for x in range(6) if x % 2 if x > 1",
                          f"for x in {source} if (y := x)", "for (x, *y) in [(1, 2, 3), 'ab']"])
    item = rng.choice(["x", "(x, 1)", "str(x)", "x * 2", "[x]", "x == 1", "len(x)", "f'{x}'", "-x"])
    form = rng.choice(["[{i} {c}]", "[{i} {c}]", "{{x: {i} {c}}}", "sorted({{x {c}}}, key=repr)", "list({i} {c})", "sum({i} {c})", "tuple({i} {c})", "dict((x, {i}) {c})",
                       "max(({i} {c}), default=0)"])
    text = form.format(i=item, c=clauses)
    return f"x = 'outer'\n({text}, x)" if rng.random() < 0.4 else text


BROKEN = ["f(a=1, a=2)", "x = = 1", "(1, 2", "for x in", "def f(a, a): pass", "lambda a=1, b: 0", "f(**{}, *[])", "f(a=1, 2)", "1 = x", "x +", "break", "return = 1",
          "[x for x]", "f(x for x in y, 1)", "def f(*): pass", "*a, *b = 1, 2", "del f()", "nonlocal x", "'abc", "f'{'", "f'{}'", "a b", "x = 08", "1__0", "not", "if x: else: y"]


# ---- what CPython makes of a text

class Outside(Exception):
    pass


def check(v):
    if isinstance(v, int) and not -2**63 <= v < 2**63:
        raise Outside("an integer beyond 64 bits")
    if isinstance(v, range):
        check(v.start), check(v.stop), check(v.step)
    if isinstance(v, complex):
        raise Outside("a complex number")
    return v


def power(a, b):
    if isinstance(a, int) and isinstance(b, int) and abs(a) > 1 and b > 64:
        raise Outside("an integer beyond 64 bits")
    return check(a ** b)


def shift(a, b):
    if isinstance(a, int) and isinstance(b, int) and a != 0 and b > 64:
        raise Outside("an integer beyond 64 bits")
    return check(a << b)


class Checks(ast.NodeTransformer):
    def checked(self, node):
        self.generic_visit(node)
        return ast.copy_location(ast.Call(ast.Name("_check", ast.Load()), [node], []), node)

    visit_UnaryOp = visit_Call = checked

    def visit_BinOp(self, node):
        grow = {ast.Pow: "_power", ast.LShift: "_shift"}.get(type(node.op))
        if grow is None:
            return self.checked(node)
        self.generic_visit(node)
        return ast.copy_location(ast.Call(ast.Name(grow, ast.Load()), [node.left, node.right], []), node)

    def visit_Subscript(self, node):
        return self.checked(node) if isinstance(node.ctx, ast.Load) else self.generic_visit(node)

    def visit_AugAssign(self, node):
        node.value = self.visit(node.value)
        if isinstance(node.op, (ast.Pow, ast.LShift)) and isinstance(node.target, ast.Name):  # on numbers only
            old = ast.Name(node.target.id, ast.Load())
            call = ast.Call(ast.Name("_power" if isinstance(node.op, ast.Pow) else "_shift", ast.Load()), [old, node.value], [])
            return ast.fix_missing_locations(ast.copy_location(ast.Assign([node.target], call), node))
        if not isinstance(node.target, ast.Name):
            return node
        test = ast.Expr(ast.Call(ast.Name("_check", ast.Load()), [ast.Name(node.target.id, ast.Load())], []))
        return [node, ast.fix_missing_locations(ast.copy_location(test, node))]


def check_all(v):
    if isinstance(v, (list, tuple)):
        for x in v:
            check_all(x)
    elif isinstance(v, dict):
        check_all(list(v.values()))
    else:
        check(v)


def unordered(v):
    """Whether a set of more than one element is in v: its order is Python's own affair."""
    if isinstance(v, (set, frozenset)):
        return len(v) > 1 or any(map(unordered, v))
    if isinstance(v, dict):
        return any(map(unordered, v.values()))
    if isinstance(v, (list, tuple)):
        return any(map(unordered, v))
    return False


def run(text):
    """The value of the last line, or an exception."""
    lines = text.split("\n")
    program = "def program():\n" + "".join("    " + l + "\n" for l in lines[:-1]) + "    return (" + lines[-1] + ")\n"
    compile(text, "snippet", "exec")
    tree = ast.fix_missing_locations(Checks().visit(ast.parse(program)))
    scope = {"_check": check, "_power": power, "_shift": shift, "print": lambda *a, sep=" ", end="\n", file=None, flush=False: print_checked(sep, end)}
    exec(compile(tree, "snippet", "exec"), scope)
    result = scope["program"]()
    check_all(result)
    return result


def print_checked(sep, end):
    for v in (sep, end):
        if v is not None and not isinstance(v, str):
            raise TypeError


def outcome(text, limited):
    """The line of the file, or None for a text that says nothing (addresses, hash order)."""
    try:
        result = run(text)
    except SyntaxError:
        return "!syntax"
    except NameError:
        return "!name"
    except Outside as e:
        return "?" + str(e)
    except (MemoryError, OverflowError, RecursionError) as e:
        if isinstance(e, OverflowError) and ("infinity" in str(e) or "range" in str(e)):
            return "!type"
        return "?a size or a number beyond the limits"
    except Exception:
        return "!type"
    if unordered(result):
        return None
    shown = repr(result)
    if " at 0x" in shown or "<buil" in shown or "<class" in shown or "<method" in shown or len(shown) > 300:
        return None
    if limited:
        return "?" + limited
    if "\n" in shown:
        return None
    return shown


def beyond_ascii(text):
    if all(ord(c) < 128 for c in text) and "\\u" not in text:
        return None
    if any(f".{name}(" in text for name in NEEDS_ASCII) or "str.upper" in text:
        return "letters beyond ASCII have no case or class"
    return None


def main():
    seen, cases = set(), []
    kinds = {}
    for text in BROKEN:
        cases.append((text, "!syntax"))
    while len(cases) < WANTED:
        pick = rng.random()
        text = one_line() if pick < 0.42 else method_call() if pick < 0.68 else rng.choice(STATEMENTS)()
        if text in seen or "1000000)" in text:
            continue
        seen.add(text)
        line = outcome(text, beyond_ascii(text))
        if line is None:
            continue
        cases.append((text, line))
    for _, line in cases:
        key = line[:5] if line.startswith("!") else line if line.startswith("?") else "value"
        kinds[key] = kinds.get(key, 0) + 1
    path = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else pathlib.Path(__file__).with_name("python_snippets.txt"))
    path.write_text("".join(f"{text}\n=> {line}\n\n" for text, line in cases))
    print(len(cases), "cases:", kinds, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
