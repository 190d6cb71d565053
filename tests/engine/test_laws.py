"""Laws that hold for any steps, in whatever order their firings end, and wherever the program was killed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.document.diff import same
from aloma_cli.engine.working import WorkingTree
from aloma_cli.record import events as ev
from aloma_cli.record.codec import from_wire, to_wire
from aloma_cli.store.memory import MemoryStore
from tests.engine.model import Model
from tests.support.record import ROOT, of_kind
from tests.support.stage import Stage
from tests.support.steps import step

MOST_FIRINGS = 4
"""How often one step does something; after that it only looks, so that every run ends."""

# -- any steps ---------------------------------------------------------------------------------------------------------

VALUES = st.sampled_from([0, 1, 2, None, True])
FIELDS = st.sampled_from(["a", "b", "d", "l"])
Pattern = dict[str, Any]
LOOSE: st.SearchStrategy[Pattern] = st.sampled_from(
    [{"a": int}, {"b": int}, {"l": list}, {"d": {}}, {"a": {"$ne": 1}}, {"b": {"$gte": 0}}, {}]
)
"""Conditions that mostly hold, so that much happens at once."""
PATTERNS: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, 2, None, int, list, dict, {"$exists": False}, {"x": 1}, {"x": None}, {"$size": 1}]
)
TIGHT: st.SearchStrategy[Pattern] = st.dictionaries(FIELDS, PATTERNS, min_size=1, max_size=2)
ENGINES: st.SearchStrategy[Pattern] = st.sampled_from(
    [
        {"$errors": {"s0": dict}},
        {"$errors": {"s1": None}},
        {"$children": {"s0": {"running": 0}}},
        {"$children": {"s1": {"done": {"$gte": 1}}}},
    ]
)
EITHER: st.SearchStrategy[Pattern] = st.lists(TIGHT, min_size=2, max_size=2).map(lambda some: {"$or": some})
ANY = st.one_of(LOOSE, TIGHT, EITHER, ENGINES)

ACTIONS = st.one_of(
    st.tuples(st.just("set"), FIELDS, VALUES),
    st.tuples(st.just("set"), FIELDS, VALUES),
    st.tuples(st.just("bump"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("bump"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("drop"), FIELDS),
    st.tuples(st.just("append"), VALUES),
    st.tuples(st.just("append"), VALUES),
    st.tuples(st.just("pop"), st.sampled_from([0, -1])),
    st.tuples(st.just("deep"), st.sampled_from(["x", "y"]), VALUES),
    st.tuples(st.sampled_from(["look", "redo", "redo", "raise", "forgive", "spawn", "wait", "name"])),
    st.tuples(st.sampled_from(["look", "redo", "redo", "raise", "forgive", "spawn", "wait", "complete", "cancel"])),
)


@dataclass(frozen=True)
class Spec:
    """A step, as it was drawn."""

    name: str
    condition: dict[str, Any]
    actions: list[tuple[Any, ...]]
    options: dict[str, Any]


OPTIONS = st.fixed_dictionaries(
    {
        "rearm": st.sampled_from(["edge", "edge", "change"]),
        "withdraw": st.sampled_from([False, False, True]),
        "priority": st.sampled_from([0, 0, -1, 1]),
        "retry": st.sampled_from([None, Retry(2, wait=0), Retry(3, wait=1)]),
    }
)


def specs(name: str, conditions: st.SearchStrategy[Pattern]) -> st.SearchStrategy[Spec]:
    return st.builds(Spec, st.just(name), conditions, st.lists(ACTIONS, min_size=1, max_size=3), OPTIONS)


STEPS = st.tuples(*(specs(f"s{n}", LOOSE if n < 3 else ANY) for n in range(5)))
DOCUMENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"a": VALUES, "b": st.just(0), "l": st.just([]), "d": st.just({})}
)
ORDERS = st.lists(st.integers(0, 1000), min_size=10, max_size=60)
"""Which of the running firings ends next, whether another ends in the same turn, and where the program is killed."""


@dataclass
class Acts:
    """The content of all steps; it counts what each did."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)

    def step(self, spec: Spec) -> Step:
        async def content(data: dict[str, Any], task: Any, step: Any) -> None:
            self.done[task.id, spec.name] += 1
            if self.done[task.id, spec.name] <= MOST_FIRINGS:
                for action in spec.actions:
                    _act(action, data, task, step)

        return step(spec.name, spec.condition, content, **spec.options)


def _act(action: tuple[Any, ...], data: dict[str, Any], task: Any, step: Any) -> None:
    match action:
        case "set", name, value:
            data[name] = value
        case "bump", name:
            data[name] = data[name] + 1 if type(data.get(name)) is int else 0
        case "drop", name:
            data.pop(name, None)
        case "append", value:
            data["l"] = [*data["l"], value] if isinstance(data.get("l"), list) else []
        case "pop", index:
            if isinstance(data.get("l"), list) and data["l"]:
                data["l"].pop(index)
        case "deep", key, value:
            data["d"] = {**(data["d"] if isinstance(data.get("d"), dict) else {}), key: value}
        case _:
            _ask(action[0], data, task, step)


