# SPDX-License-Identifier: MIT
"""Software that others wrote and ours, over loopback: runs all checks of official_clients.py, litellm_proxy.py and llama_cpp.py.

Usage: python interop.py STRATA [WORD..]   with the packages of requirements.txt; only checks whose names have one of the words
Prints a line per check, then how many passed. Exit code 0 if all did. `.ci/interop` makes the environment and calls this.
"""
import contextlib
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback

import litellm_proxy
import llama_cpp
import official_clients
from servers import LiteLLM, Mock

PATIENCE = 120  # seconds for one check; all of them together take about as long


def checks_of(module, prefixes, words):
    return [f for name, f in vars(module).items() if name.startswith(prefixes) and (not words or any(w in name for w in words))]


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def run(self, check, *arguments):
        def too_long(*_):
            raise TimeoutError(f"it takes more than {PATIENCE} s")

        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(PATIENCE)
        began = time.monotonic()
        try:
            check(*arguments)
        except Exception:
            self.failed += 1
            print(f"FAILED {check.__doc__}\n{traceback.format_exc(limit=-4)}", flush=True)
        else:
            self.passed += 1
            print(f"{time.monotonic() - began:5.1f} s  {check.__doc__}", flush=True)
        finally:
            signal.alarm(0)


def proxy_starts(proxy):
    """LiteLLM's proxy starts"""
    proxy.wait(PATIENCE - 5)


def main():
    strata, words, checks = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:], Checks()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as started:
        def start(*options, **more):
            return Mock(strata, folder, *options, **more)

        llama = llama_cpp.Runs(strata, folder, started)
        for check in checks_of(llama_cpp, ("llama_",), words):
            checks.run(check, llama)
        proxied = litellm_proxy.Proxied(strata, folder, lambda *o, **m: started.enter_context(start(*o, **m)))
        program = pathlib.Path(sys.executable).parent / "litellm"
        proxied.proxy = started.enter_context(LiteLLM(str(program), folder, proxied.models))
        for check in checks_of(official_clients, ("openai_", "anthropic_", "both_"), words):
            checks.run(check, start)
        checks.run(proxy_starts, proxied.proxy)
        for check in checks_of(litellm_proxy, ("proxied_",), words):
            checks.run(check, proxied)
    if checks.failed:
        print(f"interop: {checks.failed} of {checks.failed + checks.passed} checks FAILED")
        return 1
    print(f"interop: {checks.passed} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
