"""Step files: what is read from them, and what is said about the broken ones."""

from __future__ import annotations

import inspect
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from aloma_cli.content.function import PARAMETERS
from aloma_cli.content.step import Step
from aloma_cli.errors import ConditionError, StepError
from aloma_cli.loader.steps import load_steps
from tests.support.steps import python

Write = Callable[[str, str], Path]

CONTENT = "def content(data): ...\n"
STEP = f"condition = {{}}\n{CONTENT}"


def only_step(root: Path) -> Step:
    steps, broken = load_steps(root)
    assert broken == ()
    (step,) = steps.values()
    return step


def only_error(root: Path) -> StepError:
    steps, broken = load_steps(root)
    assert steps == {}
    (error,) = broken
    return error


def test_a_workspace_may_have_no_steps_yet(tmp_path: Path) -> None:
    assert load_steps(tmp_path) == ({}, ())


@pytest.mark.skipif(os.name != "posix", reason="links need a right on Windows")
def test_a_linked_folder_is_followed_and_each_real_one_read_once(root: Path, write: Write) -> None:
    write("shared/first.py", STEP)
    write("shared/deep/second.py", STEP)
    write("steps/z/own.py", STEP)
    (root / "steps" / "a").symlink_to("z")
    (root / "steps" / "shared").symlink_to("../shared")
    (root / "steps" / "twice").symlink_to("../shared/deep")
    (root / "shared" / "round").symlink_to(".")
    (root / "steps" / "up").symlink_to("..")
    steps, broken = load_steps(root)
    assert (list(steps), broken) == (
        ["z/own", "shared/first", "shared/deep/second"],
        (),
    )


def test_a_step_is_read_with_all_its_options(root: Path, write: Write) -> None:
    write(
        "steps/research/combine.py",
        '''
        """Synthesis: combine what was found.

        At length.
        """
        from aloma_cli import Retry

        condition = {"findings": list}
        priority, timeout = 3, 1.5
        retry = Retry(times=2)
        enabled = False
        rearm = "change"
        withdraw = True

        async def content(data, connectors): ...
        ''',
    )
    step = only_step(root)
    assert step.name == "research/combine"
    assert step.content.summary == "Synthesis: combine what was found."
    assert step.condition.matches({"findings": []})
    assert (step.content.parameters, python(step).is_async) == (("data", "connectors"), True)
    assert (step.priority, step.timeout, step.enabled, step.rearm, step.withdraw) == (3, 1.5, False, "change", True)
    assert step.retry
    assert step.retry.times == 2
    assert step.source
    assert step.source.path == root / "steps/research/combine.py"


def test_a_name_set_in_the_file_wins_over_its_path(root: Path, write: Write) -> None:
    write("steps/v1.2.py", f'name = "Level 1/agent"\n{STEP}')
    assert only_step(root).name == "Level 1/agent"


def test_files_and_folders_that_begin_with_an_underscore_or_a_dot_are_left_out(root: Path, write: Write) -> None:
    for name in ("_shared.py", ".hidden.py", "_old/a.py", ".git/a.py", "__pycache__/a.py", "notes.txt"):
        write(f"steps/{name}", "raise Exception")
    assert load_steps(root)[1] == ()


def test_steps_come_in_the_order_of_their_files(root: Path, write: Write) -> None:
    for name in ("b", "a/z", "c", "a/b"):
        write(f"steps/{name}.py", STEP)
    assert list(load_steps(root)[0]) == ["b", "c", "a/b", "a/z"]


def test_no_bytecode_is_left_and_an_edit_is_seen_at_once(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    path = write("steps/a.py", f"priority = 1\n{STEP}")
    before = only_step(root)
    path.write_text(f"priority = 2\n{STEP}")
    after = only_step(root)
    assert (before.priority, after.priority) == (1, 2)
    assert before.content.fingerprint != after.content.fingerprint
    assert [file.name for file in (root / "steps").rglob("*")] == ["a.py"]


def test_two_workspaces_with_equal_file_names_share_no_module(tmp_path: Path) -> None:
    before = set(sys.modules)
    steps: list[Step] = []
    for name in ("one", "two"):
        (tmp_path / name / "steps").mkdir(parents=True)
        text = f"seen = []\ncondition = {{}}\ndef content(data):\n    seen.append({name!r})\n    return seen\n"
        (tmp_path / name / "steps" / "a.py").write_text(text)
        steps += load_steps(tmp_path / name)[0].values()
    assert [python(step).function({}) for step in steps] == [["one"], ["two"]]
    assert len(set(sys.modules) - before) == 2
    assert "a" not in sys.modules


def test_a_step_knows_its_own_file_and_can_be_inspected(root: Path, write: Write) -> None:
    path = write("steps/a.py", f"{STEP}HERE = __file__\n")
    content = python(only_step(root)).function
    assert content.__globals__["HERE"] == str(path)
    assert inspect.getsource(content) == CONTENT


def test_dataclasses_and_pickle_work_inside_a_step(root: Path, write: Write) -> None:
    write(
        "steps/my step.py",
        """
        from __future__ import annotations
        from dataclasses import dataclass

        @dataclass
        class Report:
            pages: int = 3

        condition = {}
        def content(data): return Report()
        """,
    )
    report = python(only_step(root)).function({})
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301  (our own)


def test_a_traceback_through_a_step_shows_its_line(root: Path, write: Write) -> None:
    path = write("steps/a.py", "condition = {}\ndef content(data):\n    return data['missing']\n")
    with pytest.raises(KeyError) as caught:
        python(only_step(root)).function({})
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.lineno, last.line) == (str(path), 3, "return data['missing']")


