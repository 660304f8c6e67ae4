# SPDX-License-Identifier: MIT
"""The programs that the interoperability tests start, on free ports of 127.0.0.1, and what they have counted."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.request

SERVER_KEY = "sk-canary-server-2b7f91"  # what the scripted server is given: must not appear in anything written
PROXY_KEY = "sk-canary-proxy-90c4de"  # LiteLLM's master key
COUNTED = ("requests", "replies", "choices", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")


def end(process):
    """Asks a program to end, and makes it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Mock:
    """`strata mock-llm`. Answers are a canned text, or the embedded proposer's programs with `answers=None`."""

    WORDS = "Hello there, this is a canned reply of a few words."

    def __init__(self, strata, folder, *options, answers=WORDS):
        command = [strata, "mock-llm", "--json", *options]
        if answers is not None:
            file = pathlib.Path(folder) / "replies.jsonl"
            file.write_text(json.dumps({"reply": answers}) + "\n")
            command += ["--answers", str(file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"http://[\d.:]+", line)
        if not found:
            end(self.process)
            raise AssertionError(f"{' '.join(command)}: {line.strip()}")
        self.url = found.group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def stats(self):
        with urllib.request.urlopen(self.url + "/mock/stats", timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        """What it counted, as it says when it ends in order."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, (self.process.returncode, err)
        assert SERVER_KEY not in out + err
        return json.loads(out)


class Counting:
    """What a server counts from `with` on: attributes named like the members of its statistics."""

    def __init__(self, mock):
        self.mock = mock

    def __enter__(self):
        self.before = self.mock.stats()
        return self

    def __exit__(self, *_):
        after = self.mock.stats()
        self.__dict__.update({name: after[name] - self.before[name] for name in COUNTED})


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class LiteLLM:
    """LiteLLM's proxy. `models` maps its names to (provider, address) of servers. It takes some ten seconds to start,
    so it does that while other tests run: `wait` before use."""

    def __init__(self, program, folder, models):
        port = free_port()
        self.url, self.log = f"http://127.0.0.1:{port}", pathlib.Path(folder) / "litellm.log"
        config = pathlib.Path(folder) / "litellm.yaml"
        rows = [{"model_name": name, "litellm_params": {"model": provider + "/any", "api_base": address, "api_key": SERVER_KEY}}
                for name, (provider, address) in models.items()]
        config.write_text(json.dumps({  # JSON is YAML
            "model_list": rows,
            "litellm_settings": {"use_chat_completions_url_for_anthropic_messages": True, "telemetry": False},
            # failures are to reach our client, which has its own opinion of what to do about them
            "router_settings": {"num_retries": 0, "disable_cooldowns": True}}))
        # LITELLM_LOCAL_MODEL_COST_MAP: its list of models is not fetched from the network
        environment = {**os.environ, "LITELLM_MASTER_KEY": PROXY_KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port),
                                             "--telemetry", "False"], stdout=log, stderr=log, env=environment, cwd=folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def wait(self, seconds=90):
        until = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with urllib.request.urlopen(self.url + "/health/liveliness", timeout=2):
                    return
            except OSError:
                time.sleep(0.3)
        raise AssertionError(f"LiteLLM's proxy did not start within {seconds} s: {self.log.read_text()[-1500:]}")
