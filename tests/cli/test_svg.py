"""`--svg`: what a terminal would show, as a picture."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree as ET

import pytest

from tests.cli.desk import Desk

_SVG = "{http://www.w3.org/2000/svg}"


def _lines(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{_SVG}text")]  # noqa: S314  (our own)


@pytest.mark.parametrize("command", ["show", "log"])
def test_it_draws_the_command_and_what_people_see(desk: Desk, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    task = desk.new().out.strip()
    svg = desk.run("task", command, "--svg").out
    lines = _lines(svg)
    assert lines[0] == f"$ aloma task {command} {task}"
    assert re.search(r"✓ .*A task" if command == "log" else r"A task  done", "\n".join(lines))
    assert 'fill="#' in svg.replace('fill="#161b22"', "")
    assert max(map(len, lines)) <= 100
    assert os.environ["NO_COLOR"] == "1"
    assert desk.run("task", command).out.count("<svg") == 0


def test_texts_of_a_task_are_texts(desk: Desk) -> None:
    desk.new('{"name": "</text><script>\\u001b[31m\\u202e"}')
    svg = desk.run("task", "show", "--svg").out
    assert "<script" not in svg
    assert "</text><script>" in "".join(_lines(svg))
    assert not {"\x1b", "\u202e"} & set(svg)


def test_details_are_drawn_as_well(desk: Desk) -> None:
    desk.new()
    assert "greeting = " in "\n".join(_lines(desk.run("task", "log", "--changes", "--svg").out))


@pytest.mark.parametrize("command", ["show", "log"])
def test_one_form_at_a_time(desk: Desk, command: str) -> None:
    desk.new()
    ended = desk.run("task", command, "--svg", "--json")
    assert ended.code == 2
    assert "--json and --svg cannot be used together" in ended.err
