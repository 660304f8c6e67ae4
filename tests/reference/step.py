# SPDX-License-Identifier: MIT
"""Streaming Tensor Programs, evaluated eagerly on torch: the reference the C++ verifier is compared with.

Written from the description of the language and for being obviously right, not for speed: every operator visits
its elements one by one. A stream's `data` is a list of row-major arrays, one per field of its dtype; the axes of each
are the stream's dims outermost first, then the axes of the field's own type.
"""

import itertools

import sympy
import torch


class StepError(Exception):
    """A broken precondition: the operator's name and both sides of what did not fit."""


# ---- dims: integers, symbols and polynomials of them; sympy's expanded form is the normal form


def symbol(name):
    return sympy.Symbol(name, integer=True)


def is_int(value):
    return isinstance(value, (int, sympy.Integer)) and not isinstance(value, bool)


def as_dim(value):
    if is_int(value):
        return sympy.Integer(int(value))
    if isinstance(value, sympy.Expr) and value.free_symbols:
        return sympy.expand(value)
    raise StepError(f"{value!r} is not a dim")


def size_of(dim, ctx):
    if dim in ctx:  # the common case; sympy is slow
        return ctx[dim]
    size = as_dim(dim).subs(ctx)
    if not size.is_Integer or size < 0:
        raise StepError(f"dim {dim} has no size")
    return int(size)


def same_dims(a, b):
    return len(a) == len(b) and all(as_dim(x) == as_dim(y) for x, y in zip(a, b))


# ---- element types


class Scalar:
    def __init__(self, kind="float"):
        self.kind = kind

    def axes(self):  # outermost first
        return []

    def __eq__(self, other):
        return isinstance(other, Scalar) and self.kind == other.kind

    def __repr__(self):
        return "fp32"


class Multihot:
    def __init__(self, element, classes):
        self.element, self.classes = element, as_dim(classes)

    def axes(self):
        return [self.classes] + self.element.axes()

    def __eq__(self, other):
        return isinstance(other, Multihot) and self.element == other.element and self.classes == other.classes

    def __repr__(self):
        return f"Multihot({self.element}, {self.classes})"


class Buffer:
    def __init__(self, element, dims):  # dims innermost first
        self.element, self.dims = element, [as_dim(d) for d in dims]

    def axes(self):
        return self.dims[::-1] + self.element.axes()

    def __eq__(self, other):
        return isinstance(other, Buffer) and self.element == other.element and same_dims(self.dims, other.dims)

    def __repr__(self):
        return f"Buffer({self.element}, {self.dims})"


class STuple:
    def __init__(self, fields):
        self.fields = list(fields)

    def __eq__(self, other):
        return isinstance(other, STuple) and self.fields == other.fields

    def __repr__(self):
        return repr(self.fields)


def fields_of(dtype):
    return dtype.fields if isinstance(dtype, STuple) else [dtype]


def dtype_of(fields):
    return fields[0] if len(fields) == 1 else STuple(fields)


# ---- streams and functions


class Stream:
    """What flows: `shape` innermost first, `rank` one less than its length."""

    def __init__(self, name, dtype, rank, shape):
        if rank != len(shape) - 1:
            raise StepError(f"stream {name}: rank {rank} with {len(shape)} dims")
        self.name, self.dtype, self._shape = name, dtype, [as_dim(d) for d in shape]
        self.ctx, self.data = {}, []
        self.consumed = 0  # how many operators took it: the affine rule allows one

    @property
    def shape(self):
        return list(self._shape)  # a copy: nobody changes a stream through it

    @property
    def rank(self):
        return len(self._shape) - 1

    def sizes(self):  # outermost first, as the leading axes of the data
        return [size_of(d, self.ctx) for d in reversed(self._shape)]

    def positions(self):
        return itertools.product(*(range(n) for n in self.sizes()))

    def element(self, position):
        return [array[position] for array in self.data]


def make(dtype, shape, ctx, data, name="stream"):
    """The one place where results are made; checks the arrays against the type."""
    result = Stream(name, dtype, len(shape) - 1, shape)
    result.ctx = dict(ctx)
    for field, array in zip(fields_of(dtype), data):
        want = result.sizes() + [size_of(d, ctx) for d in field.axes()]
        if list(array.shape) != want:
            raise StepError(f"array {list(array.shape)} for {field} over {shape}, expected {want}")
    result.data = list(data)
    return result


