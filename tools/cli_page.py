"""Write the help texts of all commands into docs/cli.md, between its two markers.

    .venv/bin/python -m tools.cli_page

The rest of the page is written by hand. A test fails while the page differs from what the commands print.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from aloma_cli.cli.main import main as aloma

PAGE = Path(__file__).parents[1] / "docs/cli.md"
BEGIN, END = "<!-- begin: python -m tools.cli_page -->", "<!-- end -->"

_COMMAND = re.compile(r"^  ([a-z-]+)  ", re.MULTILINE)


def commands(*group: str) -> Iterator[tuple[str, ...]]:
    """All commands, each after the group it belongs to; `aloma` itself is the empty one."""
    yield group
    _, _, listed = help_of(group).partition("\nCommands:\n")
    for name in _COMMAND.findall(listed):
        yield from commands(*group, name)


def help_of(command: tuple[str, ...]) -> str:
    """What `aloma COMMAND --help` prints on a terminal of 80 columns."""
    out, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        with contextlib.redirect_stdout(out):
            aloma([*command, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns
    return out.getvalue().rstrip()


def reference() -> str:
    """The part of the page that is generated."""
    return "\n".join(f"## {' '.join(('aloma', *c))}\n\n```text\n{help_of(c)}\n```\n" for c in commands())


def updated(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
