#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Python's half of compare.py: keeps so many requests in flight with the official `openai` async client, as client.cpp
does with ours, and prints what that costs as one line of JSON."""
import argparse
import asyncio
import json
import resource
import ssl
import sys
import time

import openai

LINE = '    E1 = step.Map(fn="scale", x=E0)  # one tile\n'


def program(size):
    return (LINE * (size // len(LINE) + 1))[:size]


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib():
    with open("/proc/self/status") as status:
        return next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:")), 0.0)


class Load:
    """As many tasks as requests in flight; each asks again as soon as it has its reply. Counting begins when the
    connections are open and each has brought a reply, and ends before the last requests run out."""

    def __init__(self, client, a):
        self.client = client
        self.tasks, self.begin, self.end = a.in_flight, a.in_flight, a.in_flight + a.requests
        self.system, self.user = program(a.prompt * 2 // 3), program(a.prompt // 3)
        self.asked = self.busy = self.most = self.replies = self.failures = self.text_bytes = self.output_tokens = 0
        self.opening_cpu = self.cpu = self.under_way = 0.0

    async def run(self):
        self.cpu_before = cpu_seconds()
        await asyncio.gather(*(self.work() for _ in range(self.tasks)))

    def lap(self):
        before, self.cpu_before = self.cpu_before, cpu_seconds()
        return self.cpu_before - before

    async def work(self):
        while self.replies < self.end and not self.failures:
            messages = [{"role": "system", "content": self.system},
                        {"role": "user", "content": f"Question {self.asked}\n{self.user}"}]
            self.asked += 1
            self.busy += 1
            self.most = max(self.most, self.busy)
            start = time.monotonic()
            try:
                reply = await self.client.chat.completions.create(model="bench", max_tokens=1024, messages=messages)
                self.account(len(reply.choices[0].message.content.encode()), reply.usage.completion_tokens, start)
            except (openai.OpenAIError, AttributeError, IndexError) as e:
                self.failures += 1
                if self.failures == 1:
                    self.first_failure = f"{type(e).__name__}: {e}"
            self.busy -= 1

    def account(self, size, tokens, start):
        now = time.monotonic()
        self.text_bytes += size
        self.output_tokens += tokens
        self.replies += 1
        if self.replies > self.begin:
            self.under_way += max(0.0, (self.stop if self.replies > self.end else now) - max(self.start, start))
        if self.replies == self.begin:
            self.start = now
            self.opening_cpu = self.lap()
        elif self.replies == self.end:
            self.stop = now
            self.cpu = self.lap()


async def measure(a):
    # the default is 1,000 connections, 100 of them kept; the class of the limits is that of the HTTP library in use
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=a.in_flight, max_keepalive_connections=a.in_flight)
    http = openai.DefaultAioHttpClient if a.transport == "aiohttp" else openai.DefaultAsyncHttpxClient
    how = {"limits": limits, "timeout": 600, "trust_env": False}
    if a.ca_file:
        how["verify"] = ssl.create_default_context(cafile=a.ca_file)
    key = "sk-benchmark-0123456789"
    async with openai.AsyncOpenAI(base_url=a.url, api_key=key, max_retries=0, timeout=600,
                                  http_client=http(**how)) as client:
        load = Load(client, a)
        await load.run()
    if load.failures:
        print(f"python_client: {load.failures} requests failed, the first: {load.first_failure}", file=sys.stderr)
        return 1
    wall = load.stop - load.start
    print(json.dumps({
        "client": f"openai {openai.__version__} {a.transport}", "requests": a.requests,
        "wall_seconds": round(wall, 4), "cpu_seconds": round(load.cpu, 4),
        "cpu_us_per_request": round(1e6 * load.cpu / a.requests, 2),
        "opening_cpu_us_per_connection": round(1e6 * load.opening_cpu / a.in_flight, 2),
        "peak_mib": round(peak_mib(), 1), "most_in_flight": load.most,
        "mean_in_flight": round(load.under_way / wall), "replies": load.replies,
        "text_bytes": load.text_bytes, "output_tokens": load.output_tokens,
        "counted": [load.start, load.stop]}))
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--url", required=True)
    p.add_argument("--requests", type=int, default=4000)
    p.add_argument("--in-flight", type=int, default=2000)
    p.add_argument("--prompt", type=int, default=3000, metavar="BYTES")
    p.add_argument("--ca-file")
    p.add_argument("--transport", choices=("httpx", "aiohttp"), default="httpx")
    return asyncio.run(measure(p.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
