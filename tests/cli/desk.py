"""A workspace on disk, and the command line in it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aloma_cli.cli.main import main
from aloma_cli.jsontext import Json, loads
from tests.support.warm import Started, Warm
from tests.view.terminal import terminal

COMMAND = (sys.executable, "-m", "aloma_cli")

GREET = '''
"""Greets a person who has a name and no greeting yet."""

condition = {"name": str, "greeting": None}


async def content(data, log):
    log("greeting", data["name"])
    data["greeting"] = f"Hello, {data['name']}!"
'''


SLEEPS = ("await asyncio.sleep(60)",)
"""The lines of a step that takes a minute."""


class Ended(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """What it printed as its result; it must be one line."""
        assert self.out.count("\n") == 1, self.out
        return loads(self.out)


class Desk:
    """The workspace is at `root`; it has the step `greet` and is the current folder.

    `warm` forks the processes; without it each starts as it does for a user.
    """

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], warm: Warm | None = None) -> None:
        self.root = root
        self._capsys = capsys
        self.warm = warm
        self.write("steps/greet.py", GREET)

    def write(self, name: str, text: str | bytes) -> Path:
        """A file of the workspace."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def step(self, name: str, condition: str, *lines: str, asks: str = "data", plain: bool = False) -> Path:
        """A step whose content consists of these lines."""
        body = "".join(f"    {line}\n" for line in lines)
        kind = "def" if plain else "async def"
        text = f"import asyncio, time\n\ncondition = {condition}\n\n\n{kind} content({asks}):\n{body}"
        return self.write(f"steps/{name}.py", text)

    def run(self, *arguments: str) -> Ended:
        """Run a command in this process."""
        self._capsys.readouterr()
        code = main(arguments)
        return Ended(code, *self._capsys.readouterr())

    def new(self, data: str = '{"name": "Ada"}', *options: str) -> Ended:
        """Create a task and run it."""
        return self.run("task", "new", "A task", "-d", data, *options)

    def started(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A command in a process of its own, with pipes for everything."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        options = {"cwd": self.root, **pipes, **options}
        if self.warm is not None and self.warm.serves(options):
            return Started(self.warm, [*COMMAND, *arguments], text=True, **options)
        return subprocess.Popen([*COMMAND, *arguments], text=True, **options)

    def spawn(self, *arguments: str, **options: Any) -> Ended:
        """Run a command in a process of its own."""
        return ended(self.started(*arguments, **options))

    def shell(self, script: str, **environ: str) -> Ended:
        """Run a line of shell, in which `aloma` is the command, and `python` the Python that runs this."""
        aloma = COMMAND if self.warm is None else self.warm.command
        command = f'aloma() {{ {" ".join(aloma)} "$@"; }}; python() {{ {sys.executable} "$@"; }}; {script}'
        pipe, env = subprocess.PIPE, {**os.environ, **environ}
        shell = ["bash", "-c", command]
        # Longer than the commands of aloma need: some lines run pytest.
        return ended(subprocess.Popen(shell, cwd=self.root, text=True, stdout=pipe, stderr=pipe, env=env), 100)

    def at_terminal(
        self, *arguments: str, width: int = 100, height: int = 40, typed: str | None = None, **environ: str
    ) -> tuple[int, str, str]:
        """Run a command at a terminal: the exit code, what was written, and what the screen shows.

        It reads from the terminal only where something is `typed`.
        """
        with terminal(width, height) as screen:
            env = {**os.environ, "TERM": "xterm-256color", **environ}
            keys = subprocess.DEVNULL if typed is None else screen.stream
            process = self.started(*arguments, stdin=keys, stdout=screen.stream, stderr=screen.stream, env=env)
            screen.type_at_prompts(typed or "", lambda: process.poll() is not None)
            code = process.wait(20)
        return code, screen.raw, "\n".join(screen.lines())

    def sit(self, *arguments: str, typed: str, width: int = 80) -> tuple[int, str]:
        """Run a command in this process with a terminal as its keyboard and its standard error.

        Each line is typed at a prompt. Gives the exit code, and what the screen shows.
        """
        with terminal(width, 40) as screen, pytest.MonkeyPatch.context() as patch:
            over = threading.Event()
            with open(screen.stream.fileno(), encoding="utf-8", closefd=False) as keys:
                patch.setattr(sys, "stdin", keys)
                patch.setattr(sys, "stderr", screen.stream)
                patch.setenv("TERM", "xterm-256color")
                patch.delenv("CI", raising=False)
                typist = threading.Thread(target=screen.type_at_prompts, args=(typed, over.is_set))
                typist.start()
                code = main(arguments)
                over.set()
                typist.join()
        return code, "\n".join(screen.lines())

    @property
    def tasks(self) -> list[str]:
        """The ids of the tasks on disk."""
        folder = self.root / ".aloma" / "tasks"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def ended(process: subprocess.Popen[str], seconds: float = 60) -> Ended:
    """Wait for the end of a process."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end within {seconds} s\n{out}\n{err}") from None
    return Ended(process.returncode, out or "", err or "")


@contextmanager
def running(
    desk: Desk, content: tuple[str, ...], *options: str, plain: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a task in which `first` has fired, and the step `slow` has begun with `content`."""
    desk.step("first", '{"name": str}', "data['first'] = 1")
    desk.step("slow", '{"first": 1}', "open('begun', 'w').close()", *content, plain=plain)
    process = desk.started("task", "new", "A task", "-d", '{"name": "Ada"}', *options)
    try:
        until((desk.root / "begun").exists)
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
