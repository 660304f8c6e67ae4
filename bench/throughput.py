#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs per second and memory of `strata verify --corpus` on the regression corpus, repeated to a number of lines:
with the verdict cache, and without. Verdicts go to /dev/null. Needs ./dev build release strata.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(command, lines, count):
    """Seconds and peak resident MiB of the command, fed with the lines in turn until there are `count`."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    once = b"".join(lines)
    try:
        for _ in range(count // len(lines)):
            process.stdin.write(once)
        process.stdin.write(b"".join(lines[:count % len(lines)]))
        process.stdin.close()
    except BrokenPipeError:
        pass
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):  # 1: some programs are wrong, as they should be
        sys.exit(f"throughput: {' '.join(command)} ended with {code}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--lines", type=int, default=1_000_000)
    p.add_argument("--jobs", type=int, default=2, help="threads")
    p.add_argument("--strata", default=str(ROOT / "build/release/bin/strata"), metavar="FILE")
    p.add_argument("--json", metavar="FILE", help="write the figures")
    a = p.parse_args()
    lines = (ROOT / "tests/corpus/programs.jsonl").read_bytes().splitlines(keepends=True)
    rows = []
    with tempfile.TemporaryDirectory() as tasks:
        for folder in ("tasks", "tests/corpus/tasks"):
            shutil.copytree(ROOT / folder, tasks, dirs_exist_ok=True)
        command = [a.strata, "verify", "--corpus", "-", "--tasks", tasks, "--jobs", str(a.jobs)]
        for name, options in (("with the cache", []), ("without (--no-cache)", ["--no-cache"])):
            for count in (a.lines // 10, a.lines):
                seconds, mib = run(command + options, lines, count)
                rows.append({"cache": not options, "lines": count, "seconds": seconds,
                             "programs_per_second": count / seconds, "peak_rss_mib": mib})
                print(f"{name:20}  {count:>9,} lines  {count / seconds:>9,.0f} programs per second on {a.jobs} threads, "
                      f"at most {mib:.0f} MiB resident", flush=True)
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
