"""Any history of several trees at once: firings that end in any way and any order, people, timers, limits, deaths.

A state machine plays against the real engine on the real store. After each move the journal on disk is held against
`truths.py` (what must be true of any record), `model.py` (the rules of firing) and the tree in memory.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from aloma_cli.api.task import document_at, task_of
from aloma_cli.budget import LimitRequest
from aloma_cli.clock import from_iso, to_iso
from aloma_cli.content.handles.step import StepHandle
from aloma_cli.content.handles.task import TaskHandle
from aloma_cli.content.job import Job
from aloma_cli.content.step import Step
from aloma_cli.document.diff import same
from aloma_cli.engine import failure, requests
from aloma_cli.engine.agenda import UNWATCHED
from aloma_cli.engine.limits import set_limits
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import ConnectorError, InputError, StoreError, TaskLockedError
from aloma_cli.record.due import due
from aloma_cli.record.events import CallProgress, Event, FiringStarted, Logged, TaskCreated
from aloma_cli.view.history import History
from tests.engine import acts
from tests.engine.model import Model
from tests.engine.truths import ENDINGS, Truths
from tests.servers import Postgres
from tests.store import foreign_reader
from tests.support.brittle import (
    BrittleClaim,
    BrittleFiles,
    BrittleMemory,
    BrittlePostgres,
    BrittleStore,
    Dead,
    Fault,
)
from tests.support.deeply import differences
from tests.support.manual import EPOCH, HeldClock
from tests.support.process import Cue, Process, Room
from tests.support.steps import connector, connectors, step

MOST_TREES = 3
MOST_TASKS = 9
ROUNDS_TO_REST = 400

PICK = acts.PICK
SECONDS = st.sampled_from([0, 0, 1, 5])
FAULTS: st.SearchStrategy[Fault | None] = st.sampled_from([None, "dies", "refuses", "dies before dropping a request"])
DEATHS = st.fixed_dictionaries({"survivors": PICK, "tear": st.integers(0, 10_000), "holed": st.booleans()})


@dataclass
class Known:
    """One tree, as the machine knows it. `process` is None while nobody runs it, `death` is how it would end."""

    root: str
    truths: Truths
    model: Model
    process: Process | None = None
    events: list[Event] = field(default_factory=list)
    batches: int = 0
    opened_at: int = 0
    paid: set[tuple[int, str]] = field(default_factory=set)
    posted: dict[str, str] = field(default_factory=dict)
    musts: dict[str, bool | None] = field(default_factory=dict)
    death: dict[str, Any] = field(default_factory=dict)

    @property
    def claim(self) -> Any:
        assert self.process is not None
        return self.process.claim

    @property
    def on_road(self) -> int:
        assert self.process is not None
        return sum(firing.awaits("answer") for firing in self.process.firings.values())


class Machine(RuleBasedStateMachine):
    """`trees` are the trees there are, `count` gives values that nobody has used before."""

    store: BrittleStore

    def __init__(self) -> None:
        super().__init__()
        self.clock = HeldClock()
        self.trees: list[Known] = []
        self.count = itertools.count(1)
        self.wrong: list[str] = []
        self.is_sound = True

        async def pay(what: str, idempotency_key: str) -> int:
            self._pay(*idempotency_key.split("-"))
            verdict = await Cue("answer")
            task, firing, key = idempotency_key.split("-")
            self._tree(task).paid.add((int(firing), key))
            if verdict != "ok":
                raise ConnectorError("the bank is closed", retryable=verdict == "busy")
            return next(self.count)

        self.connectors = connectors(connector("bank", pay=pay))

    # -- beginning -----------------------------------------------------------------------------------------------------

    @initialize(specs=acts.SPECS, concurrency=st.sampled_from([1, 2, 8, 8]), data=acts.DATA)
    def begin(self, specs: list[Any], concurrency: int, data: dict[str, Any]) -> None:
        self.steps: list[Step] = []
        for number, (condition, options) in enumerate(specs):
            self.steps.append(step(f"s{number}", condition, self._content(), **options))
        self.concurrency = concurrency
        self._create(data)

    def _content(self) -> Any:
        async def content(data: Any, task: TaskHandle, step: StepHandle, connectors: Any, log: Any) -> None:
            await acts.obey(data, task, step, connectors, log, self._act)

        return content

    def _act(self, what: str, data: dict[str, Any], task: TaskHandle, step: StepHandle) -> None:
        number = next(self.count)
        known = self._tree(task.id).truths.tasks
        how, _, rest = what.partition(" ")
        if what == "stop a subtask":
            running = [child.created.task for child in known[task.id].children if child.ended is None]
            task.stop(running[0] if running else "1.99.1")
        elif how == "spawn" and len(known) < MOST_TASKS:
            acts.spawn(what, task, number)
        elif how in ("set", "drop", "append", "pop"):
            acts.write(how, rest, data, number)
        else:
            acts.ask(what, data, task, step, number)

    @precondition(lambda self: len(self.trees) < MOST_TREES)
    @rule(data=acts.DATA)
    def _create(self, data: dict[str, Any]) -> None:
        root = str(len(self.trees) + 1)
        created = TaskCreated(at=to_iso(self.clock.now()), task=root, name="a task", data=data)
        tree = self._fresh(root)
        self.trees.append(tree)
        self._run(tree, self.store.create(root, [created]))

    def _fresh(self, root: str) -> Known:
        return Known(root, Truths(self.steps), Model(self.steps, concurrency=self.concurrency))

    def _tree(self, task: str) -> Known:
        return self.trees[int(task.partition(".")[0]) - 1]

    def _run(
        self, tree: Known, claim: BrittleClaim, wishes: dict[str, LimitRequest] | None = None, retry: bool = False
    ) -> None:
        def before(run: Scheduler) -> None:
            if wishes is not None or retry:
                run.do(requests.resume)
            run.do(set_limits, wishes or {})
            if retry:
                run.do(failure.retry_failed)

        self.is_sound = False
        self._read(tree)
        tree.opened_at = len(tree.events)
        tree.process = Process(
            claim,
            self.steps,
            self.connectors,
            self.clock,
            concurrency=self.concurrency,
            check=lambda job: self._check_job(tree, job),
            is_durable=lambda event: self.store.has_written(tree.root, event),
        )
        with self._moving(tree):
            self._foresee(tree)
            tree.process.open(before)

    # -- firings -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self._held())
    @rule(moves=st.lists(acts.MOVES, min_size=8, max_size=16))
    def work_long(self, moves: list[tuple[str, int, Any]]) -> None:
        self._work(moves)

    @precondition(lambda self: self._held())
    @rule(moves=st.lists(acts.MOVES, min_size=4, max_size=8))
    def work(self, moves: list[tuple[str, int, Any]]) -> None:
        self._work(moves)

    @precondition(lambda self: self._held())
    @rule(moves=st.lists(acts.MOVES, min_size=1, max_size=3))
    def work_shortly(self, moves: list[tuple[str, int, Any]]) -> None:
        self._work(moves)

    def _work(self, moves: list[tuple[str, int, Any]]) -> None:
        for what, pick, how in moves:
            waiting = self._waiting("answer" if what == "answer" else "act")
            if waiting and what == "clash":
                self._clash(self._pick(waiting, pick)[0], how, times=pick % 4 + 1)
            elif waiting:
                tree, number = self._pick(waiting, pick)
                self._move(tree, number, what, how)

    def _move(self, tree: Known, number: int, what: str, how: Any) -> None:
        with self._moving(tree) as process:
            if what == "answer":
                process.tell(number, how)
            elif what.startswith("end"):
                process.tell(number, ("end", how))
            else:
                process.tell(number, ("call" if what == "pay" else what, how))
            if what == "end":
                process.turn()
            elif what == "pay" and number in process.firings and process.firings[number].awaits("answer"):
                process.tell(number, "ok")

    def _clash(self, tree: Known, how: str, times: int) -> None:
        """Let the youngest firings win, time after time."""
        for _ in range(times):
            if tree.process is None:
                return
            with self._moving(tree) as process:
                for number, firing in list(process.firings.items())[::-1]:
                    if firing.awaits("act"):
                        process.tell(number, ("end", [how, "redo"]))
                process.turn()

    @precondition(lambda self: self._held())
    @rule(pick=PICK)
    def turn(self, pick: int) -> None:
        with self._moving(self._pick(self._held(), pick)) as process:
            process.turn()

    @rule(seconds=st.sampled_from([0.001, 1, 2, 5]))
    def wait(self, seconds: float) -> None:
        self.clock.moment += seconds
        for tree in self._held():
            self._turn_if_due(tree)

    def _turn_if_due(self, tree: Known) -> None:
        assert tree.process is not None
        wake_at = tree.process.last.wake_at
        if wake_at is not None and wake_at <= self.clock.now():
            with self._moving(tree) as process:
                process.turn()

    # -- people --------------------------------------------------------------------------------------------------------

    @rule(pick=PICK, task=PICK, what=st.sampled_from(acts.ASKED), taken=st.booleans(), fault=FAULTS, death=DEATHS)
    def post(self, pick: int, task: int, what: Any, taken: bool, fault: Fault | None, death: dict[str, Any]) -> None:
        """Leave a request for the process that runs the tree, now or later."""
        tree = self._pick(self.trees, pick)
        body = acts.request(what, self._pick(list(tree.truths.tasks), task), next(self.count))
        self.store.store.post(tree.root, body)
        (fresh,) = {request.id for request in self.store.waiting(tree.root)} - tree.posted.keys()
        tree.posted[fresh] = str(what)
        if taken and tree.process is not None:
            self._plan_fault(tree, fault, death)
            self._take_requests(tree)

    @precondition(lambda self: any(self.store.waiting(tree.root) for tree in self._held()))
    @rule(pick=PICK)
    def take_requests(self, pick: int) -> None:
        self._take_requests(self._pick([tree for tree in self._held() if self.store.waiting(tree.root)], pick))

    def _take_requests(self, tree: Known) -> None:
        self._foresee(tree)
        with self._moving(tree) as process:
            process.run.take_requests()
            process.turn()

    @precondition(lambda self: self._left())
    @rule(pick=PICK, task=PICK, what=st.sampled_from(acts.ASKED))
    def submit(self, pick: int, task: int, what: Any) -> None:
        """Write a request into a tree that nobody runs, and start nothing."""
        self.is_sound = False
        tree = self._pick(self._left(), pick)
        body = acts.request(what, self._pick(list(tree.truths.tasks), task), next(self.count))
        claim = self.store.claim(tree.root)
        run = Scheduler(claim, Plan(self.steps), clock=self.clock, emit=list[Event]().append)
        with contextlib.suppress(InputError, AttributeError, KeyError, TypeError, ValueError):
            run.carry_out(body)
            run.write()
            self.is_sound = True
        claim.close()
        self._read(tree)
        if self.is_sound:  # else it was refused, and nothing was written
            _agree(run.tree, tree)
            self._check_due(tree)
        self.is_sound = True

    # -- processes -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self._held())
    @rule(pick=PICK, seconds=SECONDS, comes_back=st.sampled_from([True, False]))
    def leave(self, pick: int, seconds: float, comes_back: bool) -> None:
        """The process ends in an orderly way, whatever still runs."""
        tree = self._pick(self._held(), pick)
        self._leave(tree)
        self._come_back(tree, seconds, comes_back)

    def _leave(self, tree: Known) -> None:
        tree.claim.close()
        tree.process = None
        self.store.faults.pop(tree.root, None)

    @precondition(lambda self: self._held())
    @rule(pick=PICK, death=DEATHS, seconds=SECONDS, comes_back=st.sampled_from([True, True, True, False]))
    def crash(self, pick: int, death: dict[str, Any], seconds: float, comes_back: bool) -> None:
        tree = self._pick(self._held(), pick)
        tree.death = death
        self._bury(tree)
        self._come_back(tree, seconds, comes_back)

    def _come_back(self, tree: Known, seconds: float, comes_back: bool) -> None:
        self.clock.moment += seconds
        if comes_back:
            self._run(tree, self.store.claim(tree.root))
        else:
            self._check_due(tree)

    @precondition(lambda self: self._held())
    @rule(pick=PICK, fault=FAULTS, death=DEATHS)
    def plan_fault(self, pick: int, fault: Fault | None, death: dict[str, Any]) -> None:
        """The next write goes wrong."""
        self._plan_fault(self._pick(self._held(), pick), fault, death)

    def _plan_fault(self, tree: Known, fault: Fault | None, death: dict[str, Any]) -> None:
        if fault is not None:
            self.store.faults[tree.root] = fault
            tree.death = death

    @precondition(lambda self: self._left())
    @rule(pick=PICK, retry=st.booleans())
    def reopen(self, pick: int, retry: bool) -> None:
        tree = self._pick(self._left(), pick)
        self._run(tree, self.store.claim(tree.root), {}, retry)

    @rule(pick=PICK, calls=st.sampled_from([0, 1, 2, 5]), more=st.booleans(), retry=st.booleans())
    def limit(self, pick: int, calls: int, more: bool, retry: bool) -> None:
        """Run a tree (again), with another limit."""
        tree = self._pick(self.trees, pick)
        if tree.process is not None:
            self._leave(tree)
        self._run(tree, self.store.claim(tree.root), {"calls": LimitRequest(calls, more=more)}, retry)

    @precondition(lambda self: self._held())
    @rule(pick=PICK)
    def claim_twice(self, pick: int) -> None:
        if pick != 13:
            return  # it takes a while to be refused
        with pytest.raises(TaskLockedError):
            self.store.claim(self._pick(self._held(), pick).root)

    def _bury(self, tree: Known) -> None:
        """Let the process die; what it had told of is still there, and nothing is there that it had not written."""
        self.store.crash(tree.claim, **tree.death)
        tree.process = None
        fresh = self._fresh(tree.root)
        tree.truths, tree.model, tree.events, tree.batches = fresh.truths, fresh.model, [], 0
        self._read(tree)
        tree.paid &= tree.truths.answered
        self._check_requests(tree)

    # -- after each move -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _moving(self, tree: Known) -> Iterator[Process]:
        """Let something happen in a process that may die of it."""
        self.is_sound = False
        process = tree.process
        assert process is not None
        before = process.last
        try:
            yield process
            if process.is_refused:
                process.turn()
        except StoreError:
            self._read(tree)
            assert tree.paid <= tree.truths.answered, "what was paid for is forgotten"
            self._leave(tree)
        except Dead:
            pass
        if tree.process is not None and tree.claim.dead:
            self._bury(tree)
        if tree.process is not None:
            self._check(tree)
            if process.last is not before:
                self._check_turn(tree)
        assert not self.wrong + process.wrong
        self.is_sound = True

    def _read(self, tree: Known) -> None:
        """Take in what the store has, which is exactly what was written."""
        written = self.store.written[tree.root].batches
        for batch in self.store.store.read(tree.root, since=tree.batches):
            assert batch.seq == tree.batches
            assert batch.events == written[batch.seq], "the journal has something else than was written"
            tree.batches += 1
            tree.events += batch.events
            tree.truths.take(batch.events)
            for event in batch.events:
                tree.model.take(event)
            tree.model.end_batch()
        assert tree.batches == len(written), "what was written is not there"

    def _check(self, tree: Known) -> None:
        """Memory, disk and what views were told agree."""
        self._read(tree)
        assert tree.process is not None
        told = [event for event in tree.process.emitted if not isinstance(event, CallProgress)]  # for views alone
        assert told == tree.events[tree.opened_at :]
        _agree(tree.process.run.tree, tree)
        self._check_agendas(tree)
        running = tree.truths.running - tree.process.firings.keys()
        assert tree.process.firings.keys() <= tree.truths.running
        assert not running or tree.process.run.pending, f"{running} have ended, and nobody takes that in"
        for name, task in tree.process.run.tree.tasks.items():
            known = tree.truths.tasks[name]
            assert same(task.document, known.document)
            assert task.disarmed == tree.truths.steps.keys() - known.armed
            assert task.questions.keys() == known.questions.keys()
            assert (task.rest, task.completed) == (known.rest, known.completed)
        assert tree.paid <= tree.truths.answered, "what was paid for is not on record"

    def _check_agendas(self, tree: Known) -> None:
        """What is kept from commit to commit equals what judging every condition again gives."""
        assert tree.process is not None
        for task in tree.process.run.tree.tasks.values():
            if task.agenda is not UNWATCHED:
                true = {step.name for step in self.steps if step.condition.matches(task.document)}
                assert (task.true, set(task.agenda.ready())) == (true, true - task.disarmed)

    def _check_turn(self, tree: Known) -> None:
        """A turn leaves nothing undone, and says when to come back."""
        assert tree.process is not None
        now, turn = to_iso(self.clock.now()), tree.process.last
        circling = [task.id for task in tree.process.run.tree.tasks.values() if task.trail.cycle is not None]
        tree.truths.settled(now, self.concurrency, circling)
        timers = (from_iso(at) for task in tree.truths.tasks.values() for at in task.timers if at > now)
        coming = () if tree.truths.stopped else timers
        assert turn.wake_at == min(coming, default=None)
        assert turn.finished == all(task.rest for task in tree.truths.tasks.values())
        goes_on = tree.process.firings or turn.wake_at or tree.process.run.pending
        assert turn.finished or goes_on, "it can neither continue nor end"
        self._check_requests(tree)
        if turn.finished and isinstance(self.store, BrittleFiles):
            published = self.store.store.published(tree.root)
            assert published is not None, "what was published is current"
            assert same(published[1], tree.truths.tasks[tree.root].document)

    def _check_due(self, tree: Known) -> None:
        """What a tree has to do that nobody runs, a worker learns from its published record."""
        if not isinstance(self.store, BrittleFiles):
            return
        moment, now = due(self.store.store.record(tree.root)), self.clock.now()
        if moment is not None and moment <= now:
            return
        circling = [task.id for task in WorkingTree.of(tree.events).tasks.values() if task.trail.cycle is not None]
        tree.truths.settled(to_iso(now), self.concurrency, circling)
        timers = (from_iso(at) for task in tree.truths.tasks.values() for at in task.timers)
        coming = () if tree.truths.stopped else (at for at in timers if at > now)
        assert moment == min(coming, default=None)

    def _check_job(self, tree: Known, job: Job) -> None:
        """What a firing is given; whatever starts it is on record, to stay but for the start itself."""
        self._read(tree)
        written = self.store.written[tree.root]
        mortal = [event for batch in written.batches[written.told :] for event in batch]
        assert all(isinstance(event, FiringStarted | Logged) for event in mortal)
        firing = tree.truths.firings[job.firing]
        assert (firing.task, firing.step, firing.attempt) == (job.task, job.step, job.attempt)
        assert same(job.base, tree.truths.tasks[job.task].documents[firing.version])
        assert job.calls == firing.answers, "answers on record are not asked for again"

    def _foresee(self, tree: Known) -> None:
        """Which of the requests that are about to be taken must be carried out."""
        waiting = self.store.waiting(tree.root)
        stops = any(request.body.get("kind") == "stop" for request in waiting)
        for request in waiting:
            task = tree.truths.tasks.get(str(request.body.get("task")))
            if request.id in tree.truths.requests:
                tree.musts[request.id] = True
            elif task is None or tree.posted[request.id] != "set":
                tree.musts[request.id] = None
            else:
                tree.musts[request.id] = False if task.closed else None if stops else True

    def _check_requests(self, tree: Known) -> None:
        """Whatever is gone from the inbox was carried out, once; `Truths` counts that it is not twice."""
        waiting = {request.id for request in self.store.waiting(tree.root)}
        for request in tree.posted.keys() - waiting:
            must = tree.musts[request]
            assert must is None or must == bool(tree.truths.requests[request]), tree.posted[request]

    def _pay(self, task: str, firing: str, key: str) -> None:
        """Note what is wrong with a call that reaches the bank."""
        tree = self._tree(task)
        self._read(tree)
        call = (int(firing), key)
        if call in tree.truths.answered or call in tree.paid:
            self.wrong.append(f"{call} was answered, and is asked again")
        most = tree.truths.limits.get("calls")
        if most is not None and tree.truths.calls + tree.on_road >= most:
            self.wrong.append(f"call {tree.truths.calls + tree.on_road + 1} of {most} is made")

    # -- the end -------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            for tree in self.trees if self.is_sound else []:
                self.is_sound = False
                self._come_to_rest(tree)
        finally:
            for tree in self._held():
                tree.claim.close()

    def _come_to_rest(self, tree: Known) -> None:
        """When all that is asked is answered, all that runs ends and time passes, every task ends."""
        self.store.faults.pop(tree.root, None)
        for _ in range(ROUNDS_TO_REST):
            if tree.process is None:
                self._run(tree, self.store.claim(tree.root), {"calls": LimitRequest(50, more=True)})
            elif tree.process.firings:
                self._end_oldest(tree, tree.process)
            elif not tree.process.last.finished:
                self._wait_for(tree, tree.process)
            elif not self._let_go_on(tree):
                break
        else:
            raise AssertionError("it never comes to rest")
        self._check_whole(tree)

    def _end_oldest(self, tree: Known, process: Process) -> None:
        # A firing that waits at the gate continues when another call has ended.
        waiting = [number for number, firing in process.firings.items() if isinstance(firing.waits, Room)]
        number = next(number for number in process.firings if number not in waiting)
        firing = process.firings[number]
        with self._moving(tree):
            process.tell(number, "ok" if firing.awaits("answer") else ("end", []))
            process.turn()

    def _wait_for(self, tree: Known, process: Process) -> None:
        wake_at = process.last.wake_at
        if wake_at is not None and not process.run.pending:
            self.clock.moment = max(self.clock.moment, wake_at - EPOCH)
        with self._moving(tree):
            process.turn()

    def _let_go_on(self, tree: Known) -> bool:
        """Answer a question, or raise the limit, where the tree waits for that."""
        asking = [name for name, task in tree.truths.tasks.items() if task.questions and not task.closed]
        limited = any(task.rest and task.rest.state == "limited" for task in tree.truths.tasks.values())
        if limited or tree.truths.stopped:
            self._leave(tree)
        elif asking:
            self._answer(tree, asking[0])
        else:
            return False
        return True

    def _answer(self, tree: Known, task: str) -> None:
        place = next(iter(tree.truths.tasks[task].questions))
        body = {"kind": "answer", "task": task, "into": place, "value": next(self.count)}
        with self._moving(tree) as process:
            try:
                process.run.carry_out(body)
            except InputError:  # a value blocks the way
                process.run.carry_out({"kind": "set", "task": task, "set": [[["d"], {}]]})
            process.turn()

    def _check_clones(self, tree: Known) -> None:
        """The document after any entry of a task's log is one that the task once had, the last the one it has."""
        for name, known in tree.truths.tasks.items():
            task = task_of(self.store.store, WorkingTree.of(tree.events), name)
            documents = [document_at(task, entry) for entry in range(History(task.tree_journal, name).last_number + 1)]
            assert all(any(same(one, other) for other in known.documents) for one in documents)
            assert same(documents[-1], known.document)

    def _check_whole(self, tree: Known) -> None:
        self._check_clones(tree)
        states = [task.rest.state if task.rest else None for task in tree.truths.tasks.values()]
        assert set(states) <= set(ENDINGS), states
        made = [task.created for task in tree.truths.tasks.values()]
        assert all(created.expires_at for created in made if created.name == "for a time")
        if isinstance(self.store, BrittleFiles):
            read = foreign_reader.read(self.store.journal(tree.root))
            assert [(task["data"], task["rest"]["state"]) for task in read.values()] == [
                (task.document, task.rest.state) for task in tree.truths.tasks.values() if task.rest
            ]

    # -- choosing ------------------------------------------------------------------------------------------------------

    def _held(self) -> list[Known]:
        return [tree for tree in self.trees if tree.process is not None]

    def _left(self) -> list[Known]:
        return [tree for tree in self.trees if tree.process is None]

    def _waiting(self, what: str) -> list[tuple[Known, int]]:
        return [
            (tree, number)
            for tree in self._held()
            if tree.process is not None
            for number, firing in tree.process.firings.items()
            if firing.awaits(what)
        ]

    def _pick(self, some: list[Any], pick: int) -> Any:
        return some[pick % len(some)]


