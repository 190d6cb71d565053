"""Why a step fired, or did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from aloma_cli.condition import Clause
from aloma_cli.condition.slips import slip
from aloma_cli.content.step import Step, change_since
from aloma_cli.errors import InputError, NotFoundError, did_you_mean
from aloma_cli.explain import writers
from aloma_cli.explain.ledger import PAUSES, End, FiringRecord, Ledger, TaskLedger, Writing
from aloma_cli.explain.obstacles import Moment, Obstacle, of_place, of_step, of_task
from aloma_cli.explain.remedy import Remedy, remedy_of
from aloma_cli.jsontext import JsonObject, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.history import NUMBERED
from aloma_cli.values import dataclass

Steps = Mapping[str, Step]

ENDS: dict[type[ev.Event], str] = {
    ev.Committed: "fired",
    ev.FiringLooked: "looked",
    ev.FiringFailed: "failed",
    ev.FiringVoided: "voided",
}

FLYING = ("running", "unfinished", "question", "unsettled")
"""The kinds of obstacles that are a firing which has not ended."""


@dataclass(frozen=True, slots=True)
class Met:
    """A clause of a condition, and who wrote last what it met. `remark`: what its author probably meant."""

    clause: Clause
    wrote: Writing | None
    remark: str = ""

    def __str__(self) -> str:
        return f"{self.clause}{self.remark}"


@dataclass(frozen=True, slots=True)
class Fired:
    """Why a firing began: the clauses on the document that it started from. `changed`: as `Explanation.changed`.
    `held`: whether a process runs its tree.
    """

    firing: FiringRecord
    clauses: tuple[Met, ...]
    changed: str | None
    held: bool = True

    @property
    def word(self) -> str:
        end = self.firing.end
        if isinstance(end, ev.FiringVoided) and end.again and end.reason in PAUSES:
            return "paused"
        if end is None:
            return "running" if self.held else "unfinished"
        return ENDS[type(end)]


class Next(NamedTuple):
    """A firing that began after the moment in question. `entry`: how it ended; None while it runs."""

    started: ev.FiringStarted
    entry: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a step fired, or did not.

    `entry`: as of this entry of the log; None: at its end. `fired`: its last firing up to there. `clauses`: on the
    document of that moment, empty if the step is gone. `obstacles`: what else keeps it from starting. `next`: the
    firing that came next, where an entry is given. `changed`: how the step differs from the one that fired last, so
    that the clauses are those of today: `condition`, `content`, `gone`. `below`: how often a step that never started
    in this task fired in its subtasks.
    """

    ledger: Ledger
    task: str
    step: str
    entry: int | None
    at: str
    fired: Fired | None
    clauses: tuple[Met, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    remedy: Remedy | None = None
    next: Next | None = None
    changed: str | None = None
    below: int = 0

    @property
    def holds(self) -> bool:
        """Whether the condition holds."""
        return all(met.clause.holds for met in self.clauses)

    @property
    def failed(self) -> Met | None:
        """The first clause that does not hold."""
        return next((met for met in self.clauses if not met.clause.holds), None)

    @property
    def in_flight(self) -> bool:
        """Whether a firing of it has started and has not ended for good."""
        flights = self.ledger.tree.tasks[self.task].flights.values()
        return bool(self.obstacles) and any(flight.step == self.step for flight in flights)

    @property
    def times(self) -> int:
        """How often it fired: its firings that were committed."""
        return self.ledger.tasks[self.task].times(self.step)

    @property
    def sentence(self) -> str:
        """The answer in one line."""
        if self.changed == "gone":
            return "it is no longer in the workspace"
        if self.in_flight:
            return next((one for one in self.obstacles if one.kind in FLYING), self.obstacles[0]).text
        if self.failed is not None:
            times = "once" if self.below == 1 else f"{self.below} times"
            return f"{self.failed}{f' (in subtasks it fired {times})' if self.below else ''}"
        if self.obstacles:
            return self.obstacles[0].text
        return "its condition holds: it starts when the task runs"

    def to_json(self) -> JsonObject:
        return {
            "schema": 1,
            "task": self.task,
            "step": self.step,
            "entry": self.entry,
            "at": self.at,
            "holds": None if self.changed == "gone" else self.holds,
            "reason": self.sentence,
            "changed": self.changed,
            "clauses": [_met_json(self.ledger, met) for met in self.clauses],
            "obstacles": [obstacle.to_json() for obstacle in self.obstacles],
            "change": None if self.remedy is None else self.remedy.to_json(self.task),
            "fired": None if self.fired is None else _fired_json(self.ledger, self.fired),
            "next": None if self.next is None else {"firing": self.next.started.firing, "entry": self.next.entry},
        }


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What to ask a record. `now`: seconds since 1970. `concurrency`: firings in flight, where a task sets no other.
    `held`: whether a process runs the tree now.
    """

    events: Iterable[ev.Event]
    task: str
    steps: Steps
    now: float
    concurrency: int = 8
    held: bool = True

    def moment(self, ledger: Ledger, entry: int | None = None) -> Moment:
        """What was known after an entry; at that time a process ran the tree."""
        return Moment(ledger, self.task, self.now, self.concurrency, held=self.held or entry is not None)


def why(question: Inquiry, step: str, entry: int | None = None) -> Explanation:
    """Why `step` fired or did not, at the end of the log or after one of its entries.

    Raises NotFoundError for an unknown step, InputError for an unknown entry.
    """
    events = iter(question.events)
    ledger = Ledger.of(events, until=None if entry is None else (question.task, entry))
    task = ledger.tasks[question.task]
    later = [event for event in events if event.task == question.task]
    started = (event.step for event in later if isinstance(event, ev.FiringStarted))
    _check_step(step, dict.fromkeys([*question.steps, *task.firings, *started]))
    if entry is not None:
        check_entry(task, entry)
    return _explanation_of(question, ledger, step, entry, next_=_next_firing(task, step, later))


def why_all(question: Inquiry) -> list[Explanation]:
    """The answer for each step at the end of the log, without the change that would make it fire.

    Those that fired come first, then the others, the nearest to firing first.
    """
    return why_all_of(Ledger.of(question.events), question)


def why_all_of(ledger: Ledger, question: Inquiry) -> list[Explanation]:
    """As `why_all`, from a ledger of all events."""
    task = ledger.tasks[question.task]
    silent = [step for name, step in question.steps.items() if name not in task.firings]
    silent.sort(key=lambda step: step.condition.nearness(task.document), reverse=True)
    names = [*task.firings, *(step.name for step in silent)]
    return [_explanation_of(question, ledger, name, None, brief=True) for name in names]


def fired_by(steps: Steps, task: TaskLedger, firing: FiringRecord, *, brief: bool = False, held: bool = True) -> Fired:
    """Why a firing began, by the condition of today; if `brief`, without its clauses."""
    step = steps.get(firing.step)
    if step is None:
        return Fired(firing, (), "gone", held)
    clauses = () if brief else tuple(_met(task, step, firing.started.version))
    return Fired(firing, clauses, change_since(step, firing.started), held)


def _explanation_of(
    question: Inquiry, ledger: Ledger, name: str, entry: int | None, *, next_: Next | None = None, brief: bool = False
) -> Explanation:
    task = ledger.tasks[question.task]
    last = task.last_firing(name)
    view = question.moment(ledger, entry)
    fired = None if last is None else fired_by(question.steps, task, last, brief=brief, held=view.held)
    changed = None if fired is None else fired.changed
    at = ledger.tree.last_at
    step = question.steps.get(name)
    if step is None:
        return Explanation(ledger, question.task, name, entry, at, fired, next=next_, changed="gone")
    subtasks = ledger.tree.descendants(question.task) if last is None else ()
    below = sum(ledger.tasks[one.id].times(name) for one in subtasks)
    clauses = tuple(_met(task, step, task.version, hints=not below))
    holds = all(met.clause.holds for met in clauses)
    remedy = remedy_of(step.condition, task.document) if not (brief or holds) else None
    unmet = [met.clause.path for met in clauses if not met.clause.holds]
    obstacles = (*of_task(view), *of_step(view, step), *of_place(view, unmet))
    return Explanation(ledger, question.task, name, entry, at, fired, clauses, obstacles, remedy, next_, changed, below)


def _check_step(step: str, known: Iterable[str]) -> None:
    if step not in known:
        hint = did_you_mean(step, known) or "run `aloma step list` for the names"
        raise NotFoundError(f"there is no step {step!r}, and none fired in this task", hint=hint)


def check_entry(task: TaskLedger, entry: int) -> None:
    """Raise InputError where the log of a task, as far as it was read, has no such entry."""
    if not 0 <= entry < len(task.entries):
        told = f"its entries are 0 to {len(task.entries) - 1}"
        raise InputError(f"the log of task {task.created.task} has no entry {entry}: {told}")


def _met(task: TaskLedger, step: Step, version: int, *, hints: bool = True) -> Iterator[Met]:
    document = task.document if version == task.version else task.document_at(version)
    for clause in step.condition.clauses(document):
        find = task.remover if clause.missing else task.author
        remark = slip(clause.mismatch, document) if hints and clause.mismatch is not None else ""
        yield Met(clause, find(clause.path, version), remark)


def _next_firing(task: TaskLedger, step: str, later: list[ev.Event]) -> Next | None:
    """The first new firing of a step among `later` events of its task."""
    number, started = len(task.entries), None
    for event in later:
        if started is None and isinstance(event, ev.FiringStarted) and event.step == step and event.run == 1:
            started = event
        elif started is not None and isinstance(event, End) and event.firing == started.firing:
            return Next(started, number)
        number += isinstance(event, NUMBERED)
    return None if started is None else Next(started, None)


def _met_json(ledger: Ledger, met: Met) -> JsonObject:
    clause = met.clause
    return {
        "path": show_path(clause.path),
        "holds": clause.holds,
        "wanted": clause.wanted,
        "found": None if clause.missing else clause.found,
        "missing": clause.missing,
        "remark": met.remark.strip(" ()") or None,
        "wrote": writers.to_json(ledger, met.wrote),
    }


def _fired_json(ledger: Ledger, fired: Fired) -> JsonObject:
    started: Any = fired.firing.started
    return {
        "firing": fired.firing.number,
        "entry": fired.firing.entry,
        "outcome": fired.word,
        "at": started.at,
        "attempt": started.attempt,
        "run": started.run,
        "version": started.version,
        "changed": fired.changed,
        "clauses": [_met_json(ledger, met) for met in fired.clauses],
    }
