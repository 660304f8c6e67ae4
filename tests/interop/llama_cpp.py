# SPDX-License-Identifier: MIT
"""`strata run` asks a real llama.cpp with a small model. Every function whose name begins with llama_ is a check; its
docstring says what holds. The model does not solve anything: what is tested is that it can be asked."""
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request

from servers import end, free_port

HERE = pathlib.Path(__file__).resolve().parent
# about 140 tokens of prompt per second: a prompt of a few hundred tokens, and few are written
TASK = "bmm/bmm_2"


class Llama:
    """llama.cpp's server: `slots` requests at once, which share `context` tokens."""

    def __init__(self, folder, slots, context):
        port = free_port()
        self.url, self.log = f"http://127.0.0.1:{port}/v1", pathlib.Path(folder) / f"llama-{port}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([sys.executable, str(HERE / "llama_server.py"), str(port), str(slots), str(context)],
                                            stdin=subprocess.PIPE, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with urllib.request.urlopen(self.url.removesuffix("/v1") + "/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"llama.cpp did not start within {seconds} s: {self.log.read_text()[-1500:]}")


class Runs:
    """Runs of `strata run` with short prompts of one task, and what they left."""

    def __init__(self, strata, folder, started):
        self.strata, self.folder, self.count = strata, pathlib.Path(folder), 0
        self.started = started  # an ExitStack
        self.tasks, self.prompts = self.folder / "llama-tasks", self.folder / "llama-prompts"
        source = HERE.parent.parent
        (self.tasks / TASK).parent.mkdir(parents=True)
        (self.tasks / (TASK + ".yaml")).write_bytes((source / "tasks" / (TASK + ".yaml")).read_bytes())
        shutil.copytree(source / "step" / "prompts", self.prompts)
        (self.prompts / "proposer.yaml").write_text("general: {desc: Write a program.}\nops: []\npatterns: []\n")  # short

    def server(self, slots, context):
        server = self.started.enter_context(Llama(self.folder, slots, context))
        server.wait(40)
        return server

    def run(self, *options, out=None):
        """`strata run` until it ends: (exit code, its directory, what it printed)."""
        self.count += 1
        out = out or self.folder / f"llama-run-{self.count}"
        done = subprocess.run([self.strata, "run", *options], capture_output=True, text=True, timeout=110, env={"PATH": "/usr/bin:/bin"})
        return done.returncode, out, done.stdout + done.stderr

    def new(self, model, *options):
        self.count += 1
        out = self.folder / f"llama-run-{self.count}"
        return self.run("--model", model, "--tasks", str(self.tasks), "--prompts", str(self.prompts), "--mode", "single",
                        "--temperature", "0.8", "--max-tokens", "12", "--out", str(out), *options, out=out)


def replies_of(out):
    with sqlite3.connect(f"file:{out}/replies.db?mode=ro", uri=True) as db:
        return db.execute("SELECT first_sample, received FROM replies ORDER BY first_sample").fetchall()


def samples_of(out):
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    return sorted((s["index"], s["program"], s["input_tokens"], s["output_tokens"]) for s in samples)


def llama_slots(at):
    """llama.cpp with two slots: n = 8 is refused, n = 2 is sent from then on, said once, kept for resume and replay"""
    server = at.server(2, 4096)
    code, out, printed = at.new(server.url + "#small", "--samples", "8", "--per-request", "8")
    assert code == 0, printed
    assert printed.count("at most 2 choices are asked for at once") == 1, printed
    assert "Value must be between 1 <= value <= 2, but got 8" in printed, printed
    assert [n for _, n in replies_of(out)] == [2, 2, 2, 2], replies_of(out)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["complete"] and summary["failed_requests"] == 0 and summary["usage"]["output_tokens"] > 0, summary
    with sqlite3.connect(f"file:{out}/replies.db?mode=ro", uri=True) as db:
        (learnt,) = db.execute("SELECT value FROM run WHERE name LIKE 'adaptation %'").fetchone()
    assert learnt == "n 2\n", learnt
    end(server.process)  # nothing is asked any more
    code, _, printed = at.run("--resume", str(out))
    assert code == 0, printed
    again = at.folder / "llama-replay"
    code, _, printed = at.run("--replay", str(out), "--out", str(again))
    assert code == 0, printed
    assert samples_of(again) == samples_of(out), (samples_of(again), samples_of(out))


def llama_context(at):
    """llama.cpp with too small a context: the run ends as failed, with the reason and what to do"""
    server = at.server(2, 256)
    code, out, printed = at.new(server.url + "#small", "--samples", "2")
    assert code == 1, printed
    assert "exceeds the available context size" in printed and "give the server a larger one (llama.cpp: -c" in printed, printed
    assert json.loads((out / "summary.json").read_text())["ended"] == "failed", printed


def llama_loading(at):
    """a llama.cpp that is still loading its model is waited for"""
    server = at.started.enter_context(Llama(at.folder, 2, 4096))
    until = time.monotonic() + 30
    while time.monotonic() < until:  # until it listens
        try:
            urllib.request.urlopen(server.url.removesuffix("/v1") + "/health", timeout=2)
            break
        except urllib.error.HTTPError:
            break  # 503: loading
        except OSError:
            time.sleep(0.05)
    code, _, printed = at.new(server.url + "#small", "--samples", "2", "--per-request", "2")
    assert code == 0, printed


def llama_interrupted(at):
    """Ctrl-C ends a run whose first request a stopped llama.cpp has not answered, at once; a resumed run goes on"""
    server = at.server(2, 4096)
    os.kill(server.process.pid, signal.SIGSTOP)  # accepts, and never answers
    out = at.folder / "llama-interrupted"
    process = subprocess.Popen([at.strata, "run", "--model", server.url + "#small", "--tasks", str(at.tasks), "--prompts", str(at.prompts),
                                "--mode", "single", "--temperature", "0.8", "--max-tokens", "12", "--samples", "2", "--out", str(out)],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"PATH": "/usr/bin:/bin"})
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "has not answered the first request since" in line:
                break
        assert lines and re.search(r"since \d\d:\d\d:\d\d UTC \(2\d s\)", lines[-1]), lines
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 1
    finally:
        end(process)
        os.kill(server.process.pid, signal.SIGCONT)
    code, _, printed = at.run("--resume", str(out))
    assert code == 0 and [n for _, n in replies_of(out)] == [2], printed
