"""What calls took, as people see it."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk

ASK = 'data["a"] = (await connectors.openai.chat(messages="?")).choices[0].message.content'


@pytest.fixture
def desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("FORCE_COLOR", "1")
    desk.step("ask", '{"n": int, "a": None}', ASK, asks="data, connectors")
    desk.step("more", '{"n": 0}', 'task.subtask("part", {"n": 1})', asks="task")
    return desk


def test_the_usage_of_a_task_has_its_steps_its_subtasks_and_what_is_not_counted(desk: Desk) -> None:
    desk.run("task", "new", "Whole", "-d", '{"n": 0}', "--offline", "-q")
    shown = desk.run("task", "show", "--usage").out
    assert "ask" in shown
    assert "part" in shown
    assert "2 answers simulated" in shown


def test_a_task_without_calls_says_so(desk: Desk) -> None:
    desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "-q")
    assert "no calls yet" in desk.run("task", "show", "--usage").out


def test_the_usage_of_a_workspace_has_a_total(desk: Desk) -> None:
    desk.run("task", "new", "Whole", "-d", '{"n": 0}', "--offline", "-q")
    desk.step("other", '{"n": 0, "b": None}', ASK.replace('"a"', '"b"'), asks="data, connectors")
    desk.run("task", "new", "Whole", "-d", '{"n": 0}', "--offline", "-q")
    assert "total" in desk.run("usage", "--by", "step").out
