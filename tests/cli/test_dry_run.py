"""`aloma task new --dry-run`: what would fire first, and what its calls would cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.desk import Desk

CALLS = """
condition = {"name": str, "city": None}
priority = 1

async def content(data, connectors):
    answer = await connectors.openai.chat(model="gpt-5-mini", messages="Where?", shape={"city": str}, max_tokens=100)
    data["city"] = answer.data["city"]
    await connectors.http.get("http://127.0.0.1:9/never")
"""


@pytest.fixture
def calls(desk: Desk) -> Desk:
    desk.write("steps/ask.py", CALLS)
    return desk


def test_it_names_the_first_steps_and_their_first_calls(calls: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    ran = calls.new('{"name": "Ada"}', "--dry-run")
    assert ran.code == 0
    first, call, second = ran.out.splitlines()
    assert (first, second) == ("ask", "greet")
    assert call.startswith("  openai.chat  gpt-5-mini  at most about 1")
    assert ran.err == "aloma: a dry run: 2 steps would fire first; no call was made\n"
    assert not Path(".aloma").exists()


def test_json_has_tokens_and_cost(calls: Desk) -> None:
    printed = calls.new('{"name": "Ada"}', "--dry-run", "--json").json
    [call] = printed["first"][0]["calls"]
    assert (printed["simulated"], call["call"], call["tokens"] > 100) == (True, "openai.chat", True)


def test_where_nothing_would_fire_it_names_the_closest(calls: Desk) -> None:
    ran = calls.new('{"nam": "Ada"}', "--dry-run")
    assert (ran.code, ran.out) == (6, "")
    assert "closest: greet: name is missing, wanted a string" in ran.err
