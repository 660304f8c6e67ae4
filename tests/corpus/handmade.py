# SPDX-License-Identifier: MIT
"""Programs written by hand: every precondition of every operator from both sides, Python at its edges, routing styles.

`PROGRAMS` yields (task, kind, text, expected); expected is what the author means the verdict to be (None: the reference
decides), and the generator fails when the reference disagrees.
"""

# ---- operators: an expression in front of a right program; it must be accepted (good) or spoil it (bad)

CONTEXTS = {
    # x, y, z: fp32 over [D, N]
    "norm/G_0_8_01": dict(
        setup="x, E0 = step.Copy().apply(E0_)\n", source="E0_", good="""
            step.Map(fn=fn_square).apply(x)
            step.Map(fn=fn_div).apply(step.Copy().apply(x))
            step.Map(fn=fn_div, b=1, unknown='ignored').apply((x, y))
            step.Scan(fn=fn_add, b=1).apply(x)
            step.Accum(fn=fn_add, b=x.rank).apply(x)
            step.Accum(b=1, fn=fn_add).apply(x)
            step.Accum(fn=fn_add, b=2).apply(step.Promote(b=2).apply(x))
            step.Accum(fn=fn_add, b=3-2).apply(x)
            step.Accum(fn=fn_add, b=len(x.shape)-1).apply(x)
            step.Accum(fn=fn_add, b=int('1')).apply(x)
            step.Zip().apply((x, y))
            step.Zip(fn=None).apply((x, y))
            step.Promote(b=0).apply(x)
            step.Promote(b=1).apply(x)
            step.Promote(b=2).apply(x)
            step.Promote(b=0).apply(step.Zip().apply((x, y)))
            step.Flatten(L=[1]).apply(x)
            step.Flatten(L=(1,)).apply(x)
            step.Flatten(L=range(1, 2)).apply(x)
            step.Flatten(L=[1, 2]).apply(step.Promote(b=0).apply(x))
            step.Flatten(L=list(range(1, 4))).apply(step.Promote(b=0).apply(step.Promote(b=3-1).apply(x)))
            step.Flatten(L=[2]).apply(step.Promote(b=0).apply(x))
            step.Flatten(L=[i for i in (1, 2)]).apply(step.Promote(b=2).apply(x))
            step.Reshape(S=4, L=[0]).apply(x)
            step.Reshape(S=16, L=[0]).apply(x)
            step.Reshape(S=1, L=[0, 1]).apply(x)
            step.Reshape(S=1, L=[1]).apply(x)
            step.Reshape(S=D, L=[0]).apply(x)
            step.Reshape(S=N, L=[1]).apply(x)
            step.Reshape(S=N, L=[0]).apply(step.Flatten(L=[1]).apply(x))
            step.Reshape(S=D_value // 2, L=[0]).apply(x)
            step.Bufferize(a=1).apply(x)
            step.Bufferize(a=2).apply(step.Promote(b=2).apply(x))
            step.Bufferize(a=1).apply(step.Zip().apply((x, y)))
            step.Streamify().apply(step.Bufferize(a=1).apply(x))
            step.Streamify().apply(step.Bufferize(a=1).apply(step.Bufferize(a=1).apply(step.Promote(b=2).apply(x))))
            step.Repeat(n=3).apply(x)
            step.Repeat(n=1).apply(x)
            step.Repeat(n=N).apply(x)
            step.Repeat(n=N*K).apply(step.Accum(fn=fn_add, b=1).apply(x))
            step.Repeat(n=K+1).apply(x)
            step.Repeat(n=2*K-1).apply(x)
            step.Repeat(n=x.shape[0]).apply(y)
            step.RepeatLast(n=K).apply(x)
            step.RepeatRef().apply((step.Accum(fn=fn_add, b=1).apply(x), y))
            step.RepeatRef().apply((x, step.Repeat(n=5).apply(y)))
            step.Copy().apply(step.Zip().apply((x, y)))
            step.Copy(n=5).apply(x)
            step.Map(fn=fn_square).applyList([x, y])
            step.Promote(b=0).applyList([x, y, z])
            step.Map(fn=fn_div).applyList([(x, y)])
            step.Copy().applyList([x])
            step.Identity().apply(x)
            step.Zip().apply((step.Flatten(L=[1]).apply(step.Repeat(n=K).apply(x)), step.Flatten(L=[1]).apply(step.Repeat(n=K).apply(y))))
            """, bad="""
            step.Map().apply(x)
            step.Map(fn_square).apply(x)
            step.Map(fn=fn_add).apply(x)
            step.Map(fn=fn_div).apply(x)
            step.Map(fn=fn_square).apply((x, y))
            step.Map(fn=fn_square).apply([x])
            step.Map(fn=fn_div).apply([x, y])
            step.Map(fn=fn_div).apply(x, y)
            step.Map(fn=fn_square).apply()
            step.Map(fn=fn_div).apply((x, step.Promote(b=0).apply(y)))
            step.Map(fn=fn_div).apply((x, step.Accum(fn=fn_add, b=1).apply(y)))
            step.Map(fn=fn_div).apply((x, 1))
            step.Map(fn=fn_div).apply((x, y, z))
            step.Map(fn=1).apply(x)
            step.Map(fn='fn_square').apply(x)
            step.Map(fn=None).apply(x)
            step.Map(fn=fn_cube).apply(x)
            step.Map(fn=lambda t: t).apply(x)
            step.Map(fn=[fn_square]).apply(x)
            step.Map(fn=step.Copy()).apply(x)
            step.Map(fn=fn_square).apply(D)
            step.Map(fn=fn_square).apply(3)
            step.Map(fn=fn_square).apply(None)
            step.Map(fn=fn_square).apply('E0')
            step.Map(fn=fn_square).apply(fn_square)
            step.Map(fn=fn_square).apply({'x': x})
            step.Map(fn=fn_square).apply(step.Bufferize(a=1).apply(x))
            step.Map(function=fn_square).apply(x)
            step.Map(fn=fn_square)(x)
            step.Map.apply(x)
            step.Map(fn=fn_square, fn=fn_square).apply(x)
            step.Accum(fn=fn_add).apply(x)
            step.Accum(b=1).apply(x)
            step.Accum(fn_add, 1).apply(x)
            step.Accum(fn_add, b=1).apply(x)
            step.Accum(fn=fn_square, b=1).apply(x)
            step.Accum(fn=fn_add, b=0).apply(x)
            step.Accum(fn=fn_add, b=2).apply(x)
            step.Accum(fn=fn_add, b=-1).apply(x)
            step.Accum(fn=fn_add, b='1').apply(x)
            step.Accum(fn=fn_add, b=1.5).apply(x)
            step.Accum(fn=fn_add, b=None).apply(x)
            step.Accum(fn=fn_add, b=[1]).apply(x)
            step.Accum(fn=fn_add, b=N).apply(x)
            step.Accum(fn=fn_add, b=D_value).apply(x)
            step.Accum(fn=fn_add, b=1).apply((x, y))
            step.Accum(fn=fn_add, b=1).apply([x])
            step.Accum(fn=fn_add, b=1).apply(step.Zip().apply((x, y)))
            step.Accum(fn=fn_add, b=1).apply(step.Accum(fn=fn_add, b=1).apply(x))
            step.Accum(fn=fn_add, b=1).apply(step.Bufferize(a=1).apply(step.Promote(b=2).apply(x)))
            step.Scan(fn=fn_add).apply(x)
            step.Scan(fn=fn_square, b=1).apply(x)
            step.Scan(fn=fn_add, b=0).apply(x)
            step.Scan(fn=fn_add, b=2).apply(x)
            step.Scan(fn=fn_add, b=1).apply((x, y))
            step.Scan(b=1).apply(x)
            step.Zip().apply(x)
            step.Zip().apply((x,))
            step.Zip().apply((x, y, z))
            step.Zip().apply(x, y)
            step.Zip(x, y)
            step.Zip().apply((x, 1))
            step.Zip().apply(())
            step.Zip().apply((x, step.Promote(b=0).apply(y)))
            step.Zip().apply((step.Repeat(n=16).apply(x), step.Repeat(n=D).apply(y)))
            step.Zip().apply((step.Repeat(n=N).apply(x), step.Repeat(n=N_value).apply(y)))
            step.Zip().apply((step.Repeat(n=N).apply(x), step.Repeat(n=K).apply(y)))
            step.Promote().apply(x)
            step.Promote(1).apply(x)
            step.Promote(b=3).apply(x)
            step.Promote(b=-1).apply(x)
            step.Promote(b='0').apply(x)
            step.Promote(b=N).apply(x)
            step.Promote(b=None).apply(x)
            step.Promote(b=[0]).apply(x)
            step.Promote(b=0).apply((x, y))
            step.Promote(b=0).apply(step.Copy().apply(x))
            step.Promote(b=0).apply(x, 1)
            step.Flatten().apply(x)
            step.Flatten([1]).apply(x)
            step.Flatten(L=[0]).apply(x)
            step.Flatten(L=[0, 1]).apply(x)
            step.Flatten(L=[2]).apply(x)
            step.Flatten(L=[1, 2]).apply(x)
            step.Flatten(L=[1, 1]).apply(x)
            step.Flatten(L=[-1]).apply(x)
            step.Flatten(L=1).apply(x)
            step.Flatten(L='1').apply(x)
            step.Flatten(L=None).apply(x)
            step.Flatten(L=[N]).apply(x)
            step.Flatten(L=['1']).apply(x)
            step.Flatten(L=[2, 1]).apply(step.Promote(b=0).apply(x))
            step.Flatten(L=[1, 3]).apply(step.Promote(b=0).apply(step.Promote(b=0).apply(x)))
            step.Flatten(L=[1]).apply(step.Accum(fn=fn_add, b=1).apply(x))
            step.Flatten(L=[1]).apply((x, y))
            step.Flatten(n=[1]).apply(x)
            step.Reshape().apply(x)
            step.Reshape(S=4).apply(x)
            step.Reshape(L=[0]).apply(x)
            step.Reshape(4, [0]).apply(x)
            step.Reshape(S=3, L=[0]).apply(x)
            step.Reshape(S=0, L=[0]).apply(x)
            step.Reshape(S=-2, L=[0]).apply(x)
            step.Reshape(S='4', L=[0]).apply(x)
            step.Reshape(S=None, L=[0]).apply(x)
            step.Reshape(S=32, L=[0]).apply(x)
            step.Reshape(S=4, L=[2]).apply(x)
            step.Reshape(S=4, L=[-1]).apply(x)
            step.Reshape(S=4, L=[1]).apply(x)
            step.Reshape(S=4, L=[0, 1]).apply(x)
            step.Reshape(S=D, L=[1]).apply(x)
            step.Reshape(S=K, L=[0]).apply(x)
            step.Reshape(S=[4], L=[0]).apply(x)
            step.Reshape(S=4, L='0').apply(x)
            step.Bufferize().apply(x)
            step.Bufferize(1).apply(x)
            step.Bufferize(a=0).apply(x)
            step.Bufferize(a=2).apply(x)
            step.Bufferize(a=-1).apply(x)
            step.Bufferize(a='1').apply(x)
            step.Bufferize(a=N).apply(x)
            step.Bufferize(a=None).apply(x)
            step.Bufferize(a=1).apply((x, y))
            step.Bufferize(a=1).apply(step.Accum(fn=fn_add, b=1).apply(x))
            step.Bufferize(b=1).apply(x)
            step.Streamify().apply(x)
            step.Streamify().apply(step.Zip().apply((step.Bufferize(a=1).apply(x), step.Bufferize(a=1).apply(y))))
            step.Streamify().apply(step.Streamify().apply(step.Bufferize(a=1).apply(x)))
            step.Streamify().apply((x,))
            step.Repeat().apply(x)
            step.Repeat(N).apply(x)
            step.Repeat(n=-1).apply(x)
            step.Repeat(n='N').apply(x)
            step.Repeat(n=2.5).apply(x)
            step.Repeat(n=None).apply(x)
            step.Repeat(n=[N]).apply(x)
            step.Repeat(n=x).apply(y)
            step.Repeat(n=fn_add).apply(x)
            step.Repeat(n=N).apply((x, y))
            step.Repeat(n=Q).apply(x)
            step.Repeat(n=K-N*K).apply(x)
            step.RepeatRef().apply((x, y))
            step.RepeatRef().apply(x)
            step.RepeatRef().apply(x, y)
            step.RepeatRef().apply((y, step.Accum(fn=fn_add, b=1).apply(x)))
            step.RepeatRef().apply((x, step.Repeat(n=5).apply(y), z))
            step.RepeatRef().apply((step.Promote(b=0).apply(x), step.Repeat(n=5).apply(y)))
            step.RepeatRef().apply((x, step.Promote(b=2).apply(y)))
            step.RepeatRef(ref=y).apply(x)
            step.Copy().apply((x, y))
            step.Copy().apply([x])
            step.Copy().apply(None)
            step.Copy().apply()
            step.Copy(x)
            step.Partition(N=2).apply((x, y))
            step.Partition(N=2).apply(x)
            step.Merge(fn=fn_add).apply(([x, y], z))
            step.Merge(fn=fn_add).apply((x, y))
            step.Merge(fn=fn_square).apply(([x], y))
            step.Map(fn=fn_square).applyList(x)
            step.Map(fn=fn_square).applyList([x, 1])
            step.Map(fn=fn_div).applyList([x, y])
            step.Map(fn=fn_square).applyList()
            step.Filter(fn=fn_square).apply(x)
            step.map(fn=fn_square).apply(x)
            step.Accumulate(fn=fn_add, b=1).apply(x)
            step.Sum().apply(x)
            Map(fn=fn_square).apply(x)
            x.apply(y)
            x.sum()
            x.T
            x.reshape(3)
            fn_square(x)
            fn_div(x, y)
            x + y
            x * 2
            -x
            x[0]
            x(y)
            len(x)
            list(x)
            step(x)
            D_value(x)
            N.apply(x)
            """),
    # x: fp32 over [M, N]; v, w: Buffer(fp32, [D]) over [M, N]
    "attention/G_0_4_01": dict(
        setup="x, E0 = step.Copy().apply(E0_)\nv, E1 = step.Copy().apply(E1_)\n", source="E0_ E1_", good="""
            step.Scan(fn=fn_maxsum, b=1).apply(step.Zip().apply((x, v)))
            step.Map(fn=fn_getthird).apply(step.Scan(fn=fn_maxsum, b=1).apply(step.Zip().apply((x, v))))
            step.Streamify().apply(v)
            step.Bufferize(a=1).apply(v)
            step.Streamify().apply(step.Bufferize(a=1).apply(v))
            step.Bufferize(a=1).apply(step.Zip().apply((x, v)))
            step.Repeat(n=K).apply(v)
            step.RepeatRef().apply((v, step.Repeat(n=K).apply(x)))
            step.Flatten(L=[1]).apply(v)
            step.Promote(b=2).apply(v)
            step.Reshape(S=M, L=[0]).apply(v)
            step.Accum(fn=fn_maxsum, b=2).apply(step.Promote(b=2).apply(step.Zip().apply((x, v))))
            step.Zip().apply((step.Scan(fn=fn_maxsum, b=1).apply(step.Zip().apply((x, v))), y))
            """, bad="""
            step.Accum(fn=fn_maxsum, b=1).apply((x, v))
            step.Accum(fn=fn_maxsum, b=1).apply(step.Zip().apply((v, x)))
            step.Accum(fn=fn_maxsum, b=1).apply(x)
            step.Accum(fn=fn_maxsum, b=1).apply(v)
            step.Map(fn=fn_maxsum).apply((x, v))
            step.Map(fn=fn_getthird).apply(step.Zip().apply((x, v)))
            step.Map(fn=fn_getthird).apply((x, y, step.Streamify().apply(v)))
            step.Zip().apply((x, step.Streamify().apply(v)))
            step.Zip().apply((x, step.Bufferize(a=1).apply(v)))
            step.Streamify().apply(step.Zip().apply((x, v)))
            step.Accum(fn=fn_maxsum, b=1).apply(step.Zip().apply((x, step.Bufferize(a=1).apply(step.Repeat(n=D).apply(y)))))
            step.Accum(fn=fn_getthird, b=1).apply(step.Scan(fn=fn_maxsum, b=1).apply(step.Zip().apply((x, v))))
            step.Accum(fn=fn_maxsum, b=1).apply(step.Scan(fn=fn_maxsum, b=1).apply(step.Zip().apply((x, v))))
            """),
    # x: Buffer(fp32, [K]) over [N, M]; i, j: Multihot(fp32, E) over [N, M]; g: Buffer(fp32, [E]) over [N, M]; E = 3
    "moe/G_0_6_05": dict(
        setup="x, E0 = step.Copy().apply(E0_)\ni, E1 = step.Copy().apply(E1_)\ng, E2 = step.Copy().apply(E2_)\n",
        source="E0_ E1_ E2_", good="""
            step.Partition(N=E).apply((x, i))
            step.Partition(N=3).apply((x, i))
            step.Partition(N=E_value).apply((x, i))
            step.Partition(N=E*1).apply((x, i))
            step.Partition(N=E).apply((step.Streamify().apply(x), i))
            step.Partition(N=E).apply((step.Zip().apply((x, g)), i))
            step.Partition(N=E).apply((i, j))
            step.Partition(N=len([0, 1, 2])).apply((x, i))
            step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i)))
            step.Map(fn=fn_expert1).apply(step.Partition(N=E).apply((step.Zip().apply((x, g)), i))[-1])
            step.Repeat(n=K).apply(i)
            step.RepeatRef().apply((i, step.Repeat(n=4).apply(x)))
            step.Bufferize(a=1).apply(i)
            step.Streamify().apply(step.Bufferize(a=1).apply(i))
            step.Repeat(n=2).apply(step.Bufferize(a=1).apply(i))
            step.Flatten(L=[1]).apply(i)
            step.Promote(b=0).apply(step.Partition(N=E).apply((x, i))[0])
            step.Bufferize(a=1).apply(step.Promote(b=1).apply(step.Partition(N=E).apply((x, i))[2]))
            step.Streamify().apply(step.Partition(N=E).apply((x, i))[1])
            step.Zip().apply((step.Flatten(L=[1]).apply(x), step.Flatten(L=[1]).apply(i)))
            step.Partition(N=E).apply((step.Flatten(L=[1]).apply(x), step.Flatten(L=[1]).apply(i)))
            step.Reshape(S=N, L=[0]).apply(i)
            """, bad="""
            step.Partition().apply((x, i))
            step.Partition(E).apply((x, i))
            step.Partition(N=2).apply((x, i))
            step.Partition(N=4).apply((x, i))
            step.Partition(N=K).apply((x, i))
            step.Partition(N='E').apply((x, i))
            step.Partition(N=None).apply((x, i))
            step.Partition(N=E).apply((i, x))
            step.Partition(N=E).apply((x, g))
            step.Partition(N=E).apply(x)
            step.Partition(N=E).apply((x, i, j))
            step.Partition(N=E).apply(x, i)
            step.Partition(N=E).apply(((x, g), i))
            step.Partition(N=E).apply((x, step.Promote(b=0).apply(i)))
            step.Partition(N=E).apply((x, step.Promote(b=2).apply(i)))
            step.Partition(N=E).apply((step.Promote(b=2).apply(x), i))
            step.Partition(N=E).apply((step.Flatten(L=[1]).apply(x), i))
            step.Partition(N=E).apply((step.Bufferize(a=1).apply(x), i))
            step.Partition(N=E).apply(([x], i))
            step.Partition(num_experts=E).apply((x, i))
            step.Partition(N=E).apply((x, i))[3]
            step.Partition(N=E).apply((x, i)).apply(y)
            step.Map(fn=fn_expert0).apply(step.Partition(N=E).apply((step.Zip().apply((x, g)), i)))
            step.Map(fn=fn_expert0).apply(step.Partition(N=E).apply((x, i))[0])
            step.Zip().apply((step.Partition(N=E).apply((x, i))[0], step.Partition(N=E).apply((y, j))[0]))
            step.Zip().apply(step.Partition(N=E).apply((x, i))[:2])
            step.Map(fn=fn_expert0).apply((step.Partition(N=E).apply((x, i))[0], step.Partition(N=E).apply((g, j))[0]))
            step.Merge(fn=fn_weighted_sum).apply(([x, y, x], i))
            step.Merge(fn=fn_weighted_sum).apply((step.Partition(N=E).apply((x, i)), j))
            step.Merge(fn=fn_weighted_sum).apply((step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i)))[:2], j))
            step.Merge(fn=fn_weighted_sum).apply((step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i)) * 2), j))
            step.Merge(fn=fn_weighted_sum).apply(step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i))))
            step.Merge(fn=fn_weighted_sum).apply((step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i))), y))
            step.Merge(fn=fn_expert0).apply((step.Partition(N=E).apply((step.Zip().apply((x, g)), i)), j))
            step.Merge().apply((step.Partition(N=E).apply((x, i)), j))
            step.Merge(fn_weighted_sum).apply((step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i))), j))
            step.Merge(fn=fn_weighted_sum).apply(([], j))
            step.Merge(fn=fn_weighted_sum).apply((step.Promote(b=0).applyList(step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((x, g)), i)))[:1]) + step.Map(fn=fn_expert0).applyList(step.Partition(N=E).apply((step.Zip().apply((y, g)), j)))[1:], j))
            step.Streamify().apply(i)
            step.Map(fn=fn_expert0).apply((x, i))
            step.Map(fn=fn_expert0).apply((g, x))
            """),
}


