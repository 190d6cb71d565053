"""What a view is, to those who feed it."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from aloma_cli.record.events import Event


class View(Protocol):
    """Is told what happened, in order, between entering and leaving its context. It decides nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def recall(self, events: Iterable[Event]) -> None:
        """Take in what happened before, without telling it: when a task is resumed or attached to."""

    def emit(self, event: Event) -> None:
        """Take in what happened now, and tell it."""


class Quiet:
    """The view of those who want none."""

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
