# SPDX-License-Identifier: MIT
"""Programs about the last stages of a verdict: the affine rule, outputs, values; and those where the description of the
language leaves room (kind "choice": a difference there is a question, not a fault).

Yields (task, kind, text, expected); expected is what the author means the verdict to be (None: the reference decides),
and make_corpus.py fails when the reference disagrees.
"""

import textwrap

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
            "def never():\n  return undefined_name\n" + rms,
            "if False:\n  a = undefined_name\n" + rms,
            "assert undefined_name if False else True\n" + rms,
            rms.replace("return ", "S0 = ") + "return (S0,)\n",
            rms.replace("return ", "S0 = ") + "return S0,\n",
            "E = 3\n" + rms,
            "".join(f"    {l}\n" for l in rms.splitlines()),
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
    for task, programs in WRONG.items():
        for text in programs:
            yield task, "wrong", textwrap.dedent(text).strip("\n") + "\n", False
