# SPDX-License-Identifier: MIT
"""Partition and Merge in the styles of models, and the small tasks of this directory, which reach what the benchmark does
not.

Yields (task, kind, text, expected); expected is what the author means the verdict to be (None: the reference decides),
and make_corpus.py fails when the reference disagrees.
"""

def routing_programs(solutions):
    for task, text in sorted(solutions.items()):
        if "step.Partition" not in text or not task.startswith("moe/"):
            continue
        head, tail = text.split("parts = ")
        partition = tail.splitlines()[0]
        merge_fn = tail.split("Merge(fn=")[1].split(")")[0]
        count = tail.count("fn_expert")
        experts = [f"fn_expert{i}" for i in range(count)]
        fns = f"[{', '.join(experts)}]"
        merge = f"return step.Merge(fn={merge_fn}).apply((%s, index_1))\n"
        names = [f"p{i}" for i in range(count)]
        good = {
            "zip": f"parts = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done",
            "append": f"parts = {partition}\ndone = []\nfor f, p in zip({fns}, parts):\n  done.append(step.Map(fn=f).apply(p))\n" + merge % "done",
            "enumerate": f"parts = {partition}\nfns = {fns}\ndone = [None] * len(fns)\nfor i, p in enumerate(parts):\n  done[i] = step.Map(fn=fns[i]).apply(p)\n" + merge % "done",
            "index": f"fns = {fns}\nparts = {partition}\ndone = [step.Map(fn=fns[i]).apply(parts[i]) for i in range({count})]\n" + merge % "done",
            "unpack": f"{', '.join(names)} = {partition}\n" + "".join(f"q{i} = step.Map(fn={f}).apply(p{i})\n" for i, f in enumerate(experts)) + merge % f"[{', '.join(f'q{i}' for i in range(count))}]",
            "star": f"p0, *rest = {partition}\ndone = [step.Map(fn=fn_expert0).apply(p0)]\nfor i in range(len(rest)):\n  done += [step.Map(fn={fns}[i + 1]).apply(rest[i])]\n" + merge % "done",
            "map": f"done = list(map(lambda f, p: step.Map(fn=f).apply(p), {fns}, {partition}))\n" + merge % "done",
            "generator": f"done = list(step.Map(fn=f).apply(p) for f, p in zip({fns}, {partition}))\n" + merge % "done",
            "dict": f"parts = {{i: p for i, p in enumerate({partition})}}\ndone = {{}}\nfor i, p in parts.items():\n  done[i] = step.Map(fn={fns}[i]).apply(p)\n" + merge % "[done[i] for i in sorted(done.keys())]",
            "pop": f"parts, fns, done = {partition}, {fns}, []\nwhile parts:\n  done.insert(0, step.Map(fn=fns.pop()).apply(parts.pop()))\n" + merge % "done",
            "pop_front": f"parts, fns, done = {partition}, {fns}, []\nwhile len(parts) > 0:\n  done.append(step.Map(fn=fns.pop(0)).apply(parts.pop(0)))\n" + merge % "done",
            "reversed": f"parts = {partition}\ndone = []\nfor f, p in zip(reversed({fns}), reversed(parts)):\n  done.append(step.Map(fn=f).apply(p))\n" + merge % "done[::-1]",
            "slices": f"parts = {partition}\nfirst, rest = parts[:1], parts[1:]\ndone = [step.Map(fn=fn_expert0).apply(first[0])] + [step.Map(fn=f).apply(p) for f, p in zip({fns}[1:], rest)]\n" + merge % "done",
            "recursion": f"def go(fns, parts):\n  if not parts:\n    return []\n  return [step.Map(fn=fns[0]).apply(parts[0])] + go(fns[1:], parts[1:])\ndone = go({fns}, {partition})\n" + merge % "done",
            "lambda": f"return (lambda parts: step.Merge(fn={merge_fn}).apply(([step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)], index_1)))({partition})\n",
            "operators": f"ops = [step.Map(fn=f) for f in {fns}]\nparts = {partition}\ndone = [op.apply(p) for op, p in zip(ops, parts)]\n" + merge % "done",
            "sorted": f"pairs_ = sorted(enumerate({partition}), key=lambda t: -t[0])\ndone = [step.Map(fn={fns}[i]).apply(p) for i, p in pairs_]\ndone.reverse()\n" + merge % "done",
            "next": f"parts = (p for p in {partition})\ndone = [step.Map(fn=f).apply(next(parts)) for f in {fns}]\n" + merge % "done",
            "int": f"parts = {partition}\n".replace("N=E", f"N={count}") + f"done = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done",
            "value": f"fns = {fns}\nparts = {partition}\n".replace("N=E", "N=len(fns)") + f"done = [step.Map(fn=f).apply(p) for f, p in zip(fns, parts)]\n" + merge % "done",
            "e_value": f"parts = {partition}\n".replace("N=E", "N=E_value") + f"done = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done",
            "identity": f"parts = step.Identity().applyList({partition})\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "step.Identity().applyList(done)",
            "promoted": f"parts = step.Flatten(L=[1]).applyList(step.Promote(b=1).applyList({partition}))\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done",
        }
        for tail_text in good.values():
            yield task, "routing", head + tail_text, True
        bad = {
            "order": f"parts = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done[::-1]",
            "experts": f"parts = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}[::-1], parts)]\n" + merge % "done",
            "missing": f"parts = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done[:-1]",
            "more": f"parts = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\nextra = step.Copy().apply(done[0])\n" + merge % "[*extra, *done[1:]]",
            "nested": f"parts = {partition}\ndone = [[step.Map(fn=f).apply(p)] for f, p in zip({fns}, parts)]\n" + merge % "done",
            "whole": f"parts = {partition}\ndone = step.Map(fn=fn_expert0).apply(parts)\n" + merge % "done",
            "same": f"parts = {partition}\ndone = [step.Map(fn=fn_expert0).apply(p) for p in parts]\n" + merge % "done",
            "no_merge": f"parts = {partition}\nreturn step.Map(fn=fn_expert0).apply(parts[0])\n",
            "unrouted": f"done = [step.Map(fn=f).apply(p) for f, p in zip({fns}, step.Copy().apply(pairs))]\n" + merge % "done",
        }
        for name, tail_text in bad.items():
            yield task, "routing", head + tail_text, False
        # right values, streams used twice
        yield task, "affine", (head + tail.join(["parts = ", ""])).replace("index_1))", "index_0))"), True
        yield task, "affine", head + f"parts = {partition}\nparts_2 = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts_2)]\n" + merge % "done", True
        yield task, "affine", head + f"for _ in range(2):\n  parts = {partition}\ndone = [step.Map(fn=f).apply(p) for f, p in zip({fns}, parts)]\n" + merge % "done", True


