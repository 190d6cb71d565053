"""No test reaches the network, the home folder or a real key."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import socket_allow_hosts

from tests.support.warm import Warm

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
PRIVATE = ("ALOMA_", "OPENAI_", "XDG_")
DISPLAY = ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "LINES", "PAGER", "TTY_")
"""What changes the display: a test sets the ones that it is about."""

# A slow machine is not a failure, and every run must give the same result.
settings.register_profile("aloma", deadline=None, derandomize=True, max_examples=30)
# More, before a change lands: pytest --hypothesis-profile=ci
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=70)
# To search for new failures: pytest --hypothesis-profile=search
settings.register_profile("search", deadline=None, max_examples=3000)
settings.load_profile("aloma")

if sys.dont_write_bytecode:
    # Otherwise each of the thousands of processes compiles all that it imports.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[1] / ".pytest_cache/bytecode")

MEMORY = "/dev/shm"  # noqa: S108  (each run makes a folder of its own in it)
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK):
    memory = os.statvfs(MEMORY)
    if memory.f_bavail * memory.f_frsize > 4 << 30 and not memory.f_flag & os.ST_NOEXEC:
        # No test waits for a disk. The tests of a loss of power simulate it.
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


def pytest_collection_finish() -> None:
    """What is collected stays: the garbage collector need not look at it again and again."""
    gc.freeze()


def pytest_runtest_setup() -> None:
    """Whatever would connect to another machine raises."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm | None]:
    """What starts a command's process quickly. With `ALOMA_START=cold` each process starts as it does for a user."""
    if os.environ.get("ALOMA_START") == "cold" or not hasattr(os, "pidfd_open"):
        yield None
        return
    environ = {name: value for name, value in os.environ.items() if not name.startswith((*PRIVATE, *DISPLAY))}
    with Warm({**environ, "PYTHONWARNINGS": "error"}) as warm:
        yield warm


@pytest.fixture(autouse=True)
def nobody(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user who has configured nothing."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith((*PRIVATE, *DISPLAY)):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    return home
