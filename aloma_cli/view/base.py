"""What a view is."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aloma_cli.record.events import Event
from aloma_cli.record.tree import Tree


class View:
    """Shows what happens: this one nothing. It gets events, in order, within its context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    def recall(self, tree: Tree) -> None:
        """Take in what earlier runs add up to, without showing it."""

    def emit(self, event: Event) -> None:
        """Take in what happened now, and show it."""

    def pause(self) -> None:
        """Leave the terminal to a dialog, until `resume`."""

    def resume(self) -> None:
        """Show what happened meanwhile, and continue."""
