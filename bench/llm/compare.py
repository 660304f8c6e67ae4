#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our client of language models next to the official Python `openai` async client: the same number of requests in
flight against the same scripted server, in one run, alternating; plain and over TLS.

Needs the programs strata and llm_client_bench of this project's release build, and PyPI the first time (without it only
ours is measured). docs/benchmarks.md explains the figures.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
VENV = ROOT / "build/openai-client"
OURS, PYTHONS = "strata", ("httpx", "aiohttp")  # `openai` comes with the first and can use the second
RATIO, PEAK_MIB = 15, {"plain": 64, "tls": 256}  # required
REPLY = ('    E1 = step.Map(fn="scale", x=E0)  # one tile\n' * 13)[:600]


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--in-flight", type=int, default=2000, metavar="N", help="default: 2000")
    p.add_argument("--requests", type=int, default=20000, metavar="N", help="that ours is measured with (default: 20000)")
    p.add_argument("--python-requests", type=int, default=2000, metavar="N", help="that Python's is (default: 2000)")
    p.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    p.add_argument("--think", type=int, default=100, metavar="MS", help="before the server answers (default: 100)")
    p.add_argument("--prompt", type=int, default=3000, metavar="BYTES", help="default: 3000")
    p.add_argument("--clients", nargs="+", choices=(OURS, *PYTHONS), default=[OURS, *PYTHONS], help="default: all")
    p.add_argument("--only", choices=("plain", "tls"), help="default: both")
    p.add_argument("--json", metavar="FILE", help="write all figures")
    p.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    p.add_argument("--python", metavar="FILE", help="one that has openai and aiohttp (default: made by pip in build/)")
    p.add_argument("--binaries", default=str(ROOT / "build/release/bin"), metavar="DIR")
    a = p.parse_args()
    a.binaries, a.python = os.path.abspath(a.binaries), a.python and os.path.abspath(a.python)
    return a


def can_import(python):
    return subprocess.run([python, "-c", "import openai, aiohttp"], capture_output=True).returncode == 0


def python_with_openai():
    """A Python that has the client, or None after saying why not."""
    python = VENV / "bin/python"
    if python.exists() and can_import(python):
        return str(python)
    print(f"compare: installing openai[aiohttp] from PyPI into {VENV}", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "20"]
    for name, command in (("making a virtual environment", [sys.executable, "-m", "venv", "--clear", str(VENV)]),
                          ("pip install, is PyPI reachable?", [*pip, "openai[aiohttp]"])):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            why = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
            print(f"compare: only ours is measured, because Python's client cannot be installed ({name}): {why}")
            return None
    return str(python)


