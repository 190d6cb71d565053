"""How `aloma task blame` and its neighbours read their arguments, and what it prints."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk

SECOND = [("blame", "PATH"), ("answer", "VALUE"), ("redo", "STEP")]
"""The commands with a second argument."""


@pytest.mark.parametrize(("command", "name"), SECOND)
def test_a_missing_second_argument_is_what_is_asked_for(desk: Desk, command: str, name: str) -> None:
    desk.new()
    asked = desk.run("task", command, "@last")
    assert (asked.code, asked.out) == (2, "")
    assert f"`aloma task {command}` needs {name}\n  → run `aloma task {command} @last {name}`" in asked.err


@pytest.mark.parametrize(("command", "name"), SECOND)
def test_a_second_argument_alone_is_offered_with_the_last_task(desk: Desk, command: str, name: str) -> None:
    desk.new()
    asked = desk.run("task", command, "greet all")
    assert (asked.code, asked.out) == (2, "")
    assert f"needs a task and {name}\n  → run `aloma task {command} @last 'greet all'` for the last task" in asked.err
    assert "needs a task and" not in desk.run("task", command, "0").err


def test_a_step_alone_is_offered_with_the_last_task(desk: Desk) -> None:
    desk.new()
    assert "for the step greet, run `aloma task why @last greet`" in desk.run("task", "why", "greet").err
    assert "@last" not in desk.run("task", "why", "nobody").err


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_cuts_the_value_and_not_who_wrote_it(desk: Desk, width: int) -> None:
    desk.new('{"name": "Ada Lovelace of the Analytical Engine and its notes"}')
    _, _, screen = desk.at_terminal("task", "blame", "@last", "greeting", width=width)
    [wrote] = [line for line in screen.splitlines() if "←" in line and "greet (" in line]
    assert "greeting = " in wrote
    assert "…   ← greet (entry 1), " in wrote
    assert len(wrote.rstrip()) <= width
    [payload] = [line for line in screen.splitlines() if "the payload" in line]
    assert payload.lstrip().startswith("└ name = ")


def test_a_question_is_not_shown_as_the_value_of_its_place(desk: Desk) -> None:
    desk.step("ask", '{"name": str}', 'task.ask("Send it?", into="mail.verdict")', asks="task")
    desk.new()
    desk.run("task", "answer", "@last", "yes")
    told = desk.run("task", "blame", "@last", "mail.verdict").out
    assert 'mail.verdict = "yes"   ← ada with a command (entry 3) answered' in told
    assert 'mail.verdict: "Send it?"   ← ask (entry ' in told
    assert 'mail.verdict = "Send it?"' not in told


def test_a_call_of_which_nothing_more_is_known_is_its_name(desk: Desk) -> None:
    desk.write("connectors/post.py", "def mail(to):\n    return to\n")
    desk.step("send", '{"to": str}', "data['sent'] = await connectors.post.mail(data['to'])", asks="data, connectors")
    desk.new('{"to": "Ada"}')
    assert "> call 1: post.mail\n" in desk.run("task", "blame", "@last", "sent").out
