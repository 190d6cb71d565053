"""What the transcripts in this folder show is what happens."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

from aloma_cli.cli.commands import COMMANDS
from aloma_cli.cli.main import main
from tests.cli.desk import Desk
from tests.sessions.session import Exchange, Session, matches, with_placeholders
from tests.support.pages import REPOSITORY

SESSIONS = sorted(Path(__file__).parent.glob("*.session"))
COPIED = ("steps", "libraries", "examples")


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_session_runs_as_its_transcript_shows(desk: Desk, path: Path) -> None:
    session = Session.read(path)
    if session.head.get("workspace") == "repository":
        copy_repository(desk.root)
    wrong, transcript = [], []
    for exchange in session.exchanges:
        code, printed = run(desk, exchange, session.terminal)
        lines = [line.rstrip() for line in printed.splitlines()]
        transcript += told(exchange, code, lines)
        if code != exchange.code or not matches(exchange.shown, lines):
            wrong.append(f"line {exchange.line}: $ {exchange.command}")
    assert not wrong, "\n".join([f"{path.name} differs at", *wrong, "As it ran:", *transcript])


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_session(command: str) -> None:
    typed = [exchange.command for path in SESSIONS for exchange in Session.read(path).exchanges]
    assert any(re.search(rf"\baloma {command}(?![\w-])", one) for one in typed)


def told(exchange: Exchange, code: int, lines: list[str]) -> list[str]:
    """What a transcript would show."""
    first, *more = exchange.command.split("\n")
    typed = (exchange.typed or "").splitlines()
    end = [f"[exit {code}]"] if code else []
    return [
        f"$ {first}",
        *(f"> {one}" for one in more),
        *(f"< {one}" for one in typed),
        *map(with_placeholders, lines),
        *end,
    ]


def copy_repository(root: Path) -> None:
    """The steps of this repository and what they need."""
    shutil.rmtree(root / "steps")
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "aloma.yaml", root)


def run(desk: Desk, exchange: Exchange, terminal: tuple[int, int] | None) -> tuple[int, str]:
    """The exit code of a command, and all that it prints."""
    words = None if re.search(r"[|<>;&\n]|\$\(", exchange.command) else shlex.split(exchange.command, comments=True)
    if words is None or words[0] != "aloma":
        ended = desk.shell(f"{{ {exchange.command}\n}} 2>&1")
        return ended.code, ended.out
    if terminal is not None:
        width, height = terminal
        code, _, screen = desk.at_terminal(*words[1:], width=width, height=height, typed=exchange.typed)
        return code, screen.rstrip("\n")
    return in_this_process(words[1:], exchange.typed)


def in_this_process(words: list[str], typed: str | None) -> tuple[int, str]:
    """Both streams in one, in the order of writing."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        pytest.MonkeyPatch.context() as patch,
    ):
        if typed is not None:
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8"))
        code = main(words)
        printed.flush()
    printed.seek(0)
    return code, printed.read()


@pytest.mark.parametrize(
    ("shown", "printed", "does_match"),
    [
        (["[id]"], ["01m8h34xjsb1ba0b"], True),
        (["[id]"], ["01m8h34xjsb1ba0b.2"], True),
        (["[id]"], ["greet"], False),
        (["took [seconds]"], ["took   2m05s"], True),
        (["a", "...", "b"], ["a", "x", "y", "b"], True),
        (["a", "...", "b"], ["a", "b"], True),
        (["a ... c"], ["a b b c"], True),
        (["a.c"], ["abc"], False),
        (["a"], ["a", "b"], False),
        (["a", "b"], ["a"], False),
        ([], ["a"], False),
    ],
)
def test_a_transcript_shows_what_was_printed(shown: list[str], printed: list[str], does_match: bool) -> None:
    assert matches(tuple(shown), printed) is does_match
