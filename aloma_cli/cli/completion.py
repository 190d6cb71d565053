"""What may come next in a line that bash or zsh completes. The parser's library answers other shells, more slowly."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from aloma_cli.cli import commands
from aloma_cli.cli.parameters import Option, Parameter, parameters_of

_OPTIONS = {
    "--version": "Print the version.",
    "--verbose": "Print the traceback of an error; allowed anywhere.",
    "-v": "Print the traceback of an error; allowed anywhere.",
}
_HELP = {"--help": "Show this message and exit.", "-h": "Show this message and exit."}


def completions(environ: Mapping[str, str]) -> str | None:
    """What to print for the shell that `environ` names; None if it is not one of these, or the line is not plain."""
    shell = environ.get("_ALOMA_COMPLETE", "").removeprefix("complete_")
    line = environ.get("COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS", "")
    try:
        words = shlex.split(line)
    except ValueError:  # a quote is open
        return None
    if shell == "bash":
        at = int(environ.get("COMP_CWORD", len(words)))
        return "\n".join(_next(words[1:at], words[at] if at < len(words) else ""))
    if shell == "zsh":
        last = "" if line.endswith(" ") or len(words) < 2 else words.pop()
        return _for_zsh(_next(words[1:], last))
    return None


def _next(words: Sequence[str], start: str) -> dict[str, str]:
    """The words that begin with `start` and may come after `words`, with their help."""
    name = commands.name_in(words)
    if name:
        found = _of_command(parameters_of(commands.COMMANDS[name].load()), words, start)
    elif words and words[0] in commands.GROUPS:
        found = _members(f"{words[0]} ") | (_HELP if start.startswith("-") else {})
    else:
        found = commands.GROUPS | _members("") | (_OPTIONS | _HELP if start.startswith("-") else {})
    return {word: about for word, about in found.items() if word.startswith(start)}


def _members(group: str) -> dict[str, str]:
    names = (name for name in commands.COMMANDS if name.startswith(group) and " " not in name.removeprefix(group))
    return {name.removeprefix(group): commands.COMMANDS[name].about for name in names}


def _of_command(parameters: Iterable[Parameter], words: Sequence[str], start: str) -> dict[str, str]:
    """The options of a command; nothing where a value comes, so that the shell completes the names of files."""
    options = {word: one for one in parameters if isinstance(one.declared, Option) for word in one.declared.names}
    takes_value = words[-1] in options and options[words[-1]].kind is not bool
    if takes_value or not start.startswith("-"):
        return {}
    return {word: one.declared.help for word, one in options.items()} | _HELP


def _for_zsh(found: Mapping[str, str]) -> str:
    lines = "\n".join(f'"{_escaped(word)}":"{_escaped(about)}"' for word, about in found.items())
    return f"_arguments '*: :(({lines}))'" if found else "_files"


def _escaped(text: str) -> str:
    for sign, written in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", r"\\:")):
        text = text.replace(sign, written)
    return text
