"""What keeps a step from starting, besides its condition: each reason in words, with the command that removes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aloma_cli.budget import LIMITS
from aloma_cli.clock import from_iso
from aloma_cli.content.step import Step
from aloma_cli.document.reserved import ERRORS
from aloma_cli.explain import cures
from aloma_cli.explain.ledger import FiringRecord, Ledger, TaskLedger
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.states import ACTIVE, seen
from aloma_cli.record.summary import approval, questions_of
from aloma_cli.record.tree import Flight, TaskFacts
from aloma_cli.values import dataclass

ALONE = 3
"""A firing that was voided so often in a row runs alone."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`kind`: one word for programs. `cure`: a command; None where waiting is the cure."""

    kind: str
    text: str
    cure: str | None = None

    def to_json(self) -> JsonObject:
        return {"kind": self.kind, "text": self.text, "cure": self.cure}


@dataclass(frozen=True, slots=True)
class Moment:
    """What is looked at: a task as of the last event of `ledger`. `now`: seconds since 1970. `held`: whether a process
    runs the tree.
    """

    ledger: Ledger
    task_id: str
    now: float
    concurrency: int
    held: bool = True

    @property
    def task(self) -> TaskLedger:
        return self.ledger.tasks[self.task_id]

    @property
    def facts(self) -> TaskFacts:
        return self.ledger.tree.tasks[self.task_id]

    @property
    def resume(self) -> str:
        """The command that continues the task."""
        return f"aloma task resume {root_of(self.task_id)}"

    @property
    def questions(self) -> list[JsonObject]:
        """The open questions of the task and its subtasks, as in its record."""
        tasks = (self.facts, *self.ledger.tree.descendants(self.task_id))
        return [asked for one in tasks for asked in questions_of(one)]

    def state_of(self, task: TaskFacts) -> str:
        """The state of a task of the tree, as `aloma task list` shows it."""
        return seen(task.state, held=self.held)

    def flying(self, flight: Flight, who: str) -> Obstacle:
        """That a firing has not ended. `who`: the subject of the sentence."""
        since = f"{flight.at} (firing {flight.firing})"
        if not self.held:
            return Obstacle("unfinished", f"{who} started at {since} and did not end; it runs again after a resume")
        return Obstacle(
            "running",
            f"{who} {'has been running' if flight.running else 'has been waiting to run again'} since {since}",
        )

    def answer(self, asked: JsonObject) -> str:
        """The command that answers one of the questions."""
        return cures.answer(asked, several=len(self.questions) > 1)


def of_task(view: Moment) -> Iterator[Obstacle]:
    """What keeps every step of the task from starting."""
    tree, facts = view.ledger.tree, view.facts
    yield from _idle(view)
    if facts.completed is not None or facts.closed:
        yield Obstacle("closed", _why_closed(view), f"aloma task clone {view.task_id}")
    if tree.stopped is not None:
        yield Obstacle("stopped", f"the task was stopped: {tree.stopped}", view.resume)
    if tree.limited is not None:
        yield Obstacle("limited", f"a limit is reached: {tree.limited}", f"{view.resume}{_raised_limit(view)}")
    if facts.parked_until is not None and view.now < from_iso(facts.parked_until):
        yield Obstacle("parked", f"the task is parked until {facts.parked_until}, or until its data changes")
    for child in (tree.tasks[one] for one in facts.children):
        if child.wait_for and child.id in facts.live_children:
            yield Obstacle(
                "awaited", f"the task waits for its subtask {child.name} ({child.id}, {view.state_of(child)})"
            )
    if facts.rest is not None and facts.rest.cycle:
        steps = " → ".join(str(commit["step"]) for commit in facts.rest.cycle)
        yield Obstacle("cycle", f"the task made no progress ({steps})", view.resume)


def _idle(view: Moment) -> Iterator[Obstacle]:
    """That no process runs the task, though there is work to do in it."""
    if view.held or view.facts.state not in ACTIVE:
        return
    if view.facts.state == "created":
        yield Obstacle("created", "the task was not started yet; run `aloma worker`, or resume it", view.resume)
    else:
        yield Obstacle("interrupted", "the task was interrupted: no process runs it", view.resume)


def of_step(view: Moment, step: Step) -> Iterator[Obstacle]:
    """What keeps this step from starting though its condition may hold."""
    if not step.enabled:
        yield Obstacle("disabled", "it is disabled: its file says enabled = False")
    yield from _in_flight(view, step.name)
    failed = [*_failed_step(view, step.name)]
    yield from failed
    if not failed and _is_disarmed(view, step):
        yield _disarmed(view, step, view.task.disarmed[step.name])


def of_place(view: Moment, paths: Iterable[Path]) -> Iterator[Obstacle]:
    """What is still to come at places where a condition does not hold: answers of people, and results of subtasks."""
    places = list(paths)
    for asked in questions_of(view.facts):
        place = asked["into"]
        if place and any(_is_part(path, tuple(view.facts.questions[place]["into"])) for path in places):
            yield Obstacle("question", f"a person is asked for {place}: {asked['question']}", view.answer(asked))
    for child in (view.ledger.tree.tasks[one] for one in view.facts.children if one in view.facts.live_children):
        if child.into is not None and any(_is_part(path, child.into) for path in places):
            text = f"subtask {child.name} ({child.id}, {view.state_of(child)}) will land at {show_path(child.into)}"
            yield Obstacle("subtask", text)