# ---- small tasks of this directory, which reach what the benchmark does not

EXTRA = {
    "example/scaled_row_sum": [
        ("E1 = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn step.Map(fn=fn_half).apply(E1)", True),
        ("E1 = step.Map(fn=fn_half).apply(E0)\nreturn step.Accum(fn=fn_sum, b=1).apply(E1)", True),
        ("E1 = step.Scan(fn=fn_sum, b=1).apply(E0)\nreturn step.Map(fn=fn_half).apply(E1)", False),
        ("return step.Accum(fn=fn_sum, b=1).apply(E0)", False),
        ("E1 = step.Accum(fn=fn_sum, b=1).apply(step.Map(fn=fn_half).apply(step.Map(fn=fn_half).apply(E0)))\nE2, E3 = step.Copy().apply(E1)\nE4 = step.Bufferize(a=1).apply(step.Promote(b=1).apply(E2))\nreturn E3", False),
        ("a, b = step.Copy().apply(step.Map(fn=fn_half).apply(E0))\nc = step.Promote(b=1).apply(step.Map(fn=fn_half).apply(a))\nd = step.Promote(b=1).apply(step.Map(fn=fn_half).apply(b))\nreturn step.Accum(fn=fn_sum, b=1).apply(step.Flatten(L=[1]).apply(c))", False),
        ("half = step.Map(fn=fn_half)\na, b = step.Copy().apply(E0)\nunused = half.apply(half.apply(a))\nreturn half.apply(step.Accum(fn=fn_sum, b=1).apply(b))", True),
        ("x = step.Reshape(S=N, L=[0]).apply(E0)\nreturn step.Map(fn=fn_half).apply(step.Accum(fn=fn_sum, b=2).apply(x))", True),
        ("x = step.Flatten(L=[1]).apply(E0)\nx = step.Reshape(S=N, L=[0]).apply(x)\nreturn step.Map(fn=fn_half).apply(step.Accum(fn=fn_sum, b=1).apply(x))", True),
        ("x = step.Flatten(L=[1]).apply(E0)\nx = step.Reshape(S=M, L=[0]).apply(x)\nreturn step.Map(fn=fn_half).apply(step.Accum(fn=fn_sum, b=1).apply(x))", False),
        ("x = step.Flatten(L=[1]).apply(E0)\nx = step.Reshape(S=7, L=[0]).apply(x)\nreturn step.Map(fn=fn_half).apply(step.Accum(fn=fn_sum, b=1).apply(x))", False),
    ],
    "extra/ordered_fold": [
        ("return step.Accum(fn=fn_decay, b=2).apply(E0)", True),
        ("return step.Accum(fn=fn_decay, b=1).apply(step.Flatten(L=[1]).apply(E0))", True),
        ("return step.Accum(fn=fn_decay, b=1).apply(step.Accum(fn=fn_decay, b=1).apply(E0))", False),
        ("x = step.Scan(fn=fn_decay, b=2).apply(E0)\ny = step.Reshape(S=1, L=[1]).apply(x)\nreturn step.Accum(fn=fn_decay, b=3).apply(y)", False),
        ("x = step.Reshape(S=3, L=[0]).apply(E0)\nreturn step.Accum(fn=fn_decay, b=3).apply(x)", True),
        ("x = step.Promote(b=0).apply(E0)\nreturn step.Accum(fn=fn_decay, b=3).apply(x)", True),
        ("x = step.Promote(b=3).apply(E0)\nreturn step.Flatten(L=[1]).apply(step.Accum(fn=fn_decay, b=2).apply(x))", True),
        ("a, b = step.Copy().apply(E0)\nz = step.Map(fn=fn_minus).apply((a, b))\nreturn step.Accum(fn=fn_decay, b=2).apply(z)", False),
    ],
    "extra/ordered_scan": [
        ("return step.Map(fn=fn_first).apply(step.Scan(fn=fn_last, b=2).apply(E0))", True),
        ("return step.Map(fn=fn_first).apply(step.Scan(fn=fn_last, b=1).apply(E0))", False),
        ("x = step.Flatten(L=[1]).apply(E0)\nx = step.Map(fn=fn_first).apply(step.Scan(fn=fn_last, b=1).apply(x))\nreturn step.Reshape(S=K, L=[0]).apply(x)", True),
        ("x = step.Flatten(L=[1]).apply(E0)\nx = step.Map(fn=fn_first).apply(step.Scan(fn=fn_last, b=1).apply(x))\nreturn step.Reshape(S=M, L=[0]).apply(x)", False),
        ("return step.Scan(fn=fn_last, b=2).apply(E0)", False),
        ("x = step.Promote(b=1).apply(E0)\nx = step.Map(fn=fn_first).apply(step.Scan(fn=fn_last, b=3).apply(x))\nreturn step.Flatten(L=[1]).apply(x)", True),
    ],
    "extra/chunks": [
        ("x = step.Reshape(S=4, L=[0]).apply(E0)\nx = step.Bufferize(a=1).apply(x)\nx = step.Accum(fn=fn_sum, b=1).apply(x)\nreturn step.Streamify().apply(x)", True),
        ("x = step.Reshape(S=D_value // 4, L=[0]).apply(E0)\nx = step.Bufferize(a=1).apply(x)\nx = step.Accum(fn=fn_sum, b=1).apply(x)\nreturn step.Streamify().apply(x)", True),
        ("x = step.Reshape(S=8, L=[0]).apply(E0)\nx = step.Bufferize(a=1).apply(x)\nx = step.Accum(fn=fn_sum, b=1).apply(x)\nreturn step.Streamify().apply(x)", False),
        ("x = step.Reshape(S=4, L=[0]).apply(E0)\nx = step.Accum(fn=fn_add, b=1).apply(x)\nreturn x", False),
        ("x = step.Reshape(S=2, L=[0]).apply(E0)\nx = step.Reshape(S=2, L=[1]).apply(x)\nx = step.Flatten(L=[1]).apply(x)\nx = step.Bufferize(a=1).apply(x)\nx = step.Accum(fn=fn_sum, b=1).apply(x)\nreturn step.Streamify().apply(x)", True),
    ],
    "extra/products": [
        ("x = step.Flatten(L=[1]).apply(E1)\nreturn step.Map(fn=fn_plus).apply((E0, x))", True),
        ("x = step.Reshape(S=N, L=[0]).apply(E0)\ny = step.Map(fn=fn_plus).apply((x, E1))\nreturn step.Flatten(L=[1]).apply(y)", True),
        ("x = step.Reshape(S=K, L=[0]).apply(E0)\ny = step.Map(fn=fn_plus).apply((x, E1))\nreturn step.Flatten(L=[1]).apply(y)", False),
        ("x = step.Reshape(S=7, L=[0]).apply(E0)\ny = step.Map(fn=fn_plus).apply((x, E1))\nreturn step.Flatten(L=[1]).apply(y)", False),
        ("x = step.Reshape(S=K*N, L=[0]).apply(E0)\nx = step.Flatten(L=[1]).apply(x)\nreturn step.Map(fn=fn_plus).apply((x, step.Flatten(L=[1]).apply(E1)))", True),
        ("x = step.Reshape(S=N, L=[1, 0]).apply(step.Flatten(L=[1]).apply(E1))\nreturn E0", False),
        ("x = step.Flatten(L=[1]).apply(E1)\nreturn step.Map(fn=fn_plus).apply((x, E0))", True),
        ("x = step.Flatten(L=[2]).apply(E1)\nreturn step.Map(fn=fn_plus).apply((x, E0))", False),
    ],
    "extra/route_blocks": [
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = [step.Map(fn=f).apply(s) for f, s in zip([fn_double, fn_negate, fn_square], p)]\nreturn step.Merge(fn=fn_mix).apply((q, j))", True),
        ("i, j = step.Copy().apply(E1)\na, b, c = step.Partition(N=3).apply((E0, i))\na = step.Map(fn=fn_double).apply(a)\nb = step.Map(fn=fn_negate).apply(b)\nc = step.Map(fn=fn_square).apply(c)\nreturn step.Merge(fn=fn_mix).apply(([a, b, c], j))", True),
        ("i, j = step.Copy().apply(E1)\na, b, c = step.Partition(N=3).apply((E0, i))\na = step.Map(fn=fn_double).apply(a)\nb = step.Map(fn=fn_negate).apply(b)\nc = step.Map(fn=fn_square).apply(c)\nreturn step.Merge(fn=fn_mix).apply(([c, b, a], j))", False),
        ("i, j = step.Copy().apply(E1)\nx = step.Flatten(L=[1]).apply(E0)\np = step.Partition(N=E).apply((x, i))\nq = [step.Reshape(S=N, L=[0]).apply(step.Map(fn=f).apply(s)) for f, s in zip([fn_double, fn_negate, fn_square], p)]\nreturn step.Merge(fn=fn_mix).apply((q, j))", True),
        ("i, j = step.Copy().apply(E1)\nk = step.Repeat(n=K).apply(i)\nl, m = step.Copy().apply(k)\np = step.Partition(N=E).apply((E0, l))\nq = [step.Map(fn=f).apply(s) for f, s in zip([fn_double, fn_negate, fn_square], p)]\nreturn step.Merge(fn=fn_mix).apply((q, m))", True),
        ("i, j = step.Copy().apply(E1)\nk = step.Repeat(n=K).apply(i)\np = step.Partition(N=E).apply((E0, k))\nq = [step.Map(fn=f).apply(s) for f, s in zip([fn_double, fn_negate, fn_square], p)]\nreturn step.Merge(fn=fn_mix).apply((q, j))", False),
        ("i, j = step.Copy().apply(E1)\nk, l = step.Copy().apply(step.Repeat(n=N).apply(step.Repeat(n=K).apply(i)))\np = step.Partition(N=E).apply((E0, k))\nq = [step.Map(fn=f).apply(s) for f, s in zip([fn_double, fn_negate, fn_square], p)]\nreturn step.Merge(fn=fn_mix).apply((q, l))", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nreturn step.Merge(fn=fn_mix).apply((p, j))", False),
    ],
    "extra/route_grid": [
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = [step.Map(fn=f).apply(s) for f, s in zip([fn_spread, fn_top], p)]\nreturn step.Merge(fn=fn_sum).apply((q, j))", True),
        ("i, j = step.Copy().apply(step.Flatten(L=[1]).apply(E1))\np = step.Partition(N=E).apply((step.Flatten(L=[1]).apply(E0), i))\nq = [step.Map(fn=f).apply(s) for f, s in zip([fn_spread, fn_top], p)]\nx = step.Merge(fn=fn_sum).apply((q, j))\nreturn step.Reshape(S=N, L=[0]).apply(x)", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nreturn step.Merge(fn=fn_sum).apply((p, j))", False),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = step.Map(fn=fn_top).applyList(p)\nreturn step.Merge(fn=fn_sum).apply((q, j))", False),
    ],
    "extra/route_nowhere": [
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = step.Map(fn=fn_double).applyList(p)\nreturn step.Merge(fn=fn_sum).apply((q, j))", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nreturn step.Merge(fn=fn_sum).apply((p, j))", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = step.Scan(fn=fn_sum, b=1).applyList(p)\nreturn step.Merge(fn=fn_sum).apply((q, j))", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = step.Streamify().applyList(step.Repeat(n=1).applyList(step.Bufferize(a=1).applyList(p)))\nq = step.Flatten(L=[2]).applyList(q)\nreturn step.Merge(fn=fn_sum).apply((q, j))", None),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\nq = step.Flatten(L=[1]).applyList(step.Promote(b=0).applyList(p))\nreturn step.Merge(fn=fn_sum).apply((q, j))", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\na, b = step.Copy().apply(p[0])\nc = step.Zip().apply((a, b))\nd = step.Bufferize(a=1).apply(c)\nreturn step.Merge(fn=fn_sum).apply((p, j))", True),
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\na, b = step.Copy().apply(p[0])\nc = step.RepeatRef().apply((a, step.Repeat(n=2).apply(b)))\nd, e = step.Copy().apply(p[1])\nreturn step.Merge(fn=fn_sum).apply(([e, d], j))", None),
    ],
    "extra/class_totals": [
        ("p = step.Partition(N=E).apply((E0, step.Map(fn=fn_classify).apply(E0)))\nreturn [step.Accum(fn=fn_sum, b=1).apply(step.Promote(b=1).apply(s)) for s in p]", True),
        ("a, b = step.Copy().apply(E0)\np = step.Partition(N=E).apply((a, step.Map(fn=fn_classify).apply(b)))\np = step.Promote(b=1).applyList(p)\nx, y, z = step.Accum(fn=fn_sum, b=1).applyList(p)\nreturn x, y, z", True),
        ("a, b = step.Copy().apply(E0)\np = step.Partition(N=E).apply((a, step.Map(fn=fn_classify).apply(b)))\np = step.Promote(b=1).applyList(p)\nx, y, z = step.Accum(fn=fn_sum, b=1).applyList(p)\nreturn y, x, z", False),
        ("a, b = step.Copy().apply(E0)\np = step.Partition(N=E).apply((a, step.Map(fn=fn_classify).apply(b)))\np = step.Promote(b=1).applyList(p)\nreturn step.Accum(fn=fn_sum, b=1).applyList(p)[:2]", False),
        ("a, b = step.Copy().apply(E0)\np = step.Partition(N=E).apply((a, step.Map(fn=fn_classify).apply(b)))\np = step.Promote(b=0).applyList(p)\nreturn step.Accum(fn=fn_sum, b=1).applyList(p)", False),
    ],
    "extra/pairs": [
        ("x = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn step.Map(fn=fn_flip).apply((x, E1))", True),
        ("x = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn step.Zip().apply((E1, x))", True),
        ("x = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn step.Zip().apply((x, E1))", False),
        ("x = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn E1, x", False),
        ("x = step.Accum(fn=fn_sum, b=1).apply(E0)\nreturn step.Zip().apply(step.Copy().apply(x))", False),
        ("x = step.Accum(fn=fn_sum, b=1).apply(E0)\ny = step.Zip().apply((E1, x))\na, b = step.Copy().apply(y)\nreturn step.Flatten(L=[1]).apply(step.Promote(b=0).apply(b))", True),
    ],
    "extra/masks": [
        ("x = step.Repeat(n=N).apply(E0)\ny = step.Map(fn=fn_both).apply((x, E1))\ny = step.Bufferize(a=1).apply(y)\ny = step.Map(fn=fn_flip).apply(y)\nreturn step.Streamify().apply(y)", True),
        ("a, b = step.Copy().apply(E1)\nx = step.RepeatRef().apply((E0, a))\ny = step.Map(fn=fn_both).apply((x, b))\ny = step.Bufferize(a=1).apply(y)\ny = step.Map(fn=fn_flip).apply(y)\nreturn step.Streamify().apply(y)", True),
        ("x = step.Repeat(n=N).apply(E0)\ny = step.Map(fn=fn_both).apply((x, E1))\ny = step.Bufferize(a=1).apply(y)\nreturn step.Streamify().apply(y)", False),
        ("x = step.Repeat(n=N).apply(E0)\ny = step.Map(fn=fn_both).apply((x, E1))\ny = step.Bufferize(a=1).apply(y)\nreturn step.Map(fn=fn_flip).apply(y)", False),
        ("x = step.Repeat(n=N).apply(E0)\ny = step.Map(fn=fn_both).apply((x, E1))\ny = step.Bufferize(a=1).apply(y)\ny = step.Map(fn=fn_flip).apply(y)\ny = step.Repeat(n=1).apply(y)\ny = step.Streamify().apply(y)\nreturn step.Flatten(L=[2]).apply(y)", True),
        ("x = step.Repeat(n=N_value).apply(E0)\ny = step.Map(fn=fn_both).apply((x, E1))\nreturn y", False),
    ],
    "extra/matrix_moves": [
        ("x = step.Repeat(n=K).apply(E0)\nx = step.Streamify().apply(x)\ny = step.Map(fn=fn_mul).apply((x, E1))\nreturn step.Accum(fn=fn_add, b=2).apply(y)", True),
        ("x = step.Streamify().apply(step.Repeat(n=K).apply(E0))\ny = step.Map(fn=fn_mul).apply((x, E1))\ny = step.Accum(fn=fn_add, b=1).apply(y)\nreturn step.Accum(fn=fn_add, b=1).apply(y)", True),
        ("x = step.Streamify().apply(step.Repeat(n=K).apply(E0))\ny = step.Map(fn=fn_mul).apply((x, E1))\ny = step.Streamify().apply(step.Map(fn=fn_rows).apply(step.Bufferize(a=2).apply(y)))\nreturn step.Accum(fn=fn_add, b=1).apply(y)", True),
        ("x = step.Streamify().apply(E0)\nx = step.Bufferize(a=1).apply(x)\nx = step.Bufferize(a=1).apply(x)\nx = step.Streamify().apply(step.Repeat(n=K).apply(x))\ny = step.Map(fn=fn_mul).apply((x, E1))\nreturn step.Accum(fn=fn_add, b=2).apply(y)", True),
        ("x = step.Repeat(n=K).apply(step.Streamify().apply(E0))\nreturn x", False),
        ("x = step.Streamify().apply(step.Repeat(n=K).apply(E0))\ny = step.Map(fn=fn_mul).apply((x, E1))\nreturn step.Bufferize(a=2).apply(y)", False),
        ("x = step.Streamify().apply(step.Repeat(n=K).apply(E0))\ny = step.Map(fn=fn_mul).apply((x, E1))\nreturn step.Accum(fn=fn_add, b=3).apply(y)", False),
    ],
}


def extra_programs():
    for task, programs in EXTRA.items():
        for text, expected in programs:
            yield task, "extra", text + "\n", expected
