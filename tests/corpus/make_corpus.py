# SPDX-License-Identifier: MIT
"""Writes programs.jsonl (`task`, `id`, `impl`) and verdicts.jsonl (`id`, `functional`, `affine_syntactic`,
`affine_flow`, `kind`) beside this file. The same inputs give the same files.

    /usr/bin/python3 tests/corpus/make_corpus.py

Verdicts come from tests/reference, over several seeds and in both precisions; a program on which these differ is left
out. What its author meant a program to be is asserted on the way. Cheats and hostile programs are not run for their
verdict: they must never pass. A null is not to be compared.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "reference"), str(HERE)]

import torch  # noqa: E402

import adverse  # noqa: E402
import mutations  # noqa: E402
import operator_cases  # noqa: E402
import python_cases  # noqa: E402
import routing_cases  # noqa: E402
import styles  # noqa: E402
import verdict_cases  # noqa: E402
import verify  # noqa: E402

CHECKS = [dict(), dict(seed=1), dict(seed=2), dict(seed=3, double=True)]
ALL_STYLES_FOR = {"moe/G_0_12_01", "attention/G_0_9_01", "rope/G_0_4_01"}


def load_tasks():
    tasks = {}
    for directory in (ROOT / "tasks", HERE / "tasks"):
        for path in sorted(directory.glob("*/*.yaml")):
            tasks[f"{path.parent.name}/{path.stem}"] = verify.load(path)
    return tasks


def programs(tasks, solutions):
    """(task, kind, label, text, expected)"""
    for number, (task, text) in enumerate(sorted(solutions.items())):
        lines = styles.parse(text)
        yield task, "solution", "", text, True
        for position, style in enumerate(styles.STYLES):
            if task in ALL_STYLES_FOR or (number * 7 + position) % 4 == 0:
                rewritten = style(lines)
                if rewritten is not None:
                    yield task, "style", style.__name__, rewritten, True
        for style in styles.CHOICES:
            if number % 5 == 0:
                yield task, "choice", style.__name__, style(lines), None
        functions = [f["func_name"] for f in tasks[task]["fns"]]
        for label, mutant in mutations.mutated(task, lines, functions, 14):
            yield task, "mutation", label, mutant, None
    for source in (operator_cases.operator_programs(solutions), python_cases.python_programs(solutions),
                   routing_cases.routing_programs(solutions), routing_cases.extra_programs(),
                   verdict_cases.affine_programs(), verdict_cases.wrong_programs(), verdict_cases.choice_programs(solutions)):
        for task, kind, text, expected in source:
            yield task, kind, "", text, expected


def judge(task, text):
    """(functional, flow), or None when the checks disagree; flow is None when only that depends on the data."""
    verdicts = [verify.verify(task, text, **how) for how in CHECKS]
    functional = {v["functional"] for v in verdicts}
    flow = {v["affine_flow"] for v in verdicts}
    return (functional.pop(), flow.pop() if len(flow) == 1 else None) if len(functional) == 1 else None


def main():
    torch.set_num_threads(1)
    tasks = load_tasks()
    solutions = {}
    for path in sorted((ROOT / "step" / "solutions").glob("*/*.yaml")):
        solutions[f"{path.parent.name}/{path.stem}"] = verify.load(path)["impl"]
    out, seen, problems, unstable = [], set(), [], 0

    def add(task, kind, label, text, functional, syntactic, flow):
        name = "-".join(p for p in (kind, label) if p)
        out.append(({"task": task, "id": f"{len(out):04d}-{name}", "impl": text},
                    {"id": f"{len(out):04d}-{name}", "functional": functional, "affine_syntactic": syntactic,
                     "affine_flow": flow, "kind": kind}))

    for task, kind, label, text, expected in programs(tasks, solutions):
        if (task, text) in seen:
            continue
        seen.add((task, text))
        verdict = judge(tasks[task], text)
        if verdict is None:
            unstable += 1
            if expected is not None:
                problems.append((task, kind, "unstable", text))
            continue
        functional, flow = verdict
        if expected is not None and functional != expected:
            problems.append((task, kind, verify.verify(tasks[task], text)["message"], text))
        add(task, kind, label, text, functional, verify.syntactic_verdict(text), flow)
    for task, text in adverse.cheat_programs(solutions, tasks):
        if (task, text) in seen:
            continue
        seen.add((task, text))
        if verify.verify(tasks[task], text)["functional"]:
            problems.append((task, "cheat", "passes", text))
        add(task, "cheat", "", text, False, verify.syntactic_verdict(text), None)
    for task, text in adverse.hostile_programs(solutions):
        add(task, "hostile", "", text, False, None, None)

    for task, kind, message, text in problems:
        print(f"--- {task} {kind}: {message}\n{text}", file=sys.stderr)
    for name, which in (("programs.jsonl", 0), ("verdicts.jsonl", 1)):
        with open(HERE / name, "w", encoding="utf-8") as file:
            for entry in out:
                file.write(json.dumps(entry[which]) + "\n")
    passing = sum(v["functional"] for _, v in out)
    print(f"{len(out)} programs, {passing} functional, {unstable} left out as unstable, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
