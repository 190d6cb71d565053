"""What bash, zsh and fish get when they complete a line."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess

import pytest

from aloma_cli.cli import commands, parser
from aloma_cli.cli.completion import completions
from tests.cli.desk import COMMAND, Desk


def environment(shell: str, line: str) -> dict[str, str]:
    words = line.split(" ")
    if shell == "bash":
        return {"_ALOMA_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return {"_ALOMA_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}


def offered(told: str) -> list[str]:
    """The words that are offered, without their help, which the library shortens."""
    return sorted(re.findall(r'"([^"]+)":', told) if "_arguments" in told else told.split("\n"))


LINES = [
    "aloma ",
    "aloma t",
    "aloma task ",
    "aloma task re",
    "aloma step ",
    "aloma secret s",
    "aloma task new -",
    "aloma task new --",
    "aloma task list --st",
    "aloma task nothing ",
    "aloma nothing",
]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("line", LINES)
def test_a_shell_is_told_what_the_library_of_the_parser_tells(
    shell: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(shell, line).items():
        monkeypatch.setenv(name, value)
    parser.run([])
    wanted = capsys.readouterr().out.rstrip("\n")
    assert offered(completions(environment(shell, line)) or "") == offered(wanted)


def test_every_command_and_every_option_is_offered() -> None:
    for name in commands.COMMANDS:
        group = name.rpartition(" ")[0]
        assert name.split()[-1] in (completions(environment("bash", f"aloma {group} ".replace("  ", " "))) or "")
        assert "--help" in (completions(environment("bash", f"aloma {name} -")) or "")


def test_another_shell_is_left_to_the_library() -> None:
    assert completions(environment("fish", "aloma ") | {"_ALOMA_COMPLETE": "complete_pwsh"}) is None


def test_an_open_quote_is_left_to_the_library() -> None:
    assert completions(environment("bash", 'aloma task new "A')) is None


# -- values ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(desk: Desk) -> Desk:
    """A workspace with two tasks, one of them with a tag and a subtask."""
    desk.step("sub/named", '{"never": 1}', "pass").write_text(
        '"""Never fires."""\n\nname = "other"\ncondition = {"never": 1}\n\n\ndef content():\n    pass\n'
    )
    desk.step("make", '{"split": 1}', "data['split'] = 2", "task.subtask('Child', {'name': 'Bob'})", asks="data, task")
    desk.write("cases/deep/one.yaml", "data: {}\n")
    desk.new('{"name": "Ada", "order": {"total": 12, "items": [{"x": 1}], "a b": 1}}', "--tag", "blue")
    desk.run("task", "new", "Second", "-d", '{"split": 1}')
    desk.write("aloma.yaml", "providers: {local: {base_url: 'http://127.0.0.1:9/v1'}}\nsecrets: [CRM_TOKEN]\n")
    return desk


def words(line: str, shell: str = "bash", **more: str) -> list[str]:
    return (completions(environment(shell, line) | more) or "").splitlines()


def test_ids_are_offered_with_name_and_state(full: Desk) -> None:
    first, second = full.tasks
    assert words("aloma task show ") == ["@last", second, first]
    told = ["@last", f"{second}  Second (done)", f"{first}  A task (done)"]
    assert [
        line.split("  ")[0] if line[0] == "@" else line for line in words("aloma task show ", COMP_TYPE="63")
    ] == told
    assert words("aloma task show ", "fish")[1:] == [f"{second}\tSecond (done)", f"{first}\tA task (done)"]
    assert f'"{first}":"A task (done)"' in "\n".join(words("aloma task show ", "zsh"))
    assert words(f"aloma task show {second}.") == [f"{second}.1.1"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("aloma task list --state li", ["limited"]),
        ("aloma task list --tag ", ["blue"]),
        ("aloma task redo @last ", ["greet", "make", "other"]),
        ("aloma task log --step o", ["other"]),
        ("aloma step show m", ["make"]),
        ("aloma task blame @-2 order", ["order", "order.total", "order.items", "order.items.0", "order.items.0.x"]),
        ("aloma task show @-2 --path order.items.0.", ["order.items.0.x"]),
        ("aloma task set @-2 order.to", ["order.total="]),
        ("aloma task set @-2 a=1 order.to", ["order.total="]),
        ("aloma secret set ", ["CRM_TOKEN"]),
        ("aloma doctor ", ["local"]),
        ("aloma test ", ["deep/one"]),
        ("aloma init -t ap", ["approval"]),
        ("aloma task new -f ", []),
        ("aloma task show @last ", []),
    ],
)
def test_a_value_is_offered_by_its_kind(full: Desk, line: str, wanted: list[str]) -> None:
    assert words(line) == wanted


def test_nothing_is_offered_where_nothing_can_be_read(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    for line in ("aloma task show ", "aloma task blame @last ", "aloma doctor "):
        assert words(line) == []
    assert words(f"aloma step show -w {tmp_path_factory.mktemp('none')} ") == []


def test_nothing_heavy_is_imported_for_it(full: Desk) -> None:
    heavy = ("typer", "rich", "openai", "asyncio", "aloma_cli.cli.main", "aloma_cli.cli.help", "aloma_cli.cli.output")
    script = (
        "import sys; from aloma_cli.__main__ import main; assert main() == 0; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    for line in ("aloma task show ", "aloma task new -", "aloma task list -s ", "aloma help ", "aloma step show "):
        ended = full.shell(f"python -c '{script.replace(chr(39), chr(34))}'", **environment("bash", line))
        assert ended.out.splitlines()[-1] == "[]", line


def test_zsh_adds_no_space_after_an_assignment(full: Desk) -> None:
    assert words("aloma task set @-2 order.to", "zsh") == ["compadd -S '' -- order.total="]


# -- real shells -----------------------------------------------------------------------------------------------------


def has(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture
def path(full: Desk) -> dict[str, str]:
    """An environment in which `aloma` is a program."""
    program = full.write("bin/aloma", f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(full.root)}


@has("bash")
@pytest.mark.parametrize(
    ("shown", "wanted"), [("@-2 order.to", "order.total="), ("@-2 --unset order.to", "order.total")]
)
def test_bash_completes(full: Desk, path: dict[str, str], shown: str, wanted: str) -> None:
    words = f"aloma task set {shown}".split()
    script = f"""
        eval "$(aloma --show-completion bash)"
        COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; COMP_TYPE=9
        compopt() {{ echo "compopt $1 $2"; }}
        _aloma_completion aloma; printf '%s\n' "${{COMPREPLY[@]}}"
    """
    ended = subprocess.run(
        ["bash", "-c", script], cwd=full.root, env={**os.environ, **path}, capture_output=True, text=True, check=False
    )
    assert ended.stdout.split("\n") == [*(["compopt -o nospace"] if wanted.endswith("=") else []), wanted, ""]


@has("fish")
def test_fish_completes(full: Desk, path: dict[str, str]) -> None:
    script = (
        'aloma --show-completion fish | source; complete -C "aloma task list --tag b"; complete -C "aloma step show "'
    )
    ended = subprocess.run(
        ["fish", "-c", script], cwd=full.root, env={**os.environ, **path}, capture_output=True, text=True, check=False
    )
    assert ended.stdout.splitlines() == [
        "blue",
        "greet\tGreets a person who has a name and no greeting yet.",
        "make",
        "other\tNever fires.",
    ]


@has("zsh")
def test_zsh_completes(full: Desk, path: dict[str, str]) -> None:
    script = """
        autoload -Uz compinit; compinit -u
        eval "$(aloma --show-completion zsh)"
        _arguments() { print -r -- "$@" }
        words=(aloma step show m); CURRENT=4; _aloma_completion
    """
    ended = subprocess.run(
        ["zsh", "-fc", script], cwd=full.root, env={**os.environ, **path}, capture_output=True, text=True, check=False
    )
    assert '"make"' in ended.stdout, ended.stderr
