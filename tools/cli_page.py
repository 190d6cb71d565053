"""Write the help texts of all commands into docs/cli.md, between its two markers, and their words for the completion.

    .venv/bin/python -m tools.cli_page

The rest of the page is written by hand. A test fails while the page differs from what the commands print. A command
completes a line without importing what it runs: its words are in aloma_cli/cli/words.json.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from aloma_cli.cli.commands import COMMANDS, Command
from aloma_cli.cli.parameters import Argument, Option, parameters_of
from aloma_cli.cli.parser import whole_help
from aloma_cli.jsontext import JsonObject, dumps

PAGE = Path(__file__).parents[1] / "docs/cli.md"
WORDS = Path(__file__).parents[1] / "aloma_cli/cli/words.json"
BEGIN, END = "<!-- begin: python -m tools.cli_page -->", "<!-- end -->"

_COMMAND = re.compile(r"^  ([a-z-]+)  ", re.MULTILINE)


def commands(*group: str) -> Iterator[tuple[str, ...]]:
    """All commands, each after the group it belongs to; `aloma` itself is the empty one."""
    yield group
    _, _, listed = help_of(group).partition("\nCommands:\n")
    for name in _COMMAND.findall(listed):
        yield from commands(*group, name)


def help_of(command: tuple[str, ...]) -> str:
    """What `aloma help COMMAND` prints on a terminal of 80 columns."""
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        return whole_help(command)
    finally:
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns


def reference() -> str:
    """The part of the page that is generated."""
    return "\n".join(f"## {' '.join(('aloma', *c))}\n\n```text\n{help_of(c)}\n```\n" for c in commands())


def words() -> str:
    """What each command takes, a command a line."""
    lines = (f"{dumps(name)}:{dumps(_taken(command))}" for name, command in COMMANDS.items())
    return "{" + ",\n".join(lines) + "}\n"


def _taken(command: Command) -> JsonObject:
    declared = [(one, one.declared) for one in parameters_of(command.load())]
    return {
        "arguments": [
            {"offers": one.offers, "many": parameter.kind == list[str]}
            for parameter, one in declared
            if isinstance(one, Argument)
        ],
        "options": [
            {"names": one.names, "help": one.help, "value": parameter.kind is not bool, "offers": one.offers}
            for parameter, one in declared
            if isinstance(one, Option)
        ],
    }


def updated(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    WORDS.write_text(words(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE} and {WORDS}\n")
