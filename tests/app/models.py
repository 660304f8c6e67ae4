#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""End-to-end tests of `strata run` with language models, against the scripted server on loopback.

Usage: models.py STRATA SOURCE_DIR [SECTION..]; only the standard library is needed.
Everything that is random has a fixed seed, but the moments of the kills depend on the machine.
"""
import http.server
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

STRATA, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
KEY = "canary-K3y/with+odd=signs-7f3a91"
PRICES = """
models:
  - {provider: server, name: any, prices: [{from: 2026-01-01, input: 2, cached: 0.5, output: 8}]}
  - {provider: anthropic, name: claude-test, prices: [{from: 2026-01-01, input: 3, cached: 0.3, cache_write: 3.75, cache_write_hour: 6, output: 15}],
     takes: {temperature: true}}
"""
OPENAI_PRICE = "input=2,cached=0.5,output=8"
ANTHROPIC_PRICE = "input=3,cached=0.3,write=3.75,write-hour=6,output=15"
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
    return clean | {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY} | more


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


def start(*arguments, env=None, **how):
    return subprocess.Popen([STRATA, "run", *map(str, arguments)], env=env or environment(), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **how)


def run(*arguments, code=0, env=None, **how):
    process = start(*arguments, env=env, **how)
    out, err = process.communicate(timeout=600)
    check("exit code of strata run " + " ".join(map(str, arguments)), process.returncode == code, process.returncode,
          err[-600:])
    return out, err


def report(directory):
    out = subprocess.run([STRATA, "report", directory, "--json"], capture_output=True, text=True, check=True).stdout
    facts = json.loads(out)
    del facts["seconds"]
    return facts


def summary(directory):
    return json.loads((directory / "summary.json").read_text())


def samples(directory):
    lines = map(json.loads, (directory / "samples.jsonl").read_text().splitlines())
    return {(s["step"], s["task"], s["index"]): s.get("program") for s in lines}


def files_without_timings(directory):
    """What must be equal byte for byte whatever happened in between."""
    facts = re.sub(r'"seconds": ?[^,}\n]*', "", (directory / "summary.json").read_text())
    return {p.relative_to(directory): p.read_bytes() for p in directory.glob("solutions/**/*.yaml")} | {"facts": facts}


def few_tasks(*names):
    folder = pathlib.Path("few")
    for name in names or ("bmm/bmm_0", "rope/G_0_3_02", "moe/G_0_3_03", "attention/G_0_4_01"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / "tasks" / f"{name}.yaml", folder / f"{name}.yaml")
    return folder


def same_count(what, server, directory):
    """The run's own count against the server's, exactly."""
    theirs, ours = server.stats(), summary(directory)["usage"]
    for name, mine in (("replies", "requests"), ("input_tokens",) * 2, ("cached_tokens",) * 2,
                       ("output_tokens",) * 2, ("cost_usd",) * 2):
        check(f"{what}: {name}", theirs[name] == ours[mine], theirs[name], ours[mine])
    check(f"{what}: cache writes", theirs["cache_write_tokens"] + theirs["cache_write_hour_tokens"]
          == ours["cache_write_tokens"])
    check(f"{what}: cost is known", ours["cost_known"] and ours["cost_usd"] > 0)
    told = report(directory)
    check(f"{what}: report", told["cost_usd"] == theirs["cost_usd"] and told["input_tokens"] == theirs["input_tokens"]
          and told["output_tokens"] == theirs["output_tokens"], told)


@section
def protocols():
    """Both protocols, proposer and guardian, the whole benchmark; tokens and cost are the server's own."""
    with Server("--price", OPENAI_PRICE) as server:
        run("--model", server.model, "--mode", "iterative", "--samples", 8, "--models", "prices.yaml", "--out", "openai")
        same_count("openai", server, pathlib.Path("openai"))
    with Server("--price", ANTHROPIC_PRICE) as server:
        run("--model", "anthropic:claude-test", "--mode", "iterative", "--samples", 8, "--models", "prices.yaml",
            "--out", "anthropic", env=environment(ANTHROPIC_BASE_URL=server.url))
        same_count("anthropic", server, pathlib.Path("anthropic"))
    for name in ("openai", "anthropic"):
        facts = summary(pathlib.Path(name))
        check(f"{name}: complete", facts["complete"] and facts["solved"] >= 15, facts["solved"])
        check(f"{name}: guardian", facts["usage_by_stage"]["guard"]["requests"] == facts["samples"])
    _, err = run("--replay", "openai", "--out", "again", env=environment(OPENAI_API_KEY=""))
    check("a replay is the same", files_without_timings(pathlib.Path("openai"))
          == files_without_timings(pathlib.Path("again")))
    _, err = run("--resume", "again", code=2)
    check("a replay is not resumed", "resume that one" in err, err)


