#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is what passes right? Collects distinct passing programs from runs of the embedded proposer over several seeds
and verifies each at further seeds and sizes. Prints how many were collected and every one that fails.

Distinct are programs that differ in more than layout, comments and the names they give to streams. Takes as many
samples as the number wanted needs, at most 4096 per task, step and temperature.
"""

import argparse
import ast
import collections
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = ["M=3,N=4,K=5,D=6", "M=7,N=5,K=4,D=2", "M=6,N=8,K=7,D=10", "M=10,N=9,K=12,D=20"]


class Renamed(ast.NodeTransformer):
    """Names in the order in which the program binds them."""

    def __init__(self, tree):
        self.names = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.names.setdefault(node.id, f"v{len(self.names)}")

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node


def normal_form(program):
    tree = ast.parse("def f():\n" + "".join("    " + line + "\n" for line in program.splitlines()))
    return ast.dump(Renamed(tree).visit(tree))


def passing(strata, seed, samples, directory, options):
    """Yields (task, program) of what passed in a run."""
    out = Path(directory) / f"{samples}-{seed}"
    subprocess.run([strata, "run", "--seed", str(seed), "--samples", str(samples), "--out", str(out), *options],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    with open(out / "samples.jsonl", encoding="utf-8") as lines:
        for line in lines:
            sample = json.loads(line)
            if sample.get("pass"):
                yield sample["task"], sample["program"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strata", default="build/release/bin/strata", help="the command")
    parser.add_argument("--programs", type=int, default=1000, help="how many distinct ones (default: 1000)")
    parser.add_argument("--run-seeds", type=int, default=5, help="runs, with seeds 0, 1, .. (default: 5)")
    parser.add_argument("--further-seeds", type=int, default=8, help="of inputs (default: 8)")
    parser.add_argument("--samples", type=int, default=64, help="to begin with; doubled until there are enough")
    parser.add_argument("--temperature", default="0.4,0.7,1.0", help="of the samples; more variety if higher")
    parser.add_argument("--published", action="store_true", help="collect what the published check passes")
    options = parser.parse_args()

    found, samples = {}, options.samples
    how = ["--temperature", options.temperature] + (["--published"] if options.published else [])
    with tempfile.TemporaryDirectory() as directory:
        while len(found) < options.programs and samples <= 4096:
            for seed in range(options.run_seeds):
                for task, program in passing(options.strata, seed, samples, directory, how):
                    found.setdefault((task, normal_form(program)), program)
            print(f"{len(found)} distinct passing programs with {samples} samples per task, step and temperature",
                  flush=True)
            samples *= 2
    corpus = "".join(json.dumps({"task": task, "id": i, "impl": program}) + "\n"
                     for i, ((task, _), program) in enumerate(found.items()))
    # the first seed is that of the published check
    command = [options.strata, "verify", "--corpus", "-", "--no-cache", "--seeds", str(options.further_seeds + 1)]
    for sizes in SIZES:
        command += ["--sizes", sizes]
    verdicts = subprocess.run(command, input=corpus, stdout=subprocess.PIPE, text=True, check=False).stdout
    verdicts = [json.loads(line) for line in verdicts.splitlines()]
    if len(verdicts) != len(found) or any("error" in v for v in verdicts):
        sys.exit("confirmed_passes: not every program has a verdict")
    programs, by_task = list(found.values()), collections.Counter(task for task, _ in found)
    failed = [v for v in verdicts if not v["pass"]]
    for v in failed:
        print(f"{v['task']}: {v['stage']}: {v['message']}\n{programs[v['id']]}")
    print(f"{len(found)} distinct passing programs of {len(by_task)} tasks: {len(failed)} fail at "
          f"{options.further_seeds} further seeds or {len(SIZES)} further sizes")
    return 1 if failed or len(found) < options.programs else 0


if __name__ == "__main__":
    sys.exit(main())
