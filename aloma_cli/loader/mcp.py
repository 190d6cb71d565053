"""The `mcp:` section of `aloma.yaml`: the MCP servers that steps and models may use."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from aloma_cli.connectors.base import EFFECTS
from aloma_cli.connectors.mcp.settings import McpSettings
from aloma_cli.errors import ConfigError, PermanentError
from aloma_cli.loader.layout import CONFIG_FILE, NAME
from aloma_cli.loader.references import all_filled
from aloma_cli.loader.settings import (
    Setting,
    Table,
    mapping_of,
    one_of,
    seconds,
    section,
    text,
    text_or_number,
    url_like,
)

if TYPE_CHECKING:
    from pathlib import Path

    from aloma_cli.loader.environment import Environment


def servers(entry: Setting) -> tuple[McpSettings, ...]:
    """The servers as written; `${NAME}` in them is not replaced yet. Raises ConfigError."""
    return tuple(_server_settings(name, item) for name, item in entry.items())


def equipped(server: McpSettings, root: Path | None, environment: Environment, max_answer: int) -> McpSettings:
    """`server`, ready to be opened: each `${NAME}` has the value of `config("NAME")`. Raises ConfigError."""
    try:
        return replace(
            server,
            cwd=root,
            environment=all_filled(server.environment, environment),
            headers=all_filled(server.headers, environment),
            max_answer=max_answer,
        )
    except PermanentError as error:
        raise ConfigError(f"{CONFIG_FILE}: `mcp.{server.name}`: {error}", hint=error.hint) from None


def _server_settings(name: str, entry: Setting) -> McpSettings:
    if not NAME.fullmatch(name):
        raise entry.error("is not a valid name for a server: use letters, digits and _")
    values = section(entry, _SERVER)
    if ("command" in values) == ("url" in values):
        raise entry.error("must have either `command` or `url`", hint="write `command: python tools/server.py`")
    return McpSettings(name, **values)


def command(entry: Setting) -> tuple[str, ...]:
    """The words of a command, written as a list or as one line."""
    words = [text(item) for item in entry.elements()] if entry.node.id == "sequence" else _command_words(entry)
    if not words:
        raise entry.error("is empty")
    # The Python that runs this program has its packages; another one on the path may not.
    return (sys.executable, *words[1:]) if words[0] == "python" else tuple(words)


def _command_words(entry: Setting) -> list[str]:
    try:
        return shlex.split(text(entry))
    except ValueError as error:
        raise entry.error(f"is not a command: {str(error).lower()}") from None


_SERVER: Table = {
    "command": command,
    "url": url_like("http://127.0.0.1:8000/mcp"),
    "environment": mapping_of(text_or_number),
    "headers": mapping_of(text_or_number),
    "timeout": seconds,
    "effects": mapping_of(one_of(*EFFECTS)),
}
