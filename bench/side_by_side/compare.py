#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Our evaluation of every task's reference expressions and of its solution, against PyTorch eager running the reference
expressions, on the same inputs, in one run, alternating. A ratio is our time divided by PyTorch's in the same round.

Needs Debian's python3-torch (says so and stops where it is missing) and the program side_by_side_child of this
project's release build. docs/benchmarks.md explains the figures.
"""
import argparse
import ast
import gc
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ABSOLUTE, RELATIVE = 1e-5, 1.3e-6  # the verifier's tolerance
OURS = ("reference", "solution")


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--scale", type=int, nargs="+", default=[1, 8], help="multiples of M, N, K and D (default: 1 8)")
    p.add_argument("--tasks", default="", metavar="TEXT", help="only tasks whose id contains TEXT")
    p.add_argument("--rounds", type=int, default=9, help="rounds per task and scale (default: 9)")
    p.add_argument("--least", type=float, default=2.0, metavar="MS", help="least duration of one timing (default: 2)")
    p.add_argument("--threads", type=int, default=1,
                   help="threads of PyTorch (default: 1, as one verification uses one core); with more, wall time counts")
    p.add_argument("--clock", choices=("cpu", "wall"), help="default: cpu with one thread (other load disturbs less)")
    p.add_argument("--quick", action="store_true", help="3 rounds of 0.5 ms: a first impression")
    p.add_argument("--json", metavar="FILE", help="write all figures")
    p.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    p.add_argument("--child", default=str(ROOT / "build/release/bin/side_by_side_child"), metavar="FILE")
    a = p.parse_args()
    if a.quick:
        a.rounds, a.least = 3, 0.5
    a.clock = a.clock or ("cpu" if a.threads == 1 else "wall")
    return a


class Ours:
    """The C++ half, spoken to over pipes."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"compare: {self.process.args[0]} ended while it was asked: {line}")
        answer = json.loads(answer)
        if "error" in answer:
            raise SystemExit(f"compare: {line}: {answer['error']}")
        return answer

    def arrays(self, described):
        out = []
        for d in described:
            dtype = getattr(torch, d["dtype"].removeprefix("torch."))
            size = math.prod(d["shape"]) * torch.empty(0, dtype=dtype).element_size()
            data = bytearray(self.process.stdout.read(size))
            out.append(torch.frombuffer(data, dtype=dtype).reshape(d["shape"]).clone())
        return out

    def value(self, which):
        return self.arrays(self.ask(f"value {which}")["arrays"])

    def nanoseconds(self, which, times, clock):
        return self.ask(f"time {which} {times}")[f"{clock}_ns"]


class Torch:
    """The reference expressions as one Python function, compiled once. Its names are locals, which is fastest and lets
    go of what it computes on the way."""

    def __init__(self, ours, loaded):
        arrays = iter(ours.arrays(loaded["arrays"]))
        self.inputs = {name: next(arrays) if fields is None else [next(arrays) for _ in range(fields)]
                       for name, fields in loaded["inputs"]}
        self.loaded = loaded
        self.call = self.function(self.inputs)

    def function(self, inputs):
        names = {"torch": torch, "math": math, "input_data": inputs, "ctx": {}}
        for symbol, size in self.loaded["sizes"]:
            names[symbol] = symbol
            names[symbol + "_value"] = names["ctx"][symbol] = size
        exec(self.loaded["global"], names)
        module = ast.parse("def reference(): pass")
        body = []
        for i, text in enumerate(self.loaded["transforms"]):
            statements = ast.parse(text).body
            target = ast.Name(f"result_{i}", ast.Store())
            body += statements[:-1] + [ast.Assign([target], statements[-1].value)]
        results = [ast.Name(f"result_{i}", ast.Load()) for i in range(len(self.loaded["transforms"]))]
        module.body[0].body = body + [ast.Return(ast.List(results, ast.Load()))]
        exec(compile(ast.fix_missing_locations(module), "<reference>", "exec"), names)
        return names["reference"]

    def in_double(self):
        """The values in double precision, from the same float32 inputs."""
        widen = lambda x: [widen(y) for y in x] if isinstance(x, list) else x.double()
        torch.set_default_dtype(torch.float64)
        try:
            return self.function({name: widen(x) for name, x in self.inputs.items()})()
        finally:
            torch.set_default_dtype(torch.float32)

    def nanoseconds(self, times, clock):
        call, now = self.call, time.process_time_ns if clock == "cpu" else time.perf_counter_ns
        start = now()
        for _ in range(times):
            call()
        return now() - start


def far(got, want):
    """Which values the verifier would call different."""
    got, want = got.double(), want.double()
    return ~((got == want) | ((got - want).abs() <= ABSOLUTE + RELATIVE * want.abs()))


def disagreement(got, want, in_double):
    """Empty when our values are PyTorch's within the verifier's tolerance, or else no further from the result in double
    precision than four times PyTorch's own worst error (sums of many products round differently)."""
    if len(got) != len(want):
        return f"{len(got)} arrays, PyTorch has {len(want)}"
    for g, w, d in zip(got, want, in_double()):
        w = w.float()
        if g.shape != w.shape:
            return f"shape {list(g.shape)}, PyTorch has {list(w.shape)}"
        if far(g, w).any():
            errors = (w.double() - d.double()).abs()
            allowed = 4 * errors[errors.isfinite()].max()
            wrong = far(g, d) & ~((g.double() - d.double()).abs() <= allowed)
            if wrong.any():
                return f"{int(wrong.sum())} of {wrong.numel()} values differ, by up to {(g - w).abs().max():.3g}"
    return ""