def operator_programs(solutions):
    """Each expression in front of the task's solution, with as many fresh copies as it names."""
    spare = {"norm/G_0_8_01": {"y": "x", "z": "x"}, "attention/G_0_4_01": {"y": "x", "w": "v"},
             "moe/G_0_6_05": {"y": "x", "j": "i"}}
    for task, context in CONTEXTS.items():
        setup = context["setup"]
        for name in context["source"].split():
            setup = setup.replace(name, name[:-1])
        for name, of in spare[task].items():
            setup += f"{of}, {name} = step.Copy().apply({of})\n"
        for kind, expected in (("good", True), ("bad", False)):
            for line in context[kind].strip().splitlines():
                name = "probe" if expected else "type"
                yield task, name, f"{setup}probe = {line.strip()}\n{solutions[task]}", expected


# ---- Python at its edges, in front of a right program

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
assert isinstance_free if False else True
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
a = \
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
from step import Nope
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
                yield task, kind, "if N_value < 0:\n" + "".join(f"  {l}\n" for l in snippet.splitlines()) + solutions[task], (
                    None if "__future__" in line else False)


# ---- routing

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
        ("i, j = step.Copy().apply(E1)\np = step.Partition(N=E).apply((E0, i))\na, b = step.Copy().apply(p[0])\nc = step.Zip().apply((a, b))\nd = step.Bufferize(a=1).apply(c)\nreturn step.Merge(fn=fn_sum).apply((p, j))", False),
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


