"""`aloma task calls`, `aloma task log --prompts`, and the command that shows a call that failed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from aloma_cli.jsontext import loads
from tests.cli.desk import Desk
from tests.servers.streams import DONE, Reply, StreamServer, spoken, streams

__all__ = ["streams"]

GUESS = """
condition = {"name": str, "guess": None}


async def content(data, connectors):
    messages = [{"role": "system", "content": "Be exact."}, {"role": "user", "content": f"How old is {data['name']}?"}]
    answer = await connectors.openai.chat(messages=messages, shape={"age": int})
    data["guess"] = answer.data["age"]
"""


@pytest.fixture
def guesses(desk: Desk) -> Desk:
    """A step whose first answer does not fit its shape, and a subtask that asks too."""
    desk.write("steps/guess.py", GUESS)
    desk.write("responses/guess.json", '[{"calls": [{"answer": "Old, \\u001b[2Jvery old."}, {"answer": {"age": 36}}]}]')
    desk.step(
        "fan", '{"name": "Ada", "kid": None}', "data['kid'] = 1", "task.subtask('kid', {'q': 1})", asks="data, task"
    )
    desk.step(
        "ask", '{"q": 1}', "data['q'] = (await connectors.openai.chat(messages='hi')).data", asks="data, connectors"
    )
    desk.new('{"name": "Ada"}', "--offline")
    return desk


def test_calls_are_listed_with_their_numbers_over_the_whole_tree(guesses: Desk) -> None:
    rows = [line.split("\t") for line in guesses.run("task", "calls").out.splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert sorted(row[1] for row in rows) == ["ask", "guess", "guess"]
    assert {(row[2], row[7]) for row in rows} == {("openai.chat", "answered")}
    subtask = (
        guesses.run("task", "calls", f"{guesses.tasks[0]}.2.1").out
        or guesses.run("task", "calls", f"{guesses.tasks[0]}.1.1").out
    )
    assert [line.split("\t")[1] for line in subtask.splitlines()] == ["ask"]


def test_a_call_is_shown_whole_by_its_number(guesses: Desk) -> None:
    repair = next(one for one in guesses.run("task", "calls", "--json").json if len(one["arguments"]["messages"]) == 4)
    ended = guesses.run("task", "calls", str(repair["number"]))
    assert ended.code == 0
    titles = [line.strip() for line in ended.out.splitlines() if line.startswith("  ") and line[2] != " "]
    assert titles[1:] == ["system", "user", "assistant", "user", "shape", "answer"]
    assert "\x1b" not in ended.out
    assert '{"age": 36}' in ended.out
    assert guesses.run("task", "calls", "@last", str(repair["number"]), "--json").json == repair


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["9"], 9, "has no call 9: it made 3"),
        (["@last", "two"], 2, "'two' is not the number of a call"),
        (["@last", "9" * 5000], 2, f"'{'9' * 59}…' is not the number of a call"),
        (["nosuch", "1"], 9, "'nosuch' is not a task id"),
    ],
)
def test_a_call_that_is_not_there_is_refused(guesses: Desk, words: list[str], code: int, says: str) -> None:
    ended = guesses.run("task", "calls", *words)
    assert ended.code == code
    assert says in ended.err


def test_the_log_shows_prompts_below_their_firing_and_the_repair_turn_once(guesses: Desk) -> None:
    out = guesses.run("task", "log", "--prompts", "--step", "guess").out
    assert out.count("Be exact.") == 1
    assert out.count("continues call") == 1
    assert out.index("How old is Ada?") < out.index("That answer cannot be used") < out.index('{"age": 36}')


def failing(desk: Desk, content: str) -> str:
    desk.step("breaks", '{"name": str}', content, asks="data, connectors")
    return desk.new('{"name": "Bob"}', "--offline", "-q").out.strip()


def test_a_step_that_failed_after_a_call_ends_with_the_command_that_shows_it(desk: Desk) -> None:
    task = failing(desk, "(await connectors.openai.chat(messages='hi')).data['x']")
    command = f"aloma task calls {task} 1"
    assert f"→ to see what it asked and got: {command}" in desk.run("task", "show").out
    assert f"\t→ {command}" in desk.run("task", "log").out
    assert f"aloma task calls {task} 2" in desk.run("task", "resume", task, "--offline").err
    assert desk.run(*command.split()[1:]).code == 0


def test_an_answer_that_fits_no_shape_ends_with_the_command_that_shows_it(desk: Desk) -> None:
    desk.write("responses/breaks.json", '[{"answer": "no"}]')
    task = failing(desk, "await connectors.openai.chat(messages='hi', shape={'a': int})")
    assert f"aloma task calls {task} 2" in desk.run("task", "show").out


def test_a_step_that_failed_without_a_call_has_no_such_command(desk: Desk) -> None:
    failing(desk, "data['x']")
    assert "aloma task calls" not in desk.run("task", "show").out + desk.run("task", "log").out


def test_long_output_is_paged_at_a_terminal_and_only_there(guesses: Desk, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code, raw, _ = guesses.at_terminal("task", "log", "--prompts", PAGER=f"cat > {seen}")
    assert code == 0
    assert "Be exact." not in raw
    assert "Be exact." in seen.read_text()
    assert "\x1b[2J" not in seen.read_text()
    _, _, screen = guesses.at_terminal("task", "calls", "1", PAGER="")
    assert "answered" in screen
    assert "Be exact." in guesses.shell("aloma task log --prompts", PAGER="false").out


def test_a_pager_that_leaves_early_or_is_missing_is_no_error(guesses: Desk) -> None:
    assert guesses.at_terminal("task", "log", "--prompts", PAGER="true")[0] == 0
    code, _, screen = guesses.at_terminal("task", "calls", "1", PAGER=f"{os.sep}nosuch{os.sep}pager")
    assert code == 0
    assert "answered" in screen


def test_an_answer_that_broke_off_is_a_call_of_its_own_and_the_next_try_another(
    desk: Desk, streams: StreamServer
) -> None:
    broken = spoken("Once ", "upon", finish=None, usage=False)
    streams.answers(Reply(broken, end="cut"), Reply([*spoken("a whole story"), DONE]))
    desk.step(
        "ask",
        '{"name": str}',
        "data['x'] = (await connectors.openai.chat(messages='hi')).data",
        asks="data, connectors",
    )
    ended = desk.new('{"name": "Ada"}', "--base-url", streams.url, "--events")
    events = [loads(line) for line in ended.out.splitlines()]
    assert "a whole story" in [event.get("text") for event in events if event["event"] == "call_progress"]
    first, second = desk.run("task", "calls", "--json").json
    assert (first["state"], second["state"]) == ("failed", "answered")
    assert first["answer"]["choices"][0]["message"]["content"] == "Once upon"
    assert first["usage"]["estimated"] is True
    shown = desk.run("task", "calls", "1").out
    assert "broke off after 9 characters" in shown
    assert "Once upon" in shown


def test_a_limit_holds_between_the_tries_of_a_call(desk: Desk, streams: StreamServer) -> None:
    broken = spoken("Once ", "upon", finish=None, usage=False)
    streams.answers(Reply(broken, end="cut"), Reply([*spoken("a whole story"), DONE]))
    desk.step(
        "ask",
        '{"name": str, "x": None}',
        "data['x'] = (await connectors.openai.chat(messages='hi')).data",
        asks="data, connectors",
    )
    assert desk.new('{"name": "Ada"}', "--base-url", streams.url, "--max-calls", "1").code == 5
    assert len(streams.bodies) == 1
    ended = desk.run("task", "resume", "@last", "--max-calls", "+1", "--data", "--base-url", streams.url)
    assert ended.json["x"] == "a whole story"
    assert len(streams.bodies) == 2


@pytest.mark.parametrize("ended_by", [pytest.param("timeout", marks=pytest.mark.slow), "ctrl-c"])
def test_what_came_before_a_call_was_ended_is_on_record(desk: Desk, streams: StreamServer, ended_by: str) -> None:
    streams.answers(Reply(spoken("Once ", "upon", finish=None, usage=False), end="hold"))
    options = "timeout = 6.0" if ended_by == "timeout" else ""
    desk.write(
        "steps/ask.py",
        f"""
