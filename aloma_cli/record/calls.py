"""The calls of a tree, numbered from 1 in the order in which they came on record.

A call whose sending is on record has its place there, every other call where its answer or its error is. So a number
never changes: `aloma task calls`, `aloma task settle` and hints in messages name calls by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.record.events import (
    CallAnswered,
    CallSent,
    Committed,
    Event,
    FiringFailed,
    FiringLooked,
    FiringVoided,
    TreeOpened,
)
from aloma_cli.record.tree import ASKS
from aloma_cli.values import dataclass

ANSWERED, FAILED, IN_FLIGHT = "answered", "failed", "in flight"
INTERRUPTED, UNKNOWN, WAITS = "interrupted", "outcome unknown", "waits for a person"

_ENDS = (Committed, FiringFailed, FiringLooked, FiringVoided)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call. `at`: when it came on record (ISO). `function` is `connector.function`.

    `state`: answered, failed, in flight (it was sent, and its firing runs), interrupted or outcome unknown (its firing
    or its process ended before an answer came; unknown if it must not be sent twice), or waits for a person. `effect`
    is known of calls whose sending is on record. `event` is the answer or the error; the other fields are as there.
    """

    number: int
    at: str
    task: str
    firing: int
    step: str
    function: str
    key: str
    state: str = IN_FLIGHT
    arguments: JsonObject | None = None
    effect: str | None = None
    event: CallAnswered | None = None

    @property
    def answer(self) -> Json:
        return self.event.answer if self.event is not None else None

    @property
    def error(self) -> JsonObject | None:
        return self.event.error if self.event is not None else None

    @property
    def usage(self) -> JsonObject:
        return (self.event.usage if self.event is not None else None) or {}

    @property
    def about(self) -> JsonObject:
        return (self.event.about if self.event is not None else None) or {}

    @property
    def seconds(self) -> float | None:
        return self.event.seconds if self.event is not None else None

    def to_json(self) -> JsonObject:
        """What `aloma task calls --json` prints."""
        names = ("number", "state", "at", "task", "firing", "step", "function", "key", "effect", "seconds")
        told: dict[str, Any] = {name: getattr(self, name) for name in names}
        return {**told, "usage": self.usage, "about": self.about, **self._json_content()}

    def _json_content(self) -> JsonObject:
        error = {} if self.error is None else {"error": self.error}
        return {"arguments": self.arguments, "answer": self.answer, **error}


class CallCount:
    """Numbers the calls of a tree; it takes in every event of the tree, in order."""

    def __init__(self) -> None:
        self.last = 0
        self._open: dict[tuple[int, str], RecordedCall] = {}

    def take(self, event: Event) -> RecordedCall | None:
        """The call that `event` ends."""
        if isinstance(event, CallAnswered):
            return self._recorded_answer(event)
        if isinstance(event, CallSent):
            self._number_sent(event)
        elif isinstance(event, TreeOpened) or (isinstance(event, _ENDS) and event.firing is not None):
            firing = None if isinstance(event, TreeOpened) else event.firing
            self._lose(firing)
        return None

    def unanswered(self) -> list[RecordedCall]:
        """The calls whose sending is on record, and no answer."""
        return list(self._open.values())

    def _number_sent(self, event: CallSent) -> None:
        if not is_recorded(event):
            return
        place = event.firing, event.key
        before = self._open.get(place)
        number = before.number if before is not None else self._next_number()
        self._open[place] = RecordedCall(
            number,
            event.at,
            event.task,
            event.firing,
            event.step,
            event.call,
            event.key,
            WAITS if event.call == ASKS else IN_FLIGHT,
            event.arguments,
            event.effect,
        )

    def _recorded_answer(self, event: CallAnswered) -> RecordedCall:
        sent = self._open.pop((event.firing, event.key), None)
        return RecordedCall(
            sent.number if sent is not None else self._next_number(),
            sent.at if sent is not None else event.at,
            event.task,
            event.firing,
            event.step,
            event.call,
            event.key,
            ANSWERED if event.error is None else FAILED,
            event.arguments,
            sent.effect if sent is not None else None,
            event,
        )

    def _lose(self, firing: int | None) -> None:
        for place, call in self._open.items():
            if firing in (None, call.firing) and call.state != WAITS:
                self._open[place] = replace(call, state=UNKNOWN if call.effect == "once" else INTERRUPTED)

    def _next_number(self) -> int:
        self.last += 1
        return self.last


def is_recorded(event: CallSent) -> bool:
    """Whether the sending of a call is in the journal; of others the answer alone is."""
    return event.effect != "read"


def calls_of(events: Iterable[Event]) -> Iterator[RecordedCall]:
    """The calls of a tree, each when it ends; last those without an answer. `events` are those of the whole tree."""
    count = CallCount()
    for event in events:
        call = count.take(event)
        if call is not None:
            yield call
    yield from count.unanswered()


def failing_call(error: JsonObject, calls: Iterable[RecordedCall]) -> RecordedCall | None:
    """Of the `calls` of a firing that failed with `error` (as in FiringFailed) the one to look at first.

    The one whose answer did not fit; the one that failed, if a connector failed; else the last one.
    """
    made = list(calls)
    misfits = [call for call in made if call.key in (error.get("misfits") or ())]
    failed = [call for call in made if call.state == FAILED] if error.get("connector") else []
    return next(iter((misfits or failed or made)[-1:]), None)
