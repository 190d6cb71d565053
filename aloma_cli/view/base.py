"""What a view is."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aloma_cli.record.events import Event


class View:
    """Shows what happens: this one, for `--quiet`, nothing. It gets events, in order, within its context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    def recall(self, events: Iterable[Event]) -> None:
        """Take in what happened before, without showing it."""

    def emit(self, event: Event) -> None:
        """Take in what happened now, and show it."""