@section
def agents():
    """Every mode and combination draws what it should, and pays for it by stage."""
    tasks = few_tasks()
    common = ("--tasks", tasks, "--samples", 4, "--temperature", "0.7", "--models", "prices.yaml")
    with Server("--careless", "0.5") as server:
        for name, options, stages in (
                ("single", ("--mode", "single"), {"propose"}),
                ("python", ("--mode", "single-no-ir"), {"propose"}),
                ("agent", ("--mode", "agent"), {"propose", "guard"}),
                ("cheap", ("--mode", "agent", "--agent", "guardian-if-refused"), {"propose", "guard"}),
                ("repair", ("--mode", "single", "--repair", 2), {"propose", "repair"}),
                ("all", ("--mode", "iterative", "--agent", "no-ir,guardian", "--repair", 1),
                 {"propose", "guard", "repair"})):
            out = pathlib.Path("agents", name)
            run("--model", server.model, *common, *options, "--out", out)
            facts = summary(out)
            check(f"{name}: stages", set(facts["usage_by_stage"]) == stages, facts["usage_by_stage"].keys())
            check(f"{name}: samples", name == "all" or facts["samples"] == 16, facts["samples"])
        pathlib.Path("words.jsonl").write_text(json.dumps({"program": "x = E0\nreturn step.Promote().apply(x)"}) + "\n")
        with Server("--answers", "words.jsonl") as other:
            run("--model", other.model, *common, "--mode", "single", "--out", "words", env=environment(OPENAI_API_KEY="x"))
        check("a key that is a word leaves programs alone",
              all("x = E0" in p and ".apply(x)" in p for p in samples(pathlib.Path("words")).values()))
        every, cheap = (summary(pathlib.Path("agents", n))["usage_by_stage"]["guard"]["requests"] for n in
                        ("agent", "cheap"))
        check("the cheap guardian is asked less", every == 16 and 0 < cheap < 16, every, cheap)
        _, text = run("--model", server.model, *common, "--mode", "single-no-ir", "--repair", 17, code=2)
        check("--repair is limited", "--repair: 17 is not in 0..16" in text, text)
        _, text = run("--model", server.model, *common, "--agent", "guard", code=2)
        check("--agent names its kinds", "guardian-if-refused" in text, text)


@section
def failures_of_servers():
    """One request in five fails, in all ways; the samples are those of a run without failures."""
    options = ("--mode", "single", "--seed", 5)
    with Server() as server:
        run("--model", server.model, *options, "--out", "smooth")
    with Server("--fail", "rate=0.2") as server:
        run("--model", server.model, *options, "--out", "rough")
        kinds = server.stats()["failures"]
    smooth, rough = samples(pathlib.Path("smooth")), samples(pathlib.Path("rough"))
    check("26 x 64 x 3 samples", len(smooth) == 26 * 64 * 3, len(smooth))
    check("equal samples", smooth == rough, sum(smooth.get(k) != rough.get(k) for k in smooth))
    check("all kinds of failures came", len(kinds) >= 20, kinds)
    check("failures are logged", "-> retry" in pathlib.Path("rough/failures.log").read_text())


