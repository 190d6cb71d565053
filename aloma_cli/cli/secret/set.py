"""`aloma secret set`"""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated

import typer

from aloma_cli.cli import options
from aloma_cli.cli.output import say
from aloma_cli.errors import InputError


def set_value(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What steps ask for it by: letters, digits and _.")],
    source: Annotated[
        list[str] | None, typer.Argument(metavar="[-]", help="- reads the value from standard input.")
    ] = None,
    workspace: options.Workspace = None,
) -> None:
    """Keep a secret for this workspace.

    \b
    Examples:
      aloma secret set CRM_TOKEN
      pass show crm/token | aloma secret set CRM_TOKEN
      aloma secret set TLS_KEY < key.pem

    At a terminal the value is asked for without an echo, else it is read from standard input (one newline at its end
    is dropped); it is never an argument, which the shell keeps and other users see. A step gets it from
    config("CRM_TOKEN"), unless the environment has a variable of that name.
    """
    from pathlib import Path

    from aloma_cli.clock import SystemClock, to_iso
    from aloma_cli.loader.layout import find_workspace
    from aloma_cli.loader.secrets import checked_name, set_secret

    root = find_workspace(workspace, Path.cwd())
    value = _value(checked_name(name), source or [])
    replaced = set_secret(root, name, value, to_iso(SystemClock().now()))
    say(f"aloma: {name} is {'replaced' if replaced else 'set'}")
    _warn(name, value)


def _warn(name: str, value: str) -> None:
    from aloma_cli.redact import SHORTEST

    if len(value) < SHORTEST:
        say(f"aloma: {name} has fewer than {SHORTEST} characters: it is not kept out of records and logs")
    if name in os.environ:
        say(f"aloma: {name} is in the environment as well, and that value comes first")


def _value(name: str, source: list[str]) -> str:
    if source not in ([], ["-"]):
        # It is not quoted: it is the value, most likely.
        raise InputError(
            "a secret's value is no argument: the shell keeps what is typed, and other users see it",
            hint=f"aloma secret set {name}   (it asks for the value), or `… | aloma secret set {name}`",
        )
    if sys.stdin is None or sys.stdin.closed:
        raise InputError(f"the value for {name} is read from standard input, which is closed")
    if source or not sys.stdin.isatty():
        return _read(name)
    return _ask(name)


def _ask(name: str) -> str:
    from getpass import getpass

    try:
        return getpass(f"{name}: ")
    except EOFError:
        raise InputError(f"no value for {name} was given") from None
    except KeyboardInterrupt:
        say("")  # the prompt is left on its line
        raise


def _read(name: str) -> str:
    if sys.stdin.isatty():
        say(f"aloma: type the value for {name}, then Ctrl-D")
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InputError(f"the value for {name} on standard input is not UTF-8") from None
    return re.sub(r"\r?\n\Z", "", text)