def test_what_a_step_prints_while_it_is_loaded_does_not_reach_stdout(
    root: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("steps/a.py", f"print('loading')\n{STEP}")
    only_step(root)
    assert capsys.readouterr() == ("", "loading\n")


def test_a_broken_file_does_not_hide_the_others(root: Path, write: Write) -> None:
    write("steps/a.py", "condition = {")
    write("steps/b.py", STEP)
    write("steps/c.py", "1 / 0")
    steps, broken = load_steps(root)
    assert list(steps) == ["b"]
    assert [str(error) for error in broken] == [
        "steps/a.py:1: SyntaxError: '{' was never closed",
        "steps/c.py:1: ZeroDivisionError: division by zero",
    ]
    assert isinstance(broken[1].__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "x = 1\n",
            "steps/a.py: has no `condition` and no `content`",
            "a step needs both; move any other file to libraries/, or begin its name with `_`",
        ),
        (
            "condition = {}\n",
            "steps/a.py: has no `content`",
            "define what it does: `async def content(data): …`",
        ),
        (
            CONTENT,
            "steps/a.py: has no `condition`",
            'define when it fires, such as `condition = {"order": {"paid": True}}`',
        ),
        (
            "\ncondition = {}\n\ndef content(dta): ...\n",
            f"steps/a.py:4: `content` has an unknown parameter `dta`; known are {', '.join(PARAMETERS)}",
            "did you mean `data`?",
        ),
        (
            f"condition = {{}}\n\npriority = 'high'\n{CONTENT}",
            "steps/a.py:3: `priority` must be an integer, got 'high'",
            None,
        ),
        (
            f"condition = {{}}\ntimeout: int = 0\n{CONTENT}",
            "steps/a.py:2: `timeout` must be a number of seconds above 0 and up to 100 years, got 0",
            None,
        ),
        (
            f"condition = {{}}\nretry = 3\n{CONTENT}",
            "steps/a.py:2: `retry` must be a Retry, got 3",
            "write `retry = Retry(times=3)`, with `from aloma_cli import Retry`",
        ),
        (
            f"from aloma_cli import Retry\n\nretry = Retry(0)\n{STEP}",
            "steps/a.py:3: `times` of Retry must be an integer from 1, got 0",
            None,
        ),
        (
            "def helper():\n    raise RuntimeError\n\nhelper()\n",
            "steps/a.py:2: RuntimeError",
            None,
        ),
        (
            "import json\njson.loads('')\n",
            "steps/a.py:2: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
            None,
        ),
        (
            "raise ValueError('first line\\nsecond line')\n",
            "steps/a.py:1: ValueError: first line",
            None,
        ),
        (
            "raise SystemExit(3)\n",
            "steps/a.py:1: SystemExit: 3",
            None,
        ),
        (
            "import nowhere_to_be_found\n",
            "steps/a.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
            "install it in the environment of aloma; put a module of your own into libraries/ and use `lib`",
        ),
        (
            "condition = {'a': Str}\n",
            "steps/a.py:1: NameError: name 'Str' is not defined",
            "did you mean `str`?",
        ),
        (
            "condition = {'a': true, 'b': 1}\n",
            "steps/a.py:1: NameError: name 'true' is not defined",
            "did you mean `True`?",
        ),
        (
            "condition = {'order': paid}\n",
            "steps/a.py:1: NameError: name 'paid' is not defined",
            'for a string, write "paid"',
        ),
        (
            "condition = {'order': 'paid'}\n\ndef content(data):\n    await data\n",
            "steps/a.py:4: SyntaxError: 'await' outside async function",
            "write `async def`: only such a function can await",
        ),
        (
            "condition = lambda data: data\n\ndef content(data):\n    pass\n",
            "steps/a.py:1: condition: must be an object, not a function",
            'write a pattern of fields, such as {"order": {"status": "paid"}}',
        ),
        (
            "from . import b\n",
            "steps/a.py:1: ImportError: attempted relative import with no known parent package",
            "files cannot import each other: move shared code to libraries/ and use the parameter `lib`",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(root: Path, write: Write, text: str, message: str, hint: str | None) -> None:
    write("steps/a.py", text)
    error = only_error(root)
    assert (str(error), error.hint) == (message, hint)


def test_a_mistake_inside_a_condition_is_told_with_the_line_of_its_key(root: Path, write: Write) -> None:
    write(
        "steps/a.py",
        """\
        condition = {
            "order": {
                "$or": [
                    {"paid": True},
                    {"total": {"$gtee": 3}},
                ],
            },
        }
        def content(data): ...
        """,
    )
    error = only_error(root)
    assert isinstance(error, ConditionError)
    assert str(error).startswith("steps/a.py:5: condition.order.$or.1.total.$gtee: ")
    assert error.path == ("order", "$or", 1, "total", "$gtee")


def test_a_condition_built_elsewhere_is_told_with_the_last_line_that_can_be_seen(root: Path, write: Write) -> None:
    write("steps/a.py", f'order = {{"$gtee": 3}}\ncondition = {{\n  "order": order,\n}}\n{CONTENT}')
    assert str(only_error(root)).startswith("steps/a.py:3: condition.order.$gtee: ")


def test_an_import_of_a_workspace_file_is_told_of_lib(root: Path, write: Write) -> None:
    write("libraries/prices.py", "")
    write("steps/research/helper.py", STEP)
    write("steps/research/a.py", "import prices")
    write("steps/research/b.py", "from helper import x")
    write("steps/research/c.py", "from libraries.prices import x")
    broken = load_steps(root)[1]
    assert [error.hint for error in broken] == [
        "libraries/prices.py cannot be imported: give `content` the parameter `lib` for `lib.prices`",
        "move steps/research/helper.py to libraries/, give `content` the parameter `lib` and write `lib.helper`",
        "modules in libraries/ cannot be imported: give `content` the parameter `lib`",
    ]


def test_two_steps_of_one_name_are_an_error_that_names_both_files(root: Path, write: Write) -> None:
    write("steps/a.py", STEP)
    write("steps/b.py", f'{STEP}name = "a"\n')
    steps, broken = load_steps(root)
    assert list(steps) == ["a"]
    assert [str(error) for error in broken] == ["steps/b.py:3: steps/a.py has the name 'a' too"]


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("retries = 3", "retry"),
        ("prioritiy = 3", "priority"),
        ("time_out = 3", "timeout"),
        ("enable = False", "enabled"),
        ("Name = 'x'", "name"),
        ("witdraw = True", "withdraw"),
    ],
)
def test_a_misspelt_option_is_told_the_right_one(root: Path, write: Write, line: str, option: str) -> None:
    write("steps/a.py", f"{STEP}{line}\n")
    error = only_error(root)
    assert str(error) == f"steps/a.py:3: a step has no option `{line.partition(' ')[0]}`"
    assert error.hint == f"did you mean `{option}`?"


