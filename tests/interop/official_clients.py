# SPDX-License-Identifier: MIT
"""The official Python clients of OpenAI and Anthropic talk to `strata mock-llm`. Every function whose name begins with
openai_ or anthropic_ or both_ is a check; its docstring says what holds. `start` makes a scripted server."""
import asyncio
import json
import tempfile
from collections import Counter

import anthropic
import openai

from servers import SERVER_KEY, Mock

HI = [{"role": "user", "content": "hi"}]
TASK = [{"role": "user", "content": "# task: bmm/bmm_0"}]
WORDS = Mock.WORDS  # 13 tokens, as "hi" in a message is 5


def of_openai(mock, asynchronous=False, **more):
    client = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return client(base_url=mock.url + "/v1", **{"api_key": SERVER_KEY, "max_retries": 0, "timeout": 20, **more})


def of_anthropic(mock, asynchronous=False, **more):
    client = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return client(base_url=mock.url, **{"api_key": SERVER_KEY, "max_retries": 0, "timeout": 20, **more})


def refused(call, wanted):
    """The exception of that class which the call ends with."""
    try:
        call()
    except (openai.APIError, anthropic.APIError) as e:
        assert isinstance(e, wanted), f"{type(e).__name__} instead of {wanted.__name__}: {e}"
        assert SERVER_KEY not in str(e)
        return e
    raise AssertionError(f"no {wanted.__name__}")


def openai_reply(start):
    """openai: a reply with its text, reason, usage and request id"""
    with start() as mock:
        raw = of_openai(mock).chat.completions.with_raw_response.create(model="gpt", messages=HI)
        assert raw.headers["x-request-id"].startswith("req_")
        r = raw.parse()
        assert (r.object, r.model, r.choices[0].finish_reason) == ("chat.completion", "gpt", "stop")
        assert r.choices[0].message.content == WORDS and r.choices[0].message.role == "assistant"
        assert (r.usage.prompt_tokens, r.usage.completion_tokens, r.usage.total_tokens) == (5, 13, 18)
        cut = of_openai(mock).chat.completions.create(model="gpt", messages=HI, max_completion_tokens=2).choices[0]
        assert (cut.finish_reason, cut.message.content) == ("length", WORDS[:8])
        stopped = of_openai(mock).chat.completions.create(model="gpt", messages=HI, stop=[","]).choices[0]
        assert (stopped.finish_reason, stopped.message.content) == ("stop", "Hello there")
        assert mock.stop()["replies"] == 3


def openai_stream(start):
    """openai: a stream has the same text, and usage at its end"""
    with start() as mock:
        events = list(of_openai(mock).chat.completions.create(model="m", messages=HI, n=2, stream=True,
                                                              stream_options={"include_usage": True}))
        for index in (0, 1):
            choices = [c for e in events for c in e.choices if c.index == index]
            assert "".join(c.delta.content or "" for c in choices) == WORDS
            assert [c.finish_reason for c in choices if c.finish_reason] == ["stop"]
        assert (events[-1].usage.prompt_tokens, events[-1].usage.completion_tokens) == (5, 26)
        with of_openai(mock).chat.completions.stream(model="m", messages=HI) as stream:  # its other interface
            assert stream.get_final_completion().choices[0].message.content == WORDS


def openai_choices_and_seeds(start):
    """openai: n choices differ, a seed gives the same again, choice c of seed s is choice 0 of seed s + c"""
    with start(answers=None) as mock:
        def ask(seed, n):
            reply = of_openai(mock).chat.completions.create(model="m", messages=TASK, n=n, seed=seed, temperature=0.7)
            assert [c.index for c in reply.choices] == list(range(n))
            return [c.message.content for c in reply.choices]

        three = ask(7, 3)
        assert all("return" in text for text in three) and len(set(three)) > 1
        assert ask(7, 3) == three and ask(8, 2) == three[1:]


def openai_many_at_once(start):
    """openai, async: 200 streams at once, none mixed up"""
    async def one(client, i):
        text = ""
        stream = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"question {i}"}],
                                                      stream=True)
        async for event in stream:
            text += event.choices[0].delta.content or ""
        return text

    async def many():
        async with of_openai(mock, asynchronous=True) as client:
            return await asyncio.gather(*(one(client, i) for i in range(200)))

    with start("--latency", "50..150", "--token-latency", "2") as mock:
        assert asyncio.run(many()) == [WORDS] * 200
        stats = mock.stop()
        assert stats["replies"] == 200 and stats["most_connections"] > 50


