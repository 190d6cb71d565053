"""Real processes for a few milliseconds each: a warm interpreter that forks itself for every command.

A child runs `main(arguments)`, and kills itself (SIGKILL) at a given point: before the n-th thing it does to the
files of tasks, or with only some bytes of a write written. `python -m tests.faults.forge` is the interpreter;
`Forge` starts it and asks.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.order import NEW, RESUME, write_order

WATCHED = ("mkdir", "open", "write", "fsync", "ftruncate", "replace", "unlink")
"""The functions of `os` that a kill can come before."""


@dataclass(frozen=True)
class Done:
    """What became of a command. `code` is negative for a signal; `deeds` are what it did to the files of tasks."""

    code: int
    out: str
    err: str
    deeds: tuple[str, ...]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Forge:
    """A context with a warm interpreter."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(
        self,
        folder: Path,
        arguments: Sequence[str],
        *,
        kill_before: int | None = None,
        after_bytes: int | None = None,
        by: signal.Signals = signal.SIGKILL,
    ) -> Done:
        """Run a command in `folder`.

        It gets the signal `by` before its deed number `kill_before` (from 0); with `after_bytes`, and if that is a
        write, when so many bytes (modulo their number) are written.
        """
        asked = [str(folder), list(arguments), [kill_before, after_bytes, by]]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))


# -- in the warm interpreter -------------------------------------------------------------------------------------------


def serve() -> None:
    """Answer what `Forge` asks."""
    warm_up()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        folder, arguments, kill = json.loads(line)
        answers.write(json.dumps(forked(Path(folder), arguments, kill)) + "\n")
        answers.flush()


def warm_up() -> None:
    """Import what a run imports, by running something. Even a short run leaves a checkpoint."""
    from aloma_cli.cli.main import main
    from aloma_cli.engine import loop
    from aloma_cli.store.files import claim

    claim._LONG, loop._PUBLISH = 1, 0.01

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        write_order(Path(folder))
        main(NEW)
        main(RESUME)
    gc.freeze()


def forked(folder: Path, arguments: list[str], kill: Sequence[int | None]) -> dict[str, Any]:
    """Run one command in a child."""
    out, err, deeds = (os.memfd_create(name) for name in ("out", "err", "deeds"))
    child = os.fork()
    if not child:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        watch(deeds, *kill)
        from aloma_cli.cli.main import main

        code = main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    told = {"out": read(out), "err": read(err), "deeds": read(deeds).splitlines()}
    return {"code": os.waitstatus_to_exitcode(status), **told}


def read(file: int) -> str:
    with os.fdopen(file, encoding="utf-8") as text:
        text.seek(0)
        return text.read()


def watch(deeds: int, kill_before: int | None, after_bytes: int | None, by: int | None) -> None:
    """Write down each deed, and send the signal before one of them."""
    count = 0
    note: Callable[[int, bytes], int] = os.write

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(what: Any, *more: Any, **options: Any) -> Any:
            nonlocal count
            path = str(Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else Path(what).absolute())
            if "/.aloma" not in path or (name == "open" and not (more and more[0] & os.O_CREAT)):
                return real(what, *more, **options)
            note(deeds, f"{name} {path.partition('/.aloma')[2]}\n".encode())
            number, count = count, count + 1
            if number == kill_before:
                if name == "write" and after_bytes is not None:
                    real(what, more[0][: after_bytes % (len(more[0]) + 1)])
                os.kill(os.getpid(), by or signal.SIGKILL)
            return real(what, *more, **options)

        return call

    for name in WATCHED:
        setattr(os, name, watched(name, getattr(os, name)))


if __name__ == "__main__":
    serve()