def test_a_condition_in_capitals_of_its_own_is_told_the_right_word(root: Path, write: Write) -> None:
    write("steps/a.py", f"Condition = {{}}\n{CONTENT}")
    assert only_error(root).hint == "did you mean `condition`?"


@pytest.mark.parametrize(
    "line",
    [
        "TIMEOUT = 30",
        "RETRIES = 3",
        "names = ['a', 'b']",
        "_prioritiy = 3",
        "frame = 'x'",
        "conditions = [{}]",
        "timeouts = {'a': 3}",
        "conditions = {'a': 3}",
        "import types as names",
        "class Retry: ...",
        "def enable(): ...",
    ],
)
def test_a_name_of_the_authors_own_is_left_alone(root: Path, write: Write, line: str) -> None:
    write("steps/a.py", f"{STEP}{line}\n")
    assert only_step(root).name == "a"


def test_a_file_that_cannot_be_read_is_told_so(root: Path) -> None:
    (root / "steps/a.py").symlink_to(root / "gone.py")
    assert str(only_error(root)) == "steps/a.py: cannot be read: No such file or directory"


def test_a_file_that_is_not_utf8_is_told_so(root: Path) -> None:
    (root / "steps/a.py").write_bytes(b"x = '\xff'\n")
    assert str(only_error(root)).startswith("steps/a.py:1: SyntaxError: (unicode error) 'utf-8' codec can't decode")


def test_a_file_with_an_encoding_of_its_own_is_read_in_it(root: Path) -> None:
    text = '# -*- coding: latin-1 -*-\n"""Größe."""\n' + STEP
    (root / "steps/a.py").write_bytes(text.encode("latin-1"))
    assert only_step(root).content.summary == "Größe."
