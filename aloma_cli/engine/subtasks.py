"""Subtasks: their places in the parent's document, how they begin and are stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from aloma_cli.content.job import Effects, SubtaskOrder
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.paths import make_room
from aloma_cli.engine.arming import void
from aloma_cli.engine.landing import count
from aloma_cli.engine.rest import let_rest, rest_stopped
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.record.events import TaskCreated

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
        """The place that `into` names, in use from now on. `renewed`: places that may be taken once more.

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
                hint="use places that do not contain each other",
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


def stop(tx: Transaction, task: WorkingTask, reason: str) -> None:
    """Stop a subtask and its own for good."""
    for one in [*tx.tree.descendants(task.id)[::-1], task]:
        if not one.closed:
            for flight in list(one.flights.values()):
                void(tx, one, flight, "stopped")
            let_rest(tx, one, "stopped", closed=True, reason=reason)


def halt(tx: Transaction, reason: str) -> None:
    """Stop the whole tree until it is resumed. What was under way then runs once more, as after a limit."""
    for one in [*tx.tree.descendants(tx.tree.root_id)[::-1], tx.tree.root]:
        if not one.closed:
            for flight in [flight for flight in one.flights.values() if flight.running]:
                void(tx, one, flight, "stopped", again=True)
            rest_stopped(tx, one, reason)


def expire(tx: Transaction, task: WorkingTask) -> None:
    """End a task whose time is up; its document so far is its result."""
    for child in tx.tree.descendants(task.id):
        if child.parent == task.id and not child.closed:
            stop(tx, child, "the task it belongs to ran out of time")
    for flight in list(task.flights.values()):
        void(tx, task, flight, "stopped")
    let_rest(tx, task, "incomplete", closed=True, reason="it ran out of time")
