"""One tree of tasks being run, without a clock of its own, without tasks of asyncio: values in, values out.

A turn takes in what has ended, commits it, and says what to start next. All that a turn decides becomes one batch
of the journal. Nothing starts, and no view hears of it, before that batch is written, and durable where it decides
more than what starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec

from aloma_cli.budget import Budget
from aloma_cli.clock import Clock, from_iso, to_iso
from aloma_cli.content.job import Job, Limited, Outcome, Raised
from aloma_cli.engine import start
from aloma_cli.engine.commit import returned
from aloma_cli.engine.plan import Plan, alone_in, runs_alone
from aloma_cli.engine.rest import rest_again, settle
from aloma_cli.engine.transaction import Emit, Transaction
from aloma_cli.engine.working import WorkingFlight, WorkingTask, WorkingTree
from aloma_cli.errors import ClaimLostError, InputError, StoreError
from aloma_cli.jsontext import JsonObject, printable
from aloma_cli.later import Later
from aloma_cli.record import events as ev
from aloma_cli.record.events import AnEvent, Event
from aloma_cli.record.summary import summary
from aloma_cli.redact import NO_SECRETS, Redactor

if TYPE_CHECKING:
    from aloma_cli.engine import failure, limits, redaction, requests, subtasks, unsettled
    from aloma_cli.record import checkpoint
    from aloma_cli.store.protocol import Claim, Request
else:
    failure = Later("aloma_cli.engine.failure")
    limits = Later("aloma_cli.engine.limits")
    requests = Later("aloma_cli.engine.requests")
    redaction = Later("aloma_cli.engine.redaction")
    subtasks = Later("aloma_cli.engine.subtasks")
    unsettled = Later("aloma_cli.engine.unsettled")
    checkpoint = Later("aloma_cli.record.checkpoint")

P = ParamSpec("P")

_log = logging.getLogger(__name__.partition(".")[0])


class Turn(NamedTuple):
    """What follows from a turn: start `jobs`, cancel `cuts` (firing: reason), and look again at `wake_at`.

    `wake_at` is in seconds since 1970.
    """

    jobs: tuple[Job, ...]
    cuts: Mapping[int, str]
    wake_at: float | None
    finished: bool


class Scheduler:
    """The one writer of a claimed tree.

    `concurrency`: how many firings of one task may be in flight. The record gets no value that `redactor` knows.
    """

    def __init__(
        self,
        claim: Claim,
        plan: Plan,
        *,
        clock: Clock,
        emit: Emit,
        concurrency: int = 8,
        redactor: Redactor = NO_SECRETS,
    ) -> None:
        self.behind = claim.behind
        if self.behind is not None:
            emit = self.behind.when_durable(emit)
        self._tx = Transaction(claim, plan, clock=clock, emit=emit)
        self.tree: WorkingTree = self._tx.tree
        self.clock = self._tx.clock
        self.budget = Budget(self.tree.limits, self.tree.spent)
        self.failed = self.tree.root.rest is not None and self.tree.root.state == "error"
        """Whether the tree had come to rest in error when it was claimed."""
        self._claim = claim
        self._emit = emit
        self._concurrency = concurrency
        self._redactor = redactor
        self.arrived: list[Outcome] = []
        """The ends of firings that no turn has taken in yet."""
        self._notes: list[Event] = []
        self._refused: Exception | None = None
        self._unpublished = False
        self._wake_at: float | None = None
        self._taken: set[str] = set()
        self._fulfilled: list[Request] = []

    def deliver(self, outcome: Outcome) -> None:
        """Take the end of a firing in; the next turn commits it."""
        self.arrived.append(outcome)

    def note(self, event: AnEvent) -> AnEvent:
        """Take in what happens while a firing runs (a call, a log line), and return it as it is recorded.

        The next `flush` writes it.
        """
        if self._redactor or isinstance(event, ev.CallProgress):
            event = redaction.clean_event(self._redactor, event)
        self._notes.append(event)
        return event

    def flush(self) -> None:
        """Write what was noted: durably where a call is sent or was answered, so that it is not made again."""
        notes, self._notes = self._notes, []
        kept = [event for event in notes if _is_kept(event)]
        try:
            if kept:
                self._claim.commit(kept, durable=any(map(_must_be_durable, kept)))
            for event in kept:
                self.tree.apply(event)
            for event in notes:
                self._emit(event)
        except Exception as error:
            # No firing waits for a note, so the next turn raises this.
            self._refused = error
            if isinstance(error, StoreError):
                # An answer that was paid for must not be lost: it is tried once more, before the run ends with this.
                self._notes = notes + self._notes
            raise

    @property
    def pending(self) -> bool:
        """Whether the next turn has something to do even if nothing ends meanwhile."""
        return bool(self.arrived or self._tx.postponed)

    def publish(self, wake_at: float | None = None) -> None:
        """Put the root's record and document where readers find them quickly; the journal has both in any case.

        After many commits it also keeps the whole tree, so that the next process need not add them up. It does nothing
        while the tree has events that are not in the journal.
        """
        self._wake_at = wake_at
        if not self._claim.publishes or self._tx.events:
            return
        try:
            root = self.tree.root
            if wake_at is None and root.rest is not None and self.tree.stopped is None and self._tx.restless:
                wake_at = (
                    self._tx.now
                )  # it was completed, and a subtask continues: its state does not show that to a worker
            wakes = None if wake_at is None else to_iso(wake_at)
            if self._claim.keeps:  # first, so that what a kill leaves of it is removed before the record is current
                self._claim.keep(checkpoint.to_checkpoint(self.tree))
            self._claim.publish(dict(summary(self.tree, root.id, root.document, wakes)), root.document)
        except ClaimLostError:
            raise
        except StoreError as error:
            if not self._unpublished:
                _log.warning("%s; the run continues, and its record is in the journal", printable(str(error)))
            self._unpublished = True

    def publish_left(self) -> None:
        """Publish a tree that is left before it is at rest. It sleeps until its next timer if nothing runs in it."""
        asleep = not self.tree.running and self.tree.stopped is None
        self.publish(self._tx.next_timer() if asleep else None)

    def publish_again(self) -> None:
        """Publish what was noted since the tree was last published."""
        self.flush()
        self.publish(self._wake_at)

    def turn(self, *, start: bool = True) -> Turn:
        """Commit what has ended, settle what is at rest, and say what to start; without `start` only commit.

        Raises StoreError where the journal cannot be written; nothing was started then, and the run is over.
        """
        if self._notes:
            self.flush()
        if self._refused is not None:
            raise self._refused
        tx = self._tx
        tx.now, tx.at = self.clock.tick()
        _take_in(tx, self.arrived, self._redactor)
        if self.budget.limits.of_steps:
            limits.check(tx, self.budget)
        if tx.timers or tx.postponed:
            tx.look_again()
        while start and tx.dirty:
            _advance(tx, self.tree.tasks[tx.dirty.popitem(last=False)[0]], self._concurrency, self._redactor)
        self.budget.limits = self.tree.limits
        return self._close()

    def _close(self) -> Turn:
        tx = self._tx
        begun, cuts = tx.jobs, tx.cuts
        tx.close()
        if self._fulfilled:
            done, self._fulfilled = self._fulfilled, []
            for request in done:
                self._claim.fulfilled(request)
        # A firing that is due and was not started waits for another firing to end, not for a time.
        wake_at = tx.next_timer() if tx.timers and self.tree.stopped is None else None
        return Turn(tuple(begun.values()), cuts, wake_at, not tx.restless)

    def do(self, rule: Callable[Concatenate[Transaction, P], None], *wanted: P.args, **options: P.kwargs) -> None:
        """Let a rule add events to the next turn's batch."""
        self._tx.now, self._tx.at = self.clock.tick()
        rule(self._tx, *wanted, **options)
        self.budget.limits = self.tree.limits

    def recover(self) -> None:
        """Repeat what had started and not ended; once, before the first turn of a tree that was run before."""
        if self.tree.last_firing:
            self.do(start.recover)

    def take_requests(self, kind: str | None = None) -> bool:
        """Take in the requests of other processes, and return whether there were any; the next turn does it.

        With `kind` only requests of that kind; the others wait on.
        """
        # A request whose file cannot be dropped is listed each time.
        new = [request for request in self._claim.requests() if request.id not in self._taken]
        wanted = [request for request in new if kind in (None, request.body.get("kind"))]
        taken = [request for request in wanted if not _must_queue(self.tree, request)]
        for request in taken:
            self._taken.add(request.id)
            # A request that outlived a crash was carried out before it; only its file is left to be dropped.
            if request.id not in self.tree.requests:
                try:
                    self.carry_out(request.body, request.id)
                except InputError as error:
                    # The task has moved on since it was sent, or the file was written by hand.
                    self.do(requests.refuse, request.id, self._redactor.text(str(error)))
        self._fulfilled += taken
        return bool(taken)

    def carry_out(self, body: JsonObject, request: str | None = None) -> None:
        """Carry out a request (`docs/format.md`, Requests); the next turn commits it. Raises InputError.

        Without the id of a `request` it comes from the person who has claimed the tree. It does not queue behind a
        firing that runs alone: nothing runs yet, and that firing is repeated on the newest document if they conflict.
        """
        body = redaction.clean_request(self._redactor, body)
        asked = requests.checked(self.tree, requests.read_request(body))
        self.do(requests.carry_out, asked, requests.source_of(body, request))

    def write(self) -> None:
        """Commit what was carried out without starting anything; the next run of the task does that."""
        self.do(_rest_all)
        turn = self._close()
        sleeps = turn.finished and self.tree.stopped is None
        self.publish(self._tx.next_timer(overdue=True) if sleeps else None)


