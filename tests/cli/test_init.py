"""`aloma init`, `aloma step new` and `aloma step run`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from aloma_cli.cli.init import TEMPLATES, templates
from tests.cli.desk import Desk

ASKS = 'task.ask("Sure?", into="sure", schema=bool)'


@pytest.mark.parametrize("template", templates())
def test_a_new_workspace_runs_at_once(desk: Desk, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    created = desk.run("init", "mine", "--template", template)
    assert created.code == 0
    monkeypatch.chdir(desk.root / "mine")
    assert desk.run("step", "list").err == ""
    for example in sorted(Path("examples").iterdir()):
        assert desk.run("task", "new", "First", "-f", str(example)).code in (0, 8)


@pytest.mark.parametrize("template", templates())
def test_what_a_new_workspace_advises_works(desk: Desk, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands it prints, in their order."""
    told = desk.run("init", "mine", "-t", template).err.splitlines()
    monkeypatch.chdir(desk.root / "mine")
    commands = [shlex.split(line, comments=True)[1:] for line in told if line.startswith("  aloma ")]
    assert "cd mine" in told[1]
    assert len(commands) > 2
    assert [command for command in commands if desk.run(*command).code not in (0, 8)] == []


def test_it_prints_its_files_and_nothing_else(desk: Desk) -> None:
    created = desk.run("init", "mine")
    files = {
        path.relative_to(desk.root / "mine").as_posix() for path in Path("mine").resolve().rglob("*") if path.is_file()
    }
    assert set(created.out.splitlines()) == files
    assert {"README.md", "aloma.yaml", ".gitignore", "steps/read.py"} <= files


def test_json_has_the_folder_and_the_files(desk: Desk) -> None:
    created = desk.run("init", "mine", "--json").json
    assert (created["schema"], created["workspace"], created["template"]) == (1, str(desk.root / "mine"), "hello")
    assert "steps/read.py" in created["files"]


def test_a_file_is_never_overwritten(desk: Desk) -> None:
    desk.write("mine/README.md", "my own")
    refused = desk.run("init", "mine")
    assert refused.code == 2
    assert "already has README.md; nothing was written" in refused.err
    assert [path.name for path in Path("mine").iterdir()] == ["README.md"]


def test_a_folder_with_other_files_is_no_obstacle(desk: Desk) -> None:
    desk.write("mine/notes.txt", "my own")
    assert desk.run("init", "mine").code == 0
    assert Path("mine/notes.txt").read_text(encoding="utf-8") == "my own"


@pytest.mark.parametrize(("template", "place"), [("hello", "reply"), ("research", "report")])
def test_a_person_sees_the_text_that_a_template_asks_about(desk: Desk, template: str, place: str) -> None:
    desk.run("init", "mine", "-t", template)
    (example,) = Path("mine/examples").iterdir()
    asked = desk.run("task", "new", "T", "-w", "mine", "-f", str(example), "--json")
    assert asked.code == 8
    assert asked.json["questions"][0]["context"] == asked.json["data"][place]


def test_an_unknown_template_is_refused(desk: Desk) -> None:
    refused = desk.run("init", "mine", "-t", "helo")
    assert (refused.code, "did you mean `hello`?" in refused.err) == (2, True)
    assert not Path("mine").exists()


@pytest.mark.parametrize("name", ['a "quoted" name', "a: b", "{x}"])
def test_the_name_of_the_folder_is_the_name_of_the_workspace(desk: Desk, name: str) -> None:
    desk.run("init", name)
    assert desk.run("step", "list", "-w", name).code == 0


def test_a_file_in_the_place_of_the_folder_is_named(desk: Desk) -> None:
    desk.write("mine", "")
    refused = desk.run("init", "mine")
    assert (refused.code, "is a file" in refused.err) == (2, True)


def test_the_shared_files_are_in_every_workspace(desk: Desk) -> None:
    assert {path.name for path in (TEMPLATES / "shared").iterdir()} == {"aloma.yaml", "gitignore"}


# -- step new --------------------------------------------------------------------------------------------------------


def test_a_new_step_runs_as_it_is(desk: Desk) -> None:
    created = desk.run("step", "new", "research/fact-check")
    assert (created.code, created.out) == (0, f"{desk.root}/steps/research/fact-check.py\n")
    ran = desk.run("step", "run", "research/fact-check", "-d", '{"text": "x"}')
    assert (ran.code, ran.out) == (0, '+ fact_check = "(simulated) answer"\n')


