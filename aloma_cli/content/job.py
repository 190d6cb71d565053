"""What a run of a firing starts from, and how it can end: values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from aloma_cli.content.retry import Retry
from aloma_cli.document.changes import Change
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.record.events import CallAnswered
from aloma_cli.values import dataclass


class Job(NamedTuple):
    """One run of one firing, as plain data that can be sent to another process.

    `step`: its name. `base` is the committed document it starts from and must not be altered. `timeout`: seconds.
    `calls`: the answers on record by key, which are not asked for again. `models`: other models for the names that the
    step uses. `follows`: the firing whose changes, as it made them, were the last that led to `base`.
    """

    firing: int
    task: str
    task_name: str
    tags: tuple[str, ...]
    parent: str | None
    created_at: str
    step: str
    at: str
    base: JsonObject
    attempt: int
    retry: Retry | None
    timeout: float | None
    calls: Mapping[str, CallAnswered]
    models: Mapping[str, str]
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class SubtaskOrder:
    """A subtask that a firing asks for; the firing's commit makes it."""

    id: str
    name: str
    data: JsonObject
    into: Path | None
    wait_for: bool
    group: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a firing asks a person. `schema` is the JSON Schema of an answer; `timeout` in seconds.

    `context`: what the person has to know.
    """

    question: str
    into: Path
    schema: JsonObject | None = None
    default: Json = None
    timeout: float | None = None
    context: Json = None


@dataclass(slots=True)
class Effects:
    """What a firing asks for besides changes of the document; committed with them, as one."""

    subtasks: list[SubtaskOrder] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    stops: dict[str, str] = field(default_factory=dict)
    completed: dict[str, Json] | None = None
    cancel: bool = False
    name: str | None = None
    tags: tuple[str, ...] | None = None
    settings: dict[str, Json] = field(default_factory=dict)
    park: float | None = None
    timeout: float | None = None
    questions: list[Question] = field(default_factory=list)
    redo: bool = False
    called: bool = False
    figures: bool = field(default=False, compare=False)
    """Whether the step looked at the figures of the run: that changes nothing."""

    @property
    def trace(self) -> bool:
        """Whether this asks for anything: a firing without changes or trace only looked."""
        return self is not NO_EFFECTS and self != NO_EFFECTS


NO_EFFECTS = Effects()
"""Those of a firing that could not ask for any; not to be altered."""


class Returned(NamedTuple):
    """The step returned. `read`: the places of the document that it read. `cleaned`: other `changes` than it made."""

    firing: int
    changes: list[Change]
    effects: Effects
    seconds: float
    read: Sequence[Path] = ()
    cleaned: bool = False


class Raised(NamedTuple):
    """The step raised, timed out, or left a value that is not JSON.

    `error` is as in `events.FiringFailed`; `retryable`: the step's `retry` covers this error. `read` as in Returned.
    """

    firing: int
    error: JsonObject
    retryable: bool
    seconds: float
    figures: bool = False
    read: Sequence[Path] = ()


class Limited(NamedTuple):
    """A call of the step did not fit into what the task may spend; the fields as those of `StepLimited`."""

    firing: int
    reason: str
    seconds: float
    limit: str | None = None
    needed: float | None = None


Outcome = Returned | Raised | Limited
"""Every way a firing can end on its own; a stop or a withdrawal is decided, not reported."""