condition = {{"name": str}}
{options}


async def content(data, connectors):
    data["x"] = (await connectors.openai.chat(messages="hi")).data
""",
    )
    process = desk.started("task", "new", "T", "-d", '{"name": "Ada"}', "--base-url", streams.url, "--events")
    assert process.stdout is not None
    for line in process.stdout:
        if '"streaming"' in line:
            seen = json.loads(line)["text"]
            break
    if ended_by == "ctrl-c":
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    [call] = desk.run("task", "calls", "--json").json
    kept = call["answer"]["choices"][0]["message"]["content"]
    # Ctrl-C may come between two pieces.
    assert "Once upon".startswith(kept)
    assert kept.startswith(seen)
    assert call["usage"]["estimated"] is True
    assert "the call was cancelled" in call["error"]["message"]
    shown = desk.run("task", "show").out
    assert ("to see what it asked and got: aloma task calls" in shown) == (ended_by == "timeout")


def test_a_call_that_was_killed_in_its_stream_is_on_record_as_sent_and_is_asked_again(
    desk: Desk, streams: StreamServer
) -> None:
    """The words that had come are not: that would need a write for each part of each answer."""
    streams.answers(Reply(spoken("Once ", "upon", finish=None, usage=False), end="hold"))
    desk.step(
        "ask",
        '{"name": str, "x": None}',
        'data["x"] = (await connectors.openai.chat(messages="hi")).data',
        asks="data, connectors",
    )
    process = desk.started("task", "new", "T", "-d", '{"name": "Ada"}', "--base-url", streams.url, "--events")
    assert process.stdout is not None
    for line in process.stdout:
        if '"streaming"' in line:
            break
    process.kill()
    process.communicate(timeout=20)
    [call] = desk.run("task", "calls", "--json").json
    assert (call["state"], call["answer"]) == ("in flight", None)
    streams.answers(Reply(spoken("Once upon a time")))
    ended = desk.run("task", "resume", "@last", "--data", "--base-url", streams.url)
    assert ended.json["x"] == "Once upon a time"
    [call] = desk.run("task", "calls", "--json").json
    assert (call["number"], call["state"]) == (1, "answered")
    first, second = streams.keys
    assert first == second


def test_at_a_terminal_the_words_of_an_answer_appear_in_the_region_and_are_gone_at_the_end(
    desk: Desk, streams: StreamServer
) -> None:
    streams.answers(Reply([*spoken("Once ", "upon ", "a time \x1b[31m", "there was"), DONE], pause=0.3))
    desk.step(
        "ask",
        '{"name": str}',
        "data['x'] = (await connectors.openai.chat(messages='hi')).data",
        asks="data, connectors",
    )
    code, raw, screen = desk.at_terminal("task", "new", "T", "-d", '{"name": "Ada"}', "--base-url", streams.url)
    assert code == 0
    assert "Once upon a time" in raw
    assert "\x1b[31mthere" not in raw
    assert "Once upon" not in screen


def test_a_long_conversation_is_on_record_once_and_shown_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "crm-0123456789")
    desk.write("aloma.yaml", "secrets: [CRM_TOKEN]\n")
    said = f'data["said"] += [dict(role="user", content=str(len(data["said"])) + "{"x" * 300} " + config("CRM_TOKEN"))]'
    ask = 'answer = await connectors.openai.chat(messages=data["said"])'
    told = 'data["said"] += [dict(role="assistant", content=answer.data)]'
    again = 'len(data["said"]) < 8 and step.redo()'
    desk.step("talk", '{"said": list}', said, ask, told, again, asks="data, connectors, config, step")
    assert desk.run("task", "new", "T", "-d", '{"said": []}', "--offline").code == 0
    journal = (desk.root / ".aloma/tasks" / desk.tasks[0] / "journal.jsonl").read_text()
    assert journal.count('"begins":{"messages":{') == 3
    assert "crm-0123456789" not in journal
    [*_, last] = desk.run("task", "calls", "--json").json
    assert [len(one["content"]) > 300 for one in last["arguments"]["messages"]] == [True, False] * 3 + [True]
    events = desk.run("task", "log", "--json").json
    asked = [event["arguments"]["messages"] for event in events if event["event"] == "call_answered"]
    assert [len(messages) for messages in asked] == [1, 3, 5, 7]
    assert not any("begins" in event for event in events)
    assert desk.run("task", "log", "--prompts").out.count("x" * 300) > 3
    assert desk.run("task", "replay", "@last").code == 0
