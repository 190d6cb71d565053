"""The rows of the tree: what runs and what waits, below its subtasks.

Of a thousand firings in flight a screen shows a dozen, so only a dozen are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import chain, islice
from math import ceil
from typing import TypeAlias

from aloma_cli.values import dataclass
from aloma_cli.view.entries import Firing, doing, is_queued, streaming
from aloma_cli.view.format import duration, plural
from aloma_cli.view.live.screen import Retrying, Screen, TaskNode

_MOST_LOOKED_AT = 1000

_Item: TypeAlias = Firing | Retrying | TaskNode


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `last` says for each level whether it is the last of its siblings; `label` is its subtask and step.

    `kind` is running, retry, task (a subtask with rows below) or a task's state; `since` (seconds since 1970) is when
    it began, None where time does not matter; `doing` is what it does or waits for. `answer` is what it has received of
    an answer, where that is all it does.
    """

    last: tuple[bool, ...]
    kind: str
    label: tuple[str, ...]
    since: float | None
    doing: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The visible rows, and how many running and waiting ones are not among them."""

    rows: list[Row]
    more_running: int
    more_waiting: int


@dataclass(slots=True)
class _Branch:
    """A task with something to show: its own firings and waits, and its subtasks with something to show."""

    task: str
    items: list[_Item] = field(default_factory=list)
    branches: dict[str, _Branch] = field(default_factory=dict)


def visible_rows(screen: Screen, now: float, limit: int) -> Rows:
    """At most `limit` rows: the oldest firings first, those whose calls are in a queue last, but never all of the room
    for them while something waits."""
    waiting = list(islice(_waiting(screen), limit + 1))
    kept = min(len(waiting), max(limit // 3, limit - len(screen.running)))
    items = chain(islice(_running(screen), limit - kept), waiting[:kept])
    tree = _Branch(screen.root or "")
    running, waits, taken = 0, 0, 0
    for item in items:
        needed = 1 + _missing_branches(tree, screen, _task_of(item))
        if taken + needed > limit:
            break
        taken += needed
        _branch(tree, screen, _task_of(item)).items.append(item)
        running += isinstance(item, Firing)
        waits += not isinstance(item, Firing)
    rows = list(_walk(tree, screen, now, ()))
    return Rows(rows, len(screen.running) - running, count_waiting(screen) - waits)


def count_waiting(screen: Screen) -> int:
    """How many steps and subtasks wait for a time, a person or a higher limit."""
    root_pauses = screen.root in screen.paused
    return len(screen.retries) + len(screen.paused) - root_pauses


def _running(screen: Screen) -> Iterator[Firing]:
    if not screen.calls[1]:
        yield from screen.running.values()
        return
    looked_at = list(islice(screen.running.values(), _MOST_LOOKED_AT))
    yield from (firing for firing in looked_at if not is_queued(firing))
    yield from (firing for firing in looked_at if is_queued(firing))


def _waiting(screen: Screen) -> Iterator[_Item]:
    yield from screen.retries.values()
    yield from (screen.node(task) for task in screen.paused if task != screen.root)


def _task_of(item: _Item) -> str:
    return item.id if isinstance(item, TaskNode) else item.task


def _lineage(screen: Screen, task: str) -> list[str]:
    """`task` and those above it up to, but without, the root; topmost first."""
    tasks = [task, *screen.ancestors(task)]
    return [name for name in reversed(tasks) if name != screen.root]


def _missing_branches(tree: _Branch, screen: Screen, task: str) -> int:
    """How many rows an item of `task` needs beside its own: for subtasks above it that have no row yet."""
    branch, lineage = tree, _lineage(screen, task)
    for depth, name in enumerate(lineage):
        if name not in branch.branches:
            return len(lineage) - depth - 1 + _shares_row(branch, tree)
        branch = branch.branches[name]
    return int(_shares_row(branch, tree))


def _shares_row(branch: _Branch, tree: _Branch) -> bool:
    """Whether a subtask shares one row with the only thing it has to show."""
    return branch is not tree and len(branch.items) == 1 and not branch.branches


def _branch(tree: _Branch, screen: Screen, task: str) -> _Branch:
    branch = tree
    for name in _lineage(screen, task):
        branch = branch.branches.setdefault(name, _Branch(name))
    return branch


def _walk(branch: _Branch, screen: Screen, now: float, last: tuple[bool, ...]) -> Iterator[Row]:
    below = len(branch.items) + len(branch.branches)
    for index, item in enumerate(branch.items, 1):
        yield _item_row(item, (*last, index == below), (), now)
    for index, child in enumerate(branch.branches.values(), len(branch.items) + 1):
        place, label = (*last, index == below), (screen.label(child.task) or child.task,)
        if _shares_row(child, branch):
            yield _item_row(child.items[0], place, label, now)
        else:
            doing = "" if child.items else waits_for(screen.node(child.task))
            yield Row(place, "task", label, None, doing)
            yield from _walk(child, screen, now, place)


def _item_row(item: _Item, last: tuple[bool, ...], label: tuple[str, ...], now: float) -> Row:
    if isinstance(item, Firing):
        return Row(last, "running", (*label, item.step), item.since, doing(item, now), streaming(item))
    if isinstance(item, Retrying):
        return Row(last, "retry", (*label, item.step), None, f"{_countdown(item.until - now)}: {item.reason}")
    return Row(last, item.state, label, item.since, item.why or item.state)


def _countdown(seconds: float) -> str:
    if seconds <= 0:
        return "retry is due"
    return f"retry in {duration(seconds) if seconds >= 60 else f'{ceil(seconds)}s'}"


def waits_for(node: TaskNode) -> str:
    """`waits for 3 of 4 subtasks`, or nothing if none of them runs."""
    if not node.live:
        return ""
    some = "" if node.live == node.children else f"{node.live:,} of "
    return f"waits for {some}{plural(node.children, 'subtask')}"
