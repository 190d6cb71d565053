"""A real PostgreSQL on a free port of loopback, with fsync on; started once for all tests of a process."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.servers.process import free_port, missing

_SECONDS = 60
_names = count(1)


@dataclass
class Postgres:
    """A database server, run by the user `postgres` where this process is root, because it refuses root."""

    binaries: Path
    folder: Path
    port: int

    def url(self, workspace: str | None = None, *, lease: int = 30, port: int | None = None) -> str:
        """The URL of a store: a workspace of its own, unless it is named."""
        name = workspace or f"w{next(_names)}"
        return f"postgresql://aloma@127.0.0.1:{port or self.port}/postgres?workspace={name}&lease={lease}"

    def start(self) -> None:
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log, data = self.folder / "log", self.folder / "data"
        self._run("pg_ctl", "-D", str(data), "-l", str(log), "-w", "-t", str(_SECONDS), "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """End the server: `fast` cuts its connections, `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", how, "stop")

    def kill(self) -> None:
        """Let it die as by a loss of power."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.02)
        time.sleep(0.3)  # its children see that it is gone

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=2 * _SECONDS, check=False)
        if done.returncode:
            raise AssertionError(f"{program} failed:\n{done.stdout}{done.stderr}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server, with an empty database."""
    server = installed()
    try:
        server.start()
        yield server
        server.stop("immediate")
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


def installed() -> Postgres:
    """A server that has not been started."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="aloma-postgres-"))
    server = Postgres(found[-1].parent, folder, free_port())
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    server._run("initdb", "-D", str(folder / "data"), "-U", "aloma", "-A", "trust", "--no-sync", "-E", "UTF8")
    return server
