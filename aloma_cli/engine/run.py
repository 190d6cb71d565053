"""One tree of tasks being run, without a clock of its own, without tasks of asyncio: values in, values out.

A turn takes in what has ended, commits it, and says what to start next. All that a turn decides becomes one batch
of the journal; nobody is told of it, and nothing starts, before that batch is durable.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aloma_cli.budget import Budget, Wish
from aloma_cli.clock import Clock
from aloma_cli.content.job import Job, Outcome
from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change
from aloma_cli.document.reserved import unhandled_errors
from aloma_cli.engine import fields, requests
from aloma_cli.engine.cycles import Lap
from aloma_cli.engine.endings import retry_of, take_all
from aloma_cli.engine.ledger import Emit, Ledger
from aloma_cli.engine.nearest import nearest_misses
from aloma_cli.engine.plan import Plan, alone_in, runs_alone
from aloma_cli.engine.redaction import clean_event, clean_outcome, clean_request
from aloma_cli.engine.rounds import going_round
from aloma_cli.engine.working import WorkingFlight, WorkingTask
from aloma_cli.errors import InputError, StoreError
from aloma_cli.jsontext import JsonObject, printable
from aloma_cli.record import events as ev
from aloma_cli.record.events import AnEvent
from aloma_cli.record.states import PAUSED
from aloma_cli.record.summary import summary
from aloma_cli.redact import NO_SECRETS, Redactor
from aloma_cli.store.protocol import Claim, Request

MOST_STARTS = 1000
"""A step that fired so often without an end is taken to go on for ever."""

_NEVER = "9"
_log = logging.getLogger(__name__.partition(".")[0])


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows from a turn: start `jobs`, cancel `cuts` (firing: reason), and look again at `wake_at` (ISO)."""

    jobs: tuple[Job, ...]
    cuts: Mapping[int, str]
    wake_at: str | None
    finished: bool


