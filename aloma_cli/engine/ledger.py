"""The tree being run and the batch being made: every change of a task goes through here.

A turn adds events; they are in the tree at once, and in the journal, all together, when the turn closes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aloma_cli.clock import Clock, ForwardClock, from_iso, to_iso
from aloma_cli.content.job import Job, Limited, SubtaskOrder
from aloma_cli.document.changes import Change, apply, to_wire
from aloma_cli.engine import fields, requests
from aloma_cli.engine.cycles import Lap
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.working import WorkingFlight, WorkingTask, WorkingTree
from aloma_cli.jsontext import Path
from aloma_cli.record import events as ev
from aloma_cli.record.states import PAUSED
from aloma_cli.store.protocol import Claim, Request

Emit = Callable[[ev.Event], None]


@dataclass(slots=True)
class Batch:
    """What the turn under way has gathered."""

    events: list[ev.Event] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    cuts: dict[int, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a firing cannot land: the reason, the places, and the firings that were there first."""

    reason: str
    paths: tuple[str, ...]
    others: tuple[int, ...]


class Ledger:
    """`truth`: for each task that is not closed, whether each step's condition holds. `dirty`: the tasks to look at."""

    def __init__(self, claim: Claim, plan: Plan, *, clock: Clock, emit: Emit) -> None:
        self.tree = WorkingTree.read(claim.batches())
        self.plan = plan
        self.clock: Clock = ForwardClock(clock, since=from_iso(self.tree.last_at))
        self.batch = Batch()
        self.truth = {task.id: plan.judge(task.document) for task in self.tree.tasks.values() if not task.closed}
        self.dirty = dict.fromkeys(self.tree.tasks)
        self.restless = {task.id for task in self.tree.tasks.values() if task.rest is None}
        self._timers = {task.id: task.timers for task in self.tree.tasks.values() if task.timers}
        self._claim = claim
        self._emit = emit
        if self.tree.running:
            self.add(ev.TreeOpened(at=self.now(), task=self.tree.root_id))

    def close(self) -> Batch:
        """Write the batch, tell of it, and begin a new one. Raises StoreError; nobody was told then."""
        done, self.batch = self.batch, Batch()
        if done.events:
            self._claim.commit(done.events)
        for event in done.events:
            self._emit(event)
        for request in done.requests:
            self._claim.fulfilled(request)
        return done

    def add(self, event: ev.Event) -> None:
        """Let something have happened."""
        self.tree.apply(event)
        self.batch.events.append(event)
        self.dirty[event.task] = None
        task = self.tree.tasks[event.task]
        self._track(task)
        # It may have woken those above it.
        while task.parent is not None and task.parent not in self.restless:
            task = self.tree.tasks[task.parent]
            self._track(task)

    def track_all(self) -> None:
        """Look at every task anew: something happened to all of them."""
        for task in self.tree.tasks.values():
            self._track(task)
            self.dirty[task.id] = None

    def _track(self, task: WorkingTask) -> None:
        _keep(self.restless, task.id, wanted=task.rest is None)
        timers = task.timers
        if timers:
            self._timers[task.id] = timers
        else:
            self._timers.pop(task.id, None)

    def due(self, now: str) -> list[str]:
        """The tasks in which a timer has run out."""
        return [task_id for task_id, timers in self._timers.items() if any(at <= now for at in timers)]

    def next_timer(self, now: str) -> str | None:
        """The first timer that has not run out."""
        return min((at for timers in self._timers.values() for at in timers if at > now), default=None)

    def now(self) -> str:
        """The time, in ISO 8601."""
        return to_iso(self.clock.now())

    def after(self, seconds: float | None) -> str | None:
        """The time so many seconds from now on."""
        return None if seconds is None else to_iso(self.clock.now() + seconds)

    def commit(
        self,
        task: WorkingTask,
        changes: list[Change],
        *,
        by: str,
        author: str | None = None,
        redo: bool = False,
        answers: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        """Bring `changes` onto the newest document, and judge every condition they may have altered."""
        document = apply(task.document, changes)
        emptied = fields.drop_empty_errors(document)
        changes, document = changes + emptied, apply(document, emptied)
        truth, readers = self.truth[task.id], self.plan.readers(changes)
        for name in readers:
            step = self.plan.steps[name]  # by this name an interrupt finds which condition takes so long
            truth[name] = step.condition.matches(document)
        armed = set(self.plan.armed_by(task, truth, changes, readers, author=author))
        armed |= fields.removed_errors(task.document, document) & task.disarmed
        if redo and author is not None:
            armed.add(author)
        self.add(
            ev.Committed(
                at=self.now(),
                task=task.id,
                version=task.version + 1,
                by=by,
                changes=to_wire(changes),
                armed=tuple(sorted(armed)),
                step=author,
                redo=redo,
                answers=tuple(dict.fromkeys((*answers, *requests.answered_by(task, document, changes)))),
                **more,
            )
        )
        self._withdraw(task)

    def _withdraw(self, task: WorkingTask) -> None:
        for flight in list(task.flights.values()):
            step = self.plan.steps.get(flight.step)  # None: interrupted, and its file is away for now
            if step is not None and step.withdraw and not self.truth[task.id][step.name]:
                self.void(task, flight, "withdrawn")

    def void(
        self, task: WorkingTask, flight: WorkingFlight, reason: str, *, clash: Clash | None = None, seconds: float = 0.0
    ) -> None:
        """End a firing that leaves nothing. After a conflict the same firing runs again, if its condition holds."""
        if clash is not None:
            again = self.truth[task.id][flight.step] and task.completed is None
            self._leave_nothing(task, flight, reason, seconds, again=again, paths=clash.paths, others=clash.others)
            return
        self._leave_nothing(task, flight, reason, seconds)
        self._cut(flight, reason)

    def _cut(self, flight: WorkingFlight, reason: str) -> None:
        self.batch.cuts[flight.firing] = reason
        self.batch.jobs = [job for job in self.batch.jobs if job.firing != flight.firing]

    def pause(self, task: WorkingTask, flight: WorkingFlight, limited: Limited) -> None:
        """Let a firing wait until the limit that it met is raised, and everything else with it."""
        self._leave_nothing(task, flight, "limited", limited.seconds, again=True)
        self.limit(limited.reason)

    def _leave_nothing(
        self, task: WorkingTask, flight: WorkingFlight, reason: str, seconds: float, **more: Any
    ) -> None:
        self.add(
            ev.FiringVoided(
                at=self.now(),
                task=task.id,
                firing=flight.firing,
                step=flight.step,
                reason=reason,
                seconds=seconds,
                **more,
            )
        )

    def limit(self, reason: str) -> None:
        """Start nothing new in the whole tree until the limit is raised."""
        if self.tree.limited is None:
            self.add(ev.LimitReached(at=self.now(), task=self.tree.root_id, reason=reason))
            self.dirty.update(dict.fromkeys(self.tree.tasks))

    def create(self, parent: WorkingTask, order: SubtaskOrder, place: Path | None) -> None:
        """Begin a subtask whose result will land at `place`."""
        self.add(
            ev.TaskCreated(
                at=self.now(),
                task=order.id,
                name=order.name,
                data=order.data,
                parent=parent.id,
                into=place,
                group=order.group,
                wait_for=order.wait_for,
                expires_at=self.after(order.timeout),
            )
        )
        self.truth[order.id] = self.plan.judge(order.data)

    def rest(self, task: WorkingTask, state: str, *, closed: bool = False, **more: Any) -> None:
        """Let a task come to an end; a subtask lands in its parent, and so is closed as one that is complete."""
        parent = self.tree.tasks[task.parent] if task.parent else None
        was_live = parent is not None and task.id in parent.live_children
        rested = ev.TaskRested(
            at=self.now(),
            task=task.id,
            state=state,
            closed=state not in PAUSED and (closed or parent is not None or task.completed is not None),
            result=task.completed.get("result") if task.completed else None,
            **more,
        )
        self.add(rested)
        if parent is not None and was_live and state not in PAUSED:
            self._arrive(parent, task, rested)

    def _arrive(self, parent: WorkingTask, child: WorkingTask, rested: ev.TaskRested) -> None:
        if parent.id not in self.truth:
            self.truth[parent.id] = self.plan.judge(parent.document)
        self.commit(parent, fields.landing(parent, child, rested), by="landing", child=child.id)

    def stop(self, task: WorkingTask, reason: str) -> None:
        """Stop a subtask and its own for good."""
        for one in [*self.tree.descendants(task.id)[::-1], task]:
            if one.closed:
                continue
            for flight in list(one.flights.values()):
                self.void(one, flight, "stopped")
            self.rest(one, "stopped", closed=True, reason=reason)

    def halt(self, reason: str) -> None:
        """Stop the whole tree until it is resumed. What was under way then runs once more, as after a limit."""
        for one in [*self.tree.descendants(self.tree.root_id)[::-1], self.tree.root]:
            if one.closed:
                continue
            for flight in [flight for flight in one.flights.values() if flight.running]:
                self._leave_nothing(one, flight, "stopped", 0.0, again=True)
                self._cut(flight, "stopped")
            self.rest_stopped(one, reason)

    def rest_stopped(self, task: WorkingTask, reason: str) -> None:
        """Let a task of a tree that a person stopped rest; it has not ended, and does not land."""
        self.add(ev.TaskRested(at=self.now(), task=task.id, state="stopped", reason=reason))

    def expire(self, task: WorkingTask) -> None:
        """End a task whose time is up: what it has so far is its result."""
        for child in self.tree.descendants(task.id):
            if child.parent == task.id and not child.closed:
                self.stop(child, "the task it belongs to ran out of time")
        for flight in list(task.flights.values()):
            self.void(task, flight, "stopped")
        self.rest(task, "incomplete", closed=True, reason="it ran out of time")

    def lap(self, task: WorkingTask, lap: Lap) -> list[ev.Committed]:
        """The commits that make up a lap."""
        written = (event for batch in self._claim.batches() for event in batch.events)
        return [
            event
            for event in (*written, *self.batch.events)
            if isinstance(event, ev.Committed) and event.task == task.id and lap.since < event.version <= lap.until
        ]


def _keep(names: set[str], name: str, *, wanted: bool) -> None:
    if wanted:
        names.add(name)
    else:
        names.discard(name)
