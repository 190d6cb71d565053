"""Pages that commands write: to a file that is named, and to standard output for `-`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

from aloma_cli.cli.new_files import replaced
from aloma_cli.cli.output import put, put_json, result
from aloma_cli.cli.parameters import Option
from aloma_cli.errors import InputError

Output = Annotated[str | None, Option(("--output", "-o"), "The file; - for standard output.", "FILE")]
AsJson = Annotated[bool, Option(("--json",), "Print the name and the size of the file as JSON.")]
Open = Annotated[bool, Option(("--open",), "Open it in a browser.")]

STDOUT = "-"


def put_page(page: str, name: str, *, show: bool, as_json: bool) -> None:
    """Write a page to the file `name`, and print that name. A file that exists is replaced. Raises InputError."""
    if name == STDOUT:
        _check_stdout({"--open": show, "--json": as_json})
        result().write(page)
        return
    path = Path(name)
    try:
        with replaced(path) as file:
            file.write(page.encode())
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{name} cannot be written: {told}", hint="name another file: -o FILE") from None
    if as_json:
        put_json({"schema": 1, "file": name, "bytes": path.stat().st_size})
    else:
        put(name)
    if show and not webbrowser.open(path.resolve().as_uri()):
        raise InputError("no browser could be opened", hint=f"open {name} yourself")


def _check_stdout(given: dict[str, bool]) -> None:
    for option, is_given in given.items():
        if is_given:
            raise InputError(f"-o - and {option} cannot be used together", hint=f"name a file, or leave {option} out")
