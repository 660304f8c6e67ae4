# SPDX-License-Identifier: MIT
"""Software that others wrote talks to `strata mock-llm`: the official openai and anthropic clients, and LiteLLM's proxy.

Usage: python official_clients.py STRATA [LITELLM]     (pip install openai anthropic "litellm[proxy]")
Exit code 0 if everything is as it should be.
"""
import asyncio
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter

import anthropic
import openai

HI = [{"role": "user", "content": "hi"}]
WORDS = "Hello there, this is a canned reply of a few words."


class Mock:
    def __init__(self, *options):
        self.process = subprocess.Popen([sys.argv[1], "mock-llm", "--json", "--answers", REPLIES, *options],
                                        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http\S+?(?=;)", self.process.stderr.readline()).group(0)

    def openai(self, **more):
        return openai.OpenAI(base_url=self.url + "/v1", api_key="sk-canary", **more)

    def anthropic(self, **more):
        return anthropic.Anthropic(base_url=self.url, api_key="sk-canary", **more)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, self.process.returncode
        assert "sk-canary" not in out
        return json.loads(out)


def usage_under_failures():
    mock = Mock("--seed", "5", "--fail", "408=0.05,409=0.05,429=0.05,500=0.05,503=0.05,529=0.05,closed=0.05,gzip=0.1,split=0.1",
                "--price", "input=2,cached=0.5,write=2.5,output=8")
    o, a, c, big = mock.openai(max_retries=9), mock.anthropic(max_retries=9), Counter(), "prefix " * 1000
    for i in range(20):
        ask = [{"role": "user", "content": f"question {i}"}]
        r = o.chat.completions.create(model="gpt", messages=[{"role": "system", "content": big}] + ask, n=3, seed=i)
        assert [x.message.content for x in r.choices] == [WORDS] * 3
        c.update(input=r.usage.prompt_tokens, cached=r.usage.prompt_tokens_details.cached_tokens, output=r.usage.completion_tokens)
        system = [{"type": "text", "text": big, "cache_control": {"type": "ephemeral"}}]
        u = a.messages.create(model="claude", max_tokens=50, system=system, messages=ask).usage
        c.update(input=u.input_tokens + u.cache_read_input_tokens + u.cache_creation_input_tokens, cached=u.cache_read_input_tokens,
                 cache_write=u.cache_creation_input_tokens, output=u.output_tokens)
    s = mock.stop()
    assert s["failures"], "no failure was met"
    assert dict(c) == {k: s[k + "_tokens"] for k in ("input", "cached", "cache_write", "output")}, (c, s)
    cost = (c["input"] - c["cached"] - c["cache_write"]) * 2 + c["cached"] * .5 + c["cache_write"] * 2.5 + c["output"] * 8
    assert abs(cost / 1e6 - s["cost_usd"]) < 1e-12
    print("usage under failures: equal,", dict(c), s["cost_usd"], "dollars; met", s["failures"])


def typed_errors():
    for kind, name, name_a in (("401", "AuthenticationError", ""), ("403", "PermissionDeniedError", ""), ("404", "NotFoundError", ""),
                               ("429", "RateLimitError", ""), ("quota", "RateLimitError", "BadRequestError"), ("500", "InternalServerError", ""),
                               ("529", "InternalServerError", ""), ("422", "UnprocessableEntityError", ""), ("409", "ConflictError", "")):
        mock = Mock("--fail", kind + "=1")
        for call, wanted in ((lambda: mock.openai(max_retries=0).chat.completions.create(model="m", messages=HI), getattr(openai, name)),
                             (lambda: mock.anthropic(max_retries=0).messages.create(model="m", max_tokens=5, messages=HI), getattr(anthropic, name_a or name))):
            try:
                call()
                assert False, kind
            except (openai.APIError, anthropic.APIError) as e:
                assert type(e) is wanted or isinstance(e, wanted), (kind, e)
        mock.stop()
    print("errors: the clients' own exceptions")


def streams():
    mock = Mock("--latency", "50..150", "--token-latency", "2")

    async def one(client, i):
        text = ""
        async for event in await client.chat.completions.create(model="m", messages=[{"role": "user", "content": str(i)}], stream=True):
            text += event.choices[0].delta.content or ""
        return text

    async def many():
        client = openai.AsyncOpenAI(base_url=mock.url + "/v1", api_key="k", max_retries=0)
        return await asyncio.gather(*(one(client, i) for i in range(200)))

    assert set(asyncio.run(many())) == {WORDS}
    with mock.anthropic().messages.stream(model="m", max_tokens=5, messages=HI) as s:
        assert "".join(s.text_stream) == WORDS[:20] and s.get_final_message().stop_reason == "max_tokens"
    assert [m.id for m in mock.anthropic().models.list()] == [m.id for m in mock.openai().models.list()]
    assert mock.anthropic().messages.count_tokens(model="m", messages=HI).input_tokens == 5
    assert mock.stop()["replies"] == 201
    print("streams: 200 at once, and Anthropic's")


def litellm():
    mock, key = Mock(), "sk-" + secrets.token_hex(16)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = os.path.join(FOLDER, "litellm.yaml")
    with open(config, "w") as f:
        f.write(f"model_list:\n"
                f"  - {{model_name: o, litellm_params: {{model: openai/any, api_base: {mock.url}/v1, api_key: sk-canary}}}}\n"
                f"  - {{model_name: a, litellm_params: {{model: anthropic/any, api_base: {mock.url}, api_key: sk-canary}}}}\n"
                f"litellm_settings: {{use_chat_completions_url_for_anthropic_messages: true}}\n")
    with open(os.path.join(FOLDER, "litellm.log"), "w") as log:
        proxy = subprocess.Popen([sys.argv[2], "--config", config, "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"],
                                 stdout=log, stderr=log, env={**os.environ, "LITELLM_MASTER_KEY": key})
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(base + "/health/liveliness", timeout=2)
                break
            except OSError:
                time.sleep(1)
        o, a = openai.OpenAI(base_url=base + "/v1", api_key=key), anthropic.Anthropic(base_url=base, api_key=key)
        for model in ("o", "a"):
            r = o.chat.completions.create(model=model, messages=HI, max_tokens=40)
            assert (r.choices[0].message.content, r.usage.prompt_tokens, r.usage.completion_tokens) == (WORDS, 5, 13), r
            stream = o.chat.completions.create(model=model, messages=HI, max_tokens=40, stream=True)
            assert "".join(e.choices[0].delta.content or "" for e in stream if e.choices) == WORDS
            m = a.messages.create(model=model, max_tokens=40, messages=HI)
            assert (m.content[0].text, m.usage.input_tokens, m.usage.output_tokens) == (WORDS, 5, 13), m
    finally:
        proxy.terminate()
        proxy.wait()
    assert mock.stop()["replies"] == 6
    print("LiteLLM: both endpoints over both protocols")


with tempfile.TemporaryDirectory() as FOLDER:
    REPLIES = os.path.join(FOLDER, "replies.jsonl")
    with open(REPLIES, "w") as f:
        f.write(json.dumps({"reply": WORDS}) + "\n")
    usage_under_failures()
    typed_errors()
    streams()
    if len(sys.argv) > 2:
        litellm()