def _rest_all(tx: Transaction) -> None:
    while tx.dirty:
        rest_again(tx, tx.tree.tasks[tx.dirty.popitem(last=False)[0]])


def _take_in(tx: Transaction, arrived: list[Outcome], redactor: Redactor) -> None:
    """Take in what may land; what must wait for a firing that runs alone stays in `arrived`."""
    outcomes = arrived.copy()
    arrived.clear()
    for outcome in outcomes:
        flying = tx.tree.flying.get(outcome.firing)
        if flying is None or outcome.firing not in tx.tree.running:
            continue  # stopped or withdrawn meanwhile, so its outcome is void
        task = tx.tree.tasks[flying]
        flight = task.flights[outcome.firing]
        if len(task.flights) > 1 and alone_in(task) not in (None, flight):
            arrived.append(outcome)
        else:
            _end(tx, task, flight, redaction.clean_outcome(redactor, outcome, flight.base) if redactor else outcome)
    if 0 < len(arrived) < len(outcomes):
        _take_in(tx, arrived, redactor)  # a firing that ran alone may have landed


def _end(tx: Transaction, task: WorkingTask, flight: WorkingFlight, outcome: Outcome) -> None:
    if flight.sent and flight.unanswered:
        unsettled.park(tx, task, flight, outcome.seconds)
    elif isinstance(outcome, Limited):
        limits.pause(tx, task, flight, outcome)
    elif isinstance(outcome, Raised):
        failure.fail(tx, task, flight, outcome)
    else:
        returned(tx, task, flight, outcome)


