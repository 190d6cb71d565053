"""What bash and zsh are told when they complete a line."""

from __future__ import annotations

import re

import pytest

from aloma_cli.cli import commands, parser
from aloma_cli.cli.completion import completions


def environment(shell: str, line: str) -> dict[str, str]:
    words = line.split(" ")
    if shell == "bash":
        return {"_ALOMA_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return {"_ALOMA_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line}


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
    "aloma task list --state ",
    "aloma task show ",
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


@pytest.mark.parametrize("environ", [environment("fish", "aloma ") | {"_ALOMA_COMPLETE": "complete_fish"}])
def test_other_shells_are_left_to_the_library(environ: dict[str, str]) -> None:
    assert completions(environ) is None


def test_an_open_quote_is_left_to_the_library() -> None:
    assert completions(environment("bash", 'aloma task new "A')) is None