@section
def fatal():
    """What no retry can mend ends the run at once, in order, with a reason; nothing is lost."""
    tasks = few_tasks()
    common = ("--tasks", tasks, "--samples", 4, "--temperature", "1", "--mode", "single")
    for kind, says in (("401", "key"), ("quota", "quota"), ("404", "model")):
        with Server("--fail", kind + "=1") as server:
            begun = time.monotonic()
            out, err = run("--model", server.model, *common, "--out", "fatal-" + kind, code=1)
            check(f"{kind}: at once", time.monotonic() - begun < 5 and server.stats()["requests"] < 20)
            check(f"{kind}: says why", says in err.lower(), err)
            check(f"{kind}: can be resumed", "--resume" in out and "ended: failed" in out, out)
    with Server("--fail", "400=1") as server:
        out, err = run("--model", server.model, *common, "--out", "refusing", code=1)
        check("all requests refused", "ended: failed" in out and "--retry-failed" in err, out, err)
    with Server() as server:
        run("--resume", "refusing", "--model", server.model, code=1)
        check("what was refused stays refused", server.stats()["replies"] == 0)
        run("--resume", "refusing", "--model", server.model, "--retry-failed")
        check("until it is to be asked again", summary(pathlib.Path("refusing"))["samples"] == 16)
    _, err = run("--model", "openai:gpt-4o-2024-11-20", *common, code=2, env=environment(OPENAI_API_KEY=""))
    check("a key that is missing", "OPENAI_API_KEY" in err and err.count("\n") == 1, err)
    _, err = run("--model", "http://127.0.0.1:1/v1#any", *common, "--ca-file", "none.pem", "--out", "refused", code=2)
    check("certificates that cannot be read", "none.pem" in err and not pathlib.Path("refused").exists(), err)
    _, err = run("--model", "opnai:gpt", *common, code=2)
    check("a provider that is misspelt", "openai:NAME" in err, err)
    _, err = run("--model", "http://127.0.0.1:1/v1#any", *common, "--budget-usd", "1", code=2)
    check("dollars without a price", "no price is known" in err, err)


