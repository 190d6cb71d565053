"""What a terminal is given of long and of odd texts, and that a pipe gets all of it."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk

RAW = "\x1b]0;title\x07\x1b[31m\u202e"
LONG = 1_000_000


def test_a_long_question_is_cut_at_a_terminal_and_whole_in_a_pipe(desk: Desk) -> None:
    desk.step("asks", '{"name": str, "n": None}', f"task.ask('x' * {LONG}, into='n')", asks="task")
    code, raw, screen = desk.at_terminal("task", "new", "A task", "-d", '{"name": "Ada"}')
    assert (code, len(raw) < 100_000) == (8, True)
    assert "more characters; aloma task log --json)" in "".join(screen.split("\n"))
    assert len(desk.new().err) > LONG


def test_a_long_error_and_a_long_name_are_cut_at_a_terminal(desk: Desk) -> None:
    desk.step("fails", '{"name": str}', f"task.name = 'n' * {LONG}", f"raise ValueError('x' * {LONG})", asks="task")
    _, raw, _ = desk.at_terminal("task", "new", "A task", "-d", '{"name": "Ada"}')
    assert len(raw) < 100_000
    for words in (("show",), ("log", "--logs", "--calls"), ("list",)):
        assert len(desk.at_terminal("task", *words)[1]) < 100_000, words
    assert len(desk.run("task", "show").out) > LONG


def test_a_long_log_line_is_cut_at_a_terminal_and_whole_in_a_pipe(desk: Desk) -> None:
    desk.step("logs", '{"name": str}', f"log('word ' * {LONG // 5})", asks="log")
    assert len(desk.at_terminal("task", "new", "A task", "-d", '{"name": "Ada"}')[1]) < 100_000
    assert len(desk.at_terminal("task", "log", "--logs")[1]) < 100_000
    assert len(desk.run("task", "log", "--logs").out) >= LONG


@pytest.mark.parametrize(
    "words",
    [
        ("task", "list", f"--{RAW}"),
        ("task", f"{RAW}"),
        ("task", "list", f"{RAW}"),
        ("task", "list", "--limit", f"{RAW}"),
        ("task", "show", f"{RAW}", "-v"),
    ],
)
def test_what_was_typed_wrong_is_not_obeyed_by_a_terminal(desk: Desk, words: tuple[str, ...]) -> None:
    code, raw, _ = desk.at_terminal(*words)
    assert code in (2, 9)
    assert not [part for part in ("\x1b]", "\x07", "\x1b[31m", "\u202e") if part in raw]


def test_the_traceback_of_an_error_is_not_obeyed_by_a_terminal(desk: Desk) -> None:
    desk.write("steps/odd.py", f"raise ValueError({RAW!r})")
    code, raw, screen = desk.at_terminal("task", "new", "A task", "-v")
    assert (code, "Traceback" in screen) == (3, True)
    assert not [part for part in ("\x1b]", "\x07", "\x1b[31m", "\u202e") if part in raw]


def test_the_name_of_a_folder_that_blocks_is_not_obeyed_by_a_terminal(desk: Desk) -> None:
    """The watchdog names the file, where no live view is on."""
    desk.write(
        f"steps/{RAW.replace('/', '')}/slow.py",
        'import time\nname = "slow"\ncondition = {"go": 1}\nasync def content(): time.sleep(1.8)\n',
    )
    _, raw, screen = desk.at_terminal("task", "new", "A task", "-d", '{"go": 1}', "-q")
    assert "has blocked all other steps" in screen
    assert not [part for part in ("\x1b]", "\x07", "\x1b[31m", "\u202e") if part in raw]
