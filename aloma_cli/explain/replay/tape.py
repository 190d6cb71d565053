"""The answers on record, as the answers to today's calls.

A call whose arguments are on record gets its answer. Any other gets the next answer of its function that its firing had
on record: by position, so that an edited prompt does not end a replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from aloma_cli.budget import Amount
from aloma_cli.clock import from_iso
from aloma_cli.connectors.base import Answer, Call, Connectors, Function, Intercepted, Log
from aloma_cli.errors import ConnectorError, PermanentError
from aloma_cli.explain.ledger import FiringRecord, Ledger
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered, FiringFailed
from aloma_cli.record.figures import is_own
from aloma_cli.values import dataclass


class NotOnRecordError(PermanentError):
    """A step makes a call for which its firing has no answer on record."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A call that got the answer of another one: what is on record (None: nothing), and what was asked today."""

    position: int
    name: str
    recorded: CallAnswered | None
    arguments: JsonObject


@dataclass(slots=True)
class Tape:
    """The answers of one firing. `calls`: by their keys, as a Job has them. `made`: how many calls were made today.

    `order`: first those of its last run (`own`), each in the order of asking, then those that it could have repeated.
    """

    calls: dict[str, CallAnswered]
    order: list[CallAnswered]
    own: int
    changed: list[Changed] = field(default_factory=list)
    made: int = 0
    _used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, ledger: Ledger, firing: FiringRecord) -> Tape:
        """The answers that the last run of a firing had, with those of a failed try that still stood."""
        earlier = [*_standing(ledger, firing), *_whole_answers(firing.calls[: firing.before])]
        own = _whole_answers(firing.calls[firing.before :])
        order = [*sorted(own, key=_began), *sorted(earlier, key=_began)]
        return cls({call.key: call for call in [*earlier, *own]}, order, len(own))

    @property
    def missed(self) -> list[CallAnswered]:
        """The answers of the last run that no call of today asked for.

        A tool whose answer is on record does not run, so what it called is not called either.
        """
        tools = [call for call in self.order if call.key in self._used and is_own(call.call)]
        return [call for call in self.order[: self.own] if call.key not in self._used and not _within(call, tools)]

    @property
    def unused(self) -> list[CallAnswered]:
        """The answers that no call of today asked for."""
        return [call for call in self.order if call.key not in self._used]

    def repeat(self, key: str) -> None:
        """A call got the answer to the very same one."""
        self.made += 1
        self._used.add(key)

    def answer(self, call: Call) -> CallAnswered:
        """The answer to a call that is not on record. Raises NotOnRecordError."""
        self.made += 1
        recorded = next((one for one in self.unused if one.call == call.name), None)
        self.changed.append(Changed(self.made, call.name, recorded, call.arguments))
        if recorded is None:
            raise NotOnRecordError(f"call {self.made} ({call.name}) of this firing is not on record")
        self._used.add(recorded.key)
        return recorded


def _whole_answers(calls: list[CallAnswered]) -> list[CallAnswered]:
    """Without the answers that broke off and were asked for again."""
    return [call for call in calls if not (call.error or {}).get("again")]


_ROUNDED = 0.0015
"""Seconds by which two moments on record, in whole milliseconds, may be further apart than they were, and a little."""


def _within(call: CallAnswered, tools: list[CallAnswered]) -> bool:
    """Whether a call was made while one of these ran."""
    return any(_began(tool) - _ROUNDED <= _began(call) and call.at <= tool.at for tool in tools)


def _began(call: CallAnswered) -> float:
    """When a call was sent: calls side by side are answered in any order."""
    return from_iso(call.at) - call.seconds


def _standing(ledger: Ledger, firing: FiringRecord) -> list[CallAnswered]:
    """The answers of the tries before that a connector, not the step, made fail."""
    before = ledger.firings.get(firing.started.continues or 0)
    if before is None:
        return []
    misfits = before.end.error.get("misfits", ()) if isinstance(before.end, FiringFailed) else ()
    own = (call for call in before.calls if call.error is None and call.key not in misfits)
    return [*_standing(ledger, before), *own]


class Recorded(Intercepted):
    """A function, answered from the tapes, by the number of the firing."""

    def __init__(self, function: Function, tapes: Mapping[int, Tape]) -> None:
        super().__init__(function)
        self._tapes = tapes

    async def send(self, call: Call) -> Answer:
        tape = self._tapes.get(call.firing)
        if tape is None:  # the step runs live
            return await self.inner.send(call)
        recorded = tape.answer(call)
        if recorded.error is not None:
            error = recorded.error
            raise ConnectorError(error["message"], retryable=error.get("retryable", False), status=error.get("status"))
        return Answer(recorded.answer, recorded.usage, recorded.about)

    async def ready(self, log: Log) -> None:
        """Nothing connects."""

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:  # noqa: ARG002  (nothing is paid)
        return Amount()


def recorded(connectors: Connectors, tapes: Mapping[int, Tape]) -> Connectors:
    """The same connectors, with the calls of firings that have a tape answered by it."""
    return connectors.intercepted(lambda _name, function: Recorded(function, tapes), own=True)
