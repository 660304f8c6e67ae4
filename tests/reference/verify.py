# SPDX-License-Identifier: MIT
"""Judges programs against task files with the reference implementation in `step.py`.

    verify.py --task tasks/bmm/bmm_0.yaml --impl program.py
    verify.py --tasks tasks --corpus programs.jsonl > verdicts.jsonl

A corpus line is `{"task": "bmm/bmm_0", "id": .., "impl": ..}`; a line of output is `{"id", "functional",
"affine_syntactic", "affine_flow", "stage", "message"}`. This runs Python: give it no hostile programs.
"""

import argparse
import ast
import json
import pathlib
import re
import sys

import torch
import yaml

import program
import step
from affine_syntactic import affine_syntactic

DEFAULT_SIZES = {"M": 5, "N": 7, "K": 9, "D": 16}
ABSOLUTE, RELATIVE = 1e-5, 1.3e-6


class Failure(Exception):
    def __init__(self, stage, message):
        super().__init__(message)
        self.stage, self.message = stage, message


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


# ---- task text to types


def parse_dim(text, symbols):
    return step.as_dim(eval(str(text), {"__builtins__": {}}, symbols))


def parse_dtype(text, symbols):
    if isinstance(text, list):
        return step.dtype_of([parse_dtype(t, symbols) for t in text])
    names = {"fp32": step.Scalar("float"), "Buffer": step.Buffer, "Multihot": step.Multihot}
    return eval(text, {"__builtins__": {}}, {**symbols, **names})


def as_list(value):
    return value if isinstance(value, list) else [value]


def symbols_of(task):
    """Every identifier that occurs as a dim, and the four that always exist."""
    names = set(DEFAULT_SIZES)
    texts = []
    for part in task["inputs"] + task["outputs"] + (task.get("parameters") or []):
        texts += as_list(part["dtype"]) + as_list(part["dims"])
    for fn in task["fns"]:
        texts += as_list(fn["input_dtype"]) + as_list(fn["output_dtype"])
    for text in texts:
        names |= set(re.findall(r"[A-Za-z_]\w*", str(text))) - {"fp32", "Buffer", "Multihot"}
    return {name: step.symbol(name) for name in sorted(names)}


# ---- the task's own snippets


def last_value(snippet, scope):
    """Runs a snippet; the value is that of its last expression statement."""
    tree = ast.parse(snippet)
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        raise ValueError(f"the last line of a data_transform is no expression: {snippet}")
    exec(compile(tree, "<data_transform>", "exec"), scope)
    return eval(compile(ast.Expression(last.value), "<data_transform>", "eval"), scope)


def make_function(spec, scope, symbols):
    stateful = spec.get("init") is not None
    lines = "\n".join("    " + line for line in spec["apply"].splitlines())
    local = {}
    exec(f"def body({'state, ' if stateful else ''}input):\n{lines}\n", scope, local)
    body = local["body"]
    members = {"apply": lambda self, *arguments: body(*arguments)}
    if stateful:
        constants = [float(c) for c in as_list(spec["init"])]
        members["getInit"] = lambda self: constants
    cls = type(spec["name"], (step.Fn,), members)
    return cls(spec["func_name"], parse_dtype(spec["input_dtype"], symbols), parse_dtype(spec["output_dtype"], symbols))


def draw(spec, sizes):
    generator = spec.get("data_gen")
    if generator is None:
        *lead, classes = sizes
        flat = torch.zeros([max(1, int(torch.tensor(lead).prod())), classes]) if lead else torch.zeros([1, classes])
        for row in flat:
            ones = int(torch.randint(spec["min"], spec["max"] + 1, (1,)))
            row[torch.randperm(classes)[:ones]] = 1
        return flat.reshape(sizes)
    if generator == "binary":
        return torch.randint(0, 2, sizes).to(torch.get_default_dtype())
    return {"torch.rand": torch.rand, "torch.randn": torch.randn, "torch.ones": torch.ones}[generator](sizes)


class Instance:
    """A task with sizes and data."""

    def __init__(self, task, sizes=None, seed=42):
        self.task = task
        self.symbols = symbols_of(task)
        chosen = {**DEFAULT_SIZES, **(sizes or {})}
        self.ctx = {self.symbols[n]: v for n, v in chosen.items() if n in self.symbols}
        self.arrays = {}
        scope = {"torch": torch, "ctx": self.ctx, "input_data": self.arrays, **self.symbols}
        scope.update({f"{n}_value": v for n, v in chosen.items()})
        exec(task.get("global") or "", scope)
        for name, sym in self.symbols.items():
            if sym in self.ctx:
                scope[f"{name}_value"] = self.ctx[sym]
        self.scope = scope
        torch.manual_seed(seed)
        for spec in task["inputs"] + (task.get("parameters") or []):
            dtype = parse_dtype(spec["dtype"], self.symbols)
            dims = self.dims(spec) + dtype.axes()
            self.arrays[spec["name"]] = draw(spec, [step.size_of(d, self.ctx) for d in dims])
        self.functions = {f["func_name"]: make_function(f, scope, self.symbols) for f in task["fns"]}
        self.expected = [[last_value(s, scope) for s in as_list(out["data_transform"])] for out in task["outputs"]]

    def dims(self, spec):  # outermost first
        return [parse_dim(d, self.symbols) for d in as_list(spec["dims"])][::-1]

    def inputs(self):
        streams = {}
        for spec in self.task["inputs"]:
            shape = self.dims(spec)[::-1]
            dtype = parse_dtype(spec["dtype"], self.symbols)
            streams[spec["name"]] = step.make(dtype, shape, self.ctx, [self.arrays[spec["name"]]], spec["name"])
        return streams

    def names(self):
        """What a program sees besides its inputs."""
        sizes = {f"{n}_value": self.scope[f"{n}_value"] for n, s in self.symbols.items() if s in self.ctx}
        return {**self.functions, **self.symbols, **sizes}