def _advance(tx: Transaction, task: WorkingTask, concurrency: int, redactor: Redactor) -> None:
    """Start what may start in a task, or settle it when there is nothing more to do."""
    if task.closed:
        return
    if tx.tree.stopped is not None:
        rest_again(tx, task)
        return
    if task.expires_at is not None and from_iso(task.expires_at) <= tx.now:
        subtasks.expire(tx, task)
        return
    if task.questions:
        requests.default_answers(tx, task)
    if tx.tree.limited is None:
        start.start_more(tx, task, concurrency)
    if task.retries:
        start.give_up_retries(tx, task)
    if tx.tree.running.isdisjoint(task.flights):
        settle(tx, task, redactor)


def _must_queue(tree: WorkingTree, request: Request) -> bool:
    """Whether a request would commit beside a firing that runs alone: it queues, as all other commits do."""
    try:
        asked = requests.checked(tree, requests.read_request(request.body))
    except InputError:
        return False  # it is refused when it is carried out
    return bool(asked.changes) and runs_alone(asked.task)


def _is_kept(event: Event) -> bool:
    """Whether the journal gets it: not the sending of a read, its progress, or an answer from the record."""
    if isinstance(event, ev.CallSent):
        return event.effect != "read"
    return not isinstance(event, ev.CallProgress) and not (isinstance(event, ev.CallAnswered) and event.replayed)


def _must_be_durable(event: Event) -> bool:
    return isinstance(event, ev.CallSent | ev.CallAnswered | ev.NoticeSent)