# ---- where the description leaves room, the reference's choice; a difference here is a question, not a fault

def choice_programs(solutions):
    rms, gate = solutions["norm/G_0_8_01"], solutions["moe/G_0_3_04"]
    wrapped = {
        "norm/G_0_8_01": [
            rms.replace("step.Copy().apply(E0)", "step.Copy().apply(input_stream)").join(["input_stream = E0\n", ""]),
            "def body(E0):\n" + "".join(f"  {l}\n" for l in rms.splitlines()) + "return body(E0)\n",
            "body = lambda E0: step.Copy().apply(E0)\n" + rms,
            "probe = step.Map(fn=fn_square).apply((E0,))\n" + rms,
            "a, b = step.Copy().apply(E0)\nprobe = step.Zip().apply([a, b])\n" + rms,
            "a, b = step.Copy().apply(E0)\nprobe = step.RepeatRef().apply([a, step.Repeat(n=2).apply(b)])\n" + rms,
            "probe = step.Repeat(n=0).apply(E0)\n" + rms,
            "probe = step.Flatten(L=[]).apply(E0)\n" + rms,
            "probe = step.Reshape(S=4, L=[]).apply(E0)\n" + rms,
            "probe = step.Reshape(S=4, L=(0,)).apply(E0)\n" + rms,
            "probe = step.Reshape(S=4, L=range(1)).apply(E0)\n" + rms,
            "probe = step.Reshape(S=4, L=0).apply(E0)\n" + rms,
            "probe = step.Reshape(S=4, L=[0, 0]).apply(E0)\n" + rms,
            "probe = step.Repeat(n=D//2).apply(E0)\n" + rms,
            "probe = step.Repeat(n=(N*K)//K).apply(E0)\n" + rms,
            "probe = step.Promote(b=True).apply(E0)\n" + rms,
            "cfg = {'fn': fn_square}\nprobe = step.Map(**cfg).apply(E0)\n" + rms,
            "args = (E0,)\nprobe = step.Map(fn=fn_square).apply(*args)\n" + rms,
            "probe = step.Map(fn=fn_square).applyList((E0,))\n" + rms,
            "x: step.Stream = step.Map(fn=fn_square).apply(E0)\n" + rms,
            "def helper(s: step.Stream, n: 'int' = 1) -> step.Stream:\n  return s\n" + rms,
            "a = 1 + \\\n  2\n" + rms,
            "d = {N: 1, K: 2}\nassert d[N] == 1\n" + rms,
            "if E0:\n  pass\n" + rms,
            "assert E0 == E0 and E0 is E0\n" + rms,
            "assert E0.dtype == E0.dtype\n" + rms,
            "assert E0.shape == [D, N]\n" + rms,
            "assert E0.shape[0] == D and E0.shape[-1] == N and len(E0.shape[1:]) == 1\n" + rms,
            "a = [1]\na.nope if False else a.append(2)\n" + rms,
            "def never():\n  return undefined_name\n" + rms,
            "if False:\n  a = undefined_name\n" + rms,
            rms.replace("return ", "S0 = ") + "return (S0,)\n",
            rms.replace("return ", "S0 = ") + "return S0,\n",
            "E = 3\n" + rms,
            "def f():\n  a = 1\n  def g():\n    nonlocal a\n    a = 2\n  g()\n  return a\nassert f() == 2\n" + rms,
        ],
        "moe/G_0_3_04": [gate.replace("E0", "stream").join(["stream = E0\n", ""])],
    }
    for task, programs in wrapped.items():
        for text in programs:
            yield task, "choice", text, None
    experts = solutions["moe/G_0_6_05"]
    yield "moe/G_0_6_05", "choice", experts.replace("[answer_0, answer_1, answer_2]", "(answer_0, answer_1, answer_2)"), None
    yield "moe/G_0_6_05", "choice", experts.replace("(([answer_0, answer_1, answer_2], index_1))", "([[answer_0, answer_1, answer_2], index_1])"), None
    yield "moe/G_0_6_05", "choice", experts.replace("((pairs, index_0))", "([pairs, index_0])"), None
    yield "moe/G_0_9_01", "choice", solutions["moe/G_0_9_01"].replace("tokens", "E0"), None
    yield "norm/G_0_16_01", "choice", solutions["norm/G_0_16_01"].replace("x_0, x_1 =", "E0, x_0 =").replace("x_1", "E0"), None


