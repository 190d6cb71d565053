"""One trigger of a workspace: it makes tasks of events, and records the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from aloma_cli.clock import to_iso
from aloma_cli.errors import AlomaError, InputError
from aloma_cli.triggers.event import MadeTask, TriggerEvent, make, order_for

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.loader.triggers import TriggerConfig


class TriggerReport(NamedTuple):
    """What a trigger did: the task that it made, or the error that kept it from making one."""

    trigger: str
    made: MadeTask | None = None
    error: AlomaError | None = None


def report_nothing(_told: TriggerReport) -> None:
    """For callers that show nothing."""


@dataclass(slots=True)
class Trigger:
    """`tell` gets each task that it makes, and each error once."""

    home: Workspace
    config: TriggerConfig
    tell: Callable[[TriggerReport], object] = report_nothing
    _failed: str | None = field(default=None, init=False)

    def fire(self, event: TriggerEvent) -> MadeTask:
        """Make the task of an event, which has happened then. Raises InputError if no task can be made of it.

        Raises StoreError and others where it can be tried again; then it has not happened yet.
        """
        made = make(self.home, order_for(self.config, event, self.home.clock.now()))
        self._failed = None
        if made.new:
            self.note(last_at=to_iso(self.home.clock.now()), last_task=made.task, error=None)
            self.tell(TriggerReport(self.config.name, made))
        return made

    def offer(self, event: TriggerEvent) -> None:
        """As `fire`; an event of which no task can be made is noted, and has happened."""
        try:
            self.fire(event)
        except InputError as error:
            self.failed(error)

    def failed(self, error: AlomaError) -> None:
        """Record an error, and report it unless it was the last one."""
        noted = self.read()
        self.note(error={"at": to_iso(self.home.clock.now()), "message": str(error)}, errors=noted.get("errors", 0) + 1)
        if self._failed != str(error):
            self._failed = str(error)
            self.tell(TriggerReport(self.config.name, error=error))

    def read(self) -> JsonObject:
        """What was noted last: `last_at`, `last_task`, `error`, `errors`, and what its kind keeps."""
        return self.home.store.note(self._note_name) or {}

    def note(self, **changes: Any) -> None:
        """Record something permanently."""
        self.home.store.write_note(self._note_name, {**self.read(), **changes})

    @property
    def _note_name(self) -> str:
        return f"trigger.{self.config.name}"
