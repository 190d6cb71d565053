"""What happened, as frozen values: the one language of engine, journal and view.

The journal holds events and nothing else; a task is what its events add up to. `docs/format.md` describes each of
them for readers in other languages, so a change here is a change of the file format. What every firing makes is made
without the names of its first fields: with them it costs twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """`at`: ISO 8601 in UTC with milliseconds. `task`: the id of the task it happened to."""

    KIND: ClassVar[str]

    at: str
    task: str


AnEvent = TypeVar("AnEvent", bound=Event)


@dataclass(frozen=True, slots=True)
class TaskCreated(Event):
    """A task began. `parent`, `into`, `group`, `wait_for` and `expires_at` (ISO) are a subtask's.

    `answering` is a root's, as in AnsweringSet; None in records of earlier programs.
    """

    name: str
    data: dict[str, Any]
    tags: tuple[str, ...] = ()
    parent: str | None = None
    into: tuple[str | int, ...] | None = None
    group: str | None = None
    wait_for: bool = False
    expires_at: str | None = None
    answering: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnsweringSet(Event):
    """Model calls of the whole tree are answered in another way from here on.

    `answering`: {server (None: answers are simulated), model, models, responses, delay, with_key}. `reason` says what
    changed, in words.
    """

    answering: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class TreeResumed(Event):
    """A tree that a person had stopped continues: the root, and the subtasks that were stopped with it."""


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """A request of another process was no longer valid when its turn came; `reason` says why, in words."""

    request: str
    reason: str


@dataclass(frozen=True, slots=True)
class TreeOpened(Event):
    """A process took over a tree whose record has running firings: no process has worked since the last event."""


@dataclass(frozen=True, slots=True)
class FiringStarted(Event):
    """A step starts on the document as of `version`; it is disarmed.

    `firing` counts over the whole tree. `attempt` (from 1) counts the tries allowed by the step's `retry`, `run`
    (from 1) the runs of this same firing after a void or a crash. `continues` names the failed firing whose answered
    calls still stand. `condition` and `code` are fingerprints.
    """

    firing: int
    step: str
    version: int
    attempt: int = 1
    run: int = 1
    continues: int | None = None
    condition: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class CallSent(Event):
    """A connector is being called; `key` as in CallAnswered.

    `effect`: read, idempotent or once. A `read` is for views only. The others are in the journal before the call
    leaves. `arguments`: those of a `once` call, which is not made again.
    """

    firing: int
    step: str
    call: str
    key: str = ""
    effect: str = "read"
    arguments: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CallProgress(Event):
    """What a call that was sent waits for. For views only; it is not written to the journal.

    `state`: queued (for its turn at the server), waiting (for an answer), rate_limited, streaming or working. `until`:
    when this wait ends at the latest (ISO). `attempt` of `tries` (from 1) is the try under way, or the next one.
    `text`: the last part of an answer that is streamed; of working how far the connector's function is; else why there
    is a wait before the next try. `silent`: for how many seconds nothing had been heard of the call.
    """

    firing: int
    step: str
    call: str
    key: str
    state: str
    until: str | None = None
    attempt: int | None = None
    tries: int | None = None
    text: str | None = None
    silent: float = 0.0


@dataclass(frozen=True, slots=True)
class CallAnswered(Event):
    """A connector call ended, with `answer` (JSON) or with `error` ({type, message, retryable, status?, hint?}).

    `answer` is as it came, before it is read; beside `error` it is what came and cannot be read.
    `call` is `connector.function`; `key` its identity within the firing. `usage` has `input_tokens`,
    `output_tokens` and, where the price is known, `cost` (US dollars). `about` says who answered: `provider`,
    `model`, `simulated`, `entry`, …. `replayed` is True in views when a repeated firing was answered from the
    record; such events are not written again. `request`: the id of the request in which a person gave the answer, `who`
    that person (`record/who.py`).
    """

    firing: int
    step: str
    call: str
    key: str
    arguments: dict[str, Any]
    answer: Any = None
    error: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    about: dict[str, Any] | None = None
    seconds: float = 0.0
    replayed: bool = False
    request: str | None = None
    who: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CallReleased(Event):
    """A person lets an unanswered call be sent again; `key`, `request`, `who` as in CallAnswered."""

    firing: int
    step: str
    call: str
    key: str
    request: str | None = None
    who: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Logged(Event):
    """A step wrote to its log. `level`: info, warning or error."""

    firing: int
    step: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Committed(Event):
    """The document went to `version` by `changes` (RFC 6902 operations), as one.

    `by`: firing, landing (of a subtask), engine or person. `armed`: the steps this commit armed. `name`, `tags`,
    `completed` ({result?}; without `result` it is the document), `stopped` ({task: reason}), `settings`,
    `parked_until`, `expires_at` (both ISO) and `asked` (questions: {question, into, schema?, context?, default?,
    until?}) are what a firing asked of its task. `answers` are the places of the questions that this commit answers.
    `child` is the subtask that landed. `request` is the id of the request that a person's commit carries out, `who`
    that person (`record/who.py`). `figures`: the step looked at what the run did so far. `read`: what the step read
    beside the values that its condition names, as at most 50 dotted paths; a path stands for all that is below it.
    """

    version: int
    by: str
    changes: tuple[dict[str, Any], ...] = ()
    armed: tuple[str, ...] = ()
    firing: int | None = None
    step: str | None = None
    seconds: float = 0.0
    redo: bool = False
    name: str | None = None
    tags: tuple[str, ...] | None = None
    completed: dict[str, Any] | None = None
    stopped: dict[str, str] | None = None
    settings: dict[str, Any] | None = None
    parked_until: str | None = None
    expires_at: str | None = None
    asked: tuple[dict[str, Any], ...] = ()
    answers: tuple[str, ...] = ()
    child: str | None = None
    request: str | None = None
    who: dict[str, Any] | None = None
    figures: bool = False
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FiringLooked(Event):
    """A firing ended without a trace. `rearmed`: a commit made while it ran armed the step again.

    `figures` and `read` as in Committed.
    """

    firing: int
    step: str
    rearmed: bool = False
    seconds: float = 0.0
    figures: bool = False
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FiringVoided(Event):
    """A firing left nothing.

    `reason`: conflict (two changes of one place), lost (test-and-set), withdrawn, stopped, superseded (to be
    repeated, but its condition no longer holds or the task is complete), limited (it continues when the limit is
    raised), unknown (a call that must not be sent twice has no answer: it continues when a person has settled it),
    asking (it continues when a person has answered).
    `paths` are the places, `others` the firings that wrote there.
    `again`: the same firing runs once more.
    """

    firing: int
    step: str
    reason: str
    paths: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    again: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FiringFailed(Event):
    """A step raised. `retry_at`: when it is tried again.

    `error`: {type, message, place?, trace?, hint?, notes?, parts?, cause?, connector?, misfits?, retry_after?}.
    `place`: the author's line. `parts` of a group and `cause` are errors of the same form. `connector`: a connector
    failed, so the calls answered before stand for the next try, but for those whose keys are in `misfits`.
    `retry_after`: seconds before which the other system wants no further call. `figures` and `read` as in Committed.
    """

    firing: int
    step: str
    error: dict[str, Any]
    attempt: int
    retry_at: str | None = None
    seconds: float = 0.0
    figures: bool = False
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepsArmed(Event):
    """Steps were armed other than by a commit; a wait for their next try is over.

    `reason` says why, in words. `request` is the id of the request that this carries out, `who` the person who sent it.
    """

    steps: tuple[str, ...]
    reason: str
    request: str | None = None
    who: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LimitsSet(Event):
    """What the whole tree may spend from here on, by the names in `budget.LIMITS`; what is paused continues."""

    limits: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExpectationSet(Event):
    """From here on the root is expected to end with a document that meets the condition `pattern`, which is JSON."""

    pattern: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LimitReached(Event):
    """The tree is paused: nothing new starts. `reason` has the numbers.

    `limit`: a name in `budget.LIMITS`, or `day` (of the workspace); None for the number of firings of one step.
    `needed`: what the next call is expected to take of it, if known.
    """

    reason: str
    limit: str | None = None
    needed: float | None = None


@dataclass(frozen=True, slots=True)
class NoticeSent(Event):
    """A notice about a question, or about how the root rests, is being sent; this is written first.

    `word`: question, failed or done. `key` names the occasion within the tree, `to` who gets it, and how.
    """

    word: str
    key: str
    to: str


@dataclass(frozen=True, slots=True)
class NoticeFailed(Event):
    """A notice that was being sent was not delivered, after all its tries; `key` and `to` as in NoticeSent."""

    key: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class TaskRested(Event):
    """Nothing is left to do now.

    `state`: question, unsettled, done, ignored, incomplete, limited, error or stopped. `closed`: nothing will wake the
    task again. A root that rests as stopped and is not closed was stopped by a person, with all its subtasks: nothing
    starts before TreeResumed. `missing` names, for an ignored task, the steps that came nearest: [{step,
    missing: [sentence, …], more: how many are left out}]. `cycle`, for one that got nowhere, are the commits which led
    from a state back to it: [{version, step, changes: RFC 6902 operations, redo?}], the first 20 of them.
    """

    state: str
    closed: bool = False
    result: Any = None
    reason: str | None = None
    missing: tuple[dict[str, Any], ...] = ()
    cycle: tuple[dict[str, Any], ...] = ()


KINDS: Mapping[str, type[Event]] = {
    "task_created": TaskCreated,
    "answering_set": AnsweringSet,
    "tree_resumed": TreeResumed,
    "request_refused": RequestRefused,
    "tree_opened": TreeOpened,
    "firing_started": FiringStarted,
    "call_sent": CallSent,
    "call_progress": CallProgress,
    "call_answered": CallAnswered,
    "call_released": CallReleased,
    "logged": Logged,
    "committed": Committed,
    "firing_looked": FiringLooked,
    "firing_voided": FiringVoided,
    "firing_failed": FiringFailed,
    "steps_armed": StepsArmed,
    "limits_set": LimitsSet,
    "expectation_set": ExpectationSet,
    "limit_reached": LimitReached,
    "notice_sent": NoticeSent,
    "notice_failed": NoticeFailed,
    "task_rested": TaskRested,
}
"""The classes of events by their names in the file format, which must never change."""

for _kind, _class in KINDS.items():
    _class.KIND = _kind
