"""The program itself: help, version, exit codes, faults, and what it imports."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from aloma_cli import __version__
from aloma_cli.record import states
from tests.cli.desk import Desk

HEAVY = {
    "aloma_cli.engine.working",
    "asyncio",
    "filelock",
    "genai_prices",
    "httpx",
    "httpx2",
    "jsonschema",
    "openai",
    "pydantic",
    "rich",
    "yaml",
}


def test_version(desk: Desk) -> None:
    assert desk.run("--version") == (0, f"aloma {__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize(
    "command",
    [
        [],
        ["task", "new"],
        ["task", "list"],
        ["task", "show"],
        ["task", "log"],
        ["task", "resume"],
        ["task", "answer"],
        ["task", "set"],
        ["task", "redo"],
        ["task", "clone"],
        ["task", "stop"],
        ["task", "gc"],
        ["step", "list"],
        ["step", "show"],
    ],
)
def test_help_shows_examples_before_options(desk: Desk, command: list[str], option: str) -> None:
    ended = desk.run(*command, option)
    assert (ended.code, ended.err) == (0, "")
    assert 0 < ended.out.index("Examples:\n    aloma ") < ended.out.index("Options:")
    assert all(len(line) <= 90 for line in ended.out.splitlines())


@pytest.mark.parametrize("command", [[], ["task"], ["step"]])
def test_a_command_that_is_not_whole_shows_its_help(desk: Desk, command: list[str]) -> None:
    ended = desk.run(*command)
    assert ended.code == 2
    assert "Commands:" in ended.out + ended.err


def test_exit_0_for_done(desk: Desk) -> None:
    assert desk.new().code == 0


def test_exit_1_for_a_task_in_error(desk: Desk) -> None:
    desk.step("fails", '{"name": str}', "1 / 0")
    assert desk.new().code == 1


def test_exit_2_for_bad_input(desk: Desk) -> None:
    assert desk.new("[]").code == 2


def test_exit_3_for_a_workspace_that_cannot_be_used(desk: Desk) -> None:
    desk.write("steps/bad.py", "")
    assert desk.new().code == 3


@pytest.mark.parametrize(
    ("options", "environ"),
    [(["--require-real"], {}), ([], {"ALOMA_OFFLINE": "0"})],
)
def test_exit_4_for_a_key_that_is_missing(
    desk: Desk, options: list[str], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ended = desk.new("{}", *options)
    assert (ended.code, ended.out, desk.tasks) == (4, "", [])
    assert "export OPENAI_API_KEY=" in ended.err


def test_exit_6_for_a_task_that_falls_short(desk: Desk) -> None:
    assert desk.new("{}").code == 6


def test_exit_7_for_a_task_that_is_locked(desk: Desk) -> None:
    from aloma_cli.api.records import Records

    task = desk.new("{}").out.strip()
    claim = Records.at(desk.root).store.claim(task)
    assert desk.run("task", "resume", task).code == 7
    claim.close()
    assert desk.run("task", "resume", task).code == 6


def test_exit_9_for_what_is_not_there(desk: Desk) -> None:
    assert desk.run("task", "show", "zzz").code == 9


def test_every_state_has_an_exit_code(desk: Desk) -> None:
    from aloma_cli.cli.exit_codes import code_of_task

    codes = {state: code_of_task({"state": state, "errors": {}}) for state in states.STATES}
    assert codes == {
        "done": 0,
        "error": 1,
        "limited": 5,
        "ignored": 6,
        "incomplete": 6,
        "stopped": 6,
        "created": 8,
        "running": 8,
        "interrupted": 8,
        "processing": 8,
        "waiting": 8,
        "question": 8,
    }


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_v_anywhere_shows_the_traceback_of_an_error(desk: Desk, where: int) -> None:
    words = ["task", "show", "zzz"]
    words.insert(where, "-v")
    ended = desk.run(*words)
    assert ended.code == 9
    assert ended.err.startswith("aloma: there is no task zzz\n")
    assert "Traceback (most recent call last):" in ended.err
    assert ended.err.endswith("NotFoundError: there is no task zzz\n")


def test_v_after_two_dashes_is_a_word_like_any_other(desk: Desk) -> None:
    assert desk.run("task", "new", "--json", "--", "-v").json["name"] == "-v"


def test_an_error_that_nobody_expected_is_called_a_fault_of_ours(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("aloma_cli.api.records.Records.at", broken)
    message = "aloma: this is a fault in aloma: ZeroDivisionError: oh\n  → -v shows where; please report it\n"
    assert desk.run("task", "show") == (70, "", message)
    assert "in broken\n" in desk.run("task", "show", "-v").err


def test_a_damaged_journal_is_reported_with_its_place(desk: Desk) -> None:
    task = desk.new().out.strip()
    journal = desk.root / ".aloma" / "tasks" / task / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"A task"', b'"Another task"'))
    for command in ("show", "log", "resume", "stop"):
        ended = desk.run("task", command, task)
        assert (ended.code, ended.out) == (1, "")
        assert "journal.jsonl" in ended.err
        assert "fault" not in ended.err


def imported(desk: Desk, *arguments: str) -> set[str]:
    """The modules that a command imports."""
    command = [sys.executable, "-X", "importtime", "-m", "aloma_cli", *arguments]
    ended = subprocess.run(command, cwd=desk.root, capture_output=True, text=True, check=True)
    return set(re.findall(r"\| +([\w.]+)$", ended.stderr, re.MULTILINE))


@pytest.mark.parametrize("command", [["show", "--json"], ["show", "--path", "name"], ["list"], ["list", "--json"]])
def test_reading_a_task_imports_nothing_heavy(desk: Desk, command: list[str]) -> None:
    desk.new()
    modules = imported(desk, "task", *command)
    assert "aloma_cli.api.records" in modules
    assert not modules & HEAVY


def test_help_imports_nothing_heavy(desk: Desk) -> None:
    assert not imported(desk, "task", "new", "--help") & HEAVY