def compare(instance, outputs):
    task = instance.task
    if isinstance(outputs, step.Stream):
        outputs = [outputs]
    if not isinstance(outputs, (list, tuple)) or not all(isinstance(s, step.Stream) for s in outputs):
        raise Failure("shape", f"the program returned {type(outputs).__name__}, not streams")
    if len(outputs) != len(task["outputs"]):
        raise Failure("shape", f"{len(outputs)} outputs, expected {len(task['outputs'])}")
    for got, spec in zip(outputs, task["outputs"]):
        dtype = parse_dtype(spec["dtype"], instance.symbols)
        shape = instance.dims(spec)[::-1]
        if got.dtype != dtype:
            raise Failure("shape", f"{spec['name']} holds {got.dtype}, expected {dtype}")
        if not step.same_dims(got.shape, shape):
            raise Failure("shape", f"{spec['name']} has shape {got.shape}, expected {shape}")
    for got, spec, expected in zip(outputs, task["outputs"], instance.expected):
        for have, want in zip(got.data, expected):
            if list(have.shape) != list(want.shape):
                raise Failure("values", f"{spec['name']}: array {list(have.shape)}, expected {list(want.shape)}")
            have, want = have.double(), want.double()
            close = (have - want).abs() <= ABSOLUTE + RELATIVE * want.abs()  # false for NaN
            if not bool(close.all()):
                where = [int(i) for i in (~close).nonzero()[0]]
                raise Failure("values", f"{spec['name']}{where} is {have[tuple(where)]:.7g}, "
                                        f"expected {want[tuple(where)]:.7g}")


def watch_consumption(instance, text):
    """Runs the program. Returns what it returned and every stream that was made, to count how often each was taken."""
    made = []
    original = step.Stream.__init__

    def recording(self, *arguments):
        original(self, *arguments)
        made.append(self)

    step.Stream.__init__ = recording
    try:
        protected = set(instance.names()) | {"step", "ctx", "torch", "input_data"}
        outputs = program.run(text, instance.inputs(), instance.names(), protected)
    finally:
        step.Stream.__init__ = original
    return outputs, made


def functional(task, text, sizes=None, seed=42, double=False):
    """(functional, flow, stage, message); flow is None when the program did not run to its end."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if double else torch.float32)
    flow = None
    try:
        instance = Instance(task, sizes, seed)
        try:
            outputs, made = watch_consumption(instance, text)
            flow = all(s.consumed <= 1 for s in made)
            compare(instance, outputs)
            return True, flow, "passed", ""
        except Failure as failure:
            return False, flow, failure.stage, failure.message
        except SyntaxError as error:
            return False, flow, "parse", str(error)
        except program.Rejected as error:
            return False, flow, "rejected", str(error)
        except step.StepError as error:
            return False, flow, "type", str(error)
        except NameError as error:
            return False, flow, "names", str(error)
        except Exception as error:  # whatever a wrong program may raise
            return False, flow, "type", f"{type(error).__name__}: {error}"
    finally:
        torch.set_default_dtype(previous)


def syntactic_verdict(text):
    """true, false, or "error" for text that is no Python."""
    return {"pass": True, "violation": False, "error": "error"}[affine_syntactic(text)]


def verify(task, text, **how):
    """The verdict on one program; `how` as in `functional`."""
    ok, flow, stage, message = functional(task, text, **how)
    return {"functional": ok, "affine_syntactic": syntactic_verdict(text), "affine_flow": flow, "stage": stage, "message": message}


def parse_sizes(text):
    return {k: int(v) for k, v in (pair.split("=") for pair in text.split(","))} if text else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=pathlib.Path)
    parser.add_argument("--impl", type=argparse.FileType("r"), help="a program; by default the task's own impl")
    parser.add_argument("--tasks", type=pathlib.Path)
    parser.add_argument("--corpus", type=argparse.FileType("r"))
    parser.add_argument("--sizes", type=parse_sizes)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--double", action="store_true", help="compute in double precision")
    args = parser.parse_args()
    how = {"sizes": args.sizes, "seed": args.seed, "double": args.double}
    if args.task:
        task = load(args.task)
        verdict = verify(task, args.impl.read() if args.impl else task["impl"], **how)
        print(json.dumps(verdict))
        return 0 if verdict["functional"] else 1
    if not (args.tasks and args.corpus):
        parser.error("give --task, or --tasks and --corpus")
    tasks = {}
    for line in args.corpus:
        entry = json.loads(line)
        if entry["task"] not in tasks:
            tasks[entry["task"]] = load(args.tasks / f"{entry['task']}.yaml")
        print(json.dumps({"id": entry["id"], **verify(tasks[entry["task"]], entry["impl"], **how)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
