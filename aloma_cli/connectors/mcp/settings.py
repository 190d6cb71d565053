"""What a workspace says about one MCP server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from aloma_cli.connectors.base import Effect
from aloma_cli.values import dataclass

TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class McpSettings:
    """A server that is started as a process (`command`, in the folder `cwd`), or reached at `url`.

    `environment`: variables of the process, besides a few such as PATH. `headers`: of each request to `url`. Both may
    hold secrets, so they are not shown. `timeout`: seconds for the start, and for one call. `effects`: by name of a
    tool, where its own annotations say too little. `max_answer`: bytes of one answer.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str | None = None
    cwd: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = TIMEOUT
    effects: Mapping[str, Effect] = field(default_factory=dict)
    max_answer: int = 50_000_000
