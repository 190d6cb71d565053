"""Any history of trees whose claims write behind, with a crash at any moment, which loses any part that is not synced.

A state machine plays the worker of a workspace on a disk whose syncs end when the machine says so. Whatever a step, a
connector or a view learns is looked up in the journal at that moment: it must be durable. After a crash, what is left
is compared with everything that views got before.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from aloma_cli import ConnectorError, Step, Workspace
from aloma_cli.api.task import read_tree
from aloma_cli.document.diff import same
from aloma_cli.engine.loop import Stay
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import StoreError
from aloma_cli.record import events as ev
from aloma_cli.store.files.disk import FileStore
from tests.engine import acts
from tests.engine.model import Model
from tests.engine.truths import Truths
from tests.support.deeply import differences
from tests.support.manual import HeldClock
from tests.support.steps import connector
from tests.support.unsynced import HeldLoop, UnsyncedDisk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc to know what is synced")

MOST_TREES = 3
MOST_TASKS = 6
QUICK = 3
"""Firings of a quick step that wait for nothing; after them it is a step like the others."""

LIGHT = (ev.FiringStarted, ev.Logged)
"""What a loss of power may take away though it was told: it is made again."""

NOTES = (*LIGHT, ev.CallSent, ev.CallAnswered)
"""What changes no state."""

PICK = acts.PICK
TEARS = st.integers(0, 10_000)
MOSTLY = st.sampled_from([True, True, False])
FEW = st.sampled_from([0, 0, 0, 1, 2, 20])


@dataclass
class Known:
    """One tree, as its journal has it. `ends`: the bytes up to the end of each line, `told`: what a view heard."""

    root: str
    truths: Truths
    model: Model
    lines: list[tuple[ev.Event, ...]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    told: list[ev.Event] = field(default_factory=list)
    shown: set[int] = field(default_factory=set)
    posted: dict[str, bytes] = field(default_factory=dict)
    run: asyncio.Task[Any] | None = None

    @property
    def events(self) -> list[ev.Event]:
        return [event for line in self.lines for event in line]


class WritesBehind(RuleBasedStateMachine):
    """`waiting`: the steps (by task and name) and calls that wait for what they are told next."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="aloma-behind-"))
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("aloma_cli.store.files.claim._LONG", 2)  # a checkpoint as often as can be
        self.disk = UnsyncedDisk(self.folder, self.patch)
        self.clock = HeldClock()
        self.loop = HeldLoop(self.clock)
        self.count = itertools.count(1)
        self.lives = 0
        self.trees: dict[str, Known] = {}
        self.waiting: dict[tuple[str, str], tuple[str, asyncio.Future[Any]]] = {}
        self.quick: dict[str, int] = {}
        self.wrong: list[str] = []

    # -- beginning -----------------------------------------------------------------------------------------------------

    @initialize(specs=acts.SPECS, data=acts.DATA, quick=st.lists(acts.ENDINGS, min_size=2, max_size=4))
    def begin(self, specs: list[Any], data: dict[str, Any], quick: list[Any]) -> None:
        self.endings = quick
        self.steps = [
            Step(f"s{number}", condition, self._content(quick=number % 3 == 0), **options)
            for number, (condition, options) in enumerate(specs)
        ]
        self._open()
        self.create(data)

    def _open(self) -> None:
        """A process opens the workspace, and continues what it finds."""

        async def pay(what: str, idempotency_key: str) -> int:
            return await self._pay(*idempotency_key.split("-"))

        self.home = Workspace(
            self.steps,
            folder=self.folder / str(self.lives),
            connectors={"bank": connector("bank", pay=pay)},
            clock=self.clock,
        )

    @precondition(lambda self: len(self.trees) < MOST_TREES)
    @rule(data=acts.DATA)
    def create(self, data: dict[str, Any]) -> None:
        with self._moving():
            claim, *_ = self.home.create("a task", data)
            claim.close()
            root = claim.root
            self.trees[root] = self._known(root)
            self._run(root)

    def _known(self, root: str) -> Known:
        return Known(root, Truths(self.steps), Model(self.steps, concurrency=8))

    def _run(self, root: str) -> None:
        """As a worker runs a tree."""
        claim = self.home.store.claim(root)
        claim.write_behind(self.loop.call_soon_threadsafe)
        work = self.home.work_on(claim, Stay(), partial(self._hear, self.lives, root))
        self.trees[root].run = self.loop.create_task(work)

    # -- what steps, connectors and views come to know -----------------------------------------------------------------

    def _content(self, *, quick: bool) -> Any:
        async def content(data: Any, task: Any, step: Any, connectors: Any, log: Any) -> None:
            key, life = (task.id, step.name), self.lives
            self._look(key, ev.FiringStarted, "begins")
            if quick and self.quick.setdefault(step.name, 0) < QUICK:
                self.quick[step.name] += 1
                self._act(self.endings[self.quick[step.name] % len(self.endings)], data, task, step)
                return
            while True:
                what, how = await self._cue(key, "act")
                if what == "end":
                    self._act(how, data, task, step)
                    return
                if what == "log":
                    log(how)
                else:
                    await self._call(connectors, how, life, task.id, strict=what == "call")

        return content

    async def _call(self, connectors: Any, what: str, life: int, task: str, *, strict: bool) -> None:
        try:
            answer = await connectors.bank.pay(what)
        except ConnectorError:
            if strict:
                raise
            return
        if life == self.lives:
            self._tree(task).shown.add(answer)
            self._last_of(task, lambda event: isinstance(event, ev.CallAnswered) and event.answer == answer, "is read")

    async def _pay(self, task: str, firing: str, key: str) -> int:
        call = (int(firing), key)
        tree = self._tree(task)
        self._last_of(
            task, lambda event: isinstance(event, ev.CallSent) and (event.firing, event.key) == call, "is sent"
        )
        if call in tree.truths.answered:
            self.wrong.append(f"{call} was answered, and is asked again")
        verdict = await self._cue((task, f"call {firing} {key}"), "answer")
        if verdict != "ok":
            raise ConnectorError("the bank is closed", retryable=verdict == "busy")
        return next(self.count)

    async def _cue(self, key: tuple[str, str], what: str) -> Any:
        future = self.loop.create_future()
        self.waiting[key] = what, future
        try:
            return await future
        finally:
            if self.waiting.get(key) == (what, future):
                del self.waiting[key]

    def _act(self, how: list[str], data: dict[str, Any], task: Any, step: Any) -> None:
        for what in how:
            kind, _, rest = what.partition(" ")
            known, number = self._tree(task.id).truths.tasks, next(self.count)
            if what == "stop a subtask":
                running = [child.created.task for child in known[task.id].children if child.ended is None]
                task.stop(running[0] if running else f"{task.id.partition('.')[0]}.99.1")
            elif kind == "spawn":
                if len(known) < MOST_TASKS:
                    acts.spawn(what, task, number)
            elif kind in ("set", "drop", "append", "pop"):
                acts.write(kind, rest, data, number)
            else:
                acts.ask(what, data, task, step, number)

    def _hear(self, life: int, root: str, event: ev.Event) -> None:
        if life != self.lives or isinstance(event, ev.CallProgress):
            return
        if isinstance(event, ev.CallAnswered) and event.replayed:
            return
        if isinstance(event, ev.CallSent) and event.effect == "read":
            return
        self.trees[root].told.append(event)
        tree = self._tree(event.task)
        self._read(tree)
        told = [number for number, line in enumerate(tree.lines) if event in line]
        if not any(self._lasts(tree, number) for number in told):
            self.wrong.append(f"{event} is told before it lasts")

    def _look(self, key: tuple[str, str], kind: type[ev.Event], how: str) -> None:
        self._last_of(key[0], lambda one: isinstance(one, kind) and (one.task, getattr(one, "step", "")) == key, how)

    def _last_of(self, task: str, wanted: Any, how: str) -> None:
        """The newest event that is `wanted` must be where it lasts."""
        tree = self._tree(task)
        self._read(tree)
        for number in reversed(range(len(tree.lines))):
            for event in reversed(tree.lines[number]):
                if wanted(event):
                    if not self._lasts(tree, number):
                        self.wrong.append(f"{event} {how} before it lasts")
                    return
        self.wrong.append(f"what {how} is not on record")

    def _lasts(self, tree: Known, number: int) -> bool:
        """Whether line `number` outlives a loss of power, or is light and all before it do that are not."""
        lasting = self._lasting(tree)
        return all(
            tree.ends[at] <= lasting or all(isinstance(event, LIGHT) for event in tree.lines[at])
            for at in range(number + 1)
        )

    # -- moves ---------------------------------------------------------------------------------------------------------

    @rule(moves=st.lists(acts.MOVES, min_size=4, max_size=8))
    def work(self, moves: list[tuple[str, int, Any]]) -> None:
        self._work(moves)

    @rule(moves=st.lists(acts.MOVES, min_size=1, max_size=2))
    def work_shortly(self, moves: list[tuple[str, int, Any]]) -> None:
        self._work(moves)

    def _work(self, moves: list[tuple[str, int, Any]]) -> None:
        for what, pick, how in moves:
            wanted = "answer" if what == "answer" else "act"
            waiting = [key for key, (kind, _) in self.waiting.items() if kind == wanted]
            if waiting and what != "clash":
                with self._moving(settle=what != "end unseen"):
                    told = how if what == "answer" else (_KINDS.get(what, what), how)
                    self._tell(waiting[pick % len(waiting)], told)

    def _tell(self, key: tuple[str, str], what: Any) -> None:
        _, future = self.waiting.pop(key)
        if not future.done():
            future.set_result(what)

    @precondition(lambda self: self.disk.held)
    @rule(pick=PICK)
    def sync(self, pick: int) -> None:
        self._sync(pick, refused=False)

    @precondition(lambda self: self.disk.held)
    @rule(pick=PICK)
    def refuse_sync(self, pick: int) -> None:
        """The disk fails, and the trees are run again that were left for it."""
        self._sync(pick, refused=True)
        with self._moving():
            for tree in self._left():
                self._run(tree.root)

    def _sync(self, pick: int, *, refused: bool) -> None:
        with self._moving():
            self.disk.held.rotate(-(pick % len(self.disk.held)))
            self.disk.held.popleft().end(refused=refused)

    @precondition(lambda self: self.disk.held)
    @rule()
    def sync_all(self) -> None:
        self._sync_all()

    def _sync_all(self) -> None:
        while self.disk.held:
            with self._moving():
                self.disk.held.popleft().end()

    @rule(seconds=st.sampled_from([0.001, 0.3, 1, 2, 5]))
    def wait(self, seconds: float) -> None:
        with self._moving():
            self.clock.moment += seconds

    @rule(pick=PICK, task=PICK, what=st.sampled_from(acts.ASKED), taken=MOSTLY)
    def post(self, pick: int, task: int, what: Any, taken: bool) -> None:
        tree = self._pick(pick)
        tasks = list(tree.truths.tasks)
        name = self.home.store.post(tree.root, acts.request(what, tasks[task % len(tasks)], next(self.count)))
        tree.posted[name] = (self._inbox(tree) / name).read_bytes()
        if taken:
            with self._moving():
                self.clock.moment += 0.25

    @precondition(lambda self: self._left())
    @rule(pick=PICK)
    def again(self, pick: int) -> None:
        """Claim a tree once more that was left."""
        left = self._left()
        with self._moving():
            self._run(left[pick % len(left)].root)

    # -- crashes -------------------------------------------------------------------------------------------------------

    @rule(
        power=MOSTLY,
        survivors=FEW,
        tear=TEARS,
        published=st.booleans(),
        requests_back=st.sampled_from([False, False, True]),
    )
    def crash(self, power: bool, survivors: int, tear: int, published: bool, requests_back: bool) -> None:
        """Kill the process; if it is the power, any part is lost of what was not synced."""
        before, self.lives = self.folder / str(self.lives), self.lives + 1
        after = self.folder / str(self.lives)
        shutil.copytree(before, after)
        lasting = {tree.root: self._lasting(tree, before) for tree in self.trees.values()}
        self._bury()
        shutil.rmtree(before)
        for tree in self.trees.values():
            self._read(tree)
            self.disk.lasting[self._journal(tree)] = lasting[tree.root]
            if power:
                self._lose(tree, lasting[tree.root], survivors, tear)
                if not published:
                    for name in ("task.json", "data.json", "checkpoint.json"):
                        (self._journal(tree).parent / name).unlink(missing_ok=True)
            if power and requests_back:
                self._inbox(tree).mkdir(exist_ok=True)
                for name, body in tree.posted.items():
                    (self._inbox(tree) / name).write_bytes(body)
        self._open()
        with self._moving(settle=False):
            for tree in self.trees.values():
                self._check_left(tree)
        with self._moving():
            for root in self.trees:
                self._run(root)

    def _bury(self) -> None:
        """Let the old process come to its end; no view gets what it still does."""
        for tree in self.trees.values():
            if tree.run is not None:
                tree.run.cancel()
        while self.disk.held or self.loop._ready:  # type: ignore[attr-defined]
            while self.disk.held:
                self.disk.held.popleft().end()
            self.loop.settle()
        for tree in self.trees.values():
            assert tree.run is None or tree.run.done(), "it does not end when it is cancelled"
            tree.run = None
        self.waiting.clear()

    def _lose(self, tree: Known, lasting: int, survivors: int, tear: int) -> None:
        least = sum(end <= lasting for end in tree.ends)
        count = least + survivors % (len(tree.ends) - least + 1)
        path = self._journal(tree)
        text, end = path.read_bytes(), tree.ends[count - 1]
        lost = text[end : tree.ends[count]] if count < len(tree.ends) else b""
        path.write_bytes(text[:end] + (lost[: tear % len(lost)] if lost else b""))
        self.disk.lasting[path] = end

    def _check_left(self, tree: Known) -> None:
        """What a crash left has all that was told, and opens as what was written at once."""
        fresh = self._known(tree.root)
        tree.lines, tree.ends, tree.truths, tree.model = [], [], fresh.truths, fresh.model
        self._read(tree)
        events, answers = tree.events, [event for event in tree.events if isinstance(event, ev.CallAnswered)]
        lost = [event for event in tree.told if not isinstance(event, LIGHT) and event not in events]
        assert not lost, "it was told, and is lost"
        assert tree.shown <= {event.answer for event in answers}, "an answer was read, and is lost"
        tree.told = [event for event in tree.told if event in events]
        self._check_requests(tree)
        whole = WorkingTree.of(events)
        found = differences(read_tree(self.home.store, tree.root), whole)
        assert not found, found
        published = self.home.store.published(tree.root)
        if published is not None:
            assert same(published[1], whole.root.document)
            assert published[0]["state"] == whole.root.state
        self._check_written_at_once(tree)

    def _check_requests(self, tree: Known) -> None:
        left = {path.name for path in self._inbox(tree).glob("*.json")}
        done = {getattr(event, "request", None) for event in tree.events}
        for name in tree.posted.keys() - left:
            assert name in done or b'"stop"' in tree.posted[name], f"{tree.posted[name]!r} is lost"

    def _check_written_at_once(self, tree: Known) -> None:
        folder = self.folder / f"at once {self.lives}"
        claim = FileStore(folder, fsync=False).create(tree.root, tree.lines[0])
        for line in tree.lines[1:]:
            claim.commit(line)
        claim.close()
        written = (folder / "tasks" / tree.root / "journal.jsonl").read_bytes()
        kept = self._journal(tree).read_bytes()
        assert kept.startswith(written), "the same is written otherwise behind"
        assert b"\n" not in kept[len(written) :]

    # -- after each move -----------------------------------------------------------------------------------------------

    @contextmanager
    def _moving(self, *, settle: bool = True) -> Iterator[None]:
        yield
        if settle:
            self.loop.settle()
        for tree in self.trees.values():
            self._read(tree)
            self._check_published(tree)
            if tree.run is not None and tree.run.done():
                error = tree.run.exception()
                tree.run = None
                if error is not None and not isinstance(error, StoreError):
                    raise error
        assert not self.wrong, self.wrong

    def _read(self, tree: Known) -> None:
        """Take in what the journal has."""
        path = self._journal(tree)
        text = path.read_bytes()
        size = text.rfind(b"\n") + 1
        if tree.ends and size < tree.ends[-1]:  # a line was taken back
            fresh = self._known(tree.root)
            tree.lines, tree.ends, tree.truths, tree.model = [], [], fresh.truths, fresh.model
        if tree.ends and size == tree.ends[-1]:
            return
        for batch in self.home.store.read(tree.root, since=len(tree.lines)):
            tree.lines.append(batch.events)
            tree.ends.append(text.index(b"\n", tree.ends[-1] if tree.ends else 0) + 1)
            tree.truths.take(batch.events)
            for event in batch.events:
                tree.model.take(event)
            tree.model.end_batch()

    def _check_published(self, tree: Known) -> None:
        """Other processes see no state that may be lost."""
        record = self.home.store.record(tree.root)
        if record is None:
            return
        lasting = self._lasting(tree)
        for line, end in zip(tree.lines, tree.ends, strict=True):
            assert end <= lasting or all(isinstance(event, NOTES) for event in line), f"{line} is published"

    # -- the end -------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if self.lives >= 0 and self.trees and not self.wrong and sys.exc_info()[0] is None:
                self._come_to_rest()
        finally:
            self.lives += 1
            self._bury()
            self.loop.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    def _come_to_rest(self) -> None:
        """When all is synced, all that is asked is answered, all that runs ends and time passes, every run ends."""
        for _ in range(400):
            self._sync_all()
            if all(tree.run is None for tree in self.trees.values()):
                break
            with self._moving():
                for key, (kind, _) in list(self.waiting.items()):
                    self._tell(key, "ok" if kind == "answer" else ("end", []))
                    break
                else:
                    self.clock.moment += 1
        else:
            raise AssertionError("it never comes to rest")

    # -- places --------------------------------------------------------------------------------------------------------

    def _journal(self, tree: Known, folder: Path | None = None) -> Path:
        return (folder or self.folder / str(self.lives)) / ".aloma" / "tasks" / tree.root / "journal.jsonl"

    def _inbox(self, tree: Known) -> Path:
        return self._journal(tree).parent / "inbox"

    def _lasting(self, tree: Known, folder: Path | None = None) -> int:
        return self.disk.lasting.get(self._journal(tree, folder), 0)

    def _tree(self, task: str) -> Known:
        return self.trees[task.partition(".")[0]]

    def _left(self) -> list[Known]:
        return [tree for tree in self.trees.values() if tree.run is None]

    def _pick(self, pick: int) -> Known:
        return list(self.trees.values())[pick % len(self.trees)]


_KINDS = {"end unseen": "end", "pay": "call"}


def play(*, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        WritesBehind,
        settings=settings(max_examples=examples, stateful_step_count=steps, suppress_health_check=list(HealthCheck)),
    )


def test_whatever_is_told_lasts_and_what_is_left_after_a_crash_is_continued_as_if_written_at_once() -> None:
    play(examples=settings().max_examples // 3, steps=20)


@pytest.mark.slow
def test_the_same_in_long_histories() -> None:
    play(examples=300, steps=50)