# ---- the affine rule: values are right, a stream is used twice or seems to be

AFFINE = {
    "rope/G_0_3_02": ["""
        positions = step.Scan(fn=fn_sum, b=1).apply(E0)
        unused = step.Scan(fn=fn_sum, b=1).apply(E0)
        return step.Map(fn=fn_neoxrope).apply((positions, E1))""", """
        for _ in range(2):
          positions = step.Scan(fn=fn_sum, b=1).apply(E0)
        return step.Map(fn=fn_neoxrope).apply((positions, E1))""", """
        if N_value > 3:
          positions = step.Scan(fn=fn_sum, b=1).apply(E0)
        else:
          positions = step.Map(fn=fn_sum).apply(E0)
        return step.Map(fn=fn_neoxrope).apply((positions, E1))""", """
        scan = step.Scan(fn=fn_sum, b=1)
        a = scan.apply(E0)
        b = E0
        unused = scan.apply(b)
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        x = E0
        x = step.Scan(fn=fn_sum, b=1).apply(x)
        x = step.Map(fn=fn_neoxrope).apply((x, E1))
        return x""", """
        def f(s):
          return step.Scan(fn=fn_sum, b=1).apply(s)
        a = f(E0)
        b = f(E0)
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        a, b = [step.Scan(fn=fn_sum, b=1).apply(s) for s in (E0, E0)]
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        s = {'a': E0, 'b': E1}
        a = step.Scan(fn=fn_sum, b=1).apply(s['a'])
        b = step.Promote(b=0).apply(s['a'])
        return step.Map(fn=fn_neoxrope).apply((a, s['b']))""", """
        a = step.Scan(fn=fn_sum, b=1).applyList([E0])[0]
        b = step.Scan(fn=fn_sum, b=1).applyList([E0])[0]
        return step.Map(fn=fn_neoxrope).apply((b, E1))""", """
        run = step.Scan(fn=fn_sum, b=1).apply
        a, b = run(E0), run(E0)
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        a = step.Scan(fn=fn_sum, b=1).apply(E0 if True else E1)
        b = step.Scan(fn=fn_sum, b=1).apply((E0, E0)[0])
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        unused = step.Zip().apply((E0, E0))
        return step.Map(fn=fn_neoxrope).apply((step.Scan(fn=fn_sum, b=1).apply(E0), E1))""", """
        a, b = step.Copy().apply(E0)
        c = step.Zip().apply((a, a))
        return step.Map(fn=fn_neoxrope).apply((step.Scan(fn=fn_sum, b=1).apply(b), E1))""", """
        i = 0
        while i < 2:
          a = step.Scan(fn=fn_sum, b=1).apply(E0)
          i += 1
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        xs = [E0]
        for x in xs:
          a = step.Scan(fn=fn_sum, b=1).apply(x)
        for x in xs:
          b = step.Scan(fn=fn_sum, b=1).apply(x)
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        xs = [E0, E1]
        a = [step.Scan(fn=fn_sum, b=1).apply(x) for x in xs[:1]]
        return step.Map(fn=fn_neoxrope).apply((a[0], xs[1]))""", """
        ops, xs = [step.Scan(fn=fn_sum, b=1)], [E0]
        a = [op.apply(x) for op, x in zip(ops, xs)]
        b = [op.apply(x) for op, x in zip(ops, xs)]
        return step.Map(fn=fn_neoxrope).apply((a[0], E1))""", """
        xs = [E0]
        ops = [step.Scan(fn=fn_sum, b=1)]
        for op, x in zip(ops, xs):
          a = op.apply(x)
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        x, y = E0, E1
        a = (lambda s: step.Scan(fn=fn_sum, b=1).apply(s))(x)
        x = a
        return step.Map(fn=fn_neoxrope).apply((x, y))""", """
        a = step.Scan(fn=fn_sum, b=1).apply((x := E0))
        b = step.Promote(b=0).apply(x)
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        a = step.Scan(fn=fn_sum, b=1).apply(*[E0])
        b = step.Promote(b=0).apply(*(E0,))
        return step.Map(fn=fn_neoxrope).apply((a, E1))""", """
        return step.Map(fn=fn_neoxrope).apply((step.Scan(fn=fn_sum, b=1).apply(E0), E1))""", """
        a = step.Identity().apply(E0)
        b = step.Identity().apply(E0)
        return step.Map(fn=fn_neoxrope).apply((step.Scan(fn=fn_sum, b=1).apply(a), E1))""", """
        f = lambda: step.Scan(fn=fn_sum, b=1).apply(E0)
        return step.Map(fn=fn_neoxrope).apply((f(), E1))""", """
        f = lambda: step.Scan(fn=fn_sum, b=1).apply(E0)
        g = f()
        return step.Map(fn=fn_neoxrope).apply((f(), E1))""", """
        a = step.Scan(fn=fn_sum, b=1).apply(E0)
        S0 = step.Map(fn=fn_neoxrope).apply((a, E1))
        T0 = step.Promote(b=0).apply(S0)
        return S0""", """
        a = step.Scan(fn=fn_sum, b=1).apply(E0)
        S0 = step.Map(fn=fn_neoxrope).apply((a, E1))
        T0 = step.Promote(b=0).apply(S0)
        T1 = step.Promote(b=0).apply(S0)
        return S0"""],
    "moe/G_0_3_03": ["""
        tokens = step.Bufferize(a=1).apply(E0)
        affinity = step.Map(fn=fn_gate).apply(tokens)
        index = step.Map(fn=fn_top1).apply(affinity)
        again = step.Map(fn=fn_top1).apply(affinity)
        return index, affinity""", """
        affinity = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        other = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return step.Map(fn=fn_top1).apply(other), affinity""", """
        a, b = step.Copy().apply(step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0)))
        return [step.Map(fn=fn_top1).apply(a), b]"""],
}


