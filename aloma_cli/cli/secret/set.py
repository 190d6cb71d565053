"""`aloma secret set`"""

from __future__ import annotations

import os
import re
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Argument
from aloma_cli.clock import SystemClock, to_iso
from aloma_cli.errors import InputError
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.secrets import checked_name, set_secret
from aloma_cli.redact import SHORTEST


def set_value(
    name: Annotated[str, Argument("NAME", "The name for the steps: letters, digits and _.", "secret")],
    source: Annotated[list[str] | None, Argument("[-]", "- reads the value from standard input.")] = None,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma secret set CRM_TOKEN
      pass show crm/token | aloma secret set CRM_TOKEN
      aloma secret set TLS_KEY < key.pem

    At a terminal it asks for the value without an echo, else it reads standard input
    and drops one newline at the end. A value is never an argument: the shell would
    keep it, and other users could see it. A step gets it from config("CRM_TOKEN"). An
    environment variable of that name takes precedence.
    """
    root = find_workspace(workspace, Path.cwd())
    value = _new_value(checked_name(name), source or [])
    replaced = set_secret(root, name, value, to_iso(SystemClock().now()))
    say(f"aloma: {name} is {'replaced' if replaced else 'set'}")
    if len(value) < SHORTEST:
        say(f"aloma: {name} has fewer than {SHORTEST} characters, so records and logs may contain it")
    if name in os.environ:
        say(f"aloma: {name} is set in the environment, too, and that value is used")
    return exit_codes.DONE


def _new_value(name: str, source: list[str]) -> str:
    if source not in ([], ["-"]):
        # Not quoted, because it is probably the value.
        raise InputError(
            "the value of a secret must not be an argument: the shell keeps it, and other users can see it",
            hint=f"run `aloma secret set {name}`, which asks for the value, or `… | aloma secret set {name}`",
        )
    if sys.stdin is None or sys.stdin.closed:
        raise InputError(f"the value for {name} is read from standard input, which is closed")
    if source or not sys.stdin.isatty():
        return _read_stdin(name)
    return _ask_value(name)


def _ask_value(name: str) -> str:
    try:
        return getpass(f"{name}: ")
    except EOFError:
        raise InputError(f"no value for {name} was given") from None
    except KeyboardInterrupt:
        say("")  # so that the next message has a line of its own
        raise


def _read_stdin(name: str) -> str:
    if sys.stdin.isatty():
        say(f"aloma: type the value for {name}, then Ctrl-D")
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InputError(f"the value for {name} on standard input is not UTF-8") from None
    return re.sub(r"\r?\n\Z", "", text)
