"""`aloma usage` and `aloma task show --usage`: the same calls, added up in several ways."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.desk import Desk
from tests.cli.test_odd_answers import Server, serving

ASKS = 'await connectors.openai.chat(model="gpt-4", messages=data["q"])'


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture
def asking(desk: Desk) -> Desk:
    """With a step that asks once and makes a subtask that asks once more, and a step that asks for vectors."""
    child = "if 'deep' not in data: task.subtask('child', {'q': 'x', 'deep': 1})"
    desk.step("ask", '{"q": str, "out": None}', ASKS, 'data["out"] = 1', child, asks="data, connectors, task")
    embeds = ('await connectors.openai.embed(input=["a"], model="small")', 'data["near"] = 1')
    desk.step("search", '{"q": str, "deep": None, "near": None}', *embeds, asks="data, connectors")
    return desk


def test_the_calls_of_all_tasks_are_added_up_in_each_way(asking: Desk) -> None:
    asking.new('{"q": "one"}', "--tag", "red")
    asking.new('{"q": "two"}', "--tag", "red", "--tag", "blue")
    asking.new('{"q": "three"}')

    def rows(by: str) -> dict[str, int]:
        told = asking.run("usage", "--by", by, "--json").json
        assert (told["schema"], told["by"], told["since"], told["total"]["calls"]) == (1, by, None, 9)
        return {row[by]: row["calls"] for row in told["rows"]}

    assert rows("step") == {"ask": 6, "search": 3}
    assert rows("tag") == {"red": 6, "blue": 3, None: 3}
    assert list(rows("day").values()) == [9]
    told = asking.run("usage", "--json").json["rows"]
    assert {(row["asked"], row["model"], row["function"], row["calls"]) for row in told} == {
        ("gpt-4", "aloma-offline", "openai.chat", 6),
        ("small", "aloma-offline", "openai.embed", 3),
    }


def test_a_program_gets_a_row_for_each_and_people_a_total_and_what_is_not_known(asking: Desk) -> None:
    asking.new('{"q": "one"}')

    plain = asking.run("usage").out
    assert plain.splitlines()[0].startswith("gpt-4 → aloma-offline\t2\t")
    assert "total" not in plain
    shown = asking.at_terminal("usage")[1]
    assert "total" in shown
    assert "3 answers simulated" in shown


def test_only_the_calls_of_the_time_asked_for_count(asking: Desk) -> None:
    asking.new('{"q": "one"}')

    assert asking.run("usage", "--since", "7d", "--json").json["total"]["calls"] == 3
    later = asking.run("usage", "--since", "0s", "--json").json
    assert (later["total"]["calls"], later["rows"]) == (0, [])
    assert later["since"].endswith("Z")


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--by", "moon"], "use one of model, step, tag, day"), (["--since", "soon"], "--since 'soon' is not an age")],
)
def test_a_way_that_is_not_known_is_refused(asking: Desk, options: list[str], says: str) -> None:
    refused = asking.run("usage", *options)

    assert (refused.code, refused.out) == (2, "")
    assert says in refused.err


def test_without_calls_there_is_nothing_to_add_up(desk: Desk) -> None:
    assert desk.run("usage", "--json").json["rows"] == []
    assert "no calls yet" in desk.at_terminal("usage")[1]


def test_what_real_calls_took_is_told_with_what_failed_and_what_is_not_known(asking: Desk, server: Server) -> None:
    """Failed calls were paid for as well; a price that is not known is not zero."""
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}
    usage["completion_tokens_details"] = {"reasoning_tokens": 15}
    message = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    server.body = json.dumps({**message, "usage": usage, "model": "tiny"}).encode()

    asking.new('{"q": "one"}', "--base-url", server.url, "--api-key", "sk-test-0123456789")

    total = asking.run("usage", "--json").json["total"]
    assert (total["calls"], total["failed_calls"], total["input_tokens"], total["output_tokens"]) == (3, 1, 200, 40)
    assert (total["cached_tokens"], total["reasoning_tokens"]) == (120, 30)
    assert (total["unpriced"], total["cost"]) == (2, 0.0)
    shown = asking.at_terminal("usage")[1]
    assert "$" not in shown
    assert shown.count("without the price of 2 calls, which is unknown") == 1
    assert "used: 3 calls, 200 tokens in (120 cached), 40 out, price unknown" in asking.run("task", "show").out


def test_tokens_that_were_not_counted_are_told_as_about(asking: Desk, server: Server) -> None:
    server.body = json.dumps({"choices": [{"message": {"content": "yes"}}]}).encode()

    asking.new('{"q": "one", "deep": 1}', "--base-url", server.url, "--api-key", "sk-test-0123456789")

    assert "used: 1 call, about 8 tokens in, 1 out, price unknown" in asking.run("task", "show").out
    assert asking.run("usage", "--json").json["total"]["estimated"] == 1


def test_a_task_shows_its_usage_by_step_and_model_and_by_subtask(asking: Desk) -> None:
    asking.new('{"q": "one"}')

    told = asking.run("task", "show", "--usage", "--json").json

    assert [(row["step"], row["asked"], row["calls"]) for row in told["steps"]] == [
        ("ask", "gpt-4", 2),
        ("search", "small", 1),
    ]
    assert [(row["name"], row["calls"]) for row in told["tasks"]] == [("A task", 2), ("child", 1)]
    assert told["total"]["calls"] == 3
    child = asking.run("task", "show", told["tasks"][1]["id"], "--usage", "--json").json
    assert (child["total"]["calls"], len(child["steps"])) == (1, 1)


def test_a_task_that_never_called_says_so(desk: Desk) -> None:
    desk.new()

    assert "no calls yet" in desk.at_terminal("task", "show", "--usage")[1]
    assert desk.run("task", "show", "--usage").out == ""


def test_usage_and_data_cannot_be_used_together(asking: Desk) -> None:
    refused = asking.run("task", "show", "--usage", "--data")

    assert refused.code == 2
    assert "cannot be used together" in refused.err


def test_a_day_limit_pauses_a_task_whose_model_has_no_price(asking: Desk, server: Server) -> None:
    asking.write("aloma.yaml", "limits: {per_day: 20.00}\n")
    server.body = json.dumps({"choices": [{"message": {"content": "yes"}}]}).encode()

    ended = asking.new('{"q": "one", "deep": 1}', "--base-url", server.url, "--api-key", "sk-test-0123456789")

    assert (ended.code, server.asked) == (5, 0)
    assert "day limit reached ($20; the price of the next call is unknown)" in ended.err
    assert "tomorrow, or with a higher limits.per_day in aloma.yaml: aloma task resume" in ended.err


def test_simulated_calls_know_no_day_limit(asking: Desk) -> None:
    asking.write("aloma.yaml", "limits: {per_day: 0.01}\n")

    assert asking.new('{"q": "one"}').code == 0


def test_a_day_limit_that_is_not_an_amount_is_refused(asking: Desk) -> None:
    asking.write("aloma.yaml", "limits: {per_day: much}\n")

    assert asking.new('{"q": "one"}').code == 3


def test_a_function_of_a_step_that_a_model_called_took_nothing(desk: Desk) -> None:
    desk.write(
        "steps/find.py",
        'condition = {"q": str, "out": None}\n\n\n'
        "async def content(data, connectors):\n"
        "    def look_up(word: str) -> str:\n"
        "        return word\n\n"
        '    answer = await connectors.openai.chat(messages="q", tools=[look_up], shape={"a": str})\n'
        '    data["out"] = answer.data["a"]\n',
    )
    turns = [{"tool_calls": [{"name": "look_up", "arguments": {"word": "x"}}]}, {"answer": {"a": "x"}}]
    desk.write("responses/find.json", json.dumps([{"calls": turns}]))
    assert desk.new('{"q": "one"}', "--responses", "responses").code == 0
    assert [row["function"] for row in desk.run("usage", "--json").json["rows"]] == ["openai.chat"]
    assert "look_up" not in desk.at_terminal("usage")[1]
    assert "look_up" not in desk.at_terminal("task", "show", "--usage")[1]
