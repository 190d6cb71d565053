"""Who types a command."""

from __future__ import annotations

import sys

from aloma_cli.jsontext import JsonObject


def typed_by() -> JsonObject:
    """Who typed this command (`record/who.py`)."""
    import getpass

    try:
        user = {"user": getpass.getuser()}
    except (OSError, KeyError, ImportError):  # a container may run a user without a name
        user = {}
    return {"channel": "terminal" if sys.stdin is not None and sys.stdin.isatty() else "command", **user}