def affine_programs():
    import textwrap
    for task, programs in AFFINE.items():
        for text in programs:
            yield task, "affine", textwrap.dedent(text).strip("\n") + "\n", True


# ---- right types, wrong answers

WRONG = {
    "moe/G_0_3_03": ["""
        a = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return a, step.Map(fn=fn_top1).apply(a)""", """
        a = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return step.Map(fn=fn_top1).apply(a)""", """
        a = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return step.Map(fn=fn_top1).apply(a), a, a""", """
        a = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return step.Bufferize(a=1).apply(a)""", """
        a = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return {'S0': step.Map(fn=fn_top1).apply(a), 'S1': a}""", """
        a = step.Map(fn=fn_gate).apply(step.Bufferize(a=1).apply(E0))
        return ((step.Map(fn=fn_top1).apply(a), a),)"""],
    "norm/G_0_8_01": ["return E0", "return", "", "# nothing", "pass", "return None", "return 1", "return True", "return 'S0'", "return []", "return ()",
                      "return D", "return fn_add", "return step", "return step.Map", "return step.Map(fn=fn_square)", "return lambda: E0",
                      "return [E0, E0]", "return E0.shape", "return E0.dtype", "return {}", "return ...", "S0 = E0", "yield_ = E0", """
        a, b = step.Copy().apply(E0)
        s = step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(a))
        s = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_divbyD).apply(s))
        return step.Map(fn=fn_div).apply((b, step.Repeat(n=D).apply(step.Map(fn=fn_addeps).apply(s))))""", """
        a, b = step.Copy().apply(E0)
        s = step.Map(fn=fn_divbyD).apply(step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(a)))
        s = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_addeps).apply(s))
        return step.Map(fn=fn_div).apply((step.Repeat(n=D).apply(s), b))""", """
        a, b = step.Copy().apply(E0)
        s = step.Map(fn=fn_divbyD).apply(step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(a)))
        s = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_addeps).apply(s))
        return step.Map(fn=fn_div).apply((b, step.Repeat(n=16).apply(s)))""", """
        a, b = step.Copy().apply(E0)
        s = step.Map(fn=fn_divbyD).apply(step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(a)))
        s = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_addeps).apply(s))
        x = step.Map(fn=fn_div).apply((b, step.Repeat(n=D).apply(s)))
        return step.Bufferize(a=1).apply(x)""", """
        a, b = step.Copy().apply(E0)
        s = step.Map(fn=fn_divbyD).apply(step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(a)))
        s = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_addeps).apply(s))
        x = step.Map(fn=fn_div).apply((b, step.Repeat(n=D).apply(s)))
        return step.Reshape(S=D, L=[0]).apply(x)""", """
        a, b = step.Copy().apply(E0)
        s = step.Map(fn=fn_divbyD).apply(step.Accum(fn=fn_add, b=1).apply(step.Map(fn=fn_square).apply(a)))
        s = step.Map(fn=fn_sqrt).apply(step.Map(fn=fn_addeps).apply(s))
        x = step.Map(fn=fn_div).apply((b, step.Repeat(n=D).apply(s)))
        return step.Flatten(L=[1]).apply(x)""", """
        x = step.Flatten(L=[1]).apply(E0)
        return step.Reshape(S=N, L=[0]).apply(x)""", """
        x = step.Map(fn=fn_divbyD).apply(E0)
        x = step.Reshape(S=16, L=[0]).apply(x)
        return step.Flatten(L=[1]).apply(x)"""],
    "bmm/bmm_2": ["""
        x = step.Streamify().apply(step.Repeat(n=N).apply(step.Bufferize(a=1).apply(E0)))
        return x""", """
        left = step.Streamify().apply(step.Repeat(n=N).apply(step.Bufferize(a=2).apply(E0)))
        right = step.Streamify().apply(step.Repeat(n=N).apply(step.Bufferize(a=2).apply(E1)))
        return step.Accum(fn=fn_sum, b=1).apply(step.Map(fn=fn_mul).apply((left, right)))"""],
    "rope/G_0_4_01": ["""
        positions = step.Scan(fn=fn_sum, b=1).apply(step.Promote(b=1).apply(E0))
        return step.Map(fn=fn_neoxrope).apply((positions, E1))""", """
        return step.Map(fn=fn_neoxrope).apply((step.Repeat(n=N).apply(E0), E1))""", """
        ones = step.Promote(b=1).apply(E0)
        positions = step.Scan(fn=fn_sum, b=1).apply(ones)
        wide = step.Repeat(n=N).apply(step.Flatten(L=[1]).apply(positions))
        return step.Map(fn=fn_neoxrope).apply((wide, E1))"""],
}


def wrong_programs():
    import textwrap
    for task, programs in WRONG.items():
        for text in programs:
            yield task, "wrong", textwrap.dedent(text).strip("\n") + "\n", False