def test_a_step_that_exists_is_not_overwritten(desk: Desk) -> None:
    before = Path("steps/greet.py").read_text(encoding="utf-8")
    refused = desk.run("step", "new", "greet")
    assert (refused.code, "steps/greet.py already exists" in refused.err) == (2, True)
    assert Path("steps/greet.py").read_text(encoding="utf-8") == before


@pytest.mark.parametrize("name", ["../x", "a.b", "/a", "a/", "", "_x", "a b"])
def test_a_name_that_cannot_be_a_step_is_refused(desk: Desk, name: str) -> None:
    assert desk.run("step", "new", name).code == 2


# -- step run --------------------------------------------------------------------------------------------------------


def test_a_step_alone_shows_its_change_set_and_records_nothing(desk: Desk) -> None:
    ran = desk.run("step", "run", "greet", "-d", '{"name": "Ada"}')
    assert (ran.code, ran.out) == (0, '+ greeting = "Hello, Ada!"\n')
    assert "| greeting Ada" in ran.err
    assert "greet made 1 change; nothing was recorded" in ran.err
    assert not Path(".aloma").exists()


def test_no_other_step_runs(desk: Desk) -> None:
    desk.step("next", '{"greeting": str}', "data['next'] = 1")
    ran = desk.run("step", "run", "greet", "-d", '{"name": "Ada"}', "--json").json
    assert [change["path"] for change in ran["changes"]] == ["/greeting"]


def test_it_fires_once_even_if_it_asks_for_more(desk: Desk) -> None:
    desk.step("again", '{"n": int}', "data['n'] += 1", "step.redo()", asks="data, step")
    ran = desk.run("step", "run", "again", "-d", '{"n": 1}')
    assert ran.out == "~ n = 2\n"


def test_a_condition_that_does_not_hold_is_explained(desk: Desk) -> None:
    ran = desk.run("step", "run", "greet", "-d", '{"nam": "Ada"}')
    assert (ran.code, ran.out) == (6, "")
    assert "the condition of greet does not hold\n  name is missing, wanted a string" in ran.err


def test_a_disabled_step_says_so(desk: Desk) -> None:
    desk.write("steps/off.py", "condition = {}\nenabled = False\ndef content(): pass\n")
    ran = desk.run("step", "run", "off")
    assert (ran.code, "off is disabled" in ran.err) == (6, True)


def test_a_step_that_fails_shows_its_line(desk: Desk) -> None:
    desk.step("bad", '{"name": str}', "data['x'] = data['nme']")
    ran = desk.run("step", "run", "bad", "-d", '{"name": "Ada"}')
    assert ran.code == 1
    assert "bad failed: KeyError: 'nme'" in ran.err


def test_subtasks_questions_and_results_are_shown(desk: Desk) -> None:
    lines = ('task.subtask("Child", {"a": 1}, into="x")', ASKS, "task.complete(7)")
    desk.step("all", '{"name": str}', *lines, asks="task")
    ran = desk.run("step", "run", "all", "-d", '{"name": "Ada"}')
    assert ran.out.splitlines() == ['subtask Child into x: {"a":1}', "asks Sure? into sure", "completes with 7"]
    printed = desk.run("step", "run", "all", "-d", '{"name": "Ada"}', "--json").json
    assert printed["subtasks"] == [{"name": "Child", "data": {"a": 1}}]
    assert printed["questions"][0]["question"] == "Sure?"
    assert printed["completed"] == {"result": 7}


def test_calls_are_shown_with_their_answers(desk: Desk) -> None:
    desk.write("responses/ask.json", '[{"answer": {"city": "Porto"}}]')
    call = 'data["city"] = (await connectors.openai.chat(messages="Where?", shape={"city": str})).data["city"]'
    desk.step("ask", '{"name": str}', call, asks="data, connectors")
    ran = desk.run("step", "run", "ask", "-d", '{"name": "Ada"}')
    assert '> openai.chat: {"city":"Porto"}' in ran.err


def test_a_step_that_does_not_exist_is_refused(desk: Desk) -> None:
    refused = desk.run("step", "run", "great", "-d", "{}")
    assert (refused.code, "did you mean `greet`?" in refused.err) == (9, True)


def test_a_folder_whose_name_is_not_utf_8_can_be_a_workspace(desk: Desk) -> None:
    made = desk.run("init", os.fsdecode(b"caf\xe9"))
    assert (made.code, (desk.root / os.fsdecode(b"caf\xe9") / "README.md").exists()) == (0, True)
