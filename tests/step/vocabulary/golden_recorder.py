# SPDX-License-Identifier: MIT
"""Calls PyTorch and records what it returns, in the format that generate_golden.py describes."""
import math
import operator
import os
import warnings

import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.manual_seed(20240607)

DTYPES = {torch.float32: "f32", torch.float64: "f64", torch.int64: "i64", torch.bool: "b"}
INPUTS = {}  # name -> (storage values as a tensor, sizes, strides)
CASES = []
SEEN = set()
MISSING = []


class Ref:
    def __init__(self, name):
        self.name = name

    def get(self):
        base, sizes, strides = INPUTS[self.name]
        return base.clone().as_strided(sizes, strides)


def define(name, tensor):
    sizes, strides = tuple(tensor.shape), tuple(tensor.stride())
    extent = 0 if tensor.numel() == 0 else 1 + sum((n - 1) * s for n, s in zip(sizes, strides))
    base = torch.as_strided(tensor, (extent,), (1,), tensor.storage_offset()).clone()
    INPUTS[name] = (base, sizes, strides)
    return Ref(name)


def number(x, dtype):
    if dtype == torch.bool:
        return "1" if x else "0"
    if dtype == torch.int64:
        return str(int(x))
    return "%.9g" % x if dtype == torch.float32 else "%.17g" % x


def values(t):
    return " ".join(number(x, t.dtype) for x in t.reshape(-1).tolist())


def join(xs):
    return ",".join(str(x) for x in xs) if len(xs) else "-"


def encode(x):
    if isinstance(x, Ref):
        return "$" + x.name
    if x is None:
        return "n"
    if x is Ellipsis:
        return "..."
    if isinstance(x, bool):
        return "b%d" % x
    if isinstance(x, int):
        return "i%d" % x
    if isinstance(x, float):
        return "f%.17g" % x
    if isinstance(x, str):
        return "s'%s'" % x.replace(" ", "_")
    if isinstance(x, torch.dtype):
        return "d" + str(x)
    if isinstance(x, slice):
        return "S %s %s %s" % (encode(x.start), encode(x.stop), encode(x.step))
    if isinstance(x, tuple):
        return "( %s )" % " ".join(encode(i) for i in x)
    if isinstance(x, list):
        return "[ %s ]" % " ".join(encode(i) for i in x)
    raise TypeError(x)


def result_text(x):
    if isinstance(x, torch.Tensor):
        if x.dtype not in DTYPES:
            return None
        return ("T %s %s %s" % (DTYPES[x.dtype], join(x.shape), values(x))).rstrip()
    if isinstance(x, bool):
        return "b%d" % x
    if isinstance(x, int):
        return "i%d" % x
    if isinstance(x, float):
        return "f%.17g" % x
    if x is None:
        return "n"
    if isinstance(x, torch.dtype):
        return "d" + str(x)
    if isinstance(x, (tuple, list)):
        parts = [result_text(i) for i in x]
        if None in parts:
            return None
        return ("( %s )" if isinstance(x, tuple) else "[ %s ]") % " ".join(parts)
    return None


def resolve(x):
    if isinstance(x, Ref):
        return x.get()
    if isinstance(x, tuple):
        return tuple(resolve(i) for i in x)
    if isinstance(x, list):
        return [resolve(i) for i in x]
    if isinstance(x, slice):
        return slice(resolve(x.start), resolve(x.stop), resolve(x.step))
    return x


