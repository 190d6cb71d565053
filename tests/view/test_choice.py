"""Which view a stream gets, and what becomes of a view that fails."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from types import TracebackType
from typing import Self

import pytest

from aloma_cli.clock import SystemClock
from aloma_cli.record.events import Event
from aloma_cli.record.tree import Tree
from aloma_cli.view.base import View
from aloma_cli.view.choose import Mode, draws_frames, open_view
from aloma_cli.view.guard import Guarded
from tests.view.story import research
from tests.view.terminal import terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Failing(View):
    """A view with a fault in one of its methods."""

    def __init__(self, where: str, error: Exception) -> None:
        self._where = where
        self._error = error
        self.told = 0

    def __enter__(self) -> Self:
        self._meet("enter")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._meet("exit")

    def recall(self, tree: Tree) -> None:
        self._meet("recall")

    def emit(self, event: Event) -> None:
        self.told += 1
        self._meet("emit")

    def _meet(self, where: str) -> None:
        if where == self._where:
            raise self._error


def run_through_pipe(environ: dict[str, str], mode: Mode = "auto") -> str:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, open_view(stream, environ=environ, clock=SystemClock(), mode=mode) as view:
        for event in research().events:
            view.emit(event)
    with os.fdopen(reading) as result:
        return result.read()


@pytest.mark.parametrize(
    ("environ", "live"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True),
        ({"TERM": "xterm", "CI": "false"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
        ({"TERM": "xterm", "TTY_INTERACTIVE": "0"}, False),
        ({"TERM": "xterm", "TTY_COMPATIBLE": "0"}, False),
    ],
)
def test_a_terminal_gets_frames_unless_its_environment_forbids_it(environ: dict[str, str], live: bool) -> None:
    assert draws_frames(Tty(), environ) is live


@pytest.mark.parametrize("mode", ["auto", "live", "lines"])
def test_a_pipe_never_receives_escape_codes(mode: Mode) -> None:
    text = run_through_pipe({"TERM": "xterm-256color", "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}, mode)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 13


def test_lines_can_be_had_on_a_terminal() -> None:
    with terminal() as screen:
        view = open_view(screen.stream, environ={"TERM": "xterm"}, clock=SystemClock(), mode="lines")
        research(view.emit)
    assert len(screen.raw.splitlines()) == 13
    assert "\x1b" not in screen.raw


@pytest.mark.parametrize("where", ["enter", "recall", "emit", "exit"])
def test_a_view_that_raises_is_dropped_with_one_note_and_the_run_continues(where: str) -> None:
    notes, failing = io.StringIO(), Failing(where, ZeroDivisionError("1/0 \x1b[2J"))
    with Guarded(failing, notes) as view:
        view.recall(Tree.of(research().events[:1]))
        for event in research().events:
            view.emit(event)
    assert notes.getvalue().count("\n") == 1
    assert "the run continues (ZeroDivisionError: 1/0 " in notes.getvalue()
    assert "\x1b" not in notes.getvalue()
    assert failing.told == {"enter": 0, "recall": 0, "emit": 1, "exit": len(research().events)}[where]


def test_a_view_whose_terminal_is_gone_is_dropped_without_a_note() -> None:
    notes = io.StringIO()
    with Guarded(Failing("emit", BrokenPipeError()), notes) as view:
        view.emit(research().events[0])
    assert not notes.getvalue()


def test_a_guard_lets_the_errors_of_the_run_pass() -> None:
    with pytest.raises(KeyboardInterrupt), Guarded(Failing("", ValueError()), io.StringIO()):
        raise KeyboardInterrupt


def test_plain_lines_are_written_without_importing_rich() -> None:
    code = (
        "import sys; from aloma_cli.view.choose import open_view; from aloma_cli.clock import SystemClock\n"
        "from tests.view.story import research\n"
        "with open_view(sys.stderr, environ={}, clock=SystemClock()) as view: research(view.emit)\n"
        "sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 13
