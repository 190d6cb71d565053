"""What a view is."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from aloma_cli.record.events import Event


class View(Protocol):
    """Shows what happens. It gets events, in order, between entering and leaving its context."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def recall(self, events: Iterable[Event]) -> None:
        """Take in what happened before, without showing it."""

    def emit(self, event: Event) -> None:
        """Take in what happened now, and show it."""


class Quiet:
    """The view for `--quiet`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def recall(self, events: Iterable[Event]) -> None:
        """Nothing."""

    def emit(self, event: Event) -> None:
        """Nothing."""