@section
def budgets():
    """At a limit the run ends in order; with a larger one it becomes the run it would have been."""
    tasks = few_tasks()
    common = ("--tasks", tasks, "--samples", 8, "--temperature", "0.4,1", "--models", "prices.yaml")
    with Server("--price", OPENAI_PRICE, "--no-cache") as server:
        run("--model", server.model, *common, "--out", "unlimited")
        whole = summary(pathlib.Path("unlimited"))
        usage = whole["usage"]
        before = server.stats()
        for option, limit, used in (("--budget-usd", usage["cost_usd"] / 2, "cost_usd"),
                                    ("--budget-tokens", (usage["input_tokens"] + usage["output_tokens"]) // 2, None),
                                    ("--budget-requests", usage["requests"] // 2, "requests")):
            out = pathlib.Path("within" + option)
            text, err = run("--model", server.model, *common, option, limit, "--out", out, code=1)
            spent = summary(out)["usage"]
            amount = spent[used] if used else spent["input_tokens"] + spent["output_tokens"]
            check(f"{option}: kept", 0 < amount <= limit, amount, limit)
            check(f"{option}: says so", "ended: budget" in text and "is used up" in err, text, err)
            run("--resume", out, option, limit * 8)  # it holds until it is raised
            check(f"{option}: resumed", files_without_timings(out) == files_without_timings(pathlib.Path("unlimited")))
        after = server.stats()
        check("nothing was paid twice", after["cost_usd"] - before["cost_usd"] - 3 * usage["cost_usd"] < 1e-9,
              after["cost_usd"], before["cost_usd"], usage["cost_usd"])
    with Server("--latency", "300") as server:
        begun = time.monotonic()
        run("--model", server.model, *common, "--concurrency", 2, "--budget-seconds", 1, "--out", "slow", code=1)
        check("--budget-seconds", time.monotonic() - begun < 10 and summary(pathlib.Path("slow"))["ended"] == "time")


@section
def kills():
    """kill -9 at random moments, until `moments` have been survived: the result is that of a run left alone."""
    moments = int(os.environ.get("STRATA_TEST_KILLS", "100"))
    tasks = few_tasks()
    draw = random.Random(11)
    log = pathlib.Path("kills.log")
    with Server("--no-cache", "--price", OPENAI_PRICE, "--latency", "2..12", "--log", str(log)) as server:
        options = ("--model", server.model, "--tasks", tasks, "--samples", 6, "--temperature", "0.4,1", "--models",
                   "prices.yaml", "--concurrency", 8)
        begun = time.monotonic()
        run(*options, "--out", "undisturbed")
        length = time.monotonic() - begun
        want, want_report = files_without_timings(pathlib.Path("undisturbed")), report(pathlib.Path("undisturbed"))
        asked = [json.loads(line) for line in log.read_text().splitlines()]
        names = {(a["prompt"], a["seed"], a["temperature"]) for a in asked}
        check("every request has a name of its own", len(names) == len(asked), len(names), len(asked))
        check("the store knows them by their seeds", stored(pathlib.Path("undisturbed"))
              == {(a["seed"], a["n"]) for a in asked})
        killed, finished, stored_replies = 0, 0, 0
        while killed < moments:
            out = pathlib.Path(f"killed-{finished}")
            first = True
            while True:
                known, position = stored(out), log.stat().st_size
                process = start(*(options + ("--out", out) if first else ("--resume", out)))
                try:
                    process.communicate(timeout=draw.uniform(0, length))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    killed += 1
                repeated = known & {(a["seed"], a["n"]) for a in map(json.loads, log.read_bytes()[position:].splitlines())}
                check("no stored reply is asked for again", not repeated, repeated)
                stored_replies += len(known)
                first = not (out / "config.json").exists() or not (out / "config.json").read_text()
                if first and out.exists():
                    shutil.rmtree(out)  # killed before the run had begun
                if process.returncode == 0:
                    break
                check("a killed run ends by the kill only", process.returncode == -signal.SIGKILL, process.returncode)
                if process.returncode != -signal.SIGKILL:
                    return
            finished += 1
            check("solutions and summary", files_without_timings(out) == want)
            check("report", report(out) == want_report)
            with sqlite3.connect(out / "replies.db") as db:
                check("integrity", db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
        check("kills struck while replies were stored", stored_replies > 0)
        print(f"{killed} kills, {finished} runs finished")


def stored(directory):
    """Seed and size of the requests whose replies are stored."""
    if not (directory / "replies.db").exists():
        return set()
    with sqlite3.connect(directory / "replies.db") as db:
        try:
            return set(db.execute("SELECT seed % 2147483648, asked FROM replies"))
        except sqlite3.OperationalError:
            return set()  # killed before the tables were made


@section
def interrupts():
    """Ctrl-C ends in order and keeps what was paid for."""
    tasks = few_tasks()
    with Server("--no-cache", "--latency", "20..60") as server:
        options = ("--model", server.model, "--tasks", tasks, "--samples", 6, "--temperature", "0.4,1")
        run(*options, "--out", "uninterrupted")
        process = start(*options, "--out", "interrupted")
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        check("exit code 1", process.returncode == 1, process.returncode, err)
        check("says how to go on", "--resume interrupted" in out and "ended: stopped" in out, out)
        paid = summary(pathlib.Path("interrupted"))["usage"]["requests"]
        with sqlite3.connect("interrupted/replies.db") as db:
            check("what was paid is stored", db.execute("SELECT count(*) FROM replies").fetchone()[0] == paid > 0)
    with Server("--no-cache") as elsewhere:
        _, err = run("--resume", "interrupted", "--model", elsewhere.url + "/v1#other", code=2)
        check("another model is refused", "leave --model out" in err, err)
        run("--resume", "interrupted", "--model", elsewhere.model)
        check("only the rest was asked", 0 < elsewhere.stats()["replies"]
              == summary(pathlib.Path("interrupted"))["usage"]["requests"] - paid)
        check("resumed on a server that has moved", files_without_timings(pathlib.Path("interrupted"))
              == files_without_timings(pathlib.Path("uninterrupted")))


@section
def disks():
    """A disk that is full, a directory that may not be written, files that are no runs: a clear error, nothing lost."""
    tasks = few_tasks()
    with Server("--no-cache") as server:
        options = ("--model", server.model, "--tasks", tasks, "--samples", 8, "--temperature", "0.4,1")
        run(*options, "--out", "roomy")
        small = 400 << 10  # no file may grow beyond this, as on a full disk

        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (small, small))

        _, err = run(*options, "--out", "full", code=2, preexec_fn=limited)
        check("a full disk is named", "space" in err or "full" in err or "large" in err.lower(), err)
        with sqlite3.connect("full/replies.db") as db:
            check("the database is intact", db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
        shutil.copytree("full", "unfinished")
        run("--resume", "full")
        check("the run goes on", files_without_timings(pathlib.Path("full"))
              == files_without_timings(pathlib.Path("roomy")))
        for name, change in (("config.json", b""), ("config.json", os.urandom(2000)), ("replies.db", b"no database"),
                             ("replies.db", os.urandom(30000))):
            broken = pathlib.Path("broken")
            shutil.rmtree(broken, ignore_errors=True)
            shutil.copytree("unfinished", broken)  # of a finished run, --resume only prints
            (broken / name).write_bytes(change)
            for option in ("--resume", "--replay"):
                _, err = run(option, broken, code=2)
                check(f"{option} with a broken {name}", err.count("\n") == 1 and name in err, err)
        shutil.rmtree("broken")
        shutil.copytree("roomy", "changed", ignore=shutil.ignore_patterns("replies.db*"))
        _, err = run("--replay", "changed", code=2)
        check("a replay without replies", "no such file" in err, err)
        _, err = run("--resume", "roomy", "--max-tokens", 7, code=2)
        check("another option is refused", "--max-tokens 1024, not 7" in err, err)
        _, err = run("--out", "/proc/none/run", *options, code=2)
        check("no directory can be made", "cannot make the directory" in err, err)


@section
def keys():
    """The key is in no file, no output and no argument, also when the server repeats it."""
    tasks = few_tasks()
    common = ("--tasks", tasks, "--samples", 2, "--temperature", "1", "--mode", "agent")
    pathlib.Path("echo.jsonl").write_text(json.dumps({"reply": f"Your key is {KEY}, is it not?\n\nimpl: return E0"}) + "\n")
    shown = ""
    for number, options in enumerate((("--fail", "key-echo=0.2"), ("--fail", "401=1"), ("--key", "another"),
                                      ("--answers", "echo.jsonl"), ("--fail", "html=0.2"))):
        with Server(*options) as server:
            for model in (server.model, "anthropic+" + server.url + "#any"):
                process = start("--model", model, *common, "--out", f"keys/{number}-{model[:4]}")
                shown += "".join(process.communicate(timeout=300))
    for arguments in (("--model", f"http://user:{KEY}@127.0.0.1:1/v1#any", *common, "--budget-usd", "1"),
                      ("--model", KEY), ("--model", f"openai:{KEY}", "--budget-usd", "1"),
                      ("--model", "openai:gpt", "--models", KEY)):
        process = start(*arguments)
        shown += "".join(process.communicate(timeout=60))
    for part in (KEY, KEY.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D"), KEY[:20]):
        check("no key in what is printed", part not in shown, shown[max(0, shown.find(part) - 200):][:400])
        for file in pathlib.Path("keys").rglob("*"):
            if file.is_file():
                check(f"no key in {file}", part.encode() not in file.read_bytes())


class Liar:
    """A server whose replies have this usage, and a stream if `streamed` is one."""

    def __init__(self, usage):
        text = "impl: |\n  return E0\n" + "word " * 400

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                choices = [{"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                           for i in range(asked.get("n", 1))]
                body = json.dumps({"id": "x", "choices": choices}).encode()
                body = body[:-1] + b', "usage": ' + usage.encode() + b"}"
                self.send_response(200)
                self.send_header("content-type", "Application/JSON; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.model = f"http://127.0.0.1:{self.server.server_address[1]}/v1#any"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()


@section
def untrusted():
    """What a server says neither voids a budget nor breaks a run, and what a model file says neither."""
    tasks = few_tasks()
    common = ("--tasks", tasks, "--samples", 32, "--temperature", "1", "--agent", "single", "--max-tokens", 500,
              "--models", "prices.yaml")
    for number, usage in enumerate((
            '{"prompt_tokens": 1500, "completion_tokens": 3400, "cost": 0}', "null", '{"prompt_tokens": 0, "completion_tokens": 0}',
            '{"prompt_tokens": 18446744073709551615, "completion_tokens": 18446744073709551615}',
            '{"prompt_tokens": 9223372036854775808, "completion_tokens": 5}',
            '{"prompt_tokens": 9007199254740992, "completion_tokens": 9007199254740992}',
            '{"prompt_tokens": -5, "completion_tokens": "many", "cost": -1}')):
        out = pathlib.Path(f"liar-{number}")
        with Liar(usage) as server:
            text, err = run("--model", server.model, *common, "--budget-usd", "0.1", "--out", out, code=1)
            check(f"usage {usage}: the budget ends the run", "ended: budget" in text, text, err)
            used = summary(out)["usage"]
            check(f"usage {usage}: it is not for nothing", used["cost_usd"] > 0.01, used)
            check(f"usage {usage}: tokens", used["input_tokens"] > 1000 and used["output_tokens"] > 100, used)
            text, err = run("--resume", out, "--budget-usd", "0.1", code=1)
            check(f"usage {usage}: still no money", "ended: budget" in text, text, err)
            check(f"usage {usage}: the same", summary(out)["usage"]["cost_usd"] == used["cost_usd"])
            report(out)
    pathlib.Path("tiers.yaml").write_text("models: [{provider: server, name: any, prices: "
                                          "[{from: 2026-01-01, above: 100000, input: 2, output: 8}]}]\n")
    with Liar("null") as server:
        _, err = run("--model", server.model, *common[:-1], "tiers.yaml", "--budget-usd", "1", "--out", "tiers", code=2)
        check("a price for long prompts only", "no price is known" in err and not pathlib.Path("tiers").exists(), err)
        secret = "not-a-name-0123456789"
        _, err = run("--model", server.model[:-3] + secret, *common, "--out", "named", code=2,
                     env=environment(STRATA_API_KEY=secret))
        check("a key for a name", secret not in err and not pathlib.Path("named").exists(), err)
        run("--model", "openai:gpt-x", *common[:4], "--temperature", "1", "--agent", "single", "--out", "replayable", code=0,
            env=environment(OPENAI_BASE_URL=server.model[:-4]))
    broken = {k: v for k, v in environment(OPENAI_BASE_URL="nonsense").items() if not k.endswith("_API_KEY")}
    run("--replay", "replayable", "--out", "replayed", env=broken)
    check("a replay without key and address", files_without_timings(pathlib.Path("replayed"))["facts"] is not None)
    hostile = pathlib.Path("hostile.yaml")
    hostile.write_text('models: [{provider: server, name: mine, note: plain}, {provider: keyless, name: x}]\n'
                       'providers: {keyless: {protocol: openai, url: "http://127.0.0.1:1"}}\n')
    told = subprocess.run([STRATA, "models", "--models", hostile], capture_output=True, text=True, env=broken)
    check("strata models without key and address", told.returncode == 0 and "server:mine" in told.stdout
          and "keyless:x" in told.stdout, told)
    hostile.write_text('models: [{provider: server, name: mine, note: "\\e[31mred\\u202e"}]\n')
    told = subprocess.run([STRATA, "models", "--models", hostile], capture_output=True, text=True, env=broken)
    check("escape codes in a note", told.returncode == 2 and "\x1b" not in told.stdout + told.stderr, told)
    exposed = start("--model", "http://no-such-host.invalid/v1#any", *common, "--estimate",
                    env=environment(STRATA_API_KEY="a-key-0123456789"))
    check("an estimate sends no key", "clear text" not in exposed.communicate(timeout=60)[1])


@section
def cost():
    """64 samples per task with demonstrations: what is billed, against one uncached request per sample."""
    few_tasks("bmm/bmm_0", "bmm/bmm_1", "moe/G_0_3_03", "moe/G_0_3_04", "rope/G_0_3_02", "attention/G_0_4_01",
              "gemm-easy/G_0_6_02", "gemm-easy/G_0_6_03")
    tasks = pathlib.Path("few")
    options = ("--tasks", tasks, "--samples", 64, "--temperature", "0.7", "--agent", "single", "--models",
               "prices.yaml")
    # a token read from the cache is billed as a tenth, one written to it as 1.25: the price of Anthropic
    price = "input=1,cached=0.1,write=1.25,output=1"

    def billed(name, *more, server_options=(), env=None, model=None):
        with Server("--price", price, *server_options) as server:
            run("--model", model or server.model, *options, *more, "--out", name,
                env=(env or (lambda _: environment()))(server))
            facts = report(pathlib.Path(name))
            check(f"{name}: demonstrations were shown", len(facts["learning_curve"]) > 1)
            return server.stats()["cost_usd"] * 1e6

    plain = billed("one-by-one", "--per-request", 1, server_options=("--no-cache",))
    several = billed("several", server_options=("--no-cache",))
    cached = billed("cached", model="anthropic:claude-test",
                    env=lambda server: environment(ANTHROPIC_BASE_URL=server.url))
    print(f"billed tokens: {plain:.0f} one by one, {several:.0f} with n ({plain / several:.1f}x fewer), "
          f"{cached:.0f} with prompt caching ({plain / cached:.1f}x fewer)")
    check("n: 5x fewer", plain > 5 * several, plain, several)
    check("prompt caching: 5x fewer", plain > 5 * cached, plain, cached)


def main():
    wanted = sys.argv[3:] or list(sections)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        pathlib.Path("prices.yaml").write_text(PRICES)
        for name in wanted:
            begun = time.monotonic()
            sections[name]()
            print(f"{name}: {time.monotonic() - begun:.1f} s", flush=True)
        os.chdir("/")
    sys.exit(f"{len(failures)} checks failed" if failures else 0)


main()