def openai_errors(start):
    """openai: errors are the client's own exceptions"""
    for kind, wanted in (("400", openai.BadRequestError), ("401", openai.AuthenticationError), ("403", openai.PermissionDeniedError),
                         ("404", openai.NotFoundError), ("409", openai.ConflictError), ("422", openai.UnprocessableEntityError),
                         ("429", openai.RateLimitError), ("quota", openai.RateLimitError), ("500", openai.InternalServerError),
                         ("529", openai.InternalServerError), ("closed", openai.APIConnectionError),
                         ("silence", openai.APITimeoutError)):
        with start("--fail", kind + "=1") as mock:
            e = refused(lambda: of_openai(mock, timeout=1).chat.completions.create(model="m", messages=HI), wanted)
            if kind.isdigit():
                assert e.status_code == int(kind) and e.request_id.startswith("req_")
            if kind == "quota":
                assert e.code == "insufficient_quota"
    with start("--key", "another", "--refuse", "temperature", "--models", "m") as mock:
        e = refused(lambda: of_openai(mock).chat.completions.create(model="m", messages=HI), openai.AuthenticationError)
        assert e.code == "invalid_api_key"
        client = of_openai(mock, api_key="another")
        e = refused(lambda: client.chat.completions.create(model="m", messages=HI, temperature=1), openai.BadRequestError)
        assert (e.param, e.code) == ("temperature", "unsupported_parameter")
        e = refused(lambda: client.chat.completions.create(model="no", messages=HI), openai.NotFoundError)
        assert e.code == "model_not_found"


def openai_error_in_a_stream(start):
    """openai: an error in the middle of a stream is an exception"""
    with start("--fail", "stream-error=1") as mock:
        refused(lambda: list(of_openai(mock).chat.completions.create(model="m", messages=HI, stream=True)), openai.APIError)


def anthropic_reply(start):
    """anthropic: a reply with its text, reason, usage and request id"""
    with start() as mock:
        r = of_anthropic(mock).messages.create(model="claude", max_tokens=50, messages=HI)
        assert (r.type, r.role, r.model, r.stop_reason) == ("message", "assistant", "claude", "end_turn")
        assert [b.text for b in r.content] == [WORDS]
        assert (r.usage.input_tokens, r.usage.output_tokens) == (5, 13)
        assert r._request_id.startswith("req_")
        stopped = of_anthropic(mock).messages.create(model="claude", max_tokens=50, messages=HI, stop_sequences=[","])
        assert (stopped.stop_reason, stopped.stop_sequence, stopped.content[0].text) == ("stop_sequence", ",", "Hello there")
        assert of_anthropic(mock).messages.count_tokens(model="claude", messages=HI).input_tokens == 5
        assert mock.stop()["replies"] == 2


def anthropic_stream(start):
    """anthropic: a stream, by its events and by its helper"""
    with start() as mock:
        with of_anthropic(mock).messages.stream(model="m", max_tokens=5, messages=HI) as s:
            assert "".join(s.text_stream) == WORDS[:20]
            final = s.get_final_message()
            assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("max_tokens", 5, 5)
        kinds = [e.type for e in of_anthropic(mock).messages.create(model="m", max_tokens=50, messages=HI, stream=True)]
        assert kinds[:2] == ["message_start", "content_block_start"] and kinds[-2:] == ["message_delta", "message_stop"], kinds


def anthropic_caching(start):
    """anthropic: what is marked with cache_control is written once and read afterwards"""
    rules = [{"type": "text", "text": "Consume every stream once. " * 200, "cache_control": {"type": "ephemeral"}}]
    marked = 1350 + 4  # four bytes each, four for the message
    with start() as mock:
        def usage(question, system=rules):
            u = of_anthropic(mock).messages.create(model="m", max_tokens=50, system=system, messages=[{"role": "user", "content": question}]).usage
            return u.input_tokens, u.cache_creation_input_tokens, u.cache_read_input_tokens

        assert usage("hi") == (5, marked, 0)
        assert usage("hi") == usage("ho") == (5, 0, marked)
        assert usage("hi", [{**rules[0], "text": "Other " + rules[0]["text"]}])[2] == 0
        hour = [{**rules[0], "cache_control": {"type": "ephemeral", "ttl": "1h"}, "text": "Long " + rules[0]["text"]}]
        u = of_anthropic(mock).messages.create(model="m", max_tokens=50, system=hour, messages=HI).usage
        assert u.cache_creation.ephemeral_1h_input_tokens > marked and u.cache_creation.ephemeral_5m_input_tokens == 0