def certificates(folder):
    """A throw-away authority and a certificate of it for 127.0.0.1: (CA, certificate, key)."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=benchmark CA",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
                                       "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", "server.pem")
    return [str(folder / name) for name in ("ca.pem", "server.pem", "server.key")]


class Server:
    """`strata mock-llm` in a process of its own, for one measurement."""

    def __init__(self, a, folder, tls):
        (folder / "answers.jsonl").write_text(json.dumps({"reply": REPLY}) + "\n")
        command = [a.binaries + "/strata", "mock-llm", "--port", "0", "--latency", str(a.think), "--no-cache",
                   "--answers", str(folder / "answers.jsonl")]
        self.ca = None
        if tls:
            self.ca, certificate, key = tls
            command += ["--tls-cert", certificate, "--tls-key", key]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"https?://[\d.:]+", line)
        if not found:
            raise SystemExit(f"compare: {' '.join(command)}: {line.strip()}")
        self.url = found.group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stats(self):
        trusted = ssl.create_default_context(cafile=self.ca) if self.ca else None
        with urllib.request.urlopen(self.url + "/mock/stats", context=trusted) as answer:
            return json.load(answer)

    def watch(self, done):
        """Samples of (time, processor time) until `done` is set."""
        samples = [(time.monotonic(), self.cpu_seconds())]
        while not done.wait(0.05):
            samples.append((time.monotonic(), self.cpu_seconds()))
        return samples + [(time.monotonic(), self.cpu_seconds())]

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy(samples, start, end):
    """What part of a core was used in that time."""
    def at(when):
        (t0, c0), (t1, c1) = next((pair for pair in zip(samples, samples[1:]) if pair[1][0] >= when), samples[-2:])
        return c0 + (c1 - c0) * (when - t0) / (t1 - t0)

    return (at(end) - at(start)) / (end - start)


def measure(a, who, python, folder, tls):
    """One run of one client against a new server; ends the program if anything went wrong."""
    with Server(a, folder, tls) as server:
        command = ([a.binaries + "/llm_client_bench"] if who == OURS else
                   [python, str(HERE / "python_client.py"), "--transport", who])
        requests = a.requests if who == OURS else a.python_requests
        command += ["--url", server.url + "/v1", "--requests", str(requests), "--in-flight", str(a.in_flight),
                    "--prompt", str(a.prompt)] + (["--ca-file", server.ca] if tls else [])
        samples, ended = [], threading.Event()
        watch = threading.Thread(target=lambda: samples.extend(server.watch(ended)))
        watch.start()
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)  # where our models are
        finally:
            ended.set()
            watch.join()
        if done.returncode != 0:
            raise SystemExit(f"compare: {who} failed with exit code {done.returncode}")
        figures = json.loads(done.stdout)
        figures["server_busy"] = busy(samples, *figures["counted"])
        stats = server.stats()
    wrong = [text for text, bad in {
        "the server counts failures: " + str(stats["failures"]): stats["failures"],
        f"the server sent {stats['replies']} replies, {figures['replies']} came": stats["replies"] != figures["replies"],
        "replies are not what was sent": figures["text_bytes"] != figures["replies"] * len(REPLY),
        "tokens are not what the server counts": figures["output_tokens"] != stats["output_tokens"],
        f"only {stats['most_connections']} connections at one time": stats["most_connections"] < a.in_flight,
        f"only {figures['mean_in_flight']} requests in flight on average": figures["mean_in_flight"] < 0.9 * a.in_flight,
    }.items() if bad]
    if wrong:
        raise SystemExit(f"compare: {who}: " + "; ".join(wrong))
    figures["latency_ms"] = 1e3 * a.in_flight * figures["wall_seconds"] / requests
    return figures


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} .. {max(values):.{digits}f})"


def ratios(runs, who):
    return [theirs["cpu_us_per_request"] / ours["cpu_us_per_request"] for theirs, ours in zip(runs[who], runs[OURS])]


def show(runs, mode, a):
    print(f"\n{'### ' if a.markdown else ''}{mode}: {a.in_flight} requests in flight, {a.think} ms think time, prompts of "
          f"{a.prompt} bytes, replies of {len(REPLY)}; medians of {a.rounds} rounds, and extremes\n")
    heads = ["client", "CPU us/request", "times ours", "opening, CPU us/connection", "peak MiB", "requests/s", "latency ms",
             "in flight", "server busy"]
    cells = []
    for who, rounds in runs.items():
        def middle(name):
            return statistics.median(r[name] for r in rounds)
        cells.append([rounds[0]["client"], spread([r["cpu_us_per_request"] for r in rounds], 1),
                      "" if who == OURS else spread(ratios(runs, who), 1), f"{middle('opening_cpu_us_per_connection'):.0f}",
                      f"{max(r['peak_mib'] for r in rounds):.1f}", f"{1e3 * a.in_flight / middle('latency_ms'):.0f}",
                      f"{middle('latency_ms'):.0f}", f"{middle('mean_in_flight'):.0f}",
                      f"{100 * middle('server_busy'):.0f}%"])
    if a.markdown:
        print("| " + " | ".join(heads) + " |\n|---" + "|--:" * (len(heads) - 1) + "|")
        for row in cells:
            print("| " + " | ".join(row) + " |")
    else:
        widths = [max(map(len, column)) for column in zip(heads, *cells)]
        for row in [heads, *cells]:
            print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))))
    print()
    peak = max(r["peak_mib"] for r in runs[OURS])
    verdicts = [(f"peak memory: {peak:.1f} MiB, at most {PEAK_MIB[mode]} required", peak <= PEAK_MIB[mode])]
    for who in runs:
        if who != OURS:
            least = min(ratios(runs, who))
            verdicts.append((f"CPU per request: {least:.1f} times less than with {who} in the worst round, "
                             f"{RATIO} required", least >= RATIO))
    for text, good in verdicts:
        print(f"{'- ' if a.markdown else ''}{mode}: {'reached' if good else 'MISSED'}: {text}")
    return all(good for _, good in verdicts)


def main():
    a = arguments()
    for name in ("strata", "llm_client_bench"):
        if not os.path.exists(f"{a.binaries}/{name}"):
            print(f"compare: there is no {a.binaries}/{name}; build it: ./dev build release {name}")
            return 2
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * a.in_flight + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            print(f"compare: {a.in_flight} requests in flight need {wanted} open files, {hard} are allowed (ulimit -Hn)")
            return 2
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    clients = [OURS, *(who for who in PYTHONS if who in a.clients)]
    python = a.python or (python_with_openai() if len(clients) > 1 else None)
    if not python:
        clients = [OURS]
    modes = [a.only] if a.only else ["plain", "tls"]
    if "tls" in modes and not shutil.which("openssl"):
        print("compare: TLS is left out, because the command openssl is not there to make a certificate")
        modes.remove("tls")
    results, good = {}, True
    with tempfile.TemporaryDirectory(prefix="strata-llm-") as folder:
        folder = pathlib.Path(folder)
        tls = certificates(folder) if "tls" in modes else None
        for mode in modes:
            runs = results[mode] = {who: [] for who in clients}
            for r in range(a.rounds):
                for who in clients if r % 2 == 0 else reversed(clients):
                    if sys.stderr.isatty():
                        print(f"\r\033[K{mode}, round {r + 1}/{a.rounds}, {who}", end="", file=sys.stderr, flush=True)
                    runs[who].append(measure(a, who, python, folder, tls if mode == "tls" else None))
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            good = show(runs, mode, a) and good
    if a.json:
        how = {name: getattr(a, name) for name in ("in_flight", "think", "prompt", "rounds")}
        pathlib.Path(a.json).write_text(json.dumps({"how": how, "runs": results}, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
