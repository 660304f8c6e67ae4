# SPDX-License-Identifier: MIT
"""The bundled data against the reference: solutions, prompt examples, and a sample of the corpus.

    /usr/bin/python3 -m pytest -q tests/reference
"""

import json
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import verify  # noqa: E402

SETTINGS = [dict(), dict(seed=1), dict(double=True, seed=2, sizes=dict(M=4, N=3, K=2, D=6)),
            dict(double=True, seed=3, sizes=dict(M=1, N=2, K=1, D=4)), dict(double=True, seed=4, sizes=dict(M=8, N=5, K=3, D=10))]
TASKS = sorted((ROOT / "tasks").glob("*/*.yaml"))
PROMPTS = ROOT / "step" / "prompts"


def assert_right(task, impl, settings=SETTINGS):
    for how in settings:
        verdict = verify.verify(task, impl, **how)
        assert verdict["functional"], (how, verdict)
        assert verdict["affine_flow"] and verdict["affine_syntactic"] is True, (how, verdict)


def prompt_examples():
    proposer, guardian = verify.load(PROMPTS / "proposer.yaml"), verify.load(PROMPTS / "guardian.yaml")
    sections = proposer["ops"] + proposer["patterns"]
    return [e for s in sections for e in s["examples"]] + guardian["examples"]


def test_there_are_26_tasks():
    assert len(TASKS) == 26


@pytest.mark.parametrize("path", TASKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_solution(path):
    task = verify.load(path)
    assert "impl" not in task
    solution = verify.load(ROOT / "step" / "solutions" / path.parent.name / path.name)
    assert list(solution) == ["impl"]
    assert_right(task, solution["impl"])


@pytest.mark.parametrize("example", prompt_examples(), ids=lambda e: e["test_name"])
def test_prompt_example(example):
    assert_right(example, example["impl"])


def test_prompt_has_an_example_per_operator():
    ops = verify.load(PROMPTS / "proposer.yaml")["ops"]
    aliases = {"RepeatLast", "Identity"}
    assert {o["name"] for o in ops} == set(verify.step.OPERATORS) - aliases
    for op in ops:
        assert any(f"step.{op['name']}(" in e["impl"] for e in op["examples"]), op["name"]


def test_prompt_examples_are_no_benchmark_tasks():
    def interface(task):
        keys = [(tuple(i["dims"]), str(i["dtype"])) for i in task["inputs"]], [f["apply"] for f in task["fns"]]
        return json.dumps(keys)
    known = {interface(verify.load(p)) for p in TASKS}
    assert not known & {interface(e) for e in prompt_examples()}


def test_guardian_examples_use_a_stream_twice_thrice_and_never():
    counts = []
    for example in verify.load(PROMPTS / "guardian.yaml")["examples"]:
        verdict = verify.verify(example, example["proposed"])
        assert verdict["functional"]
        assert verdict["affine_flow"] == verdict["affine_syntactic"] == (example["proposed"] == example["impl"])
        counts.append(example["impl"].count("step.Copy()"))
    assert counts == [1, 2, 0]


def test_corpus_verdicts_hold():
    """Every 20th program; make_corpus.py writes, and so checks, all of them."""
    corpus = HERE.parent / "corpus"
    with open(corpus / "programs.jsonl", encoding="utf-8") as programs, open(corpus / "verdicts.jsonl", encoding="utf-8") as verdicts:
        pairs = [(json.loads(p), json.loads(v)) for p, v in zip(programs, verdicts)]
    assert len(pairs) >= 800
    tasks = {}
    for program, verdict in pairs[::20]:
        assert program["id"] == verdict["id"]
        if verdict["kind"] == "hostile":
            assert verdict["functional"] is False
            continue
        name = program["task"]
        if name not in tasks:
            path = ROOT / "tasks" / f"{name}.yaml"
            tasks[name] = verify.load(path if path.exists() else corpus / "tasks" / f"{name}.yaml")
        got = verify.verify(tasks[name], program["impl"])
        assert (got["functional"], got["affine_syntactic"]) == (verdict["functional"], verdict["affine_syntactic"]), program["id"]
