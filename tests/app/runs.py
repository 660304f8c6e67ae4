#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""End-to-end tests of what a run directory promises: budgets, one writer, resume, replay, programs that kill.

Usage: runs.py STRATA STRATA_WITH_FAULTS SOURCE_DIR [SECTION..]; only the standard library is needed.
STRATA_WITH_FAULTS is the same command, whose verifier does what a program's text says (see faulty_checker.cpp).
"""
import collections
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

STRATA, FAULTY, SOURCE = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
PRICE = "input=2,cached=0.5,output=8"
PRICES = """
models:
  - {provider: server, name: any, prices: [{from: 2026-01-01, input: 2, cached: 0.5, output: 8}]}
"""
sections, failures = {}, []


def section(test):
    sections[test.__name__] = test
    return test


def check(what, condition, *facts):
    if not condition:
        failures.append(what)
        print("FAILED:", what, *facts, flush=True)


def environment(**more):
    clean = {k: v for k, v in os.environ.items() if not re.search(r"_(API_KEY|BASE_URL)$|_PROXY$|^STRATA_", k, re.I)}
    return clean | {"OPENAI_API_KEY": "x"} | more


class Server:
    """`strata mock-llm` with these options."""

    def __init__(self, *options):
        self.process = subprocess.Popen([STRATA, "mock-llm", "--json", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.url = re.search(r"http://[\d.:]+", self.process.stderr.readline()).group()
        self.model = self.url + "/v1#any"

    def stats(self):
        with urllib.request.urlopen(self.url + "/mock/stats", timeout=10) as reply:
            return json.load(reply)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)


def start(*arguments, env=None, strata=None, **how):
    return subprocess.Popen([strata or STRATA, "run", *map(str, arguments)], env=env or environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


def run(*arguments, code=0, **how):
    process = start(*arguments, **how)
    out, err = process.communicate(timeout=600)
    check("exit code of strata run " + " ".join(map(str, arguments)), process.returncode == code, process.returncode,
          out[-300:], err[-600:])
    return out, err


def summary(directory):
    return json.loads((pathlib.Path(directory) / "summary.json").read_text())


def lines(file):
    try:
        return [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
    except FileNotFoundError:
        return []


def facts(directory):
    """What must be equal whatever happened in between."""
    whole = summary(directory)
    for part in [whole] + whole["steps"]:
        del part["seconds"]
    return {str(p.relative_to(directory)): p.read_text() for p in pathlib.Path(directory).glob("solutions/**/*.yaml")} | {
        "summary": whole, "steps": [{k: v for k, v in s.items() if k != "seconds"}
                                    for s in lines(pathlib.Path(directory) / "steps.jsonl")]}


def samples(directory):
    all_lines = lines(pathlib.Path(directory) / "samples.jsonl")
    return collections.Counter((s["step"], s["task"], s["index"], s.get("pass"), s.get("stage"), s.get("program"))
                               for s in all_lines)


def contents(directory):
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(pathlib.Path(directory).rglob("*")) if p.is_file()}


def few_tasks(*names):
    folder = pathlib.Path("few")
    shutil.rmtree(folder, ignore_errors=True)
    for name in names or ("bmm/bmm_0", "rope/G_0_3_02", "moe/G_0_3_03", "attention/G_0_4_01"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / "tasks" / f"{name}.yaml", folder / f"{name}.yaml")
    return folder


LOCAL = ("--samples", 60, "--seed", 2, "--temperature", "0.4,1")
ASKED = ("--samples", 8, "--temperature", "0.4,1", "--models", "prices.yaml")


def local_tasks():
    return few_tasks("bmm/bmm_0", "bmm/bmm_1", "bmm/bmm_2", "rope/G_0_3_02", "norm/G_0_8_01", "norm/G_0_16_01")


def command_of(out):
    """The arguments of the command that the run says to go on with."""
    found = re.search(r"^continue with: strata run (.*)$", out, re.M)
    check("a command to go on with", found is not None, out)
    return found.group(1).split() if found else []


@section
def limits():
    """A budget holds in all parts of a run until it is raised, and the message says how."""
    tasks = few_tasks()
    with Server("--price", PRICE, "--no-cache") as server:
        common = ("--model", server.model, "--tasks", tasks, *ASKED)
        run(*common, "--out", "unlimited")
        usage = summary("unlimited")["usage"]
        tokens = usage["input_tokens"] + usage["output_tokens"]
        for option, whole, spent in (("--budget-usd", usage["cost_usd"], lambda u: u["cost_usd"]),
                                     ("--budget-tokens", tokens, lambda u: u["input_tokens"] + u["output_tokens"]),
                                     ("--budget-requests", usage["requests"], lambda u: u["requests"])):
            part = whole / 5 if option == "--budget-usd" else whole // 5
            directory = "within" + option
            out, _ = run(*common, option, part, "--out", directory, code=1)
            for _ in range(3):  # it holds, however often the run is resumed
                out, err = run("--resume", directory, code=1)
                check(f"{option}: holds on resume", spent(summary(directory)["usage"]) <= part and "used up" in err, err)
            rounds = 0
            while not summary(directory)["complete"] and rounds < 8:
                arguments = command_of(out)
                check(f"{option}: the command raises it", option in arguments, out)
                part = float(arguments[arguments.index(option) + 1])
                out, err = start(*arguments).communicate(timeout=300)
                check(f"{option}: the command works", out.startswith("step "), err)
                amount = spent(summary(directory)["usage"])
                check(f"{option}: kept", amount <= part, amount, part)
                rounds += 1
            check(f"{option}: comes to the result", facts(directory) == facts("unlimited") and rounds >= 1, rounds)
        run(*common, "--budget-requests", 5, "--out", "old", code=1)
        os.remove("old/limits.json")  # as strata 0.1.0 leaves it
        os.remove("old/run.state")
        run("--resume", "old")
        check("a run of 0.1.0 goes on", facts("old") == facts("unlimited"))
        run(*common, "--budget-tokens", 10, "--out", "lowered", code=1)
        pathlib.Path("lowered/limits.json").write_text('{"tokens": "many"}')
        _, err = run("--resume", "lowered", code=2)
        check("limits that cannot be read", "limits.json: damaged" in err, err)
    out, _ = run("--tasks", local_tasks(), "--samples", 4000, "--budget-seconds", 0.2, "--out", "short", code=1)
    check("time is up", "ended: time" in out and "--budget-seconds" in command_of(out), out)
    taken = summary("short")["seconds"]
    out, _ = run("--resume", "short", code=1)
    check("time counts over all parts", "ended: time" in out and summary("short")["seconds"] >= taken)


@section
def writers():
    """Runs that are started together get directories of their own, and nobody else writes in them."""
    tasks = few_tasks("bmm/bmm_0", "rope/G_0_3_02")
    options = ("--tasks", tasks, "--samples", 4, "--temperature", 1)
    for attempt in range(5):
        shutil.rmtree("runs", ignore_errors=True)
        together = [start(*options, "--json", "--seed", n) for n in range(8)]
        told = [json.loads(p.communicate(timeout=300)[0]) for p in together]
        check("directories of their own", len({t["directory"] for t in told}) == 8, [t["directory"] for t in told])
        check("with their own results", all(summary(t["directory"])["seed"] == t["seed"] == str(n)
                                            for n, t in enumerate(told)))
    for made in (False, True):
        name = pathlib.Path(f"same-{made}")
        if made:
            name.mkdir()
        together = [start(*options, "--out", name, "--seed", n) for n in range(8)]
        for p in together:
            p.communicate(timeout=300)
        codes = sorted(p.returncode for p in together)
        check("one gets a directory that all want", codes == [0] + [2] * 7, codes)
    for local in (True, False):
        with Server("--latency", "50") as server:
            model = () if local else ("--model", server.model)
            options = ("--tasks", local_tasks(), "--samples", 20000 if local else 40, *model, "--temperature", 1)
            first = start(*options, "--out", f"held-{local}")
            while not pathlib.Path(f"held-{local}/samples.jsonl").exists():
                time.sleep(0.01)
            _, err = run("--resume", f"held-{local}", code=2)
            check("a run that goes on is not resumed", "another process is writing this run" in err, err)
            report = subprocess.run([STRATA, "report", f"held-{local}", "--json"], capture_output=True)
            check("but it can be looked at", report.returncode == 0, report.stderr)
            first.kill()
            first.communicate()
            process = start("--resume", f"held-{local}", "--budget-seconds", "0.01")
            _, err = process.communicate(timeout=300)
            check("the lock goes with the process", process.returncode in (0, 1), err)


@section
def configurations():
    """A configuration that was edited by hand is refused, whatever the model."""
    tasks = few_tasks()
    with Server() as server:
        run("--tasks", tasks, "--samples", 3, "--budget-tokens", 0, "--out", "local", code=1)
        run("--tasks", tasks, "--samples", 3, "--mode", "single", "--out", "finished")
        run("--model", server.model, "--tasks", tasks, *ASKED, "--budget-requests", 5, "--out", "asked", code=1)
        shutil.copytree("asked", "old")
        os.remove("old/run.state")
        for name in ("local", "finished", "asked", "old"):
            file = pathlib.Path(name, "config.json")
            text = file.read_text()
            for key, value in (("samples", 5), ("seed", "7"), ("temperatures", [0.5]), ("granularity", 2)):
                changed = json.loads(text)
                changed[key] = value
                file.write_text(json.dumps(changed))
                for option in ("--resume",) + (("--replay",) if name == "asked" else ()):
                    _, err = run(option, name, code=2)
                    check(f"{name}: '{key}' was edited", "config.json" in err and "changed since the run began" in err, err)
            file.write_text(text)
            run("--resume", name, code=0 if name == "finished" else 1)


@section
def finished():
    """Resuming a finished run prints, and does nothing else, also when verdicts would be others today."""
    tasks = few_tasks()
    with Server("--price", PRICE) as server:
        run("--tasks", tasks, *LOCAL, "--out", "local")
        run("--model", server.model, "--tasks", tasks, *ASKED, "--repair", 1, "--out", "asked")
        asked = server.stats()["requests"]
        for name in ("local", "asked"):
            known = contents(name)
            out, _ = run("--resume", name, strata=FAULTY, env=environment(STRATA_FAULT="all-wrong", OPENAI_API_KEY=""))
            check(f"{name}: prints", "tasks solved with" in out and "continue with" not in out, out)
            check(f"{name}: changes nothing", contents(name) == known)
            out, _ = run("--resume", name, "--json")
            check(f"{name}: the summary", json.loads(out) == summary(name) | {"directory": name})
            for mode in (0o555, 0o755):
                os.chmod(name, mode)
                run("--resume", name)
            subprocess.run(f"'{STRATA}' run --resume {name} | head -1 | grep -q step", shell=True, check=True)
        check("nothing was asked", server.stats()["requests"] == asked)
        shutil.move(tasks, "gone")
        run("--resume", "local")
        shutil.move("gone", tasks)


@section
def verdicts():
    """The verdicts of an unfinished run are those of its journal, sample by sample."""
    tasks = few_tasks()
    with Server("--price", PRICE) as server:
        for model in ((), ("--model", server.model, "--models", "prices.yaml")):
            common = (*model, "--tasks", tasks, "--samples", 20, "--temperature", "0.4,1", "--seed", 3)
            name = "asked" if model else "local"
            run(*common, "--out", name)
            whole = facts(name)
            # as if it had been killed behind the first step
            (first, *rest) = lines(pathlib.Path(name, "steps.jsonl"))
            check("more steps than one", len(rest) > 0)
            kept = [s for s in lines(pathlib.Path(name, "samples.jsonl")) if s["step"] == 0]
            for directory in (f"{name}-same", f"{name}-turned"):
                shutil.copytree(name, directory)
                os.remove(f"{directory}/summary.json")
                pathlib.Path(directory, "steps.jsonl").write_text(json.dumps(first) + "\n")
                pathlib.Path(directory, "samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in kept))
            turned = {}  # of every second sample that passed, of whatever programs are equal
            for s in [s for s in kept if s["pass"]][::2]:
                s["pass"], s["stage"], s["message"] = False, "values", "turned"
                turned[s["step"], s["task"], s["index"]] = s
            pathlib.Path(f"{name}-turned", "samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in kept))
            start("--resume", f"{name}-same", strata=FAULTY, env=environment(STRATA_FAULT="all-wrong")).communicate()
            check(f"{name}: the same", facts(f"{name}-same")["steps"][0] == whole["steps"][0])
            run("--resume", f"{name}-turned")
            now = {(s["step"], s["task"], s["index"]): s for s in lines(pathlib.Path(f"{name}-turned", "samples.jsonl"))}
            check(f"{name}: turned verdicts stay", turned and all(now[k]["message"] == "turned" for k in turned))
            passed = collections.Counter(s["task"] for s in now.values() if s["step"] == 0 and s["pass"])
            tallies = lines(pathlib.Path(f"{name}-turned", "steps.jsonl"))[0]["tallies"]
            check(f"{name}: and count", all(t["all_successes"] == passed[t["task"]] for t in tallies), tallies, passed)


def richness(directory):
    """How much a directory tells: it must never become less."""
    directory = pathlib.Path(directory)
    try:
        whole = summary(directory)
    except FileNotFoundError:
        whole = {"steps": [], "samples": 0, "solved": 0}
    return {"steps": len(lines(directory / "steps.jsonl")), "judged": len(lines(directory / "samples.jsonl")),
            "summary.steps": len(whole["steps"]), "summary.samples": whole["samples"], "solved": whole["solved"],
            "solutions": len(list(directory.glob("solutions/**/*.yaml")))}


@section
def kills():
    """SIGKILL, SIGPIPE and Ctrl-C at random moments of a resume: nothing in the directory ever becomes poorer."""
    moments = int(os.environ.get("STRATA_TEST_KILLS", "100"))
    draw = random.Random(7)
    with Server("--no-cache", "--price", PRICE, "--latency", "2..12") as server:
        for model in ((), ("--model", server.model, "--models", "prices.yaml", "--concurrency", 8)):
            name = "asked" if model else "local"
            options = (*model, "--tasks", local_tasks(), "--temperature", "0.4,1", "--seed", 2, "--samples",
                       6 if model else 200)
            begun = time.monotonic()
            run(*options, "--out", name)
            length = time.monotonic() - begun
            want, want_samples = facts(name), samples(name)
            killed = rounds = 0
            while killed < moments / 2:
                rounds += 1
                directory = pathlib.Path(f"{name}-{rounds}")
                process = start(*options, "--out", directory)
                time.sleep(draw.uniform(0.2, 0.9) * length)
                process.kill()
                process.communicate()
                if not (directory / "config.json").exists():
                    continue
                for _ in range(40):
                    before = richness(directory)
                    how = draw.choice(("kill", "kill", "interrupt", "pipe"))
                    if how == "pipe":  # whoever reads goes away in the midst of it
                        process = subprocess.Popen([STRATA, "run", "--resume", directory], env=environment(),
                                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                        process.stdout.close()
                    else:
                        process = start("--resume", directory)
                    try:
                        process.wait(timeout=draw.uniform(0, 0.8) * length)
                    except subprocess.TimeoutExpired:
                        if how == "interrupt":
                            process.send_signal(signal.SIGINT)
                        elif how == "kill":
                            process.kill()
                        killed += 1
                    process.communicate() if how != "pipe" else process.wait(timeout=600)
                    after = richness(directory)
                    poorer = {k: (before[k], after[k]) for k in before if after[k] < before[k]}
                    check(f"{name}: poorer after {how}", not poorer, poorer)
                    # an interrupt may come before the command has begun to listen for it
                    ends = (0, 1, -signal.SIGKILL) + ((-signal.SIGINT,) if how == "interrupt" else ())
                    check(f"{name}: ends by the kill only", process.returncode in ends, how, process.returncode)
                    if process.returncode == 0:
                        break
                else:
                    run("--resume", directory)
                check(f"{name}: the result of a run left alone", facts(directory) == want)
                check(f"{name}: its samples", samples(directory) == want_samples)
                check(f"{name}: nothing is left over", not list(directory.rglob("*.tmp")))
            print(f"{name}: {killed} disturbances, {rounds} runs")


@section
def poison():
    """A program that kills its verifier, in whatever way, costs one process and no run."""
    tasks = few_tasks()
    solution = (SOURCE / "step/solutions/bmm/bmm_0.yaml").read_text().split("impl: |\n")[1]
    good = "".join(line[2:] + "\n" for line in solution.splitlines())
    for fault in ("segv", "fpe", "stack", "abort", "memory", "hang"):
        if fault == "hang" and "STRATA_SANITIZED" in os.environ:
            continue
        answers = pathlib.Path(f"{fault}.jsonl")
        answers.write_text("".join(json.dumps({"program": p}) + "\n" for p in
                                   (good, f"# fault:{fault}\nreturn E0\n", good + "# other\n", "return E0\n")))
        with Server("--answers", str(answers), "--no-cache") as server:
            options = ("--model", server.model, "--tasks", tasks, "--samples", 8, "--temperature", "1", "--mode", "single",
                       "--out", fault, "--per-request", 1)
            process = start(*options, strata=FAULTY)
            if fault == "hang":
                time.sleep(3)
                process.kill()
            _, err = process.communicate(timeout=120)
            check(f"{fault}: the process dies", process.returncode < 0, process.returncode, err)
            if fault not in ("hang", "memory"):
                check(f"{fault}: its last line says how to go on", f"--resume {fault}" in err.splitlines()[-1], err)
            out, err = run("--resume", fault, strata=FAULTY, env=environment(STRATA_TRIAL_SECONDS="3"))
            all_samples = lines(pathlib.Path(fault, "samples.jsonl"))
            check(f"{fault}: every sample was judged", len(all_samples) == 32, len(all_samples))
            for s in all_samples:
                if "fault:" in s["program"]:
                    check(f"{fault}: counts as limit", s["stage"] == "limit" and not s["pass"] and
                          "does not survive" in s["message"], s)
                else:
                    expected = s["task"] == "bmm/bmm_0" and "step." in s["program"]
                    check(f"{fault}: others are judged as ever", s["pass"] == expected, s)
            run("--replay", fault, "--out", f"{fault}-again", strata=FAULTY)
            check(f"{fault}: a replay, too", facts(f"{fault}-again") == facts(fault))
    # the embedded proposer, on several threads
    options = ("--tasks", local_tasks(), "--samples", 200, "--temperature", 1, "--seed", 4, "--concurrency", 4)
    run(*options, "--out", "undisturbed")
    want = facts("undisturbed")
    victim = next(s["program"] for s in lines(pathlib.Path("undisturbed/samples.jsonl"))[150:] if not s["pass"])
    env = environment(STRATA_FAULT="abort-on:" + victim)
    process = start(*options, "--out", "local", strata=FAULTY, env=env)
    process.communicate(timeout=120)
    check("local: the process dies", process.returncode == -signal.SIGABRT, process.returncode)
    run("--resume", "local", strata=FAULTY, env=env)
    now = lines(pathlib.Path("local/samples.jsonl"))
    check("local: only the killer is treated so", {s["program"] for s in now if "does not survive" in s["message"]} == {victim})
    check("local: the others are as ever", facts("local") == want)


@section
def replays():
    """The replay of a run that was ended before its end comes to where it was ended."""
    tasks = few_tasks()
    with Server("--price", PRICE, "--no-cache", "--latency", "1..5") as server:
        common = ("--model", server.model, "--tasks", tasks, *ASKED, "--repair", 1)
        run(*common, "--out", "whole")
        requests = summary("whole")["usage"]["requests"]
        for name, options in (("little", ("--budget-requests", 3)), ("half", ("--budget-requests", requests // 2)),
                              ("money", ("--budget-usd", summary("whole")["cost_usd"] * 0.8)),
                              ("time", ("--budget-seconds", 0.3, "--concurrency", 2)), ("interrupt", ("--concurrency", 2))):
            process = start(*common, *options, "--out", name)
            if name == "interrupt":
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=120)
            check(f"{name}: was ended", process.returncode == 1 and not summary(name)["complete"], told)
            out, err = run("--replay", name, "--out", f"{name}-again", code=1)
            check(f"{name}: a replay ends there", facts(f"{name}-again") == facts(name),
                  *(f"{a}\n{b}" for a, b in [(facts(f"{name}-again")["summary"], facts(name)["summary"])]))
            check(f"{name}: with the same samples", samples(f"{name}-again") == samples(name))
            _, err = run("--resume", f"{name}-again", code=2)
            check(f"{name}: it is not resumed", "resume that one" in err, err)
        process = start(*common, "--concurrency", 2, "--out", "killed")
        time.sleep(0.5)
        process.kill()
        process.communicate()
        run("--replay", "killed", "--out", "killed-again", code=1)
        check("killed: at least its samples", not samples("killed") - samples("killed-again"))


@section
def files():
    """A pipe in the place of a file, a file that may not grow: a clear error at once, nothing hangs or dies."""
    tasks = few_tasks()
    with Server("--price", PRICE) as server:
        run("--tasks", tasks, *LOCAL, "--budget-tokens", 0, "--out", "local", code=1)
        run("--model", server.model, "--tasks", tasks, *ASKED, "--budget-requests", 9, "--out", "asked", code=1)
        for name in ("local", "asked"):
            for file in ("config.json", "samples.jsonl", "steps.jsonl", "summary.json", "limits.json", "run.state") + (
                    ("replies.db", "replies.db-wal", "replies.db.lock") if name == "asked" else ()):
                directory = pathlib.Path("piped")
                shutil.rmtree(directory, ignore_errors=True)
                shutil.copytree(name, directory)
                (directory / file).unlink(missing_ok=True)
                os.mkfifo(directory / file)
                for command in (("run", "--resume", directory), ("report", directory)) + (
                        (("run", "--replay", directory, "--out", "never"),) if name == "asked" else ()):
                    got = subprocess.run([STRATA, *command], capture_output=True, text=True, timeout=60, env=environment())
                    shutil.rmtree("never", ignore_errors=True)
                    reads = command[0] == "run" or file in ("config.json", "samples.jsonl", "steps.jsonl", "summary.json")
                    if reads and not (command[1] == "--replay" and file in ("limits.json", "replies.db.lock")):
                        check(f"{' '.join(map(str, command))} with a pipe as {file}",
                              got.returncode == 2 and "regular file" in got.stderr and file in got.stderr,
                              got.returncode, got.stderr)
        os.mkfifo("pipe")
        task = tasks / "bmm/bmm_0.yaml"
        for command in (("verify", "--task", "pipe"), ("verify", "--task", task, "--impl", "pipe"),
                        ("verify", "--corpus", "pipe"), ("models", "--models", "pipe"), ("codegen", "--task", "pipe"),
                        ("mock-llm", "--answers", "pipe")):
            got = subprocess.run([STRATA, *command], capture_output=True, text=True, timeout=60, env=environment())
            check(f"{' '.join(map(str, command))}", got.returncode == 2 and "regular file" in got.stderr, got.stderr)

        def limited(size):
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        for size in (0, 1 << 10, 120 << 10, 200 << 10):  # at none of them SIGXFSZ ends the process
            for model in ((), ("--model", server.model, "--models", "prices.yaml")):
                process = start(*model, "--tasks", tasks, "--samples", 60, "--temperature", "0.4,1", "--out",
                                f"limit-{size}-{len(model)}", preexec_fn=limited(size))
                _, err = process.communicate(timeout=300)
                check(f"files of {size} bytes at most", process.returncode == 2 and
                      re.search("large|full|space", err, re.I), process.returncode, err)
        run("--resume", f"limit-{200 << 10}-0")
        run("--resume", f"limit-{200 << 10}-4")


@section
def numbers():
    """Every number that a run writes is a plain decimal."""
    tasks = few_tasks()
    pathlib.Path("cheap.yaml").write_text(PRICES.replace("input: 2, cached: 0.5, output: 8",
                                                         "input: 0.0002, cached: 0.0001, output: 0.0008"))
    with Server() as server:
        run("--model", server.model, "--tasks", tasks, *ASKED, "--models", "cheap.yaml", "--budget-usd", "1e-3", "--out", "n")
        for file in ("summary.json", "steps.jsonl", "samples.jsonl", "limits.json", "config.json"):
            text = pathlib.Path("n", file).read_text()
            odd = re.findall(r"[:,\[] ?-?\d[\d.]*[eE][-+]?\d+", text)
            check(f"{file}: plain decimals", not odd and "nan" not in text, odd[:3])
        check("and not zero", 0 < summary("n")["cost_usd"] < 1e-3)


def main():
    wanted = sys.argv[4:] or list(sections)
    with tempfile.TemporaryDirectory() as work:
        for name in wanted:
            os.mkdir(pathlib.Path(work) / name)
            os.chdir(pathlib.Path(work) / name)
            pathlib.Path("prices.yaml").write_text(PRICES)
            begun = time.monotonic()
            sections[name]()
            print(f"{name}: {time.monotonic() - begun:.1f} s", flush=True)
        os.chdir("/")
    sys.exit(f"{len(failures)} checks failed" if failures else 0)


main()
