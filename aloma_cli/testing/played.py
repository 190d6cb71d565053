"""A task that was played: which steps fired, on which document, with which prompt, and with which outcome."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import UTC
from typing import Any

from aloma_cli.condition import compile_condition
from aloma_cli.connectors.chat.completion import content_of
from aloma_cli.document.changes import replay
from aloma_cli.errors import did_you_mean
from aloma_cli.explain.ledger import End
from aloma_cli.explain.why import ENDS
from aloma_cli.jsontext import Json, JsonError, JsonObject, loads, pretty
from aloma_cli.record.events import CallAnswered, Committed, Event, FiringFailed, FiringStarted, Logged, TaskCreated
from aloma_cli.record.history import changes_of
from aloma_cli.testing.script import prompt_of
from aloma_cli.values import dataclass
from aloma_cli.view.lines import Lines


@dataclass(frozen=True, slots=True)
class PlayedCall:
    """A call of a connector. `call`: its function. `answer`: the content of a model's answer, parsed if it is JSON."""

    step: str
    call: str
    arguments: JsonObject
    answer: Json
    error: JsonObject | None

    @property
    def prompt(self) -> str:
        """The texts of all messages; of any other call than a model's, its arguments as JSON."""
        return prompt_of(self.arguments)

    @classmethod
    def of(cls, event: CallAnswered) -> PlayedCall:
        """The call of an event."""
        return cls(event.step, event.call, event.arguments, _answer(event), event.error)


@dataclass(slots=True)
class PlayedFiring:
    """A run of a step. `how`: fired, looked, failed or voided. `on`: the document it started from."""

    step: str
    task: str
    on: JsonObject
    how: str = "running"
    changes: tuple[JsonObject, ...] = ()
    error: JsonObject | None = None
    calls: list[PlayedCall] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """The prompt of its first call."""
        if not self.calls:
            raise AssertionError(f"{self.step} made no call")
        return self.calls[0].prompt


class PlayedRecord:
    """What the record of a tree of tasks says. The steps are named in the order in which their firings ended."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = list(events)
        self.firings = list(_firings(self.events))

    @property
    def fired(self) -> list[str]:
        """The steps that changed something, in the order of their commits, those of subtasks too."""
        return [firing.step for firing in self.firings if firing.how == "fired"]

    @property
    def looked(self) -> list[str]:
        """The steps that ran and changed nothing."""
        return [firing.step for firing in self.firings if firing.how == "looked"]

    @property
    def failed(self) -> list[str]:
        """The steps that raised, once for each attempt."""
        return [firing.step for firing in self.firings if firing.how == "failed"]

    @property
    def calls(self) -> list[PlayedCall]:
        """All calls, in the order of their answers."""
        return [PlayedCall.of(event) for event in self.events if isinstance(event, CallAnswered)]

    @property
    def logs(self) -> list[str]:
        """The log lines of all steps."""
        return [event.text for event in self.events if isinstance(event, Logged)]

    def calls_of(self, step: str) -> list[PlayedCall]:
        """The calls of a step, in the order of their answers."""
        return [call for call in self.calls if call.step == step]

    def log(self) -> str:
        """The log as `aloma task new` prints it."""
        text = io.StringIO()
        view = Lines(text, zone=UTC)
        for event in self.events:
            view.emit(event)
        return text.getvalue().rstrip()


def mismatches(pattern: dict[str, Any], document: JsonObject) -> list[str]:
    """Why `document` does not match a pattern, which is written as a condition; empty if it does."""
    return [str(mismatch) for mismatch in compile_condition(pattern, name="pattern").mismatches(document)]


def story(log: str, document: JsonObject, unfired: Iterable[str]) -> str:
    """What happened, for a test that failed."""
    lines = ["what happened:", *_indented(log), "the document:", *_indented(pretty(document))]
    return "\n".join([*lines, *(["closest to firing:", *_indented("\n".join(unfired))] if unfired else [])])


def unknown(step: str, known: Iterable[str]) -> str:
    """What to say about a step that does not exist."""
    return "; ".join(filter(None, [f"there is no step {step!r}", did_you_mean(step, known)]))


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _firings(events: Iterable[Event]) -> Iterator[PlayedFiring]:
    """The firings, in the order in which they ended; one that waits for a person gets its answer after its end."""
    known: dict[int, PlayedFiring] = {}
    documents: dict[str, JsonObject] = {}
    for event in events:
        match event:
            case TaskCreated() | Committed():
                document, _ = replay(documents.get(event.task, {}), changes_of(event))
                documents[event.task] = document
            case FiringStarted():
                known[event.firing] = PlayedFiring(event.step, event.task, documents[event.task])
            case CallAnswered():
                known[event.firing].calls.append(PlayedCall.of(event))
            case Logged() if event.firing in known:
                known[event.firing].logs.append(event.text)
        if isinstance(event, End) and event.firing in known:
            yield _as_ended(known[event.firing], event)


def _as_ended(firing: PlayedFiring, event: End) -> PlayedFiring:
    firing.how = ENDS[type(event)]
    firing.changes = changes_of(event)
    firing.error = event.error if isinstance(event, FiringFailed) else None
    return firing


def _answer(event: CallAnswered) -> Json:
    if not isinstance(event.answer, dict) or "choices" not in event.answer:
        return event.answer
    text = content_of(event.answer)
    try:
        return loads(text)
    except JsonError:
        return text
