"""One tree of tasks being run, without a clock of its own, without tasks of asyncio: values in, values out.

A turn takes in what has ended, commits it, and says what to start next. All that a turn decides becomes one batch
of the journal; nobody is told of it, and nothing starts, before that batch is durable.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aloma_cli import events as ev
from aloma_cli.clock import Clock, to_iso
from aloma_cli.document import Change, alters, apply, merge, to_wire
from aloma_cli.engine import fields, persons
from aloma_cli.engine.nearest import nearest_misses
from aloma_cli.engine.outcome import Effects, Job, Outcome, Raised, Returned, SubtaskOrder
from aloma_cli.engine.plan import Plan, alone_in
from aloma_cli.engine.state import UNENDED, Flight, Revision, TaskState, Tree
from aloma_cli.engine.summary import figures, summary
from aloma_cli.errors import InputError, StoreError
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.step import Retry as StepRetry
from aloma_cli.step import Step
from aloma_cli.store import Claim, Request

Emit = Callable[[ev.Event], None]

_NEVER = "9"


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows from a turn: start `jobs`, cancel `cuts` (firing: reason), and look again at `wake_at` (ISO)."""

    jobs: tuple[Job, ...]
    cuts: Mapping[int, str]
    wake_at: str | None
    finished: bool


@dataclass(slots=True)
class _Next:
    """What the turn under way has gathered."""

    events: list[ev.Event] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    cuts: dict[int, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Clash:
    """Why a firing cannot land: the reason, the places, and the firings that were there first."""

    reason: str
    paths: tuple[str, ...]
    others: tuple[int, ...]


class Run:
    """The one writer of a claimed tree.

    `concurrency`: how many firings of one task may be in flight.
    """

    def __init__(
        self, claim: Claim, plan: Plan, *, clock: Clock, emit: Emit, concurrency: int = 8, tree: Tree | None = None
    ) -> None:
        self.tree = tree or Tree.of(event for batch in claim.batches() for event in batch.events)
        self._claim = claim
        self._plan = plan
        self._clock = clock
        self._emit = emit
        self._concurrency = concurrency
        self._truth = {task.id: plan.judge(task.document) for task in self.tree.tasks.values() if not task.closed}
        self._dirty = dict.fromkeys(self.tree.tasks)
        self._restless = {task.id for task in self.tree.tasks.values() if task.rest is None}
        self._timed = {task.id for task in self.tree.tasks.values() if task.timers}
        self._postponed: list[str] = []
        self._arrived: list[Outcome] = []
        self._held: list[Outcome] = []
        self._notes: list[ev.Event] = []
        self._next = _Next()

    # -- from outside ------------------------------------------------------------------------------------------------

    def deliver(self, outcome: Outcome) -> None:
        """Take the end of a firing in; the next turn commits it."""
        self._arrived.append(outcome)

    def note(self, event: ev.Event) -> None:
        """Take in what happens while a firing runs (a call, a log line); the next `flush` writes it."""
        self._notes.append(event)

    def flush(self) -> None:
        """Write what was noted: durably where a call was answered, so that it is never asked, or paid, again."""
        if not self._notes:
            return
        notes, self._notes = self._notes, []
        lasting = [event for event in notes if _is_kept(event)]
        if lasting:
            try:
                self._claim.commit(lasting, durable=any(isinstance(event, ev.CallAnswered) for event in lasting))
            except StoreError:
                # What was paid for must not be forgotten: the next flush tries again, or is the end of the run.
                self._notes = notes + self._notes
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
        """Put the root's record and document where readers find them quickly."""
        self._claim.publish(summary(self.tree, self.tree.root_id), self.tree.root.document)

    def turn(self) -> Turn:
        """Commit what has ended, settle what is at rest, and say what to start.

        Raises StoreError where the journal cannot be written; nothing was started then, and the run is over.
        """
        self.flush()
        now = self._now()
        arrived, self._arrived = self._held + self._arrived, []
        self._held = self._take_all(arrived)
        self._dirty.update(dict.fromkeys(self._timed))
        self._dirty.update(dict.fromkeys(self._postponed))
        self._postponed.clear()
        while self._dirty:
            task_id = next(iter(self._dirty))
            del self._dirty[task_id]
            self._advance(self.tree.tasks[task_id], now)
        return self._close_turn(now)

    def take_requests(self) -> bool:
        """Take in what other processes ask for, and tell whether there was anything; the next turn does it."""
        requests = self._claim.requests()
        for request in requests:
            # A request that outlived a crash was carried out before it; only its file is left to be dropped.
            if request.id not in self.tree.requests:
                # Whoever asked was told when asking: meanwhile the task went on, or the file was written by hand.
                with contextlib.suppress(InputError, KeyError, TypeError):
                    self.carry_out(request.body, request.id)
        self._next.requests += requests
        return bool(requests)

    def carry_out(self, body: JsonObject, request: str | None = None) -> None:
        """Do what a person asks (`docs/format.md`, Requests); the next turn makes it so. Raises InputError."""
        asked = persons.read_request(self.tree, body)
        if body["kind"] == "stop":
            self._stop(asked.task, body["reason"])
        elif body["kind"] == "redo":
            self._arm(asked.task, body["step"])
        else:
            self._commit(asked.task, asked.changes, by="person", answers=asked.answers, request=request)

    def _arm(self, task: TaskState, step: str) -> None:
        if step not in self._plan.steps:
            raise InputError(f"there is no step {step!r}", hint="aloma step list shows the names")
        self._add(ev.StepsArmed(at=self._now(), task=task.id, steps=(step,), reason="a person asked for it"))

    def write(self) -> None:
        """Commit what was carried out without starting anything; that is left to whoever runs the task next."""
        self._dirty.clear()
        self._close_turn(self._now())
        self.publish()

    def retry_failed(self) -> list[str]:
        """Forget the unhandled errors of every task that is not closed, so that the failed steps fire again.

        Gives the names of those steps; the next turn makes it so.
        """
        retried: list[str] = []
        for task in list(self.tree.tasks.values()):
            failed = [] if task.closed else [*fields.unhandled_errors(task.document)]
            if failed:
                self._commit(task, fields.forget_errors(task.document, failed), by="person")
                retried += failed
        return retried

    # -- the turn ----------------------------------------------------------------------------------------------------

    def _close_turn(self, now: str) -> Turn:
        done, self._next = self._next, _Next()
        if done.events:
            self._claim.commit(done.events)
        for event in done.events:
            self._emit(event)
        for request in done.requests:
            self._claim.fulfilled(request)
        # What is due already, and was not started, has no place yet: the end of another firing gives it one, not time.
        times = (at for task_id in self._timed for at in self.tree.tasks[task_id].timers)
        wake_at = min((at for at in times if at > now), default=None)
        return Turn(tuple(done.jobs), done.cuts, wake_at, finished=not self._restless)

    def _add(self, event: ev.Event) -> None:
        self.tree.apply(event)
        self._next.events.append(event)
        self._dirty[event.task] = None
        task = self.tree.tasks[event.task]
        _keep(self._restless, task.id, wanted=task.rest is None)
        _keep(self._timed, task.id, wanted=bool(task.timers))

    def _now(self) -> str:
        return to_iso(self._clock.now())

    def _after(self, seconds: float | None) -> str | None:
        return None if seconds is None else to_iso(self._clock.now() + seconds)

    def recover(self) -> None:
        """Call it once before the first turn of a tree that was run before.

        Repeat what had started and not ended, arm what has a new condition, and go on."""
        for task in self.tree.tasks.values():
            changed = [] if task.closed else self._plan.changed_conditions(task)
            if changed:
                self._add(
                    ev.StepsArmed(at=self._now(), task=task.id, steps=tuple(changed), reason="their condition changed")
                )
        for task, flight in self.tree.flights():
            step = self._plan.steps.get(flight.step)
            if step is None or not step.condition.matches(flight.base):
                self._void(task, flight, "superseded")
            elif flight.running:
                self._launch(task, step, flight, version=flight.version)

    def _advance(self, task: TaskState, now: str) -> None:
        """Start what may start in a task, or settle it when there is nothing more to do."""
        if task.closed:
            return
        if task.expires_at is not None and task.expires_at <= now:
            self._expire(task)
            return
        for place, question in list(task.questions.items()):
            if question.get("until", _NEVER) <= now:
                self._commit(task, persons.answer(task, place, question["default"]), by="engine", answers=place)
        for flight in self._plan.to_repeat(task):
            step = self._plan.steps[flight.step]
            if self._truth[task.id][step.name]:
                self._launch(task, step, flight, version=task.version)
            else:
                self._void(task, flight, "superseded")
        limit = self.tree.setting(task, "concurrency") or self._concurrency
        for step in self._plan.to_start(task, self._truth[task.id], now=now, limit=limit):
            self._launch(task, step, None, version=task.version)
        self._give_up_retries(task, now)
        if not task.flights:
            self._settle(task, now)

    def _launch(self, task: TaskState, step: Step, flight: Flight | None, *, version: int) -> None:
        """Start a step, or run its voided or interrupted `flight` once more, on the document as of `version`."""
        retry = task.retries.get(step.name)
        started = ev.FiringStarted(
            at=self._now(),
            task=task.id,
            firing=flight.firing if flight else self.tree.last_firing + 1,
            step=step.name,
            version=version,
            attempt=flight.attempt if flight else retry.attempt + 1 if retry else 1,
            run=flight.run + 1 if flight else 1,
            continues=None if flight else retry.continues if retry else task.standing.get(step.name),
            condition=step.condition.fingerprint,
            code=step.code,
        )
        self._add(started)
        self._next.jobs.append(self._job(task, step, task.flights[started.firing]))

    def _job(self, task: TaskState, step: Step, flight: Flight) -> Job:
        return Job(
            firing=flight.firing,
            task=task.id,
            task_name=task.name,
            tags=task.tags,
            parent=task.parent,
            created_at=task.created_at,
            step=step,
            at=flight.at,
            base=flight.base,
            attempt=flight.attempt,
            retry=self._retry(task, step),
            calls=self.tree.calls[flight.firing],
            models=self.tree.setting(task, "models") or {},
            figures=partial(figures, self.tree, task.id, self._clock),
        )

    def _retry(self, task: TaskState, step: Step) -> StepRetry | None:
        times = (self.tree.setting(task, "retries") or {}).get(step.name)
        return step.retry if times is None else replace(step.retry or StepRetry(), times=times)

    def _give_up_retries(self, task: TaskState, now: str) -> None:
        """A try that is due while the condition no longer holds is off: the step is armed for the next match."""
        lapsed = [
            name
            for name, retry in task.retries.items()
            if retry.at <= now and not self._truth[task.id].get(name, False)
        ]
        if lapsed:
            self._add(
                ev.StepsArmed(
                    at=self._now(), task=task.id, steps=tuple(lapsed), reason="their condition no longer holds"
                )
            )

    # -- the end of a firing -----------------------------------------------------------------------------------------

    def _take_all(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Take in what may land, and give back what must wait for a firing that runs alone."""
        while True:
            held = [outcome for outcome in outcomes if self._must_wait(outcome)]
            if len(held) == len(outcomes):
                return held
            for outcome in outcomes:
                if outcome not in held:
                    self._take(outcome)
            outcomes = held

    def _must_wait(self, outcome: Outcome) -> bool:
        found = self.tree.flight(outcome.firing)
        return found is not None and alone_in(found[0]) not in (None, found[1])

    def _take(self, outcome: Outcome) -> None:
        found = self.tree.flight(outcome.firing)
        if found is None:
            return  # stopped or withdrawn meanwhile: whatever it returned is void
        task, flight = found
        if isinstance(outcome, Raised):
            self._fail(task, flight, outcome)
        elif outcome.changes or outcome.effects.trace:
            self._land(task, flight, outcome)
        else:
            self._look(task, flight, outcome)

    def _look(self, task: TaskState, flight: Flight, outcome: Returned) -> None:
        missed = [change for revision in task.since(flight.version) for change in revision.changes]
        self._add(
            ev.FiringLooked(
                at=self._now(),
                task=task.id,
                firing=flight.firing,
                step=flight.step,
                armed=flight.step in self._plan.readers(missed),
                seconds=outcome.seconds,
            )
        )

    def _land(self, task: TaskState, flight: Flight, outcome: Returned) -> None:
        since = task.since(flight.version)
        changes, conflict = self._merge(task, flight, outcome, since)
        if conflict is not None:
            self._void(task, flight, conflict.reason, conflict=conflict, seconds=outcome.seconds)
            return
        try:
            fields.refuse_engine_fields(changes)
            self._refuse_strangers(task, outcome.effects)
            document = apply(task.document, changes)
            places, room = fields.place_subtasks(document, outcome.effects.subtasks, self._held_places(task))
            questions = outcome.effects.questions
            asked, space = persons.place_questions(apply(document, room), questions, self._clock.now())
        except InputError as error:
            self._fail(task, flight, Raised(flight.firing, _own_error(error), False, outcome.seconds))
            return
        self._land_whole(task, flight, outcome, changes + room + space, places, asked)

    def _land_whole(
        self,
        task: TaskState,
        flight: Flight,
        outcome: Returned,
        changes: list[Change],
        places: list[Path | None],
        asked: tuple[JsonObject, ...],
    ) -> None:
        effects = outcome.effects
        self._commit(
            task,
            changes,
            by="firing",
            author=flight.step,
            redo=effects.redo,
            firing=flight.firing,
            seconds=outcome.seconds,
            name=effects.name,
            tags=effects.tags,
            completed=effects.completed,
            stopped=effects.stops or None,
            settings=effects.settings or None,
            parked_until=self._after(effects.park),
            expires_at=self._after(effects.timeout),
            asked=asked,
        )
        for order, place in zip(effects.subtasks, places, strict=True):
            self._create(task, order, place)
        for child_id, reason in effects.stops.items():
            self._stop(self.tree.tasks[child_id], reason)
        if effects.completed is not None and effects.cancel:
            for other in list(task.flights.values()):
                self._void(task, other, "stopped")

    def _merge(
        self, task: TaskState, flight: Flight, outcome: Returned, since: list[Revision]
    ) -> tuple[list[Change], _Clash | None]:
        """The changes as they apply to the newest document, or why they do not."""
        if not since:
            return outcome.changes, None
        theirs = [(change, revision.firing) for revision in since for change in revision.changes]
        merged, conflicts = merge(outcome.changes, [change for change, _ in theirs], task.document)
        if conflicts:
            rivals = sorted({at for conflict in conflicts for at in conflict.rivals})
            paths = _shown(conflict.path for conflict in conflicts)
            return [], _Clash("conflict", paths, _known(theirs[at][1] for at in rivals))
        condition = self._plan.steps[flight.step].condition
        own = [change for change in outcome.changes if alters(change, condition.paths, flight.base)]
        if own and not self._truth[task.id][flight.step]:
            return [], _Clash("lost", _shown(change.place for change in own), _known(firing for _, firing in theirs))
        return merged, None

    def _void(
        self, task: TaskState, flight: Flight, reason: str, *, conflict: _Clash | None = None, seconds: float = 0.0
    ) -> None:
        again = conflict is not None and self._truth[task.id][flight.step] and task.completed is None
        self._add(
            ev.FiringVoided(
                at=self._now(),
                task=task.id,
                firing=flight.firing,
                step=flight.step,
                reason=reason,
                paths=conflict.paths if conflict else (),
                others=conflict.others if conflict else (),
                again=again,
                seconds=seconds,
            )
        )
        if conflict is None:
            self._next.cuts[flight.firing] = reason
            self._next.jobs = [job for job in self._next.jobs if job.firing != flight.firing]

    def _fail(self, task: TaskState, flight: Flight, outcome: Raised) -> None:
        retry = self._retry(task, self._plan.steps[flight.step])
        again = outcome.retryable and retry is not None and flight.attempt < retry.times
        wait = retry.wait_before(flight.attempt + 1) if retry and again else None
        self._add(
            ev.FiringFailed(
                at=self._now(),
                task=task.id,
                firing=flight.firing,
                step=flight.step,
                error=outcome.error,
                attempt=flight.attempt,
                retry_at=None if wait is None else to_iso(self._clock.now() + wait),
                seconds=outcome.seconds,
            )
        )
        if wait is None:
            entry = {
                "type": outcome.error["type"],
                "message": outcome.error["message"],
                "at": self._now(),
                "attempts": flight.attempt,
            }
            self._commit(task, fields.error_entry(task.document, flight.step, entry), by="engine", author=flight.step)

    # -- commits -----------------------------------------------------------------------------------------------------

    def _commit(
        self,
        task: TaskState,
        changes: list[Change],
        *,
        by: str,
        author: str | None = None,
        redo: bool = False,
        **more: Any,
    ) -> None:
        """Bring `changes` onto the newest document, and judge every condition they may have altered."""
        document = apply(task.document, changes)
        emptied = fields.drop_empty_errors(document)
        changes, document = changes + emptied, apply(document, emptied)
        truth, readers = self._truth[task.id], self._plan.readers(changes)
        for name in readers:
            truth[name] = self._plan.steps[name].condition.matches(document)
        armed = set(self._plan.armed_by(task, truth, readers, author=author))
        armed |= fields.removed_errors(task.document, document) & task.disarmed
        if redo and author is not None:
            armed.add(author)
        self._add(
            ev.Committed(
                at=self._now(),
                task=task.id,
                version=task.version + 1,
                by=by,
                changes=to_wire(changes),
                armed=tuple(sorted(armed)),
                step=author,
                redo=redo,
                **more,
            )
        )
        self._withdraw(task)

    def _withdraw(self, task: TaskState) -> None:
        for flight in list(task.flights.values()):
            if self._plan.steps[flight.step].withdraw and not self._truth[task.id][flight.step]:
                self._void(task, flight, "withdrawn")

    # -- subtasks and ends -------------------------------------------------------------------------------------------

    def _create(self, parent: TaskState, order: SubtaskOrder, place: Path | None) -> None:
        self._add(
            ev.TaskCreated(
                at=self._now(),
                task=order.id,
                name=order.name,
                data=order.data,
                parent=parent.id,
                into=place,
                group=order.group,
                wait_for=order.wait_for,
                expires_at=self._after(order.timeout),
            )
        )
        self._truth[order.id] = self._plan.judge(order.data)

    def _held_places(self, task: TaskState) -> dict[Path, str]:
        children = (self.tree.tasks[child] for child in task.live_children)
        return {child.into: child.name for child in children if child.into is not None}

    def _settle(self, task: TaskState, now: str) -> None:
        """Let a task rest that has nothing in flight and nothing to start, unless it waits for something."""
        if task.rest is not None or (task.completed is None and self._waits(task, now)):
            return
        unended = self._unended(task) if task.completed is None else None
        if unended is not None:
            self._add(ev.TaskRested(at=self._now(), task=task.id, state=unended))
            self._look_up(task)
            return
        parent = self.tree.tasks[task.parent] if task.parent else None
        if parent is not None and alone_in(parent) is not None:
            # The landing is a commit like any other: it queues until the firing that runs alone has landed.
            self._postponed.append(task.id)
            return
        state = _state_at_rest(task)
        missing = nearest_misses(self._plan.steps.values(), task.document) if state == "ignored" else ()
        self._rest(task, state, missing=missing)

    def _waits(self, task: TaskState, now: str) -> bool:
        """Whether something will come by itself: a try, the end of a parking, a subtask that goes on."""
        parked = task.parked_until is not None and now < task.parked_until
        return bool(task.retries) or parked or any(self.tree.tasks[child].rest is None for child in task.live_children)

    def _unended(self, task: TaskState) -> str | None:
        """The state of a rest that is no end: somebody is asked, here or in a subtask."""
        if task.questions:
            return "question"
        states = {self.tree.tasks[child].state for child in task.live_children}
        return next((state for state in UNENDED if state in states), None)

    def _look_up(self, task: TaskState) -> None:
        """A task that only waited for this one may come to rest now as well."""
        if task.parent is not None:
            self._dirty[task.parent] = None

    def _rest(
        self, task: TaskState, state: str, *, reason: str | None = None, missing: tuple[JsonObject, ...] = ()
    ) -> None:
        parent = self.tree.tasks[task.parent] if task.parent else None
        was_live = parent is not None and task.id in parent.live_children
        rested = ev.TaskRested(
            at=self._now(),
            task=task.id,
            state=state,
            closed=parent is not None or task.completed is not None or state in ("stopped", "incomplete"),
            result=task.completed["result"] if task.completed else None,
            reason=reason,
            missing=missing,
        )
        self._add(rested)
        if parent is not None and was_live:
            self._arrive(parent, task, rested)

    def _arrive(self, parent: TaskState, child: TaskState, rested: ev.TaskRested) -> None:
        if parent.id not in self._truth:
            self._truth[parent.id] = self._plan.judge(parent.document)
        self._commit(parent, fields.landing(parent, child, rested), by="landing", child=child.id)

    def _stop(self, task: TaskState, reason: str) -> None:
        for one in [*self.tree.descendants(task.id)[::-1], task]:
            if one.closed:
                continue
            for flight in list(one.flights.values()):
                self._void(one, flight, "stopped")
            self._rest(one, "stopped", reason=reason)

    def _expire(self, task: TaskState) -> None:
        """End a task whose time is up: what it has so far is its result."""
        for child in self.tree.descendants(task.id):
            if child.parent == task.id and not child.closed:
                self._stop(child, "the task it belongs to ran out of time")
        for flight in list(task.flights.values()):
            self._void(task, flight, "stopped")
        self._rest(task, "incomplete", reason="it ran out of time")

    def _refuse_strangers(self, task: TaskState, effects: Effects) -> None:
        if not effects.stops:
            return
        own = {child.id for child in self.tree.descendants(task.id)} | {order.id for order in effects.subtasks}
        for task_id in effects.stops:
            if task_id not in own:
                raise InputError(f"task {task_id} is no subtask of {task.id}; only those can be stopped from it")


def _state_at_rest(task: TaskState) -> str:
    if fields.unhandled_errors(task.document):
        return "error"
    matched = task.completed is not None or any(
        figures.fired or figures.looked or figures.failed or figures.voided for figures in task.figures.values()
    )
    return "done" if matched else "ignored"


def _is_kept(event: ev.Event) -> bool:
    """Whether it belongs into the journal; what only tells views what goes on does not."""
    return not isinstance(event, ev.CallSent) and not (isinstance(event, ev.CallAnswered) and event.replayed)


def _shown(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(show_path, paths)))


def _known(firings: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(sorted({firing for firing in firings if firing is not None}))


def _own_error(error: InputError) -> JsonObject:
    return {"type": type(error).__name__, "message": str(error)}


def _keep(names: set[str], name: str, *, wanted: bool) -> None:
    if wanted:
        names.add(name)
    else:
        names.discard(name)