def from_elements(dtype, shape, ctx, elements):
    """`elements` in row-major order, each a list with one array per field."""
    sizes = [size_of(d, ctx) for d in reversed(shape)]
    data = []
    for number, field in enumerate(fields_of(dtype)):
        own = [size_of(d, ctx) for d in field.axes()]
        if elements:
            data.append(torch.stack([e[number] for e in elements]).reshape(sizes + own))
        else:
            data.append(torch.zeros(sizes + own))
    return make(dtype, shape, ctx, data)


class Fn:
    """A task's function. Subclasses define `apply(input)`, or `getInit()` and `apply(state, input)`."""

    def __init__(self, name, input_dtype, output_dtype):
        self.name, self.input_dtype, self.output_dtype = name, input_dtype, output_dtype

    getInit = None

    def has_init(self):
        return self.getInit is not None

    def start(self, ctx):
        """The state before the first element: each constant fills a component of its shape."""
        fields = fields_of(self.output_dtype)
        constants = self.getInit()
        if len(constants) != len(fields):
            raise StepError(f"{self.name}: {len(constants)} init constants for {len(fields)} components")
        return [torch.full([size_of(d, ctx) for d in f.axes()], float(c)) for f, c in zip(fields, constants)]

    def call(self, ctx, *arguments):
        result = self.apply(*arguments)
        fields = fields_of(self.output_dtype)
        if not isinstance(result, (list, tuple)) or len(result) != len(fields):
            raise StepError(f"{self.name} returned {result!r} for {len(fields)} components")
        components = []
        for field, value in zip(fields, result):
            value = torch.as_tensor(value).to(torch.get_default_dtype())
            want = [size_of(d, ctx) for d in field.axes()]
            if list(value.shape) != want:
                raise StepError(f"{self.name} returned {list(value.shape)} for {field}, expected {want}")
            components.append(value)
        return components


# ---- operators


class Operator:
    required = ()

    def __init__(self, *positional, **config):
        name = type(self).__name__
        if positional:
            raise StepError(f"{name}: configuration is given by keyword")
        for key in self.required:
            if key not in config:
                raise StepError(f"{name}: {key} is missing")
            setattr(self, key, config[key])  # unknown keys are ignored
        self.configure()

    def configure(self):
        pass

    def fail(self, text):
        raise StepError(f"{type(self).__name__}: {text}")

    def want_function(self, stateful):
        if not isinstance(self.fn, Fn):
            self.fail(f"fn is {self.fn!r}, not a function of the task")
        if self.fn.has_init() != stateful:
            self.fail(f"{self.fn.name} has {'no' if stateful else 'an'} init")

    def want_input(self, dtype):
        if self.fn.input_dtype != dtype:
            self.fail(f"{self.fn.name} takes {self.fn.input_dtype}, the stream holds {dtype}")

    def stream(self, value):
        if not isinstance(value, Stream):
            self.fail(f"expected a stream, got {type(value).__name__}")
        return value

    def pair(self, value, kinds=(tuple, list)):
        if not isinstance(value, kinds) or len(value) != 2:
            self.fail("expected two arguments in a tuple")
        return value

    def take(self, *streams):
        for s in streams:
            s.consumed += 1

    def apply(self, *arguments, **keywords):
        if len(arguments) != 1 or keywords:
            self.fail("apply takes one argument; several streams go into a tuple")
        return self.run(arguments[0])

    def applyList(self, *arguments, **keywords):
        if len(arguments) != 1 or keywords or not isinstance(arguments[0], (list, tuple)):
            self.fail("applyList takes one list")
        return [self.run(a) for a in arguments[0]]


def zipped(op, a, b):
    if not same_dims(a.shape, b.shape):
        op.fail(f"shapes {a.shape} and {b.shape} differ")
    ctx = {**a.ctx, **b.ctx}
    return make(STuple(fields_of(a.dtype) + fields_of(b.dtype)), a.shape, ctx, a.data + b.data)


class Map(Operator):
    required = ("fn",)

    def configure(self):
        self.want_function(stateful=False)

    def run(self, argument):
        streams = list(argument) if isinstance(argument, tuple) else [argument]
        if not streams:
            self.fail("no streams")
        for s in streams:
            self.stream(s)
        self.take(*streams)
        source = streams[0]
        for s in streams[1:]:
            source = zipped(self, source, s)
        self.want_input(source.dtype)
        results = [self.fn.call(source.ctx, source.element(p)) for p in source.positions()]
        return from_elements(self.fn.output_dtype, source.shape, source.ctx, results)


