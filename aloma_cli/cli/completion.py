"""What may come next in a line that bash, zsh or fish completes. The parser's library answers other shells."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from aloma_cli.cli import commands

Parameters: TypeAlias = dict[str, Any]

_LISTING = "63"
"""The COMP_TYPE of bash that shows the words and inserts none: a question mark."""

_OPTIONS = {
    "--version": "Print the version.",
    "--verbose": "Print the traceback of an error; allowed anywhere.",
    "-v": "Print the traceback of an error; allowed anywhere.",
}
_HELP = {"--help": "Show this message and exit.", "-h": "Show this message and exit."}


def complete(environ: Mapping[str, str]) -> int | None:
    """Print what a shell asks for, and return the exit code; None for a shell that we do not know."""
    found = completions(environ)
    if found is None:
        return None
    if environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return 0 if found else 1  # fish asks whether to complete the names of files instead
    if found:
        sys.stdout.buffer.write(f"{found}\n".encode("utf-8", "backslashreplace"))
    return 0


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
        found = _next_words(words[1:at], words[at] if at < len(words) else "")
        return _for_bash(found, lists=environ.get("COMP_TYPE") == _LISTING and len(found) > 1)
    if shell in ("zsh", "fish"):
        last = "" if line.endswith(" ") or len(words) < 2 else words.pop()
        found = _next_words(words[1:], last)
        return _for_zsh(found) if shell == "zsh" else "\n".join(f"{word}\t{about}" for word, about in found.items())
    return None


def _next_words(words: Sequence[str], start: str) -> dict[str, str]:
    """The words that begin with `start` and may come after `words`, with their help."""
    name = commands.name_in(words)
    if name:
        found = _of_command(_parameters(name), words[len(name.split()) :], start)
    elif words and words[0] in commands.GROUPS:
        found = _members(f"{words[0]} ") | (_HELP if start.startswith("-") else {})
    else:
        found = commands.GROUPS | _members("") | (_OPTIONS | _HELP if start.startswith("-") else {})
    return {word: about for word, about in found.items() if word.startswith(start)}


def _members(group: str) -> dict[str, str]:
    names = (name for name in commands.COMMANDS if name.startswith(group) and " " not in name.removeprefix(group))
    return {name.removeprefix(group): commands.COMMANDS[name].about for name in names}


def _of_command(found: Parameters, words: Sequence[str], start: str) -> dict[str, str]:
    """The options of a command, or values for what comes next; nothing where these are names of files."""
    options = {word: one for one in found["options"] for word in one["names"]}
    if words and options.get(words[-1], {}).get("value"):
        return _values(options[words[-1]], words, start)
    if start.startswith("-"):
        return {word: one["help"] for word, one in options.items()} | _HELP
    arguments, taken = found["arguments"], _loose(words, options)
    if taken >= len(arguments) and not (arguments and arguments[-1]["many"]):
        return {}
    return _values(arguments[min(taken, len(arguments) - 1)], words, start)


def _loose(words: Sequence[str], options: Parameters) -> int:
    """How many of `words` are arguments."""
    count, rest = 0, iter(words)
    for word in rest:
        if options.get(word, {}).get("value"):
            next(rest, None)
        elif not word.startswith("-"):
            count += 1
    return count


def _parameters(name: str) -> Parameters:
    """What a command takes: its module is not imported, because that takes too long."""
    text = Path(__file__).with_name("words.json").read_text(encoding="utf-8")
    found: Parameters = json.loads(text)[name]
    return found


def _values(parameter: Parameters, words: Sequence[str], start: str) -> dict[str, str]:
    offers = parameter.get("offers", ())
    if not isinstance(offers, str):
        return dict.fromkeys(offers, "")
    from aloma_cli.cli.offers import offered

    return offered(offers, words, start)


def _for_bash(found: Mapping[str, str], *, lists: bool) -> str:
    """With `lists` the words are only shown, each with what it means."""
    width = max(map(len, found), default=0)
    return "\n".join(f"{word:<{width}}  {about}".rstrip() if lists else word for word, about in found.items())


def _for_zsh(found: Mapping[str, str]) -> str:
    if found and all(word.endswith("=") for word in found):
        return f"compadd -S '' -- {shlex.join(found)}"  # no space after it
    lines = "\n".join(f'"{_escaped(word)}":"{_escaped(about)}"' for word, about in found.items())
    return f"_arguments '*: :(({lines}))'" if found else "_files"


def _escaped(text: str) -> str:
    for sign, written in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", r"\\:")):
        text = text.replace(sign, written)
    return text
