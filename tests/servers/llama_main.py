"""Serve the tiny model with llama.cpp: `python -m tests.servers.llama_main PORT FOLDER [embed|tools]`"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import xllamacpp

from tests.servers import tiny_model

_LONGEST_ANSWER = 800  # tokens: an answer that runs on is cut, as with any real server


def main(port: int, folder: Path, *, embed: bool, tools: bool) -> None:
    model = folder / "tiny.gguf"
    tiny_model.write(model, tools=tools)
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_parallel = 4
    params.n_ctx = tiny_model.CONTEXT * params.n_parallel  # the slots share it
    params.n_predict = _LONGEST_ANSWER
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.cpuparams.n_threads = 1
    params.warmup = False
    if embed:  # such a server does nothing else
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201  (for the log of the test)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), embed="embed" in sys.argv[3:], tools="tools" in sys.argv[3:])
