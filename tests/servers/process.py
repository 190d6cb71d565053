"""Starting somebody else's server on a free loopback port, and stopping it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_SECONDS_TO_START = 60.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> None:
    """End the test because a server is not installed: a skip, or a failure where servers are required."""
    reason = f"{what} is not installed: run tests/servers/install"
    if os.environ.get("ALOMA_E2E") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running(command: Sequence[str], health: str, log: Path, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """`command` runs within the block, which begins when a GET of the URL `health` is answered, and not by an error of
    the server (status 500 and above)."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **(env or {})})
        try:
            _wait_until_healthy(process, health, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(health, timeout=1):  # noqa: S310  (the address is ours)
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except (urllib.error.URLError, OSError):
            """It does not listen yet."""
        time.sleep(0.02)
    raise AssertionError(f"the server did not come up:\n{log.read_text()}")