class Fold(Operator):
    required = ("fn", "b")

    def configure(self):
        self.want_function(stateful=True)

    def run(self, source):
        self.take(self.stream(source))
        if not is_int(self.b) or not 0 < self.b <= source.rank:
            self.fail(f"b = {self.b} for a stream of rank {source.rank}")
        self.want_input(source.dtype)
        sizes = source.sizes()
        cut = len(sizes) - int(self.b)
        finals, steps = [], []
        for outer in itertools.product(*(range(n) for n in sizes[:cut])):
            state = self.fn.start(source.ctx)
            for inner in itertools.product(*(range(n) for n in sizes[cut:])):
                state = self.fn.call(source.ctx, state, source.element(outer + inner))
                steps.append(state)
            finals.append(state)
        return self.result(source, finals, steps)


class Accum(Fold):
    def result(self, source, finals, steps):
        return from_elements(self.fn.output_dtype, source.shape[int(self.b):], source.ctx, finals)


class Scan(Fold):
    def result(self, source, finals, steps):
        return from_elements(self.fn.output_dtype, source.shape, source.ctx, steps)


class Zip(Operator):
    def run(self, argument):
        a, b = self.pair(argument)
        self.take(self.stream(a), self.stream(b))
        return zipped(self, a, b)


class Promote(Operator):
    required = ("b",)

    def run(self, source):
        self.take(self.stream(source))
        if not is_int(self.b) or not 0 <= self.b <= source.rank + 1:
            self.fail(f"b = {self.b} for a stream of rank {source.rank}")
        b, shape = int(self.b), source.shape
        axis = len(shape) - b
        return make(source.dtype, shape[:b] + [1] + shape[b:], source.ctx, [a.unsqueeze(axis) for a in source.data])


def regrouped(source, shape):
    """The same elements in the same order under other dims."""
    sizes = [size_of(d, source.ctx) for d in reversed(shape)]
    lead = len(source.shape)
    return make(source.dtype, shape, source.ctx, [a.reshape(sizes + list(a.shape[lead:])) for a in source.data])


class Flatten(Operator):
    required = ("L",)

    def run(self, source):
        self.take(self.stream(source))
        if not isinstance(self.L, (list, tuple, range)) or len(self.L) == 0 or not all(is_int(i) for i in self.L):
            self.fail(f"L = {self.L!r} is not a list of integers")
        levels = [int(i) for i in self.L]
        if levels != list(range(levels[0], levels[0] + len(levels))) or levels[0] < 1 or levels[-1] > source.rank:
            self.fail(f"L = {levels} for a stream of rank {source.rank}")
        # level i joins dims i-1 and i
        first, last = levels[0] - 1, levels[-1]
        shape = source.shape
        return regrouped(source, shape[:first] + [sympy.prod(shape[first:last + 1])] + shape[last + 1:])


class Reshape(Operator):
    required = ("S", "L")

    def run(self, source):
        self.take(self.stream(source))
        step_ = as_dim(self.S)
        if not isinstance(self.L, (list, tuple, range)) or len(self.L) == 0 or not all(is_int(i) for i in self.L):
            self.fail(f"L = {self.L!r} is not a list of integers")
        dims = [int(i) for i in self.L]
        if len(set(dims)) != len(dims) or not all(0 <= i <= source.rank for i in dims):
            self.fail(f"L = {dims} for a stream of rank {source.rank}")
        shape = []
        for number, dim in enumerate(source.shape):
            if number not in dims:
                shape.append(dim)
                continue
            part, whole = size_of(step_, source.ctx), size_of(dim, source.ctx)
            if part < 1 or whole % part != 0:
                self.fail(f"S = {step_} ({part}) does not divide {dim} ({whole})")
            shape += [step_, sympy.floor(sympy.expand(dim / step_))]
        return regrouped(source, shape)


class Bufferize(Operator):
    required = ("a",)

    def run(self, source):
        self.take(self.stream(source))
        if not is_int(self.a) or not 0 < self.a <= source.rank:
            self.fail(f"a = {self.a} for a stream of rank {source.rank}")
        inside, outside = source.shape[:int(self.a)], source.shape[int(self.a):]
        fields = [Buffer(f.element, f.dims + inside) if isinstance(f, Buffer) else Buffer(f, inside)
                  for f in fields_of(source.dtype)]
        return make(dtype_of(fields), outside, source.ctx, source.data)


class Streamify(Operator):
    def run(self, source):
        self.take(self.stream(source))
        if not isinstance(source.dtype, Buffer):
            self.fail(f"the stream holds {source.dtype}, not a Buffer")
        return make(source.dtype.element, source.dtype.dims + source.shape, source.ctx, source.data)


def repeated(source, n, shape, ctx):
    lead = len(source.shape)
    count = size_of(n, ctx)
    return make(source.dtype, shape, ctx, [a.unsqueeze(lead).repeat_interleave(count, dim=lead) for a in source.data])


