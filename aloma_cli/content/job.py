"""What a firing is given, and how it can end: values only, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aloma_cli.content.step import Retry, Step
from aloma_cli.document.changes import Change
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.record.events import CallAnswered


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one firing, as a runner gets it.

    `base` is the committed document it starts from and must not be altered. `calls` are the answers on record, by
    key: they are not asked for again. `models` are the names that models go by here, other than their own. `figures`
    gives what `task.figures()` gives; call it on the loop's thread.
    """

    firing: int
    task: str
    task_name: str
    tags: tuple[str, ...]
    parent: str | None
    created_at: str
    step: Step
    at: str
    base: JsonObject
    attempt: int
    retry: Retry | None
    calls: Mapping[str, CallAnswered]
    models: Mapping[str, str]
    figures: Callable[[], JsonObject]


@dataclass(frozen=True, slots=True)
class SubtaskOrder:
    """A subtask that a firing asked for; it is made by the firing's commit."""

    id: str
    name: str
    data: JsonObject
    into: Path | None
    wait_for: bool
    group: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a firing asks a person. `schema` is the JSON Schema of an answer; `timeout` in seconds."""

    question: str
    into: Path
    schema: JsonObject | None = None
    default: Json = None
    timeout: float | None = None


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
    """Whether the step looked at the figures of the run: that leaves nothing behind."""

    @property
    def trace(self) -> bool:
        """Whether anything of this is left behind: a firing without changes or trace only looked."""
        return self != Effects()


@dataclass(frozen=True, slots=True)
class Returned:
    """The step came to its end."""

    firing: int
    changes: list[Change]
    effects: Effects
    seconds: float


@dataclass(frozen=True, slots=True)
class Raised:
    """The step raised, ran out of time, or left something that is not JSON.

    `error` is as in `events.FiringFailed`; `retryable`: the step's `retry` covers this error.
    """

    firing: int
    error: JsonObject
    retryable: bool
    seconds: float
    figures: bool = False


@dataclass(frozen=True, slots=True)
class Limited:
    """A call of the step did not fit into what the task may spend; `reason` has the numbers."""

    firing: int
    reason: str
    seconds: float


Outcome = Returned | Raised | Limited
"""Every way a firing can end on its own; being stopped or withdrawn is decided, not reported."""