class Run:
    """The one writer of a claimed tree.

    `concurrency`: how many firings of one task may be in flight. What `scrubber` knows is kept out of the record.
    """

    def __init__(
        self,
        claim: Claim,
        plan: Plan,
        *,
        clock: Clock,
        emit: Emit,
        concurrency: int = 8,
        scrubber: Redactor = NO_SECRETS,
    ) -> None:
        self._ledger = Ledger(claim, plan, clock=clock, emit=emit)
        self.tree = self._ledger.tree
        self.clock = self._ledger.clock
        self._claim = claim
        self._plan = plan
        self._emit = emit
        self._concurrency = concurrency
        self._scrubber = scrubber
        self.budget = Budget(self.tree.limits, self.tree.spent)
        self.failed = self.tree.root.rest is not None and self.tree.root.state == "error"
        """Whether the tree had come to rest in error when it was claimed."""
        self._postponed: list[str] = []
        self._arrived: list[Outcome] = []
        self._held: list[Outcome] = []
        self._notes: list[ev.Event] = []
        self._refused: StoreError | None = None
        self._unpublished = False
        self._taken: set[str] = set()

    # -- from outside ------------------------------------------------------------------------------------------------

    def deliver(self, outcome: Outcome) -> None:
        """Take the end of a firing in; the next turn commits it."""
        found = self.tree.flight(outcome.firing) if self._scrubber else None
        if found is not None:
            outcome = clean_outcome(self._scrubber, outcome, found[1].base)
        self._arrived.append(outcome)

    def note(self, event: AnEvent) -> AnEvent:
        """Take in what happens while a firing runs (a call, a log line), and give it as it is recorded.

        The next `flush` writes it.
        """
        if self._scrubber:
            event = clean_event(self._scrubber, event)
        self._notes.append(event)
        return event

    def flush(self) -> None:
        """Write what was noted: durably where a call was answered, so that it is never asked, or paid, again."""
        if not self._notes:
            return
        notes, self._notes = self._notes, []
        lasting = [event for event in notes if _is_kept(event)]
        if lasting:
            try:
                self._claim.commit(lasting, durable=any(isinstance(event, ev.CallAnswered) for event in lasting))
            except StoreError as error:
                # What was paid for must not be forgotten: it is tried once more, before the run ends with this.
                self._notes = notes + self._notes
                self._refused = error
                raise
        for event in lasting:
            self.tree.apply(event)
        for event in notes:
            self._emit(event)

    @property
    def pending(self) -> bool:
        """Whether the next turn has something to do though nothing ends meanwhile."""
        return bool(self._arrived or self._held or self._postponed)

    def publish(self) -> None:
        """Put the root's record and document where readers find them quickly; the journal has both in any case."""
        try:
            document = self.tree.root.document
            self._claim.publish(dict(summary(self.tree, self.tree.root_id, document)), document)
        except StoreError as error:
            if not self._unpublished:
                _log.warning("%s; the run goes on, and its record is in the journal", printable(str(error)))
            self._unpublished = True

    def turn(self) -> Turn:
        """Commit what has ended, settle what is at rest, and say what to start.

        Raises StoreError where the journal cannot be written; nothing was started then, and the run is over.
        """
        self.flush()
        if self._refused is not None:
            raise self._refused
        now = self._ledger.now()
        arrived, self._arrived = self._held + self._arrived, []
        self._held = take_all(self._ledger, arrived)
        self._check_time()
        self._ledger.dirty.update(dict.fromkeys(self._ledger.due(now)))
        self._ledger.dirty.update(dict.fromkeys(self._postponed))
        self._postponed.clear()
        while self._ledger.dirty:
            task_id = next(iter(self._ledger.dirty))
            del self._ledger.dirty[task_id]
            self._advance(self.tree.tasks[task_id], now)
        return self._close_turn(now)

    def take_requests(self, kind: str | None = None) -> bool:
        """Take in what other processes ask for, and tell whether there was anything; the next turn does it.

        With `kind` only requests of that kind; the others wait on.
        """
        # One whose file cannot be dropped is there each time.
        new = [request for request in self._claim.requests() if request.id not in self._taken]
        wanted = [request for request in new if kind in (None, request.body.get("kind"))]
        requests = [request for request in wanted if not self._must_queue(request)]
        self._taken.update(request.id for request in requests)
        for request in requests:
            # A request that outlived a crash was carried out before it; only its file is left to be dropped.
            if request.id not in self.tree.requests:
                self._carry_out_or_refuse(request)
        self._ledger.batch.requests += requests
        return bool(requests)

    def _carry_out_or_refuse(self, request: Request) -> None:
        """Whoever asked was told when asking; meanwhile the task went on, or the file was written by hand."""
        try:
            self.carry_out(request.body, request.id)
        except InputError as error:
            reason = self._scrubber.text(str(error))
            at = self._ledger.now()
            self._ledger.add(ev.RequestRefused(at=at, task=self.tree.root_id, request=request.id, reason=reason))

    def _must_queue(self, request: Request) -> bool:
        """Whether a request would commit beside a firing that runs alone: it queues, as all other commits do."""
        with contextlib.suppress(InputError):
            asked = requests.checked(self.tree, requests.read_request(request.body))
            return bool(asked.changes) and runs_alone(asked.task)
        return False

    def carry_out(self, body: JsonObject, request: str | None = None) -> None:
        """Do what a person asks (`docs/format.md`, Requests); the next turn makes it so. Raises InputError."""
        asked = requests.checked(self.tree, requests.read_request(clean_request(self._scrubber, body)))
        match asked.request:
            case requests.Stop(reason=reason):
                self._stop(asked.task, reason)
            case requests.Redo(step=step):
                self._arm(asked.task, step, request)
            case _:
                self._ledger.commit(asked.task, asked.changes, by="person", answers=asked.answers, request=request)

    def _stop(self, task: WorkingTask, reason: str) -> None:
        """Stop a tree until it is resumed; a subtask, or what is left of a root that is closed, for good."""
        if task.parent is not None or task.closed:
            self._ledger.stop(task, reason)
        elif self.tree.stopped is None:
            self._ledger.halt(reason)

    def resume(self) -> None:
        """Let a tree continue that a person stopped."""
        if self.tree.stopped is not None:
            self._ledger.add(ev.TreeResumed(at=self._ledger.now(), task=self.tree.root_id))
            self._ledger.track_all()

    def set_answering(self, answering: JsonObject, reason: str) -> None:
        """Record how model calls are answered from here on; `reason` says what changes, in words."""
        if answering != self.tree.answering:
            at, root = self._ledger.now(), self.tree.root_id
            self._ledger.add(ev.AnsweringSet(at=at, task=root, answering=answering, reason=reason))

    def _arm_steps(self, task: WorkingTask, steps: Iterable[str], reason: str, request: str | None = None) -> None:
        at = self._ledger.now()
        self._ledger.add(ev.StepsArmed(at=at, task=task.id, steps=tuple(steps), reason=reason, request=request))

    def _arm(self, task: WorkingTask, step: str, request: str | None) -> None:
        if step not in self._plan.steps:
            raise InputError(f"there is no step {step!r}", hint="aloma step list shows the names")
        self._arm_steps(task, (step,), "a person asked for it", request)

    def write(self) -> None:
        """Commit what was carried out without starting anything; that is left to whoever runs the task next."""
        while self._ledger.dirty:
            task_id = next(iter(self._ledger.dirty))
            del self._ledger.dirty[task_id]
            self._rest_again(self.tree.tasks[task_id])
        self._close_turn(self._ledger.now())
        self.publish()

    def _rest_again(self, task: WorkingTask) -> None:
        """A task that asks, or that is stopped, still does after a write that starts nothing."""
        if task.rest is not None or any(flight.running for flight in task.flights.values()):
            return
        if self.tree.stopped is not None:
            self._ledger.rest_stopped(task, self.tree.stopped)
        elif task.completed is None and not self._has_busy_subtask(task):
            state = self._unended(task)
            if state is not None:
                self._pause(task, state)

    def set_limits(self, wishes: Mapping[str, Wish]) -> None:
        """Say what the tree may spend from here on, and let go on what is paused."""
        limits = self.tree.limits.with_wishes(wishes, self.tree.spent, self.tree.working)
        if limits == self.tree.limits and self.tree.limited is None:
            return
        self._ledger.add(ev.LimitsSet(at=self._ledger.now(), task=self.tree.root_id, limits=limits.to_json()))
        self._ledger.track_all()
        self.budget.limits = limits

    def go_round_again(self) -> list[str]:
        """Let tasks go on that were stopped because they got nowhere; gives the steps that fire next."""
        freed: list[str] = []
        for task in self.tree.tasks.values():
            if task.trail.lap is None or task.closed:
                continue
            names = [step.name for step in self._plan.ready(task, self._ledger.truth[task.id], now=self._ledger.now())]
            if names:
                self._arm_steps(task, names, "a person lets it go round again")
            freed += names
        return freed

    def retry_failed(self) -> list[str]:
        """Forget the unhandled errors of every task that is not closed, so that the failed steps fire again.

        Gives the names of those steps; the next turn makes it so.
        """
        retried: list[str] = []
        for task in self.tree.tasks.values():
            # Other entries are no failed steps: they may hold a result that had nowhere to land.
            failed = [step for step in unhandled_errors(task.document) if step in self._plan.steps]
            if failed and not task.closed:
                self._ledger.commit(task, fields.forget_errors(task.document, failed), by="person")
                retried += failed
        return retried

    # -- the turn ----------------------------------------------------------------------------------------------------

    def _check_time(self) -> None:
        late = self.budget.overtime(self.tree.working)
        if late is not None:
            self._ledger.limit(late)

    def _close_turn(self, now: str) -> Turn:
        done = self._ledger.close()
        # What is due already, and was not started, has no place yet: the end of another firing gives it one, not time.
        wake_at = self._ledger.next_timer(now) if self.tree.stopped is None else None
        return Turn(tuple(done.jobs), done.cuts, wake_at, finished=not self._ledger.restless)

    def recover(self) -> None:
        """Call it once before the first turn of a tree that was run before.

        Repeats what had started and not ended, and arms what has a new condition.
        """
        for task in self.tree.tasks.values():
            changed = [] if task.closed else self._plan.rearmed_on_opening(task, self._ledger.truth[task.id])
            if changed:
                self._arm_steps(task, changed, "their condition changed")
        for task, flight in self.tree.flights():
            step = self._plan.steps.get(flight.step)
            if step is None or not step.condition.matches(flight.base):
                self._ledger.void(task, flight, "superseded")
            elif flight.running:
                self._launch(task, step, flight, version=flight.version)

    def _advance(self, task: WorkingTask, now: str) -> None:
        """Start what may start in a task, or settle it when there is nothing more to do."""
        if task.closed:
            return
        if self.tree.stopped is not None:
            self._rest_again(task)
            return
        if task.expires_at is not None and task.expires_at <= now:
            self._ledger.expire(task)
            return
        for place, question in list(task.questions.items()):
            if question.get("until", _NEVER) <= now and not runs_alone(task):
                self._ledger.commit(task, self._default(task, place), by="engine", answers=(place,))
        if self.tree.limited is None:
            self._start_more(task, now)
        self._give_up_retries(task, now)
        if not any(flight.running for flight in task.flights.values()):
            self._settle(task, now)

    def _start_more(self, task: WorkingTask, now: str) -> None:
        # One that ran alone may be over with that, which lets the others go.
        while voided := self._plan.to_repeat(task):
            for flight in voided:
                self._repeat(task, flight)
        limit = self.tree.setting(task, "concurrency") or self._concurrency
        for step in self._plan.to_start(task, self._ledger.truth[task.id], now=now, limit=limit):
            if task.starts[step.name] >= MOST_STARTS:
                self._ledger.limit(f"{step.name} has fired {MOST_STARTS:,} times, which looks like a loop")
                return
            self._launch(task, step, None, version=task.version)

    def _repeat(self, task: WorkingTask, flight: WorkingFlight) -> None:
        """Run a voided firing once more on the newest document, if its condition holds there and the task goes on."""
        step = self._plan.steps[flight.step]
        ended = task.completed is not None and flight.voids  # one without voids is paused by a limit, and still runs
        if self._ledger.truth[task.id][step.name] and not ended:
            self._launch(task, step, flight, version=task.version)
        else:
            self._ledger.void(task, flight, "superseded")

    def _default(self, task: WorkingTask, place: str) -> list[Change]:
        """The changes for a question that nobody has answered in time."""
        try:
            return requests.answer(task, place, task.questions[place]["default"])
        except InputError as error:
            entry = {"type": "PlaceGoneError", "message": f"the default answer had nowhere to go: {error}"}
            return fields.error_entry(task.document, f"question {place}", entry)

    def _launch(self, task: WorkingTask, step: Step, flight: WorkingFlight | None, *, version: int) -> None:
        """Start a step, or run its voided or interrupted `flight` once more, on the document as of `version`."""
        retry = task.retries.get(step.name)
        started = ev.FiringStarted(
            at=self._ledger.now(),
            task=task.id,
            firing=flight.firing if flight else self.tree.last_firing + 1,
            step=step.name,
            version=version,
            attempt=flight.attempt if flight else retry.attempt + 1 if retry else 1,
            run=flight.run + 1 if flight else 1,
            continues=None if flight else (task.retried if retry else task.standing).get(step.name),
            condition=step.condition.fingerprint,
            code=step.content.fingerprint,
        )
        self._ledger.add(started)
        self._ledger.batch.jobs.append(self._job(task, step, task.flights[started.firing]))

    def _job(self, task: WorkingTask, step: Step, flight: WorkingFlight) -> Job:
        return Job(
            firing=flight.firing,
            task=task.id,
            task_name=flight.about["name"],
            tags=tuple(flight.about["tags"]),
            parent=task.parent,
            created_at=task.created_at,
            step=step.name,
            at=flight.at,
            base=flight.base,
            attempt=flight.attempt,
            retry=retry_of(self.tree, task, step),
            timeout=step.timeout,
            calls=dict(self.tree.calls[flight.firing]),
            models=self.tree.setting(task, "models") or {},
        )

    def _give_up_retries(self, task: WorkingTask, now: str) -> None:
        """A try that is due while the condition no longer holds is off: the step is armed for the next match."""
        lapsed = [
            name
            for name, retry in task.retries.items()
            if retry.at <= now and not self._ledger.truth[task.id].get(name, False)
        ]
        if lapsed:
            self._arm_steps(task, lapsed, "their condition no longer holds")

    # -- subtasks and ends -------------------------------------------------------------------------------------------

    def _settle(self, task: WorkingTask, now: str) -> None:
        """Let a task rest that has nothing in flight and nothing to start, unless it waits for something."""
        if task.rest is not None or (task.completed is None and self._has_busy_subtask(task)):
            return
        if self.tree.limited is not None and self._would_go_on(task, now):
            self._pause(task, "limited")
            return
        if task.completed is None and self._waits(task, now):
            return
        unended = self._unended(task) if task.completed is None else None
        if unended is not None:
            self._pause(task, unended)
            return
        parent = self.tree.tasks[task.parent] if task.parent else None
        if parent is not None and alone_in(parent) is not None:
            # The landing is a commit like any other: it queues until the firing that runs alone has landed.
            self._postponed.append(task.id)
            return
        if task.trail.lap is not None and task.completed is None:
            self._ledger.rest(task, "incomplete", **self._round(task, task.trail.lap))
            return
        state = _state_at_rest(task)
        idle = sorted(name for name, one in task.figures.items() if one.looked) if state == "ignored" else []
        reason = f"ran, and changed nothing: {', '.join(idle)}" if idle else None
        missing = nearest_misses(self._plan.steps.values(), task.document) if state == "ignored" else ()
        # A condition may name a secret: it is not data, and so came in by no other way.
        self._ledger.rest(task, state, reason=reason, missing=tuple(map(self._scrubber.value, missing)))

    def _would_go_on(self, task: WorkingTask, now: str) -> bool:
        ready = self._plan.to_start(task, self._ledger.truth[task.id], now=now, limit=1)
        return bool(task.flights or task.retries or ready)

    def _waits(self, task: WorkingTask, now: str) -> bool:
        """Whether something will come by itself: a try, the end of a parking."""
        parked = task.parked_until is not None and now < task.parked_until
        tried = bool(task.retries) and not task.awaited
        return tried or parked

    def _has_busy_subtask(self, task: WorkingTask) -> bool:
        return any(self.tree.tasks[child].rest is None for child in task.live_children)

    def _unended(self, task: WorkingTask) -> str | None:
        """The state of a rest that is no end: somebody is asked, here or in a subtask."""
        if task.questions:
            return "question"
        states = {self.tree.tasks[child].state for child in task.live_children}
        return next((state for state in PAUSED if state in states), None)

    def _round(self, task: WorkingTask, lap: Lap) -> dict[str, Any]:
        return going_round(self._ledger.lap(task, lap), lap)

    def _pause(self, task: WorkingTask, state: str) -> None:
        """Let a task rest that has not ended; one above that only waited for it may come to rest now as well."""
        if state == "question" and task.trail.lap is not None:
            self._ledger.rest(task, state, **self._round(task, task.trail.lap))
        else:
            self._ledger.rest(task, state, reason=self.tree.limited if state == "limited" else None)
        if task.parent is not None:
            self._ledger.dirty[task.parent] = None


def _state_at_rest(task: WorkingTask) -> str:
    if unhandled_errors(task.document):
        return "error"
    matched = task.completed is not None or any(
        figures.fired or figures.failed or figures.voided for figures in task.figures.values()
    )
    return "done" if matched else "ignored"


def _is_kept(event: ev.Event) -> bool:
    """Whether it belongs into the journal; what only tells views what goes on does not."""
    return not isinstance(event, ev.CallSent) and not (isinstance(event, ev.CallAnswered) and event.replayed)