def _is_part(one: Path, other: Path) -> bool:
    """Whether one of two places contains the other."""
    return all(str(left) == str(right) for left, right in zip(one, other, strict=False))


def _in_flight(view: Moment, step: str) -> Iterator[Obstacle]:
    flights = view.facts.flights.values()
    for flight in flights:
        if flight.step == step and flight.parked:
            yield from _asked_calls(view, flight)
            yield from unsettled(view.task_id, flight)
            return
        if flight.step == step:
            yield view.flying(flight, "it")
            return
    for flight in flights:
        if view.ledger.firings[flight.firing].voids >= ALONE:
            yield Obstacle("alone", f"{flight.step} was voided {ALONE} times in a row, so it runs alone first")
            return
    most, taking = _concurrency(view), [flight.step for flight in flights if not flight.parked]
    if len(taking) >= most:
        yield Obstacle("concurrency", f"{len(taking)} of {most} places are taken ({', '.join(taking)})")


def _asked_calls(view: Moment, flight: Flight) -> Iterator[Obstacle]:
    """The calls of a firing that wait for the answer of a person."""
    for asked in (approval(call) for call in flight.unanswered if call.asks):
        yield Obstacle("question", f"it asks a person: {asked['question']}", view.answer(asked))


def unsettled(task: str, flight: Flight) -> Iterator[Obstacle]:
    """The calls of a firing whose outcome a person must settle."""
    for call in flight.unanswered:
        if not call.asks:
            text = f"call {call.number} of {flight.step} was sent, and its outcome is unknown"
            text += "; if it was not carried out, use --again or --failed REASON instead of --done VALUE"
            yield Obstacle("unsettled", text, f"aloma task settle {task} {call.number} --done VALUE")


def _failed_step(view: Moment, step: str) -> Iterator[Obstacle]:
    retry = view.facts.retries.get(step)
    if retry is not None:
        text = f"it failed ({retry.reason}) and is tried again at {retry.at}"
        yield Obstacle("retry", text, f"aloma task redo {view.task_id} {step}")
    errors = view.task.document.get(ERRORS)
    entry = errors.get(step) if isinstance(errors, dict) else None
    if isinstance(entry, dict) and step in view.task.disarmed:
        attempts = entry.get("attempts", 1)
        tries = "1 try" if attempts == 1 else f"{attempts} tries"
        text = f"it failed after {tries}: {entry.get('type')}: {entry.get('message')}"
        if entry.get("handled") is True:
            text += "; the error is marked as handled"
        unset = f"aloma task set {view.task_id} --unset '{show_path((ERRORS, step))}'"
        is_resumed = view.facts.parent is None and view.facts.state == "error"
        yield Obstacle("failed", text, view.resume if is_resumed else unset)


def _is_disarmed(view: Moment, step: Step) -> bool:
    """Whether it fired and was not armed again; a new condition arms it when the task is opened."""
    firing = view.task.disarmed.get(step.name)
    flying = any(flight.step == step.name for flight in view.facts.flights.values())
    is_new = firing is not None and firing.started.condition != step.condition.fingerprint
    return firing is not None and not flying and not is_new and step.name not in view.facts.retries


def _disarmed(view: Moment, step: Step, firing: FiringRecord) -> Obstacle:
    redo = f"aloma task redo {view.task_id} {step.name}"
    if isinstance(firing.end, ev.FiringLooked):
        paths = ", ".join(sorted(map(show_path, step.condition.paths)))
        text = f"it looked at entry {firing.entry} and changed nothing; it looks again when {paths} changes"
        return Obstacle("looked", text, redo)
    did = {ev.Committed: "fired", ev.FiringFailed: "failed", ev.FiringVoided: "was dropped"}
    text = f"it {did.get(type(firing.end), 'started')} at entry {firing.entry}, and its condition has held ever since; "
    text += "it fires again only after its condition has been false"
    if step.rearm == "change":
        text += ", or when another step changes what it names"
    return Obstacle("disarmed", text, redo)


def _why_closed(view: Moment) -> str:
    for one in view.task.writes.values():
        if isinstance(one.event, ev.Committed) and one.event.completed is not None:
            return f"the task was completed by {one.event.step} (entry {one.entry})"
    rest = view.facts.rest
    why = f": {rest.reason}" if rest is not None and rest.reason else ""
    return f"the task is closed ({view.facts.state}{why})"


def _raised_limit(view: Moment) -> str:
    name = (view.ledger.tree.limit or {}).get("name")
    return next((f" {limit.option} +{limit.step:g}" for limit in LIMITS if limit.name == name), "")


def _concurrency(view: Moment) -> int:
    """How many firings may be in flight: set for the task, for one above it, or for the workspace."""
    task: str | None = view.task_id
    while task is not None:
        if "concurrency" in view.ledger.tasks[task].settings:
            return int(view.ledger.tasks[task].settings["concurrency"])
        task = view.ledger.tree.tasks[task].parent
    return view.concurrency