def anthropic_many_at_once(start):
    """anthropic, async: 100 requests with one prompt at once get the samples 0 to 99"""
    async def many():
        async with of_anthropic(mock, asynchronous=True) as client:
            replies = await asyncio.gather(*(client.messages.create(model="m", max_tokens=5000, messages=HARD) for _ in range(100)))
            return [r.content[0].text for r in replies]

    HARD = [{"role": "user", "content": "# task: norm/G_0_16_01"}]
    with tempfile.NamedTemporaryFile("r") as log, start("--latency", "20..80", "--log", log.name, answers=None) as mock:
        assert len(set(asyncio.run(many()))) > 80
        lines = [json.loads(line) for line in log]
        assert sorted(line["sample"] for line in lines) == list(range(100)) and all(line["delivered"] for line in lines)


def anthropic_errors(start):
    """anthropic: errors are the client's own exceptions"""
    for kind, wanted in (("400", anthropic.BadRequestError), ("401", anthropic.AuthenticationError),
                         ("403", anthropic.PermissionDeniedError), ("404", anthropic.NotFoundError), ("409", anthropic.ConflictError),
                         ("422", anthropic.UnprocessableEntityError), ("429", anthropic.RateLimitError),
                         ("quota", anthropic.BadRequestError), ("500", anthropic.InternalServerError),
                         ("529", anthropic.InternalServerError), ("closed", anthropic.APIConnectionError),
                         ("silence", anthropic.APITimeoutError)):
        with start("--fail", kind + "=1") as mock:
            e = refused(lambda: of_anthropic(mock, timeout=1).messages.create(model="m", max_tokens=5, messages=HI), wanted)
            if kind.isdigit():
                assert e.status_code == int(kind) and e.request_id.startswith("req_")
    with start("--key", "another") as mock:
        refused(lambda: of_anthropic(mock).messages.create(model="m", max_tokens=5, messages=HI), anthropic.AuthenticationError)
    with start("--fail", "stream-error=1") as mock:
        refused(lambda: list(of_anthropic(mock).messages.create(model="m", max_tokens=50, messages=HI, stream=True)), anthropic.APIError)


def both_models(start):
    """both: the list of models"""
    with start("--models", "one,two") as mock:
        for client in (of_openai(mock), of_anthropic(mock)):
            assert [m.id for m in client.models.list()] == ["one", "two"]
            assert client.models.retrieve("two").id == "two"


def both_count(start):
    """both: under failures they retry, and the tokens and dollars they add up are the server's to the last one"""
    failures = "408=0.05,409=0.05,429=0.05,500=0.05,503=0.05,529=0.05,closed=0.05,gzip=0.1,split=0.1"
    with start("--seed", "5", "--fail", failures, "--price", "input=2,cached=0.5,write=2.5,output=8") as mock:
        o, a, c, big = of_openai(mock, max_retries=9), of_anthropic(mock, max_retries=9), Counter(), "prefix " * 1000
        for i in range(12):
            ask = [{"role": "user", "content": f"question {i}"}]
            r = o.chat.completions.create(model="gpt", messages=[{"role": "system", "content": big}] + ask, n=3, seed=i)
            assert [x.message.content for x in r.choices] == [WORDS] * 3
            c.update(input=r.usage.prompt_tokens, cached=r.usage.prompt_tokens_details.cached_tokens, output=r.usage.completion_tokens)
            system = [{"type": "text", "text": big, "cache_control": {"type": "ephemeral"}}]
            u = a.messages.create(model="claude", max_tokens=50, system=system, messages=ask).usage
            c.update(input=u.input_tokens + u.cache_read_input_tokens + u.cache_creation_input_tokens, cached=u.cache_read_input_tokens,
                     cache_write=u.cache_creation_input_tokens, output=u.output_tokens)
        s = mock.stop()
    assert sum(s["failures"].values()) > 5, s["failures"]
    assert dict(c) == {k: s[k + "_tokens"] for k in ("input", "cached", "cache_write", "output")}, (c, s)
    cost = (c["input"] - c["cached"] - c["cache_write"]) * 2 + c["cached"] * .5 + c["cache_write"] * 2.5 + c["output"] * 8
    assert abs(cost / 1e6 - s["cost_usd"]) < 1e-12
