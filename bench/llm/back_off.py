# SPDX-License-Identifier: MIT
"""What overload and limits cost a run: `strata run` against `strata mock-llm`, undisturbed, with some overloaded replies, and
with limits per minute.

Usage: python3 bench/llm/back_off.py build/release/bin/strata [SAMPLES]   (per task; 26 tasks, one sample per request)
Prints, for each server: seconds of the first attempts, of the undisturbed ones the ratio, and the share of requests refused.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

LATENCY = "200..900"
OVERLOADED = ("503=0.01", "503=0.02", "503=0.05", "529=0.02", "429-bare=0.01", "429-bare=0.02", "429=0.01", "429=0.02")
LIMITS = ("--rpm 3000", "--rpm 1200", "--tpm 3000000")


def measured(strata, folder, samples, options):
    mock = subprocess.Popen([strata, "mock-llm", "--json", "--port", "0", "--latency", LATENCY, *options], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    url = re.search(r"http://[\d.:]+", mock.stderr.readline()).group()
    out = pathlib.Path(folder) / f"run-{time.monotonic_ns()}"
    began = time.monotonic()
    done = subprocess.run([strata, "run", "--model", url + "/v1#any", "--mode", "single", "--temperature", "0.7", "--samples", str(samples),
                           "--per-request", "1", "--seed", "1", "--out", str(out)], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "STRATA_API_KEY": "any"})
    seconds = time.monotonic() - began
    mock.terminate()
    counted = json.loads(mock.communicate(timeout=20)[0])
    assert done.returncode == 0, done.stdout + done.stderr
    refused = sum(n for name, n in counted["failures"].items() if name in ("rate_limited", "overloaded") or name[0].isdigit())
    return seconds, counted["requests"], refused


def main():
    strata, samples = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = None
        for options in ("", *(f"--fail {o}" for o in OVERLOADED), *LIMITS):
            seconds, requests, refused = measured(strata, folder, samples, options.split())
            undisturbed = undisturbed or seconds
            print(f"{options or 'undisturbed':20} {seconds:7.1f} s  {seconds / undisturbed:6.2f} times   {requests:6} requests, "
                  f"{100 * refused / requests:5.2f}% refused", flush=True)


if __name__ == "__main__":
    main()
