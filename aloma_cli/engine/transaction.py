"""The tree being run, and the events of the turn under way.

The rules read the transaction and add events to it. Each event is in the tree as soon as it is added, so the next
decision sees it. All of them are in the journal, as one line, when the transaction closes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from aloma_cli.clock import Clock, ForwardClock, from_iso, to_iso
from aloma_cli.content.job import Job
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.working import WorkingTask, read_working
from aloma_cli.record import events as ev
from aloma_cli.store.protocol import Claim

Emit = Callable[[ev.Event], None]

_RARE = {ev.TaskCreated, ev.FiringVoided, ev.LimitsSet, ev.LimitReached, ev.TreeResumed}
"""The events that concern more than their task as such."""

_CUT = frozenset({"stopped", "withdrawn", "superseded"})
"""The voids that the engine decides, so that a runner must end the firing."""


class Transaction:
    """`now` (seconds since 1970) and `at` (the same in ISO 8601) are read once a turn.

    `events` has what happened and is not in the journal yet. `jobs` has the firings that began to run in the turn,
    `cuts` those that it ended from outside, with the reason.

    Three things are kept so that a turn need not ask every task. They hold after every event: `restless` are the tasks
    that do not rest; `timers` has the due moments of every task with some; `dirty` has at least the tasks to which
    something happened since the turn last looked at them.
    """

    def __init__(self, claim: Claim, plan: Plan, *, clock: Clock, emit: Emit) -> None:
        self.tree = read_working(claim.kept(), claim.batches)
        self.plan = plan
        self.clock = ForwardClock(clock, since=from_iso(self.tree.last_at))
        self.dirty = OrderedDict.fromkeys(self.tree.tasks)
        self.postponed: dict[str, None] = {}
        """The tasks that come to rest when a firing in their parent no longer runs alone."""
        self.restless: set[str] = set()
        self.jobs: dict[int, Job] = {}
        self.cuts: dict[int, str] = {}
        self.timers: dict[str, list[float]] = {}
        self.events: list[ev.Event] = []
        self._must_be_durable = False
        self._claim = claim
        self._emit = emit
        self.now, self.at = self.clock.tick()
        for task in self.tree.tasks.values():
            self._track(task)
            if not task.closed:
                plan.watch(task)
        if self.tree.running:
            self.add(ev.TreeOpened(at=self.at, task=self.tree.root_id))

    def after(self, seconds: float) -> str:
        """The time (ISO) in this many seconds."""
        return to_iso(self.now + seconds)

    def add(self, event: ev.Event) -> None:
        """Add an event."""
        task = self.tree.apply(event)
        self.events.append(event)
        kind = type(event)
        if kind is not ev.FiringStarted:
            self._must_be_durable = True
            self.dirty[task.id] = None  # who starts firings has started all that may start
        if kind in _RARE:
            self._spread(task, event)
        if task.rest is not None or task.has_timers or task.id in self.timers or task.id not in self.restless:
            self._track(task)
        if kind is ev.TaskRested and task.parent is not None:
            self.dirty[task.parent] = None  # it may have waited for this one only
        # The event may have woken those above it.
        while task.parent is not None and task.parent not in self.restless:
            task = self.tree.tasks[task.parent]
            self._track(task)

    def _spread(self, task: WorkingTask, event: ev.Event) -> None:
        """The effects of an event on other tasks and firings than its own."""
        if isinstance(event, ev.TaskCreated):
            self.plan.watch(task)
        elif isinstance(event, ev.FiringVoided):
            if event.reason in _CUT:
                self.cuts[event.firing] = event.reason
                self.jobs.pop(event.firing, None)
        else:  # every task may continue, or may not
            for one in self.tree.tasks.values():
                self._track(one)
                self.dirty[one.id] = None

    def close(self) -> None:
        """Write the events, and emit them to the views. Raises StoreError; then none was emitted.

        A loss of power may undo a start that had no effect yet: the firing starts again, and nothing is doubled. An
        effect (a call that is sent, a commit) is synced together with the start.
        """
        events, durable = self.events, self._must_be_durable
        self.events, self._must_be_durable, self.jobs, self.cuts = [], False, {}, {}
        if events:
            self._claim.commit(events, durable=durable)
        for event in events:
            self._emit(event)

    def history(self) -> Iterator[ev.Event]:
        """All events of the tree, in order."""
        for batch in self._claim.batches():
            yield from batch.events
        yield from self.events

    def look_again(self) -> None:
        """Mark the tasks as dirty in which a timer has run out, and those that were postponed."""
        for task_id, moments in self.timers.items():
            if min(moments) <= self.now:
                self.dirty[task_id] = None
        if self.postponed:
            self.dirty.update(self.postponed)
            self.postponed.clear()

    def next_timer(self, *, overdue: bool = False) -> float | None:
        """The first moment that has not come; with `overdue`, or that has come and was not taken in."""
        later = (moment for moments in self.timers.values() for moment in moments if overdue or moment > self.now)
        return min(later, default=None)

    def _track(self, task: WorkingTask) -> None:
        if task.rest is None:
            self.restless.add(task.id)
        else:
            self.restless.discard(task.id)
        if task.has_timers:
            moments = list(map(from_iso, task.timers))
            if moments:
                self.timers[task.id] = moments
                return
        if self.timers:
            self.timers.pop(task.id, None)
