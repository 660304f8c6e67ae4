#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes golden.txt: what PyTorch returns for calls of every function in the tensor vocabulary.

Run with a Python that has torch 1.13: `/usr/bin/python3 generate_golden.py`. The output is deterministic.

Lines:  T name dtype sizes strides storage..           an input tensor (offset 0)
        C target argument.. [| argument..] => result   a call; `|` separates a module's constructor from its call
Tokens: $name tensor, i int, f float, b bool, n None, s'text', d dtype, ... ellipsis, S lower upper step,
        ( items ) tuple, [ items ] list, name= keyword.
Results: T dtype sizes values.., i/f/b scalars, ( .. ), [ .. ], E for an exception.
"""
import math

import torch

from golden_recorder import Ref, add, define, family, write

R = torch.randn

# ---------------------------------------------------------------------------------------------------- inputs
s = define("s", torch.tensor(0.75))
sn = define("sn", torch.tensor(-1.5))
sd = define("sd", torch.tensor(0.3, dtype=torch.float64))
si = define("si", torch.tensor(2))
sb = define("sb", torch.tensor(True))
v0 = define("v0", torch.zeros(0))
v1 = define("v1", torch.tensor([1.25]))
v3 = define("v3", R(3))
v4 = define("v4", R(4))
v5 = define("v5", R(5))
vs = define("vs", R(10)[::2])
m34 = define("m34", R(3, 4))
n34 = define("n34", R(3, 4))
mt = define("mt", R(4, 3).t())
c31 = define("c31", R(3, 1))
r14 = define("r14", R(1, 4))
e04 = define("e04", R(0, 4))
e30 = define("e30", R(3, 0))
x34 = define("x34", R(1, 4).expand(3, 4))
t234 = define("t234", R(2, 3, 4))
tp = define("tp", R(4, 2, 3).permute(1, 2, 0))
t212 = define("t212", R(2, 1, 2))
q = define("q", R(2, 2, 3, 4))
pos = define("pos", torch.rand(3, 4) + 0.1)
unit = define("unit", torch.rand(3, 4) * 0.9 + 0.05)
big = define("big", R(3, 4) * 20)
odd = define("odd", torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -2.5, 0.5]))
half = define("half", torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 3.49999, -7.0]))
d34 = define("d34", R(3, 4, dtype=torch.float64))
d5 = define("d5", R(5, dtype=torch.float64))
i3 = define("i3", torch.tensor([2, 0, 1]))
i4 = define("i4", torch.tensor([3, 1, 2, 5]))
i5 = define("i5", torch.tensor([3, -7, 0, 12, 5]))
i5n = define("i5n", torch.tensor([2, 3, -2, 5, -4]))
i34 = define("i34", torch.tensor([[4, -1, 7, 0], [2, 9, -3, 5], [6, 8, 1, -2]]))
it = define("it", torch.tensor([[4, -1, 7], [2, 9, -3], [6, 8, 1], [5, 3, 2]]).t())
i0 = define("i0", torch.zeros(0, dtype=torch.int64))
b5 = define("b5", torch.tensor([True, False, True, True, False]))
b34 = define("b34", torch.tensor([[True, False, True, False], [False, False, True, True], [True, True, True, True]]))
bt = define("bt", torch.tensor([[True, False, True], [False, False, True], [True, True, False], [False, True, False]]).t())
b0 = define("b0", torch.zeros(0, dtype=torch.bool))
b3 = define("b3", torch.tensor([True, False, True]))
b4 = define("b4", torch.tensor([False, True, True, False]))
g34 = define("g34", torch.tensor([[0, 2, 1, 2], [1, 1, 0, 0], [2, 0, 2, 1]]))
g24 = define("g24", torch.tensor([[0, 2, 1, 2], [1, 1, 0, 0]]))
g32 = define("g32", torch.tensor([[0, 3], [1, 1], [2, 0]]))
gbad = define("gbad", torch.tensor([[0, 7], [1, 1], [2, 0]]))
perm34 = define("perm34", torch.tensor([[0, 2, 1, 2], [1, 0, 2, 0], [2, 1, 0, 1]]))
g234 = define("g234", torch.randint(0, 2, (2, 3, 4)))
w24 = define("w24", R(2, 4))
w42 = define("w42", R(4, 2))
w3 = define("w3", R(3))
w2 = define("w2", R(2))
m33 = define("m33", R(3, 3))
m45 = define("m45", R(4, 5))
mt45 = define("mt45", R(5, 4).t())
t245 = define("t245", R(2, 4, 5))
t145 = define("t145", R(1, 4, 5))
t2345 = define("t2345", R(2, 3, 4, 5))
w2040 = define("w2040", R(20, 40))
w4030 = define("w4030", R(40, 30))
w300 = define("w300", R(300))
u300 = define("u300", R(300))

FLOATS = [s, v0, v1, m34, mt, x34, t234, odd, half, pos, unit, big, d34]
MIXED = FLOATS + [i34, it, i0, b34, bt]
SHAPED = [s, v0, v5, vs, m34, mt, e04, e30, t234, tp, i34, b34]

# ---------------------------------------------------------------------------------------------------- element-wise
UNARY = ("exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin arcsin acos arccos atan arctan sinh "
         "cosh tanh asinh arcsinh acosh arccosh atanh arctanh sigmoid erf erfc lgamma deg2rad rad2deg abs absolute neg "
         "negative sign sgn square floor ceil trunc fix frac logical_not relu round logit")
family(UNARY, "t", *[(x,) for x in MIXED])
family(UNARY, "mi", *[(x,) for x in [s, mt, unit, odd, i34, b34]])
family("bitwise_not", "tmi", *[(x,) for x in [i34, it, b34, s, i0]])
family("isnan isinf isfinite", "tm", *[(x,) for x in [odd, m34, mt, i5, b5, s]])
family("round", "tm", (half, {"decimals": 1}), (half, {"decimals": -1}), (i34, {"decimals": 1}), (m34, {"decimals": 2}))
family("logit", "tm", (odd, 0.1), (unit, {"eps": 0.2}), (unit, 1e-6), (i5, 0.1), (d34, 0.3))
family("selu", "t", *[(x,) for x in [odd, mt, big, i5, d34]])
family("tanh sigmoid", "f", *[(x,) for x in [s, mt, big, odd, i5, d34]])
for name in "relu relu6 silu mish softsign logsigmoid selu hardswish hardsigmoid tanhshrink".split():
    for x in [s, v0, mt, big, odd, d34, i5, b5]:
        add("torch.nn.functional." + name, x)
family("gelu", "f", (m34,), (mt, {"approximate": "tanh"}), (big, "tanh"), (odd,), (i5,), (m34, {"approximate": "x"}), (d34,))
family("softplus", "f", (m34,), (big,), (big, 2.0), (big, 0.5, 3.0), (mt, {"beta": 3, "threshold": 1}), (i5,), (odd,))
family("elu celu", "f", (m34,), (big, 2.0), (mt, {"alpha": 0.5}), (odd,), (i5,), (d34,))
family("leaky_relu", "f", (m34,), (big, 0.2), (mt, {"negative_slope": -0.5}), (odd,), (i5,))
family("hardtanh", "f", (m34,), (big, -2.0, 3.0), (mt, {"min_val": 0}), (odd,), (m34, 2.0, 1.0))
family("threshold", "ft", (m34, 0.1, -7.0), (mt, 0, 20), (odd, 0.5, 3.0), (i5, 1, 9), (s, 2.0, 0.0))
PAIRS = [(m34, n34), (m34, mt), (m34, v4), (c31, r14), (m34, s), (s, m34), (m34, sd), (s, sd), (d34, m34), (m34, 2.5),
         (mt, 3), (m34, True), (i34, it), (i34, 2), (i34, 2.5), (i5, i5n), (i34, s), (i34, sd), (b34, bt), (b34, 2),
         (b34, 1.5), (b34, True), (b34, i34), (b34, m34), (si, s), (si, sb), (i5, si), (e04, r14), (v0, v1), (v0, v5),
         (v3, v4), (m34, v3), (t234, m34), (tp, r14), (odd, half), (odd, odd), (i34, 0), (i34, b34), (i34, -1), (sb, sb),
         (x34, x34), (vs, d5)]
BINARY = ("add sub subtract mul multiply div divide true_divide floor_divide remainder fmod maximum minimum fmax fmin atan2 "
          "arctan2 hypot logaddexp logaddexp2 xlogy copysign lt less le less_equal gt greater ge greater_equal eq ne "
          "not_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor heaviside")
family(BINARY, "t", *[p for p in PAIRS])
family(BINARY, "mi", *[PAIRS[k] for k in [0, 1, 2, 4, 8, 9, 12, 14, 18, 22, 30]])
POWERS = [(pos, m34), (m34, 2), (m34, 3.0), (m34, 0.5), (i5, 2), (i5, -1), (i34, 2.5), (2, m34), (2.0, i5), (2, i34),
          (b5, 2), (i5, i4), (i5n, si), (pos, c31), (3, b5), (odd, 2), (odd, 0.5), (s, i4), (mt, -2)]
family("pow", "t", *POWERS)
family("pow", "mi", *[p for p in POWERS if isinstance(p[0], Ref)])
family("bitwise_left_shift bitwise_right_shift", "tmi", (i34, 2), (i5, si), (i34, i4), (i5, 0), (m34, 1), (i5, 63))
family("add sub subtract rsub", "t", (m34, n34, {"alpha": 2}), (i34, it, {"alpha": 3}), (i34, 2, {"alpha": 1.5}),
       (m34, 3, {"alpha": 0.5}), (mt, v4, {"alpha": -1}), (i5, i5n))
family("add sub", "mi", (m34, n34, {"alpha": 2}), (i34, m34), (m34, i34), (b34, 1), (c31, r14))
for mode in ["floor", "trunc", None, "other"]:
    family("div divide", "tm", (m34, n34, {"rounding_mode": mode}), (i5, i5n, {"rounding_mode": mode}),
           (i34, 3, {"rounding_mode": mode}), (big, 0.7, {"rounding_mode": mode}))
LIMITS = [(m34, -0.5, 0.5), (m34, {"min": 0}), (m34, {"max": 0.25}), (i34, 1, 4), (i34, 0.5, 3.5), (m34, 1.0, -1.0),
          (m34,), (m34, v4), (m34, {"min": c31, "max": r14}), (odd, -1.0, 1.0), (m34, c31, 1.0), (b34, 0, 1), (d34, s)]
family("clamp clip", "tmi", *LIMITS)
family("clamp_min clamp_max", "tmi", (m34, 0.1), (mt, v4), (i34, 2), (i34, 0.5), (odd, 0))
family("masked_fill", "tmi", (m34, b34, 2.5), (m34, b4, float("-inf")), (mt, bt, s), (i34, b34, 7), (i34, b34, 2.5),
       (m34, i34, 0), (b34, bt, True), (v4, b34, 1.0), (m34, b3, 0.0), (m34, b34, v4), (i34, b34, s), (t234, b34, 0))
family("where", "t", (b34, m34, n34), (b34, m34, 0.0), (b34, 1.0, mt), (b4, m34, v4), (b34, i34, m34), (b34, 1, 2),
       (b34, 1.0, 2.0), (m34, m34, n34), (b3, m34, n34), (b34,), (i5,), (b34, m34, sd), (b34, i34, 0.5), (b34, c31, r14),
       (b34, s, i34), (b34, True, False))
family("where", "m", (m34, b34, n34), (mt, bt, c31), (i34, b34, m34), (v4, b34, m34), (m34, i34, n34))
family("lerp", "tmi", (m34, n34, 0.3), (m34, n34, v4), (mt, r14, 0.7), (m34, d34, 0.5), (v1, v5, 0.5), (m34, n34, sd))
family("addcmul addcdiv", "tmi", (m34, n34, pos), (m34, c31, v4), (mt, n34, pos, {"value": 0.5}), (i34, it, it),
       (m34, n34, i34, {"value": 2}), (m34, v3, v3))
family("nan_to_num", "tmi", (odd,), (odd, 1.0), (odd, {"posinf": 5.0, "neginf": -5.0}), (i5,), (d34,), (odd, 0.5, 2.0, -2.0))
family("isclose allclose", "tm", (m34, m34), (m34, n34), (odd, odd), (odd, odd, {"equal_nan": True}), (m34, d34),
       (m34, n34, 0.5, 0.5), (i34, it), (m34, v3), (s, s, {"rtol": 1e-3}))
family("equal", "tm", (m34, m34), (m34, mt), (m34, v4), (i34, i34), (v0, v0), (b5, b5), (odd, odd))
for op in ["add", "subtract", "multiply", "divide", "floor_divide", "modulo", "less", "less_equal", "greater", "greater_equal",
           "equal", "not_equal", "bit_and", "bit_or", "bit_xor"]:
    for p in PAIRS:
        add("op." + op, *p)
    for p in [(2, m34), (2.5, i34), (True, b34), (0, i5), (3, i34), (1.5, b34), (2, si)]:
        add("op." + op, *p)
for p in POWERS:
    add("op.power", *p)
for op in ["shift_left", "shift_right"]:
    for p in [(i34, 2), (i5, si), (2, i4), (m34, 1), (i34, i4)]:
        add("op." + op, *p)
for op in ["negative", "invert", "positive"]:
    for x in [m34, mt, i34, b34, s, v0]:
        add("op." + op, x)
for p in [(3, i5), (99, i5), (0.75, s), (True, b5), (1, m34)]:
    add("op.in", *p)
for op in ["add", "subtract", "multiply", "divide", "floor_divide", "modulo", "power", "bit_and", "bit_or"]:
    for p in [(m34, n34), (mt, 2), (m34, v4), (v4, m34), (i34, 2), (i34, 2.5), (i34, m34), (b34, bt), (b34, 1), (m34, d34),
              (m34, i34), (x34, 1.0), (s, m34), (c31, s), (i5, i5n)]:
        add("inplace." + op, *p)
for f in ["truth", "int", "float"]:
    for x in [s, sn, si, sb, v1, m34, v0, odd, c31]:
        add(f, x)
for f in ["len", "iterate"]:
    for x in [s, v0, v3, m34, mt, e04, b3]:
        add(f, x)

# ---------------------------------------------------------------------------------------------------- reductions
DIMS = [(), (0,), (-1,), (1, True), ((0, 1),), ({"dim": -2, "keepdim": True},), (5,), ((0, 0),), ([],), ((-1, 0), True)]
for name, inputs in {"sum nansum mean": MIXED + [e04, e30, tp, vs, w2040], "amax amin": [s, v0, m34, mt, x34, e04, tp, odd, i34, b34],
                     "std var": [s, v1, v5, m34, mt, tp, e04, d34, i5], "count_nonzero": [s, m34, mt, i34, b34, e04]}.items():
    for x in inputs:
        for d in DIMS:
            if name == "count_nonzero" and d and (len(d) > 1 or isinstance(d[0], dict)):
                continue
            family(name, "t", (x,) + d)
    for x in inputs[-4:]:
        for d in DIMS[:6]:
            if name == "count_nonzero" and d and (len(d) > 1 or isinstance(d[0], dict)):
                continue
            family(name, "m", (x,) + d)
family("sum prod mean nansum", "tm", (i34, {"dtype": torch.float32}), (b34, {"dtype": torch.float32}), (m34, {"dtype": torch.int64}),
       (m34, 0, {"dtype": torch.float64}), (m34, {"axis": 1, "keepdims": True}))
family("std var", "tm", (m34, False), (m34, 0, False), (m34, 1, True, True), (m34, {"unbiased": False}), (m34, (0, 1)),
       (t234, {"dim": (0, 2), "unbiased": False, "keepdim": True}), (m34, {"dim": 1, "correction": 2}), (c31, 1))
ONE = [(), (0,), (-1,), (1, True), ({"dim": -2, "keepdim": True},), (5,)]
for x in [s, v0, v5, m34, mt, tp, e04, e30, i34, it, b34, odd, d34, x34]:
    names = "prod any all argmax argmin max min" + ("" if x is x34 else " median")  # torch's median writes through stride 0
    for d in ONE:
        family(names, "t", (x,) + d)
    family(names, "m", (x,), (x, 0), (x, -1, True))
family("max min", "tm", (m34, n34), (m34, mt), (c31, r14), (i34, m34), (b34, bt), (v3, v4), (m34, s), (m34, {"dim": 1}), (m34, {"other": n34}))
for d in [{}, {"dim": 0}, {"dim": -1, "keepdim": True}, {"keepdim": True}, {"dim": 3}]:
    family("aminmax", "tm", (m34, d), (mt, d), (i34, d), (e04, d))
NORMS = [(), (1,), (3.0, 0), (2, -1, True), (float("inf"),), (float("inf"), 0), (float("-inf"), 1), (0, 1), ("fro", (0, 1)),
         (0.5, 0), (2, 5), ({"dim": 1},)]
for x in [s, v0, v5, mt, tp, d34, odd, i34]:
    for a in NORMS:
        family("norm", "tm", (x,) + a)
        family("vector_norm", "l", (x,) + a)
for x in [v5, m34, mt, d34, i34]:
    for a in [(), (None, 0), (2, 0), (float("inf"), -1), ("fro",), (1, 1, True), ({"dim": (0, 1)},)]:
        family("norm", "l", (x,) + a)
family("logsumexp", "tm", (m34, 0), (mt, (0, 1)), (big, -1, True), (odd, 0), (i34, 0), (s, 0), (e04, 0), (e04, 1), (m34,),
       (define("minf", torch.tensor([-math.inf, -math.inf])), 0), (m34, 7))
for x in [s, v5, v0, mt, tp, big, e04, d34, i34, x34, odd, q]:
    for a in [(0,), (-1,), (1,), (4,), ()]:
        family("softmax log_softmax", "tmf", (x,) + a)
        family("softmin", "f", (x,) + a)
family("softmax log_softmax", "tm", (i34, 1, torch.float32), (m34, {"dim": 0, "dtype": torch.float64}))
family("softmax log_softmax softmin", "f", (i34, {"dim": 1, "dtype": torch.float32}), (m34, {"dim": 0, "dtype": torch.float64}))
for x in [s, v5, v0, mt, tp, e04, i34, b34, d34]:
    for a in [(0,), (-1,), (1,), (3,), ()]:
        family("cumsum cumprod", "tmi", (x,) + a)
family("cumsum cumprod", "tm", (i34, 0, {"dtype": torch.float32}), (m34, {"dim": 1, "dtype": torch.float64}))
family("diff", "tm", (v5,), (m34, 2), (mt, 1, 0), (b34,), (i34, {"dim": 0}), (s,), (v1,), (m34, -1), (v3, 5))
for x in [s, v5, v0, mt, tp, e04, i34, d34, b5]:
    for a in [(), (0,), (-1, True), ({"dim": 1, "descending": True},), (3,)]:
        family("sort argsort", "tm", (x,) + a)
family("msort", "tm", (v5,), (mt,), (tp,), (i34,), (d34,))
for x in [s, v5, v0, mt, tp, i34, d34, b34, e04]:
    for a in [(1,), (2,), (2, 0), (3, -1, False), (0,), (9,), ({"k": 1, "dim": 0, "largest": False},), (-1,)]:
        family("topk", "tm", (x,) + a)
    for a in [(1,), (2, 0), (2, -1, True), (9,), (0,)]:
        family("kthvalue", "tm", (x,) + a)

# ---------------------------------------------------------------------------------------------------- shapes
for x in SHAPED:
    for shape in [(-1,), (12,), (4, 3), (2, -1), (3, 4), (3, 2, 2), (0, 5), (-1, -1), (1, -1, 1), (24,), (6, 4)]:
        add("Tensor.reshape", x, *shape)
        add("Tensor.view", x, shape)
        add("torch.reshape", x, shape)
    for a in [(0, 1), (-1, 0), (1, 1), (2, 0), (5, 0)]:
        family("transpose swapaxes swapdims", "tm", (x,) + a)
    for a in [(1, 0), (0, 1), (2, 0, 1), (-1, -2), (0, 0), ()]:
        add("Tensor.permute", x, *a)
        add("torch.permute", x, a)
    for a in [(0, 1), (0, -1), ((0, 1), (1, 0)), ((0, 0), (0, 1)), ([2, 0], [0, 1]), ((0, 1), 1), (-1, 0)]:
        family("movedim moveaxis", "tm", (x,) + a)
    for d in [0, 1, -1, 2, -2, 4, -5]:
        family("unsqueeze squeeze", "tm", (x, d))
    for a in [(), (1,), (0, 1), (-2, -1), (1, 0), (0, 7)]:
        family("flatten", "tm", (x,) + a)
    family("ravel", "tm", (x,))
    for a in [(0, (3, 1)), (-1, (2, 2)), (1, (2, -1)), (0, (5, 5)), (1, [4]), (0, (-1, 0))]:
        family("unflatten", "m" if not hasattr(torch, "unflatten") else "tm", (x,) + a)
    for shape in [(3, 4), (2, 3, 4), (-1, 4), (5,), (2, 5), (3, -1, 4), (-1, 3, 4), (0, 4)]:
        add("Tensor.expand", x, *shape)
        add("torch.broadcast_to", x, shape)
        add("Tensor.broadcast_to", x, shape)
    for a in [(2,), (1, 3), (2, 1, 2), (0, 1), (2, 2, 2, 1)]:
        add("Tensor.repeat", x, *a)
        add("Tensor.tile", x, *a)
        add("torch.tile", x, a)
    for a in [(2,), (2, 0), (3, -1), (0,), (-1,), ({"repeats": 2, "dim": 1},), (2, 7), (si,), (i3, 0), (i4, 1)]:
        family("repeat_interleave", "tm", (x,) + a)
    for a in [(2,), (3, 1), (5, -1), (0,), (1, 9)]:
        family("chunk", "tm", (x,) + a)
    for a in [(2,), ([1, 2],), ([2, 2], 1), (1, -1), (0,), ([1, 1, 1], 0), (3, 8)]:
        family("split", "tm", (x,) + a)
    for a in [(), (1,), (-1,), (6,)]:
        family("unbind", "tm", (x,) + a)
    for a in [(1,), (-2, 0), ((1, 2), (0, 1)), (5, -1), ((1, 2),), (1, 9)]:
        family("roll", "tm", (x,) + a)
    for a in [(0,), (1,), (0, 1), (-1,), (0, 0), (5,)]:
        add("Tensor.flip", x, *a)
        add("torch.flip", x, a)
    family("fliplr flipud t", "tm", (x,))
    for a in [(), (1,), (-1,), (-9,), (9,)]:
        family("tril triu", "tmi", (x,) + a)
    for a in [(0, 0, 2), (1, 1, 2), (-1, 0, 9), (0, -1, 1), (0, 1, 0), (4, 0, 1), (0, 2, -1)]:
        family("narrow", "tm", (x,) + a)
    for a in [(0, 0), (1, -1), (-1, 1), (0, 99), (7, 0)]:
        family("select", "tm", (x,) + a)
    for a in [(), (1,), (-1,), (0, 1, 0), ({"offset": -2},), (0, 0, 0), (0, -2, -1), (99,)]:
        family("diagonal", "tm", (x,) + a)
    for a in [(), (1,), (-2,)]:
        family("diag diag_embed", "tm", (x,) + a)
    family("trace", "tm", (x,))
    for a in [(0, 2, 1), (-1, 2, 2), (0, 9, 1), (0, 1, 0), (1, 3, 1)]:
        add("Tensor.unfold", x, *a)
    family("clone numel", "tm", (x,))
    for name in "contiguous dim ndimension nelement is_contiguous float double long bool int detach cpu tolist".split():
        if name not in ("int",):
            add("Tensor." + name, x)
    for a in [(), (0,), (-1,), (1,), (9,)]:
        add("Tensor.size", x, *a)
    for name in "T mT ndim shape dtype data".split():
        add("Tensor." + name, x)
    family("atleast_1d atleast_2d atleast_3d", "t", (x,))
    family("squeeze", "tm", (x,))
family("squeeze", "tm", (c31,), (r14, 0), (t212,), (t212, 1), (v1,), (t212, {"dim": -2}))
for a in [(m34, e04), (v5, m34), (m34, t234), (v4, x34), (s, m34), (mt, m34), (t234, m34)]:
    add("Tensor.expand_as", *a)
    add("Tensor.reshape_as", *a)
    add("Tensor.view_as", *a)
for parts in [[m34, n34], [v3, c31], [c31, r14, s], [v3, v4], [m34], [], [i3, s]]:
    add("torch.broadcast_tensors", *parts)
JOIN = [[m34, n34], [m34, mt], [m34], [v5, v1], [v0, m34], [m34, v0], [m34, e04], [m34, i34], [i34, b34], [t234, tp], [s, s],
        [m34, v4], [], [d34, m34], [b3, b4], [v4, m34], [m34, 3], [c31, e30], [v3, s], [v3, w3]]
for parts in JOIN:
    for d in [None, 0, 1, -1, -2, 2, 5]:
        for name in "cat concat concatenate stack".split():
            if d is None:
                add("torch." + name, parts)
            else:
                add("torch." + name, tuple(parts), d)
    family("hstack vstack row_stack dstack column_stack", "t", (parts,))
add("torch.cat", [m34, n34], dim=1)
add("torch.cat", m34)

# ---------------------------------------------------------------------------------------------------- places
for x in [m34, mt, i34, b34]:
    for a in [(0, g34), (0, g24), (1, g32), (-1, g34), (0, gbad), (1, g34), (0, i3), (2, g34), (0, m34), (0, perm34)]:
        family("gather", "tm", (x,) + a)
for a in [(v5, 0, i3), (v5, 0, si), (s, 0, si), (t234, 0, g234), (tp, 2, g234), (s, 0, define("zero", torch.tensor(0))), (v0, 0, i0), (v5, 0, i0)]:
    family("gather", "tm", a)
for how in [{}, {"reduce": "add"}, {"reduce": "multiply"}, {"reduce": "other"}]:
    for a in [(m34, 0, perm34, 2.0), (m34, 0, perm34, n34), (m34, 1, g32, 1.5), (mt, 0, perm34, n34), (m34, 1, gbad, 1.0), (m34, 0, perm34, d34),
              (m34, 0, perm34, s), (v5, 0, i3, 1.0), (v5, 0, i3, w3), (i34, 0, perm34, 3), (m34, 5, perm34, 1.0), (v5, 0, i3, v1)]:
        if a[1] == 1 and how:
            continue  # repeated places: PyTorch promises no order
        family("scatter", "tmi", a + (how,))
family("scatter", "mi", (m34, 0, perm34, {"value": 4}), (m34, 0, perm34, {"src": n34}), (m34, 0, perm34))
for a in [(m34, 0, g34, n34), (m34, 1, g32, m34), (mt, 0, g34, n34), (m34, 0, gbad, n34), (m34, 0, g34, v4), (m34, 0, g34, d34),
          (i34, 0, g34, it), (v5, 0, i3, w3), (m34, 0, g24, n34), (m34, 0, g34, 1.0)]:
    family("scatter_add", "tmi", a)
for a in [(m34, 0, i3), (m34, 1, i4), (mt, 1, i3), (m34, -1, i3), (m34, 0, si), (v5, 0, i3), (m34, 2, i3), (m34, 0, g34), (m34, 0, i5n),
          (m34, 0, i0), (tp, 1, i3), (m34, 0, v3), (s, 0, define("z1", torch.tensor([0])))]:
    family("index_select", "tm", a)
n24 = define("n24", R(2, 4))
i2 = define("i2", torch.tensor([2, 0]))
for a in [(m34, 0, i3, n34), (m34, 0, i2, n24), (mt, 0, i2, w24), (m34, 1, i3, m33), (m34, 0, i3, m33), (m34, 0, i2, d34), (v5, 0, i3, w3), (i34, 0, i3, it)]:
    family("index_add index_copy", "tmi", a)
family("index_add", "tm", (m34, 0, i3, n34, {"alpha": 2}), (m34, 0, define("i22", torch.tensor([1, 1])), n24))
for a in [(m34, 0, i2, 5.0), (mt, 1, i3, -1), (i34, 0, i2, 7), (v5, 0, i3, s), (m34, 0, i4, 1.0), (b34, 1, i2, True)]:
    family("index_fill", "tmi", a)
for a in [(m34, g34, 0), (m34, g32, 1), (m34, define("g14", torch.tensor([[2, 0, 1, 1]])), 0), (m34, i3), (mt, g24, 0), (m34, i3, 0), (v5, i3, 0), (m34, v3)]:
    family("take_along_dim", "tm", a)
for a in [(m34, i3), (m34, g34), (mt, i5n), (v5, i3), (m34, v3), (m34, define("i99", torch.tensor([99])))]:
    family("take", "tm", a)
family("nonzero argwhere", "tm", (b34,), (m34,), (i5,), (bt,), (s,), (v0,), (e04,))
family("nonzero", "tm", (b34, {"as_tuple": True}), (i5, {"as_tuple": True}))
family("masked_select", "tm", (m34, b34), (mt, bt), (m34, b4), (v4, b34), (m34, i34), (m34, b3), (i34, b34), (v0, b0))
for a in [(i3,), (i3, 5), (g34, 3), (i3, 2), (i5n,), (v3,), (si, 4), (i0, 3), (i0,), (i3, 0), (i3, -1)]:
    add("torch.nn.functional.one_hot", *a)
family("bincount", "tm", (i3,), (i4, {"minlength": 8}), (i3, w3), (i5,), (v3,), (i0,), (i3, {"minlength": -1}), (i0, {"minlength": 3}))

S_ = slice
INDICES = [0, -1, 3, 99, (0, 1), (1, -1), (0, 0, 0), (0, 0, 0, 0), S_(None), S_(1, None), S_(None, None, 2), S_(-2, None), S_(5, 1), S_(1, 99),
           S_(None, None, -1), S_(None, None, 0), (S_(None), 0), (S_(0, 2), S_(1, None, 2)), Ellipsis, (Ellipsis, 0), (0, Ellipsis), (Ellipsis, 0, 0),
           (Ellipsis, Ellipsis), None, (None, 0), (S_(None), None), (Ellipsis, None), (0, None, S_(None)), i3, (S_(None), i3), (i3, i3), (0, i3),
           (i3, 0), (i3, S_(1, 3)), (i3, None), (None, i3), g34, (g34, i3), (i3, c31), [0, 2], ([0, 2],), ([0, 1], [1, 0]), (S_(None), [1, 1]),
           [True, False, True], b3, b34, (b3, 0), (S_(None), b4), (b3, S_(1, None)), b5, (b34,), (Ellipsis, b4), (i2, b3), i0, (i0, S_(None)), True, False,
           (True, 0), sb, si, (si, si), (S_(None), si), [], (), (Ellipsis, i3, S_(None)), (i3, S_(None), i3), (0, S_(None), i3), (S_(None), i3, i3),
           (S_(None), i3, 0), 1.5, v3, (i3, define("i31", torch.tensor([[1], [0], [2]]))), i5n, (S_(None), S_(None), b4), (b34, 0), S_(si, None), (S_(0, 0), 0)]
for x in [s, v0, v5, m34, mt, e04, t234, tp, b34]:
    for i in INDICES:
        add("getitem", x, i)
for x in [s, v5, m34, mt, tp, i34, b34]:
    for i in INDICES:
        for v in [2, s, v4]:
            if v is v4 and i in (i5n,):
                continue
            repeated = isinstance(i, (Ref, tuple, list))
            add("setitem", x, i, v if not (repeated and v is v4) else v1)
add("setitem", m34, b34, define("seven", torch.arange(8.0)))
add("setitem", m34, (S_(None), [0, 2]), define("m32", R(3, 2)))
add("setitem", m34, (i3, S_(None)), n34)
add("setitem", m34, i2, w24)
add("setitem", tp, (S_(None), i2), define("t224", R(2, 2, 4)))
add("setitem", t234, (S_(None), i3, i3), define("s23", R(2, 3)))
add("setitem", m34, (0, S_(None)), r14)
add("setitem", m34, 0, c31)
add("setitem", x34, 0, 1.0)
add("setitem", i34, 0, m34)
add("setitem", m34, 0, i4)
add("setitem", m34, S_(None), define("m134", R(1, 3, 4)))

# ---------------------------------------------------------------------------------------------------- constructors
D32, D64, I64, B = torch.float32, torch.float64, torch.int64, torch.bool
for data in [1, 2.5, True, [1, 2], [1, 2.5], [True, False], [[1, 2], [3, 4]], [], [[]], [[1], [2, 3]], (1, 2.0), [s, s], [m34, n34], m34, "x", None, [[1.0, 2], [True, 3]], [si, 2.5], [[s, 1], [2, 3]], b3]:
    family("tensor as_tensor asarray", "t", (data,), (data, {"dtype": D32}), (data, {"dtype": I64}))
family("scalar_tensor", "t", (1,), (2.5,), (True,), (3, {"dtype": D64}), (1, {"dtype": B}))
for name in "zeros ones".split():
    for a in [(3,), (2, 3), ((2, 3),), ([2, 0],), (-1,), (2.5,), ({"size": (2, 2)},), (2, {"dtype": I64}), (2, 2, {"dtype": B}), ((),)]:
        family(name, "t", a)
for name in "zeros_like ones_like".split():
    family(name, "t", (m34,), (mt,), (i34,), (b34, {"dtype": D32}), (s,), (e04,), (3,))
family("full", "t", ((2, 3), 1.5), ((2,), 1), ((2,), True), ([2, 1], 2, {"dtype": D32}), ((0,), 1.0), ((2,), 2.7, {"dtype": I64}), (3, 1.0), ((-2,), 1))
family("full_like", "t", (m34, 2), (i34, 2.5), (b34, 1), (mt, 0.5, {"dtype": D64}), (s, 3), (m34,))
for a in [(2,), (2, 3), ((2, 3),), (0,), (2, {"dtype": I64})]:
    family("new_zeros new_ones", "m", (m34,) + a, (i34,) + a)
family("new_full", "m", (m34, (2,), 3), (i34, (2, 2), 4), (m34, (2,), 3, {"dtype": I64}), (b34, (1,), True), (m34, (-1,), 1.0))
family("new_tensor", "m", (m34, [1, 2]), (i34, [1.0, 2.0]), (m34, 3), (b34, [0, 1]), (m34, [[1], [2]]))
for a in [(5,), (2, 5), (1, 10, 3), (0.0, 1.0, 0.25), (5.5,), (5, 2), (5, 2, -1), (0,), (3, 3), (1, 2, 0), (5, {"dtype": D32}), (0, 1, 0.1), (2, 3.5), (5, {"dtype": D64}), (0.5, 5, {"dtype": I64}), (-3, 3, 2)]:
    family("arange", "t", a)
for a in [(0, 1, 5), (-1.0, 1.0, 4), (0, 1, 1), (0, 1, 0), (0, 10, 11, {"dtype": I64}), (3, 3, 3), (0, 1, -1), (0, 5, {"steps": 3}), (0, 1, 5, {"dtype": D64})]:
    family("linspace logspace", "t", a)
family("eye", "t", (3,), (2, 3), (3, 2, {"dtype": I64}), (0,), (-1,), (2, {"dtype": B}))
for parts in [[v3, v4], [v3], [v3, v4, v5], [s, v3], [m34, v3], [i3, i4], []]:
    add("torch.meshgrid", *parts)
    add("torch.meshgrid", *parts, indexing="xy")
    add("torch.meshgrid", *parts, indexing="ij")
for x in [m34, i34, b34, odd, half, s]:
    for name in "float double long bool".split():
        add("Tensor." + name, x)
    for a in [(D32,), (D64,), (I64,), (B,), (m34,), (i34,), ({"dtype": D64},), ("cpu",), (3,), ("cpu", I64), (D32, False, True)]:
        if not (x is odd and a[0] in (I64, i34) or x is odd and a[0] == "cpu"):
            add("Tensor.to", x, *a)
    for a in [D32, D64, B]:
        add("Tensor.type", x, a)
    for a in [m34, d34, b34]:
        add("Tensor.type_as", x, a)
    family("detach", "t", (x,))
for x in [s, v1, m34, i34, si, sb, c31, v0]:
    family("item tolist numel", "m", (x,))
    family("is_tensor is_floating_point", "t", (x,))
    add("Tensor.is_floating_point", x)
for a in [1, 2.0, None, [1], "x"]:
    add("torch.is_tensor", a)
for a in [(m34, 2.5), (i34, 3), (b34, True), (m34, s), (mt, 1), (m34, v4), (i34, 2.5), (x34, 1.0)]:
    family("fill", "ti", a)
for x in [m34, mt, i34, b34, x34, s]:
    add("Tensor.zero_", x)
for a in [(m34, n34), (m34, v4), (mt, i34), (i34, m34), (v4, m34), (b34, m34), (s, s), (m34, 3)]:
    add("Tensor.copy_", *a)

# ---------------------------------------------------------------------------------------------------- algebra
PRODUCTS = [(m34, m45), (m34, mt45), (mt, mt45), (v4, m45), (m34, v4), (v4, v4), (t234, m45), (t234, t245), (t234, t145), (t145, m45), (v4, t245),
            (t234, v4), (q, t2345), (q, t245), (m34, t245), (m34, n34), (v3, v4), (s, v4), (i34, define("i45", torch.arange(20).reshape(4, 5) % 7)),
            (m34, i34), (m34, d34), (b34, define("b45", torch.ones(4, 5, dtype=torch.bool))), (e04, m45), (e30, define("e05", R(0, 5))), (w2040, w4030),
            (tp, m45), (x34, m45), (w300, u300), (c31, r14), (tp, t245), (m34, define("m4000", R(4, 0)))]
family("matmul", "tml", *PRODUCTS)
family("mm bmm mv dot inner outer ger kron", "tm", *PRODUCTS)
family("vdot", "tm", (v4, v4), (v3, v4), (m34, m34), (i3, i3), (vs, v5), (w300, u300))
family("inner", "tm", (m34, n34), (v4, m34), (m34, v4), (mt, r14), (s, m34))
family("kron", "tm", (v3, v4), (m34, c31), (t234, v3), (m34, t212), (s, m34))
for p in PRODUCTS:
    add("op.matmul", *p)
add("op.matmul", m34, 2)
m35 = define("m35", R(3, 5))
for a in [(m35, m34, m45), (define("v5b", R(5)), m34, m45), (m35, m34, m45, {"beta": 0.5, "alpha": 2}), (m34, m34, m45), (m35, mt, mt45, {"alpha": -1}), (m35, m34, n34)]:
    family("addmm", "tm", a)
for a in [(v3, m34, v4), (v3, mt, v4, {"beta": 2}), (v1, m34, v4), (v4, m34, v4), (s, m34, v4, {"alpha": 3}), (v3, m34, v3)]:
    family("addmv", "tm", a)
for a in [(define("t235", R(2, 3, 5)), t234, t245), (m35, t234, t245), (s, tp, t245), (m35, t234, t245, {"beta": 0.1, "alpha": 0.2}), (m34, t234, t245), (m35, m34, m45)]:
    family("baddbmm", "tm", a)
EIN = [("ij,jk->ik", m34, m45), ("ij,jk", m34, m45), ("ij->ji", m34), ("ij->", m34), ("ii->i", m33), ("ii", m33), ("i,i->", v4, v4), ("i,j->ij", v3, v4),
       ("bij,bjk->bik", t234, t245), ("...ij,...jk->...ik", t234, t245), ("...ij,jk->...ik", q, m45), ("bij,kj->bik", t234, w24), ("ij,j->i", m34, v4),
       ("ij,kj,k->i", m34, w24, w2), ("ij,ij->ij", m34, n34), ("ij,ij->", m34, mt), ("i,i,i->i", v4, v4, v4), ("a,b,c->abc", v3, v4, w2), ("ij,jk", m34, n34),
       ("ij,jk->il", m34, m45), ("ij,j", m34), ("ij->i", v4), ("i j , j k -> k i", m34, m45), ("...", m34), ("...i->i...", t234), ("bhqd,bhkd->bhqk", q, q),
       ("bhqk,bhkd->bhqd", q, t2345), ("ij->ii", m34), ("ij,jk->ik", m34, d34), ("ij,jk->ik", i34, define("i45b", torch.arange(20).reshape(4, 5) - 9)),
       ("i1->i", m34), ("...ij->...ji", tp), ("ij,j->ij", c31, v4), ("ijk,ijk->k", t234, tp), ("abc,cd,ad->b", t234, w42, define("m22", R(2, 2))),
       ("Ij,jK->IK", m34, m45), ("iij->j", define("t334", R(3, 3, 4))), ("i...,...->i", v3, s), ("ij..,jk->ik", m34, m45), ("", s), (",->", s, sn), (",i->i", s, v3),
       ("...ij,...j->...i", t234, v4), ("ij,...->...", m34, t234), ("ij,kl->", m34, m45), ("ik,jk->ij", e30, e30), ("ijk->kji", tp), ("bnd,de->bne", t234, m45),
       ("ij,ij->j", x34, m34), ("i,ij,j->", v3, m34, v4)]
for a in EIN:
    add("torch.einsum", *a)
for a in [(m34, m45, 1), (t234, m34, 2), (t234, t234, ([0, 1], [0, 1])), (m34, n34, ([0], [0])), (v3, v4, 0), (m34, n34, 1), (m34, m34), (t234, mt, ([1, 2], [0, 1]))]:
    add("torch.tensordot", *a)
for a in [(m34, w24), (m34, w24, w2), (t234, w24, w2), (v4, w24), (v4, w24, w2), (m34, v4), (m34, w24, w3), (mt, w24), (m34, m45), (i34, w24), (s, w24), (m34, w24, {"bias": None})]:
    add("torch.nn.functional.linear", *a)
qa, ka, va = define("qa", R(2, 3, 4)), define("ka", R(2, 5, 4)), define("va", R(2, 5, 2))
mask = define("mask", torch.tensor([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]]).bool())
for a in [(qa, ka, va), (qa, ka, va, mask), (qa, ka, va, m35), (qa, ka, va, {"is_causal": True}), (q, q, q), (m34, m34, m34, {"is_causal": True}), (qa, ka, m34), (qa, va, va), (qa, ka, va, {"scale": 0.5}),
          (qa, ka, va, mask, {"is_causal": True})]:
    family("scaled_dot_product_attention", "f", a)

# ---------------------------------------------------------------------------------------------------- functional
for a in [(m34, (4,)), (m34, [3, 4]), (m34, (4,), v4), (m34, (4,), v4, v4), (tp, (3, 4), n34, m34), (m34, (3,)), (m34, (4,), v3), (big, (4,), {"eps": 1.0}), (t234, (4,), {"bias": v4}), (v4, (4,)), (m34, ()), (i34, (4,)),
          (d34, (4,)), (x34, (4,))]:
    family("layer_norm", "ft", a)
for a in [(m34, (4,)), (m34, [3, 4]), (m34, (4,), v4), (tp, (3, 4), n34), (m34, (3,)), (m34, (4,), v3), (big, (4,), {"eps": 1.0}), (t234, (4,)), (v4, (4,)), (d34, (4,))]:
    add("torch.nn.functional.rms_norm", *a)
for a in [(m34,), (mt, 1.0), (m34, 2.0, 0), (t234, {"dim": -1}), (v5, {"dim": 0}), (v5,), (i34,), (m34, {"p": float("inf")}), (d34, 3.0), (define("z34", torch.zeros(3, 4)),)]:
    family("normalize", "f", a)
for a in [(m34, n34), (m34, mt, 0), (t234, t234, -1), (v5, v5, 0), (m34, v4), (v3, v4, 0), (i34, i34), (m34, d34), (m34, n34, {"dim": 5})]:
    family("cosine_similarity", "ft", a)
for a in [(m34,), (mt, 1), (w24, 0), (m34, 0), (s,), (t234, -1), (d34,)]:
    family("glu", "f", a)
for a in [(m34, (1, 2)), (m34, [1, 0, 2, 1]), (v5, (0, 3), "constant", 9.0), (m34, (-1, 2)), (m34, (1, 1), {"value": -1}), (m34, (1,)), (v5, (1, 1, 1, 1)), (i34, (1, 1)), (tp, (0, 0, 1, 1)), (m34, (-3, -3)), (b34, (1, 0))]:
    family("pad", "f", a)
for a in [(i3, m34), (g34, m34), (g24, mt), (v3, m34), (i5, m34), (i0, m34)]:
    family("embedding", "f", a)
for a in [(m34, n34), (m34, mt, {"reduction": "sum"}), (m34, n34, {"reduction": "none"}), (m34, v4), (d34, d34), (m34, n34, {"reduction": "x"})]:
    family("mse_loss l1_loss", "f", a)
MODULES = {"Softmax": [({"dim": -1},), (0,), ({"dim": 1},), (), (9,)], "LogSoftmax": [({"dim": -1},), (0,), ({"dim": 1},)], "Softmin": [({"dim": -1},), (0,), (1,)],
           "GELU": [(), ({"approximate": "tanh"},), ({"approximate": "none"},)], "SiLU": [()], "ReLU": [(), (False,)], "ReLU6": [()], "Sigmoid": [(), (1,)], "Tanh": [()],
           "Softplus": [(), (2,), ({"beta": 2, "threshold": 1},)], "LeakyReLU": [(), (0.3,)], "ELU": [(), (2.0,)], "CELU": [(), (2.0,)], "SELU": [()], "Mish": [()], "Softsign": [()], "LogSigmoid": [()],
           "Hardtanh": [(), (-0.5, 0.5)], "Hardswish": [()], "Hardsigmoid": [()], "Tanhshrink": [()], "GLU": [(), (1,)], "Identity": [()],
           "CosineSimilarity": [(), ({"dim": 0},)]}
for name, constructions in MODULES.items():
    for con in constructions:
        for x in [m34, mt, big, t234, i34, s]:
            add("torch.nn." + name, *con, _call=[x] + ([n34] if name == "CosineSimilarity" else []))
for con, kw in [(((4,),), {}), ((4,), {}), (((3, 4),), {"eps": 1.0}), (((4,),), {"elementwise_affine": False})]:
    for x in [m34, mt, v4, w3]:
        add("torch.nn.LayerNorm", *con, _call=[x], **kw)

write()