def _ask(what: str, data: dict[str, Any], task: Any, step: Any) -> None:
    match what:
        case "redo":
            step.redo()
        case "raise":
            raise ValueError("as drawn")
        case "forgive":
            data.pop("$errors", None)
        case "name":
            task.name = f"{task.name}!"
        case "spawn" | "wait" if task.parent is None:
            task.subtask("child", {"a": 1, "l": [], "d": {}}, into="d.child", wait_for=what == "wait")
        case "complete" | "cancel":
            task.complete(step.name, cancel=what == "cancel")


# -- any order ---------------------------------------------------------------------------------------------------------


def perform(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int, *, crashes: bool = True
) -> tuple[Stage, list[Step]]:
    """Run a tree to its end, its firings ending in the given order (and then oldest first)."""
    acts = Acts()
    steps = [acts.step(spec) for spec in drawn]
    stage = Stage(steps, document, concurrency=concurrency, store=MemoryStore())
    ends = iter(order)
    for _ in range(2000):
        if stage.running:
            choice = next(ends, 0)
            stage.deliver(list(stage.running)[choice % len(stage.running)])
            if choice % 3 == 1 and stage.running:
                continue
        elif stage.last.wake_at is not None:
            stage.clock.moment += 1
        elif stage.last.finished:
            return stage, steps
        stage.turn()
        if crashes and order and next(ends, 0) % 11 == 10:
            stage.close()
            stage = Stage(steps, store=stage.store, concurrency=concurrency, clock=stage.clock)
    raise AssertionError("the run has no end")


RUNS = {"drawn": STEPS, "document": DOCUMENTS, "order": ORDERS, "concurrency": st.sampled_from([1, 2, 8])}


@given(**RUNS)
def test_every_event_is_one_that_the_rules_of_firing_allow_and_no_wake_up_is_lost(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int
) -> None:
    stage, steps = perform(drawn, document, order, concurrency)
    model = Model(steps, concurrency=concurrency)
    for batch in stage.store.read(ROOT):
        for event in batch.events:
            model.take(event)
        model.end_batch()
    for task in stage.tree.tasks.values():
        known = model.tasks[task.id]
        assert task.disarmed == set(model.steps) - known.armed
        assert same(task.document, known.document)


@given(**RUNS)
def test_replaying_the_change_sets_in_order_gives_every_document_exactly(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int
) -> None:
    stage, _ = perform(drawn, document, order, concurrency)
    for task in stage.tree.tasks.values():
        (created,) = of_kind(stage.journal(), ev.TaskCreated, task.id)
        replayed = created.data
        for commit in of_kind(stage.journal(), ev.Committed, task.id):
            replayed = jsonpatch.apply_patch(replayed, list(commit.changes))
        assert same(replayed, task.document)


@given(**RUNS)
def test_the_tree_that_ran_is_the_tree_that_its_journal_tells(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int
) -> None:
    stage, _ = perform(drawn, document, order, concurrency)
    folded = WorkingTree.of(from_wire(to_wire(event)) for event in stage.journal())
    assert folded.tasks == stage.tree.tasks
    assert folded.last_firing == stage.tree.last_firing
    assert folded.flying == stage.tree.flying == {}


@given(**RUNS)
def test_the_same_order_gives_the_same_run(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int
) -> None:
    one, _ = perform(drawn, document, order, concurrency)
    other, _ = perform(drawn, document, order, concurrency)
    assert one.journal() == other.journal()


@given(**RUNS)
def test_what_is_emitted_is_what_is_in_the_journal_in_the_same_order(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int
) -> None:
    stage, _ = perform(drawn, document, order, concurrency, crashes=False)
    assert stage.events == stage.journal()[1:], "but for the creation, which is told by who asked for it"


@given(**RUNS)
def test_every_task_comes_to_rest_and_every_child_is_counted(
    drawn: tuple[Spec, ...], document: dict[str, Any], order: list[int], concurrency: int
) -> None:
    stage, _ = perform(drawn, document, order, concurrency)
    for task in stage.tree.tasks.values():
        assert task.rest is not None
        ends = Counter(
            (child.group, child.rest.state)
            for child in (stage.tree.tasks[name] for name in task.children)
            if child.rest is not None
        )
        counts = task.document.get("$children", {})
        assert {
            (group, state): n
            for group, numbers in counts.items()
            for state, n in numbers.items()
            if n and state not in ("total", "running")
        } == ends
        assert all(numbers["running"] == 0 for numbers in counts.values())
    assert stage.tree.root_id == ROOT
