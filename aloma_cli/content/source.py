"""The module that a step was written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pathlib

    from aloma_cli.jsontext import Path


class Source(Protocol):
    """The module a step was written in."""

    @property
    def path(self) -> pathlib.Path:
        """The file."""

    @property
    def shown(self) -> str:
        """The file's name in messages: its path from the workspace on."""

    @property
    def text(self) -> str:
        """What the file held when it was loaded."""

    @property
    def docstring(self) -> str | None:
        """The module's docstring."""

    def place(self, name: str, path: Path = ()) -> str:
        """`file:line` of where the module gives `name` its value, as near to `path` inside it as can be seen."""
