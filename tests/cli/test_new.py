"""`aloma task new`: where the data comes from, and what is printed."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from aloma_cli.jsontext import loads
from tests.cli.desk import Desk

DOCUMENT = {"name": "Ada", "greeting": "Hello, Ada!"}


def test_prints_the_id_of_the_task_and_nothing_else(desk: Desk) -> None:
    ended = desk.new()
    assert (ended.code, ended.out) == (0, f"{desk.tasks[0]}\n")


def test_what_happens_is_told_on_stderr(desk: Desk) -> None:
    words = [line.split()[2] for line in desk.new().err.splitlines()]
    assert words == ["created", "log", "fired", "done"]


def test_json_is_the_record_with_the_document_on_one_line(desk: Desk) -> None:
    record = desk.new('{"name": "Ada"}', "--json").json
    assert record["data"] == DOCUMENT
    assert (record["schema"], record["id"], record["state"]) == (1, desk.tasks[0], "done")


def test_data_is_the_document_on_one_line(desk: Desk) -> None:
    assert desk.new('{"name": "Ada"}', "--data").json == DOCUMENT


def test_events_are_lines_of_json_and_take_the_place_of_the_id(desk: Desk) -> None:
    ended = desk.new('{"name": "Ada"}', "--events")
    events = [loads(line) for line in ended.out.splitlines()]
    assert [event["event"] for event in events] == [
        "task_created",
        "firing_started",
        "logged",
        "committed",
        "task_rested",
    ]
    assert ended.err == ""


def test_an_event_of_a_log_line_is_no_print_of_the_step(desk: Desk) -> None:
    desk.step("chatty", '{"name": str}', "for n in range(3):", "    print(n)", "    await asyncio.sleep(0)")
    events = [loads(line) for line in desk.new('{"name": "Ada", "greeting": ""}', "--events").out.splitlines()]
    assert [event["text"] for event in events if event["event"] == "logged"] == ["0", "1", "2"]


def test_events_and_json_end_with_the_record(desk: Desk) -> None:
    last = desk.new('{"name": "Ada"}', "--events", "--json").out.splitlines()[-1]
    assert loads(last)["data"] == DOCUMENT


def test_quiet_tells_nothing_on_stderr(desk: Desk) -> None:
    assert desk.new('{"name": "Ada"}', "-q").err == ""


def test_what_a_step_prints_never_reaches_stdout(desk: Desk) -> None:
    desk.step("loud", '{"name": str}', 'print("from a step")', plain=True)
    desk.step("louder", '{"name": str}', 'print("from another")')
    ended = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}')
    assert ended.out == f"{desk.tasks[0]}\n"
    assert "from a step" in ended.err
    assert "from another" in ended.err


def test_what_is_printed_while_a_step_file_is_loaded_never_reaches_stdout(desk: Desk) -> None:
    desk.write("steps/loud.py", 'print("loaded")\n' + 'condition = {"x": 1}\n\ndef content():\n    pass\n')
    assert desk.new().out == f"{desk.tasks[0]}\n"


@pytest.mark.parametrize("name", ["data.json", "data.yaml", "data.yml", "DATA.YAML"])
def test_f_reads_a_file_by_its_ending(desk: Desk, name: str) -> None:
    desk.write(name, '{"name": "Ada"}' if name.endswith("json") else "name: Ada\n")
    assert desk.run("task", "new", "A task", "-f", name, "--data").json == DOCUMENT


def test_d_reads_a_file_that_is_named_with_an_at_sign(desk: Desk) -> None:
    desk.write("data.json", b'\xef\xbb\xbf{"name": "Ada"}')
    assert desk.new("@data.json", "--data").json == DOCUMENT


def test_a_tilde_in_the_name_of_a_file_is_the_home_folder(desk: Desk, nobody: object) -> None:
    desk.write(f"{nobody}/data.json", '{"name": "Ada"}')
    assert desk.new("@~/data.json", "--data").json == DOCUMENT


@pytest.mark.parametrize("option", ["-d", "-f"])
def test_a_dash_reads_standard_input(desk: Desk, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"name": "Ada"}')))
    assert desk.run("task", "new", "A task", option, "-", "--data").json == DOCUMENT


def test_without_data_the_document_is_empty(desk: Desk) -> None:
    assert desk.run("task", "new", "A task", "--data").json == {}


@pytest.mark.parametrize("options", [[], ["-d", "{}"]])
def test_standard_input_is_not_read_unless_asked(desk: Desk, options: list[str]) -> None:
    """Nothing is ever written to this pipe, and it stays open: a process that reads it waits forever."""
    process = desk.started("task", "new", "A task", *options, stdin=subprocess.PIPE)
    assert process.wait(20) == 6
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None
        stream.close()


def test_d_and_f_together_are_refused(desk: Desk) -> None:
    ended = desk.new("{}", "-f", "data.json")
    assert ended == (2, "", "aloma: -d and -f both give the task's data\n  → use one of them\n")


def test_tags_are_kept(desk: Desk) -> None:
    desk.write("aloma.yaml", "tags: [demo]\n")
    assert desk.new("{}", "--tag", "a", "--tag", "b c", "--json").json["tags"] == ["demo", "a", "b c"]


def test_a_name_may_be_any_line_of_text(desk: Desk) -> None:
    assert desk.run("task", "new", "Größe: 3 ✓", "--json").json["name"] == "Größe: 3 ✓"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m"])
def test_a_name_that_is_no_line_of_text_is_refused(desk: Desk, name: str) -> None:
    ended = desk.run("task", "new", name)
    assert (ended.code, ended.out, desk.tasks) == (2, "", [])
    assert ended.err == f"aloma: invalid task name {name!r}: a name must be one line of text\n"


def test_that_answers_are_simulated_is_said_where_a_step_may_ask_a_model(desk: Desk) -> None:
    notice = "aloma: no model server is set up, so answers are simulated"
    assert notice not in desk.new().err
    desk.step("ask", '{"never": 1}', "pass", asks="connectors")
    assert desk.new().err.startswith(notice)
    assert desk.new("{}", "-q").err == ""


def test_a_task_in_error_says_what_to_type(desk: Desk) -> None:
    desk.step("fails", '{"name": str}', "raise ValueError('no')")
    ended = desk.new()
    task = ended.out.strip()
    assert "  error in fails: ValueError: no\n" in ended.err
    assert 'steps/fails.py", line 7, in content\n' in ended.err
    assert ended.err.endswith(f"  after fixing it: aloma task resume {task}\n")