class Repeat(Operator):
    required = ("n",)

    def run(self, source):
        self.take(self.stream(source))
        n = as_dim(self.n)
        return repeated(source, n, [n] + source.shape, source.ctx)


class RepeatLast(Repeat):
    pass


class RepeatRef(Operator):
    def run(self, argument):
        source, ref = self.pair(argument)
        self.take(self.stream(source), self.stream(ref))
        if not same_dims(source.shape, ref.shape[1:]):
            self.fail(f"shape {source.shape} is not that of the reference {ref.shape} without its innermost dim")
        return repeated(source, ref.shape[0], ref.shape, {**source.ctx, **ref.ctx})


class Identity(Operator):
    def run(self, source):
        self.take(self.stream(source))
        return make(source.dtype, source.shape, source.ctx, source.data)


class Copy(Operator):
    def run(self, source):
        self.take(self.stream(source))
        return tuple(make(source.dtype, source.shape, source.ctx, source.data) for _ in range(2))


def index_of(op, index):
    if not isinstance(index.dtype, Multihot):
        op.fail(f"the index holds {index.dtype}, not a Multihot")
    return size_of(index.dtype.classes, index.ctx)


fresh_names = itertools.count()


class Partition(Operator):
    required = ("N",)

    def run(self, argument):
        source, index = self.pair(argument)
        self.take(self.stream(source), self.stream(index))
        experts = index_of(self, index)
        if size_of(self.N, {**source.ctx, **index.ctx}) != experts:
            self.fail(f"N = {self.N} for an index of {experts} experts")
        inner = source.rank - index.rank
        if inner < 0 or not same_dims(source.shape[inner:], index.shape):
            self.fail(f"the index' shape {index.shape} is not that of the outermost dims of {source.shape}")
        parts = [[[] for _ in source.data] for _ in range(experts)]
        for position in index.positions():
            bits = index.element(position)[0]
            for expert in range(experts):
                if bits[expert] == 1:
                    for number, array in enumerate(source.data):
                        parts[expert][number].append(array[position])
        results = []
        for expert in range(experts):
            count = symbol(f"part{next(fresh_names)}")
            ctx = {**source.ctx, **index.ctx, count: len(parts[expert][0])}
            shape = source.shape[:inner] + [count]
            data = []
            for slices, array in zip(parts[expert], source.data):
                rest = list(array.shape[len(index.shape):])
                data.append(torch.stack(slices) if slices else torch.zeros([0] + rest))
            results.append(make(source.dtype, shape, ctx, data))
        return results


class Merge(Operator):
    required = ("fn",)

    def configure(self):
        self.want_function(stateful=True)

    def run(self, argument):
        streams, index = self.pair(argument)
        if not isinstance(streams, (list, tuple)):
            self.fail("expected a list of streams and an index")
        self.take(*[self.stream(s) for s in streams], self.stream(index))
        experts = index_of(self, index)
        if len(streams) != experts:
            self.fail(f"{len(streams)} streams for an index of {experts} experts")
        first, ctx = streams[0], dict(index.ctx)
        for s in streams:
            ctx.update(s.ctx)
            if s.dtype != first.dtype:
                self.fail(f"streams of {first.dtype} and of {s.dtype}")
            if not same_dims(s.shape[:-1], first.shape[:-1]):
                self.fail(f"inner dims {first.shape[:-1]} and {s.shape[:-1]} differ")
        self.want_input(first.dtype)
        inner_shape = first.shape[:-1]
        inner_sizes = [size_of(d, ctx) for d in reversed(inner_shape)]
        zeros = [torch.zeros([size_of(d, ctx) for d in f.axes()]) for f in fields_of(self.fn.output_dtype)]
        cursors = [0] * experts
        results = []
        for position in index.positions():
            bits = index.element(position)[0]
            chosen = [e for e in range(experts) if bits[e] == 1]
            for e in chosen:
                if cursors[e] >= streams[e].sizes()[0]:
                    self.fail(f"stream {e} has no slice {cursors[e]}")
            for inner in itertools.product(*(range(n) for n in inner_sizes)):
                state = self.fn.start(ctx) if chosen else zeros
                for e in chosen:
                    state = self.fn.call(ctx, state, streams[e].element((cursors[e],) + inner))
                results.append(state)
            for e in chosen:
                cursors[e] += 1
        return from_elements(self.fn.output_dtype, inner_shape + index.shape, ctx, results)


OPERATORS = {op.__name__: op for op in (Map, Accum, Scan, Zip, Promote, Flatten, Reshape, Bufferize, Streamify, Repeat,
                                        RepeatLast, RepeatRef, Identity, Copy, Partition, Merge)}