def _agree(running: WorkingTree, tree: Known) -> None:
    """The tree that runs is the one that its journal tells."""
    found = differences(running, WorkingTree.of(tree.events))
    assert not found, found


class OnDisk(Machine):
    """Deaths leave any part of what nobody had been told of."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="aloma-machine-"))
        self.store = BrittleFiles(self.folder / ".aloma")

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            shutil.rmtree(self.folder)


class InMemory(Machine):
    """Deaths leave whole batches."""

    def __init__(self) -> None:
        super().__init__()
        self.store = BrittleMemory()


class InDatabase(Machine):
    """Deaths leave whole batches, and a claim whose lease ends."""

    url: Callable[[], str]
    store: BrittlePostgres

    def __init__(self) -> None:
        super().__init__()
        self.store = BrittlePostgres(type(self).url())

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.store.close()


def play(machine: type[Machine], *, examples: int, steps: int) -> None:
    """Run the machine; a history that goes wrong is shown as the calls that make it."""
    checks = list(HealthCheck)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, suppress_health_check=checks)
    )


@pytest.mark.parametrize(("machine", "percent"), [(OnDisk, 25), (InMemory, 50)])
def test_whatever_happens_the_record_holds_all_that_was_told_and_every_tree_comes_to_rest(
    machine: type[Machine], percent: int
) -> None:
    play(machine, examples=settings().max_examples * percent // 100, steps=25)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [OnDisk, InMemory])
def test_the_same_in_long_histories(machine: type[Machine]) -> None:
    play(machine, examples=300, steps=50)


@pytest.mark.e2e
def test_the_same_with_the_record_in_a_database(postgres: Postgres) -> None:
    InDatabase.url = staticmethod(postgres.url)
    play(InDatabase, examples=6, steps=15)


@pytest.mark.e2e
@pytest.mark.slow
def test_the_same_in_long_histories_in_a_database(postgres: Postgres) -> None:
    InDatabase.url = staticmethod(postgres.url)
    play(InDatabase, examples=100, steps=40)
