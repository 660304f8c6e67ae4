# SPDX-License-Identifier: MIT
"""A LiteLLM proxy stands between clients and `strata mock-llm`: the official clients, and `strata run`, on both endpoints
and with both protocols behind. Every function whose name begins with proxied_ is a check; its docstring says what holds."""
import json
import pathlib
import shutil
import subprocess

import anthropic
import openai

from servers import PROXY_KEY, SERVER_KEY, Counting, Mock

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
HI = [{"role": "user", "content": "hi"}]
TASKS = ("bmm/bmm_0", "moe/G_0_3_04", "moe/G_0_6_05", "norm/G_0_16_01")  # some of them easy, one hard


class Proxied:
    """Scripted servers with their names at the proxy (`models`, `proxy`), and runs of ours."""

    def __init__(self, strata, folder, start):
        self.strata, self.folder, self.runs = strata, pathlib.Path(folder), 0
        self.tasks = self.folder / "tasks"
        for task in TASKS:
            (self.tasks / task).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / "tasks" / (task + ".yaml"), self.tasks / (task + ".yaml"))
        self.servers = {"words": start(), "programs": start(answers=None),
                        "failing": start("--fail", "429-bare=0.1,500=0.1,503=0.1,529=0.05", answers=None)}
        self.models = {}
        for name, server in self.servers.items():
            self.models["openai-" + name] = ("openai", server.url + "/v1")
            self.models["anthropic-" + name] = ("anthropic", server.url)
        self.proxy = None  # a LiteLLM

    def run(self, model, *options, mode="single", key=PROXY_KEY):
        """`strata run` until it ends: (exit code, its summary, its programs by task, what it printed)."""
        self.runs += 1
        out = self.folder / f"run-{self.runs}"
        done = subprocess.run([self.strata, "run", "--model", model, "--tasks", str(self.tasks), "--mode", mode, "--temperature", "0.7",
                               "--out", str(out), *options], capture_output=True, text=True, timeout=50,
                              env={"PATH": "/usr/bin:/bin", "STRATA_API_KEY": key})
        printed = done.stdout + done.stderr
        summary = json.loads((out / "summary.json").read_text())
        samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
        programs = sorted((s["task"], s["program"]) for s in samples if "program" in s)  # without those that failed
        for text in [printed.encode()] + [f.read_bytes() for f in out.rglob("*") if f.is_file()]:
            assert key.encode() not in text and SERVER_KEY.encode() not in text, "a key was written"
        return done.returncode, summary, programs, printed

    def same_as_direct(self, endpoint, behind, *options):
        """A run through the proxy has the programs of a run without it, and counts the tokens that the server counts."""
        server = self.servers["programs"]
        scheme, path = ("anthropic+", "") if endpoint == "anthropic" else ("", "/v1")
        code, _, wanted, printed = self.run(f"{scheme}{server.url}{path}#direct-{endpoint}-{behind}-{self.runs}", *options)
        assert code == 0 and len(wanted) == 4 * len(TASKS), printed
        with Counting(server) as counted:
            code, summary, programs, printed = self.run(f"{scheme}{self.proxy.url}{path}#{behind}-programs", *options)
        assert code == 0, printed
        assert programs == wanted, (programs, wanted)
        mine = {name: summary["usage"][name] for name in ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")}
        assert mine == {name: getattr(counted, name) for name in mine}, (mine, vars(counted))
        return summary["usage"], counted


def proxied_openai_client(at):
    """the official openai client through LiteLLM: replies and streams, from both protocols behind it"""
    client = openai.OpenAI(base_url=at.proxy.url + "/v1", api_key=PROXY_KEY, max_retries=0, timeout=20)
    with Counting(at.servers["words"]) as counted:
        for model in ("openai-words", "anthropic-words"):
            r = client.chat.completions.create(model=model, messages=HI, max_tokens=40)
            assert (r.choices[0].message.content, r.usage.prompt_tokens, r.usage.completion_tokens) == (Mock.WORDS, 5, 13), r
            stream = client.chat.completions.create(model=model, messages=HI, max_tokens=40, stream=True)
            assert "".join(e.choices[0].delta.content or "" for e in stream if e.choices) == Mock.WORDS
    assert counted.replies == 4


def proxied_anthropic_client(at):
    """the official anthropic client through LiteLLM: replies and streams, from both protocols behind it"""
    client = anthropic.Anthropic(base_url=at.proxy.url, api_key=PROXY_KEY, max_retries=0, timeout=20)
    with Counting(at.servers["words"]) as counted:
        for model in ("openai-words", "anthropic-words"):
            m = client.messages.create(model=model, max_tokens=40, messages=HI)
            assert (m.content[0].text, m.usage.input_tokens, m.usage.output_tokens) == (Mock.WORDS, 5, 13), m
            with client.messages.stream(model=model, max_tokens=40, messages=HI) as stream:
                assert "".join(stream.text_stream) == Mock.WORDS
    assert counted.replies == 4


def proxied_chat(at):
    """strata run, Chat Completions through LiteLLM: n samples per request, seeds and counts arrive; the programs are those of a direct run"""
    usage, counted = at.same_as_direct("openai", "openai", "--samples", "4")
    assert (usage["requests"], counted.replies, counted.choices) == (len(TASKS), len(TASKS), 4 * len(TASKS))


def proxied_messages(at):
    """strata run, Anthropic Messages through LiteLLM: cache marks and counts arrive; the programs are those of a direct run"""
    usage, counted = at.same_as_direct("anthropic", "anthropic", "--samples", "4")
    assert counted.replies == counted.choices == 4 * len(TASKS)
    assert usage["cached_tokens"] > usage["input_tokens"] / 2 and usage["cache_write_tokens"] > 0, usage


def proxied_iterations(at):
    """strata run with demonstrations and a guardian through LiteLLM, on both endpoints: the run of Chat Completions is the direct one"""
    options = ("--samples", "16", "--agent", "guardian")
    code, wanted, programs, printed = at.run(at.servers["programs"].url + "/v1#direct", *options, mode="iterative")
    assert code == 0 and len(wanted["steps"]) > 1 and wanted["steps"][1]["demonstrations"] > 0, printed
    code, summary, same, printed = at.run(at.proxy.url + "/v1#openai-programs", *options, mode="iterative")
    assert code == 0 and same == programs and summary["solved"] == wanted["solved"], printed
    with Counting(at.servers["programs"]) as counted:
        code, summary, _, printed = at.run(f"anthropic+{at.proxy.url}#anthropic-programs", *options, mode="iterative")
    assert code == 0 and len(summary["steps"]) > 1 and summary["failed_requests"] == 0, printed
    stages = {name: used["requests"] for name, used in summary["usage_by_stage"].items()}
    assert sorted(stages) == ["guard", "propose"] and sum(stages.values()) == counted.replies, (stages, counted.replies)


def proxied_messages_to_chat(at):
    """strata run, Anthropic Messages that LiteLLM translates to Chat Completions"""
    code, summary, programs, printed = at.run(f"anthropic+{at.proxy.url}#openai-programs", "--samples", "2")
    assert code == 0 and len(programs) == 2 * len(TASKS) and summary["failed_requests"] == 0, printed


def proxied_chat_to_messages(at):
    """strata run, Chat Completions that LiteLLM translates to Messages: what that protocol lacks (seed, n) is left out when it is refused"""
    code, summary, programs, printed = at.run(f"{at.proxy.url}/v1#anthropic-programs", "--samples", "2")
    assert code == 0 and len(programs) == 2 * len(TASKS) and summary["failed_requests"] == 0, printed
    assert "seed" in printed  # it was refused, and that was said


def proxied_failures(at):
    """strata run through LiteLLM to servers that fail a third of the requests: every sample arrives"""
    wanted = at.run(at.servers["programs"].url + "/v1#direct", "--samples", "8", "--per-request", "2")[2]
    with Counting(at.servers["failing"]) as counted:
        code, summary, programs, printed = at.run(at.proxy.url + "/v1#openai-failing", "--samples", "8", "--per-request", "2")
    assert code == 0 and programs == wanted and summary["failed_requests"] == 0, printed
    assert counted.requests > counted.replies, "no failure was met"


def proxied_refusals(at):
    """strata run through LiteLLM with a wrong key, and with a model that is not there: the reason is said, the key is not"""
    for model, key, reason in (("openai-words", "sk-canary-wrong-51aa", ""), ("no-such-model", PROXY_KEY, "Invalid model name")):
        for address in (f"{at.proxy.url}/v1#{model}", f"anthropic+{at.proxy.url}#{model}"):
            _, summary, programs, printed = at.run(address, "--samples", "1", key=key)
            assert programs == [] and summary["usage"]["output_tokens"] == 0 and "status 4" in printed, printed
            assert reason in printed, printed
