"""Writes of a claim that are not durable yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aloma_cli.errors import AlomaError
    from aloma_cli.record.events import Event

Then = Callable[["AlomaError | None"], object]
"""Gets None, or the error for which the writes are lost."""


class Behind:
    """The writes of one claim, in order. All methods are called on one thread."""

    def __init__(self) -> None:
        self.error: AlomaError | None = None
        """Why a write was lost; then all later ones are lost as well."""
        self._taken = 0
        self._durable = 0
        self._waiting: deque[tuple[int, Then]] = deque()

    def take(self) -> int:
        """Note a write that begins, and return its number."""
        self._taken += 1
        return self._taken

    def confirm(self, number: int, error: AlomaError | None = None) -> None:
        """Note that the writes up to `number` are durable; with `error`, that they are lost."""
        if error is None:
            self._durable = max(self._durable, number)
        else:
            self.error = self.error or error
        while self._waiting and (self.error is not None or self._waiting[0][0] <= self._durable):
            self._waiting.popleft()[1](self.error)

    def then(self, call: Then) -> None:
        """Call `call` once all writes so far are durable or lost; now, if they already are."""
        if self.error is not None or self._durable == self._taken:
            call(self.error)
        else:
            self._waiting.append((self._taken, call))

    def when_durable(self, emit: Callable[[Event], object]) -> Callable[[Event], None]:
        """As `emit`, which gets each event once it is durable."""

        def emit_later(event: Event) -> None:
            self.then(lambda error: emit(event) if error is None else None)

        return emit_later