def repetitions(nanoseconds, least_ms):
    """How many evaluations take at least that long. Warms up as well."""
    times = 1
    while True:
        taken = nanoseconds(times)
        if taken >= least_ms * 1e6:
            return times
        times = max(times + 1, min(16 * times, math.ceil(1.1 * times * least_ms * 1e6 / max(taken, 1))))


def compare(ours, task, factor, a):
    theirs = Torch(ours, ours.ask(f"load {task} {factor}"))
    want = theirs.call()
    wrong = [f"{which}: {problem}" for which in OURS
             if (problem := disagreement(ours.value(which), want, theirs.in_double))]
    measure = {which: (lambda times, which=which: ours.nanoseconds(which, times, a.clock)) for which in OURS}
    measure["torch"] = lambda times: theirs.nanoseconds(times, a.clock)
    times = {who: repetitions(m, a.least) for who, m in measure.items()}
    rounds = []
    for r in range(a.rounds):
        order = list(measure) if r % 2 == 0 else list(reversed(measure))
        taken = {who: measure[who](times[who]) / times[who] for who in order}
        rounds.append({who: taken[who] for who in measure})
    row = {"task": task, "scale": factor, "wrong": wrong, "rounds_ns": rounds,
           "us": {who: statistics.median(r[who] for r in rounds) / 1e3 for who in measure}}
    for which in OURS:
        ratios = sorted(r[which] / r["torch"] for r in rounds)
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        row[which] = {"ratio": middle, "low": low, "high": high}
    return row


def spread(r):
    return f"{r['ratio']:7.3f} ({r['low']:.3f} .. {r['high']:.3f})"


def summary(rows):
    out = {}
    for which in OURS:
        ratios = [r[which]["ratio"] for r in rows]
        worst = max(rows, key=lambda r: r[which]["ratio"])
        out[which] = {"geometric_mean": math.exp(statistics.fmean(map(math.log, ratios))),
                      "worst": worst[which]["ratio"], "worst_task": worst["task"]}
    return out


def show(rows, factor, markdown):
    print(f"\n{'### ' if markdown else ''}x{factor}: our time / PyTorch's time: median (quartiles); PyTorch and ours in us\n")
    heads = ["task", "reference / torch", "solution / torch", "torch", "reference", "solution"]
    cells = [[r["task"], spread(r["reference"]), spread(r["solution"]),
              *(f"{r['us'][who]:.1f}" for who in ("torch", *OURS))] for r in rows]
    if markdown:
        print("| " + " | ".join(heads) + " |\n|---" + "|--:" * (len(heads) - 1) + "|")
        for row in cells:
            print("| " + " | ".join(c.strip() for c in row) + " |")
        print()
    else:
        widths = [max(map(len, column)) for column in zip(heads, *cells)]
        for row in [heads, *cells]:
            print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))))
    for which, s in summary(rows).items():
        line = (f"x{factor} {which} / torch: geometric mean {s['geometric_mean']:.3f}, "
                f"worst {s['worst']:.3f} ({s['worst_task']})")
        print(f"- {line}" if markdown else line)
    for r in rows:
        for w in r["wrong"]:
            print(f"x{factor} {r['task']}: VALUES DIFFER: {w}")


def library(word):
    with open("/proc/self/maps") as maps:
        return sorted({os.path.realpath(line.split()[-1]) for line in maps if word in os.path.basename(line.split()[-1])})


def main():
    a = arguments()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read when torch is loaded
        os.environ[name] = str(a.threads)
    global torch
    try:
        import torch
    except ImportError as e:
        print(f"compare: skipped, because PyTorch cannot be imported by {sys.executable} ({e}); "
              "on Debian: apt-get install python3-torch, then /usr/bin/python3 bench/side_by_side/compare.py")
        return 0
    if not os.path.exists(a.child):
        print(f"compare: there is no {a.child}; build it: ./dev build release side_by_side_child")
        return 2
    torch.set_num_threads(a.threads)
    start = time.monotonic()
    ours = Ours(a.child)
    tasks = [t for t in ours.ask("tasks")["tasks"] if a.tasks in t]
    if not tasks:
        print(f"compare: no task contains '{a.tasks}'")
        return 2
    about = {"torch": torch.__version__, "threads": a.threads, "clock": a.clock, "rounds": a.rounds,
             "least_ms": a.least, "cpu": re.findall("CPU capability usage: *(.*)", torch.__config__.show()),
             "blas": library("blas") + library("mkl")}
    print(f"PyTorch {about['torch']} ({', '.join(about['cpu'])}), {a.threads} thread(s), "
          f"BLAS {', '.join(about['blas']) or 'built in'}; {a.clock} time, {a.rounds} rounds of at least {a.least:g} ms")
    results = []
    gc.disable()
    with torch.inference_mode():
        for factor in a.scale:
            rows = []
            for i, task in enumerate(tasks):
                if sys.stderr.isatty():
                    print(f"\r\033[Kx{factor} {i + 1}/{len(tasks)} {task}", end="", file=sys.stderr, flush=True)
                rows.append(compare(ours, task, factor, a))
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            show(rows, factor, a.markdown)
            results += rows
    print(f"\n{len(tasks)} tasks in {time.monotonic() - start:.0f} s")
    if a.json:
        scales = {str(f): summary([r for r in results if r["scale"] == f]) for f in a.scale}
        pathlib.Path(a.json).write_text(json.dumps({"about": about, "summary": scales, "tasks": results}, indent=1))
    return 1 if any(r["wrong"] for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
