"""A real llama.cpp server: real inference, token counts, and answers held to their schema while they are made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.process import free_port, missing, running

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Llama:
    """`base_url` is what an OpenAI client wants; any key and any model name will do."""

    base_url: str


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    """The server, with a tiny model whose words mean nothing."""
    yield from _served(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def llama_embed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    """The same server for vectors only."""
    yield from _served(tmp_path_factory.mktemp("embed"), "embed")


@pytest.fixture(scope="session")
def llama_tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    """The same server with a model that calls tools: the calls are held to the names and schemas of the tools."""
    yield from _served(tmp_path_factory.mktemp("tools"), "tools")


def _served(folder: Path, *options: str) -> Iterator[Llama]:
    for package in ("xllamacpp", "gguf"):
        if find_spec(package) is None:
            missing(package)
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.llama_main", str(port), str(folder), *options]
    with running(command, f"http://127.0.0.1:{port}/health", folder / "log", {"PYTHONPATH": str(_ROOT)}):
        yield Llama(f"http://127.0.0.1:{port}/v1")
