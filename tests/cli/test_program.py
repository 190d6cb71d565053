"""The program itself: help, version, exit codes, faults, and what it imports."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloma_cli import __version__
from aloma_cli.cli import parser
from aloma_cli.cli.commands import COMMANDS, GROUPS
from aloma_cli.cli.parameters import Group, parameters_of, parse
from aloma_cli.cli.parser import whole_help
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
@pytest.mark.parametrize("command", [[], *map(str.split, COMMANDS)], ids=" ".join)
def test_help_shows_examples_before_options(desk: Desk, command: list[str], option: str) -> None:
    ended = desk.run(*command, option)
    assert (ended.code, ended.err) == (0, "")
    head, _, listed = re.split("(options:|Options:|Commands:)", ended.out, maxsplit=1)
    assert "Examples:\n    aloma " in head
    assert listed
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    assert "{" not in ended.out.partition("Examples:")[0]


@pytest.mark.parametrize("command", [[], *map(str.split, [*GROUPS, *COMMANDS])], ids=" ".join)
def test_help_fits_on_a_screen_and_names_each_option(desk: Desk, command: list[str]) -> None:
    shown, whole = desk.run(*command, "--help").out, whole_help(command)
    assert len(shown.splitlines()) <= 24
    assert not re.search(r"\w-$", whole, re.MULTILINE)
    assert not [line for line in whole.splitlines() if line.count("`") % 2]
    assert {*re.findall("(?<![a-z-])--[a-z-]+", whole.partition("\nOptions:")[2])} - {"--help"} <= {
        *re.findall("--[a-z-]+", shown)
    }
    assert shown.rstrip("\n") == whole or f"`{' '.join(['aloma help', *command])}`" in shown


@pytest.mark.parametrize("command", ["task", "task new", "config", "secret set"])
def test_the_help_of_a_command_is_whole_where_it_is_asked_for(desk: Desk, command: str) -> None:
    assert whole_help(command.split()) in desk.run("help", *command.split()).out


@pytest.mark.parametrize("group", GROUPS)
def test_the_help_of_a_group_lists_its_commands_without_importing_them(desk: Desk, group: str) -> None:
    lines = {
        line.split()[0]: line for line in desk.run("help", group).out.partition("Commands:")[2].split("\n") if line
    }
    ours = {name.split()[1]: command for name, command in COMMANDS.items() if name.startswith(f"{group} ")}
    assert list(lines) == list(ours)
    assert all(line.endswith(ours[name].about) for name, line in lines.items())
    assert not [module for module in imported(desk, group, "--help") if module.startswith(f"aloma_cli.cli.{group}.")]


def test_the_options_of_the_program_are_listed(desk: Desk) -> None:
    assert "-v, --verbose " in desk.run("help").out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("new", "run `aloma task new`"),
        ("list", "run `aloma task list`"),
        ("cancel", "run `aloma task stop`"),
        ("task rm", "run `aloma task gc`"),
        ("task cancel", "run `aloma task stop`"),
        ("task retry", "run `aloma task resume`"),
        ("task view", "run `aloma task show`"),
        ("task get", "run `aloma task show`"),
        ("step get", "run `aloma step show`"),
        ("check", "run `aloma step check`"),
        ("step test", "run `aloma test`"),
        ("secret rm", "run `aloma secret delete`"),
        ("task lsit", "did you mean `aloma task list`?"),
        ("stpe list", "did you mean `aloma step`?"),
        ("task frobnicate --json", "run `aloma task --help`"),
    ],
)
def test_an_unknown_command_is_refused_with_the_one_that_was_meant(desk: Desk, words: str, hint: str) -> None:
    ended = desk.run(*words.split())
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(rf"aloma: unknown command '[a-z ]+'\n  → {re.escape(hint)}\n", ended.err)


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
    from aloma_cli.api.reader import Records

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
        "unsettled": 8,
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


def test_an_internal_error_leaves_a_report_without_data(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("reports")

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("aloma_cli.api.workspace.Workspace.create", broken)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    ended = desk.run("task", "new", "Hush", "-d", '{"pin": 4711}', "--api-key=hush-hush", "--offline", "-v")
    [path] = folder.iterdir()
    said = f"aloma: internal error (a bug in aloma): ZeroDivisionError: oh; report: {path}\n"
    assert (ended.code, ended.out) == (70, "")
    assert said in ended.err
    assert "in broken\n" in ended.err  # -v
    report = path.read_text()
    assert report.startswith(f"aloma {__version__}, Python 3.")
    assert "\narguments: task new … -d … --api-key --offline -v\n" in report
    assert "ZeroDivisionError\n" in report
    assert "in broken\n" in report
    assert not re.search("4711|hush|Hush|oh$", report, re.MULTILINE)


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
    command = [sys.executable, "-v", "-m", "aloma_cli", *arguments]
    ended = subprocess.run(command, cwd=desk.root, capture_output=True, text=True, check=True)
    return set(re.findall(r"^import '([\w.]+)' #", ended.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    "command", [["show"], ["show", "--json"], ["show", "--path", "name"], ["list"], ["list", "--json"]]
)
def test_reading_a_task_imports_nothing_heavy(desk: Desk, command: list[str]) -> None:
    desk.new()
    modules = imported(desk, "task", *command)
    assert "aloma_cli.api.reader" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("command", ["show --json", "list"])
def test_the_quickest_commands_need_no_data_class_and_no_digest(desk: Desk, command: str) -> None:
    desk.new()
    of_runs = {"aloma_cli.cli.descriptors", "aloma_cli.content.streams", "aloma_cli.redact"}
    of_others = {"aloma_cli.loader.config", "dataclasses", "hashlib"}
    assert not imported(desk, "task", *command.split()) & (of_runs | of_others)


@pytest.mark.parametrize("command", ["usage", "usage --by tag --json", "task show --usage", "task calls", "task log"])
def test_adding_up_and_reading_a_history_needs_no_library(desk: Desk, command: str) -> None:
    call = 'await connectors.openai.chat(messages="Hi")'
    desk.step("ask", '{"name": str, "out": None}', call, "data['out'] = 1", asks="data, connectors")
    desk.new()
    assert not imported(desk, *command.split()) & {"genai_prices", "httpx2", "jsonschema", "mcp", "openai", "pydantic"}


@pytest.mark.parametrize("command", ["why", "why @last greet", "blame @last greeting", "graph"])
def test_explaining_a_task_at_rest_imports_no_engine_and_no_lock(desk: Desk, command: str) -> None:
    desk.new()
    modules = imported(desk, "task", *command.split())
    assert not modules & {"asyncio", "filelock", "aloma_cli.engine.turn", "aloma_cli.engine.working", *HEAVY}


@pytest.mark.parametrize("command", [["--help"], ["task", "--help"], ["task", "list", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(desk: Desk, command: list[str]) -> None:
    assert not imported(desk, *command) & HEAVY


def test_only_what_is_not_plainly_right_needs_the_library_of_the_command_line(desk: Desk) -> None:
    desk.new()
    assert "typer" not in imported(desk, "task", "list", "--limit", "3", "-l", "--name", "A")
    assert "typer" in imported(desk, "task", "list", "--limit=3")


OF_OTHER_RUNS = {
    *("aloma_cli.connectors.base", "aloma_cli.connectors.table", "aloma_cli.content.calls", "aloma_cli.engine.day"),
    *("aloma_cli.engine.limits", "aloma_cli.engine.redaction", "aloma_cli.engine.requests", "aloma_cli.cli.closing"),
    *("aloma_cli.engine.failure", "aloma_cli.engine.landing", "aloma_cli.engine.subtasks"),
    *("aloma_cli.engine.unsettled", "aloma_cli.engine.expectation"),
    *("aloma_cli.loader.config_table", "aloma_cli.loader.mcp", "aloma_cli.record.checkpoint", "aloma_cli.view.lines"),
    *("aloma_cli.connectors.kinds", "aloma_cli.content.host", "aloma_cli.forms.form", "aloma_cli.loader.named"),
    *("aloma_cli.view.base", "aloma_cli.view.choose"),
    *("jsonschema", "mcp", "openai", "platformdirs", "pydantic", "rich", "tempfile", "typer", "yaml"),
}


def test_a_plain_run_imports_nothing_of_what_it_does_not_use(desk: Desk) -> None:
    modules = imported(desk, "task", "new", "T", "-d", '{"name": "Ada"}', "--offline", "-q")
    assert "aloma_cli.engine.turn" in modules
    assert not modules & OF_OTHER_RUNS


TYPED = "-d -f --file --tag --wait --limit --state -s -a --json --at --set - -- --reason --keep -y --entry --step"
VALUES = ["x", "@last", "", "3", "-3", "1e3", "٣", "--limit=3", "-ay"]
WORDS = st.sampled_from([*TYPED.split(), *VALUES])


@settings(max_examples=25)
@given(st.sampled_from(sorted(COMMANDS)), st.lists(WORDS, max_size=6))
def test_words_mean_the_same_with_and_without_the_library(name: str, words: list[str]) -> None:
    """What `parse` understands, typer understands in the same way."""
    parameters = parameters_of(COMMANDS[name].load())
    values = parse(parameters, words)
    if values is None:
        return
    with mock.patch.object(Group, "make_from", autospec=True, return_value=0) as called:
        assert parser.run([*name.split(), *words]) == 0
    assert called.call_args.args[1] == values
