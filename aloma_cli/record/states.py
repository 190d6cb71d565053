"""The states of a task, and what each means to its readers. All lists of states are made from this one.

`tests/docs/test_complete.py` compares it with those in styles, schemas and pages.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from aloma_cli.clock import from_iso
from aloma_cli.jsontext import JsonObject

RUNNING = "running"
INTERRUPTED = "interrupted"


class State(NamedTuple):
    """`kind`: active (at work, or about to be), asking (rests until a person answers, or settles a call), suspended
    (rests until it is resumed), or ended. `color`: its colour in the theme. `counted`: the group of `aloma top` for a
    task that no process runs. `exit_code`: that of a command that ran a task to this state. `told`: the word in the
    settings of notices for a root that comes to rest so; None if people are not told.
    """

    name: str
    kind: Literal["active", "asking", "suspended", "ended"]
    color: str
    counted: str
    exit_code: int = 8
    told: str | None = None


STATES = {
    state.name: state
    for state in (
        State("created", "active", "blue", "due"),
        State("processing", "active", "orange", "due"),
        State("waiting", "active", "orange", "due"),
        State(RUNNING, "active", "orange", "running"),
        State(INTERRUPTED, "active", "dim", "due"),
        State("question", "asking", "orange", "asking"),
        State("unsettled", "asking", "orange", "unsettled", told="failed"),
        State("limited", "suspended", "orange", "limited", 5, told="failed"),
        State("done", "ended", "green", "done", 0, told="done"),
        State("error", "ended", "red", "failed", 1, told="failed"),
        State("ignored", "ended", "dim", "ended", 6, told="failed"),
        State("incomplete", "ended", "orange", "ended", 6, told="failed"),
        State("stopped", "ended", "dim", "ended", 6),
    )
}
"""By name. `running` and `interrupted` are in no record: they are what `processing` and `waiting` are for a task that
a process runs, and for one that none does (`seen`)."""


ACTIVE, ASKING, SUSPENDED, ENDINGS = (
    tuple(state.name for state in STATES.values() if state.kind == kind)
    for kind in ("active", "asking", "suspended", "ended")
)
"""ENDINGS are also the keys of a group's count beside `total` and `running`."""


UNENDED = (*ASKING, *SUSPENDED)
"""In which a task rests that has not ended."""


AT_WORK = ("processing", "waiting")
"""The states on record of a task that is shown as running, or as interrupted."""


def is_asleep(root: JsonObject) -> bool:
    """Whether nothing runs in a tree before a moment that the record of its root has.

    A completed root has such a moment too while a subtask continues.
    """
    return bool(root.get("wake_at")) and root.get("state") in AT_WORK


def seen(state: str, *, held: bool, asleep: bool = False) -> str:
    """The state of a task in a tree that a process runs now (`held`) or that none does, by the state on record.

    `asleep`: nothing runs in the tree before a moment that is on record, so nothing was interrupted.
    """
    return state if asleep or state not in AT_WORK else RUNNING if held else INTERRUPTED


def took(record: JsonObject, now: float) -> float:
    """The seconds that a task has taken which a process runs now."""
    return max(float(record["seconds"]), now - from_iso(record["created_at"]))


def on_record(states: Collection[str]) -> set[str]:
    """The states on record of the tasks that are seen in one of `states`."""
    return {*states, *(AT_WORK if {RUNNING, INTERRUPTED} & {*states} else ())}


def as_seen(record: JsonObject, *, held: bool, asleep: bool = False) -> JsonObject:
    """The record of a task with the states that it and its subtasks have now, as `seen` gives them."""

    def state(one: JsonObject) -> JsonObject:
        return {**one, "state": seen(one["state"], held=held, asleep=asleep)}

    return {**state(record), "children": [*map(state, record["children"])]}
