"""Subtasks: their places and counts in the parent's document, how they begin, end, land and are stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from aloma_cli.content.job import Effects, SubtaskOrder
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.paths import MISSING, get, make_room
from aloma_cli.document.reserved import CHILDREN, unhandled_errors
from aloma_cli.engine.arming import commit, void
from aloma_cli.engine.failure import GONE, STRANDED_DEPTH, stranded
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.errors import InputError
from aloma_cli.jsontext import MAX_DEPTH, JsonObject, Path, is_deeper, show_path
from aloma_cli.record.events import TaskCreated, TaskRested
from aloma_cli.record.states import ENDINGS, PAUSED
from aloma_cli.record.summary import result_of

MOST_GENERATIONS = 64
"""How many levels of subtasks a root may have below it."""


class Room:
    """Room in a document for values that land later: `changes` make it. `taken`: the places in use, and by what."""

    def __init__(self, document: JsonObject, taken: Mapping[Path, str]) -> None:
        self.document = document
        self.changes: list[Change] = []
        self._taken: dict[Path, str] = {}
        self._inside: dict[Path, Path] = {}
        for place, who in taken.items():
            self._hold(place, who)

    def take(self, into: Path, who: str, renewed: Container[Path] = ()) -> Path:
        """The place that `into` leads to, in use from here on. `renewed`: places that may be taken once more.

        Raises InputError where no value can be, and where a place in use contains it, or is in it.
        """
        place, room = make_room(self.document, into)
        self._refuse_overlap(place, who, renewed)
        self._hold(place, who)
        self.make(room)
        return place

    def make(self, changes: list[Change]) -> None:
        """Change the document."""
        if changes:
            self.document = apply(self.document, changes)
            self.changes += changes

    def _refuse_overlap(self, place: Path, who: str, renewed: Container[Path]) -> None:
        above = (place[:end] for end in range(len(place) + 1))
        other = next((one for one in above if one in self._taken), self._inside.get(place))
        if other is not None and not (other == place and place in renewed):
            raise InputError(
                f"{who} would land at {show_path(place)}, and {self._taken[other]} at {show_path(other)}",
                hint="use places of which none contains another",
            )

    def _hold(self, place: Path, who: str) -> None:
        self._taken[place] = who
        for end in range(len(place)):
            self._inside.setdefault(place[:end], place)


def place_subtasks(room: Room, orders: Sequence[SubtaskOrder], groups: Iterable[str]) -> list[Path | None]:
    """Where the results of new subtasks will land. Makes the room, counts them as running, and declares `groups`.

    Raises InputError where a result cannot land there, or a place is in use already.
    """
    places = [None if order.into is None else room.take(order.into, f"subtask {order.name!r}") for order in orders]
    for group, number in Counter(order.group for order in orders).items():
        room.make(count(room.document, group, total=number, running=number))
    for group in groups:
        room.make(count(room.document, group))
    return places


def count(document: JsonObject, group: str, **by: int) -> list[Change]:
    """The changes that move the numbers of `$children.<group>`; the first subtask makes all of them."""
    groups = document.get(CHILDREN)
    if not isinstance(groups, dict) or group not in groups:
        numbers = {"total": 0, "running": 0, **dict.fromkeys(ENDINGS, 0), **by}
        if isinstance(groups, dict):
            return [Change("add", (CHILDREN, group), numbers)]
        return [Change("add", (CHILDREN,), {group: numbers})]
    return [Change("replace", (CHILDREN, group, key), groups[group][key] + step) for key, step in by.items()]


def check_orders(tree: WorkingTree, task: WorkingTask, effects: Effects) -> None:
    """Raise InputError for subtasks that are too deep, and for stops of tasks that are not below this one."""
    if effects.subtasks and tree.depth(task) >= MOST_GENERATIONS:
        # A step that fires in the subtasks it makes would never end.
        raise InputError(
            f"subtask {effects.subtasks[0].name!r} would be {MOST_GENERATIONS + 1} levels below task {tree.root_id}; "
            f"at most {MOST_GENERATIONS} are possible (does a step fire in the subtasks it makes?)"
        )
    if effects.stops:
        own = {child.id for child in tree.descendants(task.id)} | {order.id for order in effects.subtasks}
        for task_id in effects.stops:
            if task_id not in own:
                raise InputError(f"task {task_id} is not a subtask of {task.id}; a step can stop only its subtasks")


def create(tx: Transaction, parent: WorkingTask, order: SubtaskOrder, place: Path | None) -> None:
    """Begin a subtask whose result will land at `place`."""
    created = TaskCreated(
        at=tx.at,
        task=order.id,
        name=order.name,
        data=order.data,
        parent=parent.id,
        into=place,
        group=order.group,
        wait_for=order.wait_for,
        expires_at=None if order.timeout is None else tx.after(order.timeout),
    )
    tx.add(created)


def end(
    tx: Transaction,
    task: WorkingTask,
    state: str,
    *,
    closed: bool = False,
    reason: str | None = None,
    missing: tuple[JsonObject, ...] = (),
    cycle: tuple[JsonObject, ...] = (),
) -> None:
    """Let a task rest; a subtask that ended lands in its parent, and is closed like a completed task."""
    parent = tx.tree.tasks[task.parent] if task.parent else None
    was_live = parent is not None and task.id in parent.live_children
    rested = TaskRested(
        at=tx.at,
        task=task.id,
        state=state,
        closed=state not in PAUSED and (closed or parent is not None or task.completed is not None),
        result=task.completed.get("result") if task.completed else None,
        reason=reason,
        missing=missing,
        cycle=cycle,
    )
    tx.add(rested)
    if parent is not None and was_live and state not in PAUSED:
        changes = landing(parent, task, rested)
        commit(tx, parent, changes, by="landing", more={"child": task.id})


def stop(tx: Transaction, task: WorkingTask, reason: str) -> None:
    """Stop a subtask and its own for good."""
    for one in [*tx.tree.descendants(task.id)[::-1], task]:
        if not one.closed:
            for flight in list(one.flights.values()):
                void(tx, one, flight, "stopped")
            end(tx, one, "stopped", closed=True, reason=reason)


def halt(tx: Transaction, reason: str) -> None:
    """Stop the whole tree until it is resumed. What was under way then runs once more, as after a limit."""
    for one in [*tx.tree.descendants(tx.tree.root_id)[::-1], tx.tree.root]:
        if not one.closed:
            for flight in [flight for flight in one.flights.values() if flight.running]:
                void(tx, one, flight, "stopped", again=True)
            rest_stopped(tx, one, reason)


def rest_stopped(tx: Transaction, task: WorkingTask, reason: str) -> None:
    """Let a task rest whose tree a person stopped; it has not ended, and does not land."""
    tx.add(TaskRested(at=tx.at, task=task.id, state="stopped", reason=reason))


def expire(tx: Transaction, task: WorkingTask) -> None:
    """End a task whose time is up; its document so far is its result."""
    for child in tx.tree.descendants(task.id):
        if child.parent == task.id and not child.closed:
            stop(tx, child, "the task it belongs to ran out of time")
    for flight in list(task.flights.values()):
        void(tx, task, flight, "stopped")
    end(tx, task, "incomplete", closed=True, reason="it ran out of time")


def landing(parent: WorkingTask, child: WorkingTask, rest: TaskRested) -> list[Change]:
    """The changes that a subtask's end makes in its parent's document: its count, and its result at `into`.

    A stopped subtask lands nothing. Where its place was moved or written, the result goes to `$errors`.
    """
    changes = count(parent.document, child.group or "", running=-1, **{rest.state: 1})
    if child.into is None or rest.state == "stopped":
        return changes
    value = _result(child, rest)
    lost = parent.held.lost.get(child.into) or (None if _has_room(parent.document, child.into) else GONE)
    if lost is not None:
        name, value = f"subtask {child.id}", _fitting(value, child, STRANDED_DEPTH)
        return changes + stranded(parent.document, name, f"the result of {name}", child.into, lost, result=value)
    old = get(parent.document, child.into)
    value = _fitting(value, child, len(child.into))
    return [*changes, Change("add" if old is MISSING else "replace", child.into, value)]


def _fitting(value: JsonObject, child: WorkingTask, depth: int) -> JsonObject:
    """What lands `depth` levels below the document: `value`, unless that would nest deeper than a document may."""
    if not is_deeper(value, MAX_DEPTH - depth):
        return value
    message = f"the result of subtask {child.id} would be nested deeper than {MAX_DEPTH} levels here"
    return {**value, "result": None, "error": {"type": "DocumentError", "message": message}}


def _has_room(document: JsonObject, place: Path) -> bool:
    above, key = get(document, place[:-1]), place[-1]
    if isinstance(above, list):
        return isinstance(key, int) and key < len(above)
    return isinstance(above, dict) and isinstance(key, str)


def _result(child: WorkingTask, rest: TaskRested) -> JsonObject:
    value: dict[str, Any] = {"status": rest.state, "result": result_of(child, child.document), "task": child.id}
    errors = unhandled_errors(child.document)
    if errors:
        step, entry = next(iter(errors.items()))
        value["error"] = {"step": step, **(entry if isinstance(entry, dict) else {"message": entry})}
    elif rest.reason is not None:
        value["error"] = {"type": rest.state, "message": rest.reason}
    return value