def rms_norm(input, normalized_shape, weight=None, eps=None):
    shape = tuple(normalized_shape)
    if tuple(input.shape[input.dim() - len(shape):]) != shape or not shape:
        raise RuntimeError("shape")
    dims = tuple(range(-len(shape), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    y = input * torch.rsqrt(input.square().mean(dims, keepdim=True) + eps)
    if weight is not None:
        if tuple(weight.shape) != shape:
            raise RuntimeError("shape")
        y = y * weight
    return y


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    if is_causal and attn_mask is not None:
        raise RuntimeError("mask")
    scores = query @ key.transpose(-2, -1) * scale
    if is_causal:
        attn_mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -math.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return torch.softmax(scores, -1) @ value


SPECIAL = {
    "torch.nn.functional.rms_norm": rms_norm,
    "torch.nn.functional.scaled_dot_product_attention": attention,
    "op.add": operator.add, "op.subtract": operator.sub, "op.multiply": operator.mul, "op.divide": operator.truediv,
    "op.floor_divide": operator.floordiv, "op.modulo": operator.mod, "op.power": operator.pow, "op.matmul": operator.matmul,
    "op.bit_and": operator.and_, "op.bit_or": operator.or_, "op.bit_xor": operator.xor,
    "op.shift_left": operator.lshift, "op.shift_right": operator.rshift,
    "op.less": operator.lt, "op.less_equal": operator.le, "op.greater": operator.gt, "op.greater_equal": operator.ge,
    "op.equal": operator.eq, "op.not_equal": operator.ne, "op.in": lambda a, b: a in b,
    "op.negative": operator.neg, "op.invert": operator.invert, "op.positive": operator.pos,
    "inplace.add": operator.iadd, "inplace.subtract": operator.isub, "inplace.multiply": operator.imul,
    "inplace.divide": operator.itruediv, "inplace.floor_divide": operator.ifloordiv, "inplace.modulo": operator.imod,
    "inplace.power": operator.ipow, "inplace.bit_and": operator.iand, "inplace.bit_or": operator.ior,
    "getitem": lambda x, i: x[i], "truth": bool, "int": int, "float": float, "len": len, "iterate": lambda x: list(x),
}


def setitem(x, i, v):
    x[i] = v
    return x


SPECIAL["setitem"] = setitem


def find(target):
    if target in SPECIAL:
        return SPECIAL[target]
    if target.startswith("Tensor."):
        name = target[7:]
        if not hasattr(torch.Tensor, name):
            return None
        if isinstance(getattr(torch.Tensor, name), property) or not callable(getattr(torch.Tensor, name)):
            return lambda x: getattr(x, name)
        return lambda x, *a, **k: getattr(x, name)(*a, **k)
    obj = torch
    for part in target.split(".")[1:]:
        obj = getattr(obj, part, None)
    return obj


def add(target, *args, _call=None, **kwargs):
    """Records one case; with _call, target is a module's constructor and _call holds the arguments of the call."""
    if args and isinstance(args[-1], dict):
        kwargs, args = {**args[-1], **kwargs}, args[:-1]
    f = find(target)
    if f is None:
        if target not in MISSING:
            MISSING.append(target)
        return
    text = " ".join(["C", target] + [encode(a) for a in args] + [k + "= " + encode(v) for k, v in kwargs.items()])
    if _call is not None:
        text += " | " + " ".join(encode(a) for a in _call)
    if text in SEEN:
        return
    SEEN.add(text)
    try:
        r = f(*[resolve(a) for a in args], **{k: resolve(v) for k, v in kwargs.items()})
        if _call is not None:
            r = r(*[resolve(a) for a in _call])
        r = result_text(r)
        if r is None or len(r) > 3000:
            return
    except Exception:  # noqa: BLE001 - whatever torch raises is the expected result
        r = "E"
    CASES.append(text + " => " + r)


def family(names, where, *argsets):
    """Each argset is a tuple of positional arguments, optionally ending with a dict of keywords."""
    prefix = {"t": "torch.", "m": "Tensor.", "f": "torch.nn.functional.", "l": "torch.linalg."}
    for name in names.split():
        for a in argsets:
            for w in where:
                add("Tensor." + name + "_" if w == "i" else prefix[w] + name, *a)


def write():
    """Writes golden.txt beside this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.txt")
    with open(path, "w") as out:
        out.write("# Written by generate_golden.py with torch %s; do not edit.\n" % torch.__version__)
        for name, (base, sizes, strides) in INPUTS.items():
            out.write(("T %s %s %s %s %s" % (name, DTYPES[base.dtype], join(sizes), join(strides), values(base))).rstrip() + "\n")
        for c in CASES:
            out.write(c + "\n")
    print(len(CASES), "cases,", os.path.getsize(path), "bytes; not in this torch:", " ".join(MISSING))
