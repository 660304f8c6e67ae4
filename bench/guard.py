#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what became more than 20% slower or faster, or larger or smaller, since the stored baseline. Times are compared
as multiples of the calibration loop of their own run, so that runs on different machines or under load can be compared
roughly. Never fails because of a change: timing on shared machines is noisy, and a person has to look.

With --table, prints the figures of the run itself; with --record, stores it as the baseline.
"""
import argparse
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
THRESHOLD = 0.20
ROWS = 40
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def read(file):
    try:
        return json.loads(pathlib.Path(file).read_text())
    except (OSError, ValueError) as e:
        sys.exit(f"guard: {file} cannot be read: {e}")


def in_order(run):
    """The entries as they are registered; they run in random order."""
    return sorted(run["benchmarks"], key=lambda b: (b["family_index"], b["per_family_instance_index"]))


def benchmarks(run):
    """{name: (nanoseconds, entry)} of the fastest repetition (what is slower was disturbed), and the lower quartile of the
    calibration, which is what the fastest of three is on average, in nanoseconds."""
    out, calibrations = {}, []
    for b in in_order(run):
        if b["run_type"] == "aggregate" or b.get("error_occurred"):
            continue
        wall = b["run_name"].endswith("/real_time")
        name = re.sub("/(real_time|repeats:[0-9]+)", "", b["run_name"])
        time = b["real_time" if wall else "cpu_time"] * NANOSECONDS[b["time_unit"]]
        if name == "calibration":
            calibrations.append(time)
        elif name not in out or time < out[name][0]:
            out[name] = (time, b)
    if not calibrations:
        sys.exit("guard: the run has no calibration; let the filter include it")
    return out, sorted(calibrations)[len(calibrations) // 4]


def figures(run):
    """{name: multiple of the calibration, or bytes}, and the calibration in nanoseconds."""
    entries, calibration = benchmarks(run)
    out = {}
    for name, (time, b) in entries.items():
        out[name] = time / calibration
        for counter in ("median_us", "worst_us"):
            if counter in b:
                out[f"{name} {counter[:-3]}"] = b[counter] * 1e3 / calibration
        if "peak_bytes" in b:
            out[f"{name} peak_bytes"] = b["peak_bytes"]
    return out, calibration


def time_text(ns):
    for unit in ("s", "ms", "us"):
        if ns >= NANOSECONDS[unit]:
            return f"{ns / NANOSECONDS[unit]:.3g} {unit}"
    return f"{ns:.3g} ns"


def size_text(count):
    for factor, unit in ((2**20, "MiB"), (2**10, "KiB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def text(name, value, calibration):
    return size_text(value) if name.endswith("peak_bytes") else time_text(value * calibration)


def note(b):
    """What one entry says besides its time and memory."""
    parts = [f"{time_text(b[key] * 1e9)} per {key[4:]}" for key in ("per_program", "per_sample", "per_element")
             if key in b]
    parts += [f"{key[:-3]} {b[key]:.1f} us" for key in ("median_us", "worst_us") if key in b]
    if "items_per_second" in b:
        parts.append(f"{b['items_per_second']:,.0f} programs per second")
    if "elements" in b:
        parts.append(f"{b['elements']:,.0f} elements")
    if "peak_bytes_per_sample" in b:
        parts.append(f"{b['peak_bytes_per_sample']:.0f} bytes per sample at the peak, {size_text(b['kept_bytes'])} kept")
    if b.get("label"):
        parts.append(b["label"])
    return ", ".join(parts)


def print_rows(heads, rows, markdown):
    if markdown:
        print("| " + " | ".join(heads) + " |\n|---" + "|--:" * (len(heads) - 2) + "|---|")
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in [heads, *rows]:
        print("  ".join(c.rjust(w) if 0 < i < len(row) - 1 else c.ljust(w)
                        for i, (c, w) in enumerate(zip(row, widths))).rstrip())


def print_table(run, markdown):
    entries, calibration = benchmarks(run)
    rows = [[name, time_text(time), size_text(b["peak_bytes"]) if "peak_bytes" in b else "", note(b)]
            for name, (time, b) in entries.items()]
    for b in in_order(run):
        if b.get("error_occurred") and b.get("repetition_index", 0) == 0:
            rows.append([re.sub("/real_time", "", b["run_name"]), "-", "-", b["error_message"]])
    print_rows(["benchmark", "time", "peak memory", ""], rows, markdown)
    print(f"\ncalibration {time_text(calibration)}; {run['context'].get('compiler', '')}, {run['context']['date']}")


def record(run, file):
    now, calibration = figures(run)
    keep = {"about": {k: run["context"].get(k) for k in ("date", "compiler", "num_cpus")},
            "calibration_ns": round(calibration),
            "multiples_of_calibration_or_bytes": {name: float(f"{v:.4g}") for name, v in sorted(now.items())}}
    pathlib.Path(file).write_text(json.dumps(keep, indent=1) + "\n")
    print(f"guard: stored {len(now)} figures in {file}")


def compare(run, baseline, markdown):
    now, calibration = figures(run)
    before = baseline["multiples_of_calibration_or_bytes"]
    both = [name for name in now if name in before]
    changes = {name: now[name] / before[name] - 1 if before[name] else float(now[name] > 0) for name in both}
    large = sorted((name for name in both if abs(changes[name]) > THRESHOLD), key=lambda name: -abs(changes[name]))
    print(f"guard: {len(both)} figures compared with {baseline['about']['date']} ({baseline['about']['compiler']}); "
          f"calibration {time_text(calibration)}, then {time_text(baseline['calibration_ns'])}; "
          f"{len(large)} changed by more than {THRESHOLD:.0%}")
    if large:
        rows = [[name, text(name, before[name], calibration), text(name, now[name], calibration), f"{changes[name]:+.0%}"]
                for name in large[:ROWS]]
        print_rows(["(times as if on this machine)", "before", "now", "change"], rows, markdown)
        if len(large) > ROWS:
            print(f".. and {len(large) - ROWS} more")
    new = sorted(set(now) - set(before))
    if new:
        print(f"not in the baseline: {', '.join(new[:5])}{' ..' if len(new) > 5 else ''} ({len(new)})")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("run", nargs="?", default=str(HERE.parent / "build/release/bench.json"),
                   help="JSON of strata_bench (default: what ./dev bench has written)")
    p.add_argument("--baseline", default=str(HERE / "baseline.json"), metavar="FILE")
    p.add_argument("--record", action="store_true", help="store the run as the baseline")
    p.add_argument("--table", action="store_true", help="print the figures of the run itself")
    p.add_argument("--markdown", action="store_true", help="tables as Markdown")
    a = p.parse_args()
    run = read(a.run)
    if a.table:
        print_table(run, a.markdown)
    elif a.record:
        record(run, a.baseline)
    elif not pathlib.Path(a.baseline).exists():
        print(f"guard: there is no {a.baseline} yet; bench/guard.py --record stores the last run as one")
    else:
        compare(run, read(a.baseline), a.markdown)


if __name__ == "__main__":
    main()
