"""What changes cost follows their number: many of them take the time of many, not of their square."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document.changes import Change, apply, replay, to_wire
from aloma_cli.document.diff import diff
from aloma_cli.document.merge import merge

MANY = 12_000


def growth(work: Callable[[int], Callable[[], object]]) -> float:
    """How many times as long four times as much takes: this thread alone counts, and no garbage of other tests."""

    def seconds(size: int) -> float:
        prepared = work(size)
        times = []
        gc.disable()
        try:
            for _ in range(3):
                started = time.thread_time()
                prepared()
                times.append(time.thread_time() - started)
        finally:
            gc.enable()
        return min(times)

    return seconds(MANY) / seconds(MANY // 4)


def fields(size: int, prefix: str) -> list[Change]:
    return [Change("add", ("m", f"{prefix}{n}"), n) for n in range(size)]


def items(op: Any, size: int) -> list[Change]:
    order = range(size) if op == "add" else range(size - 1, -1, -1)
    return [Change(op, ("l", n), n) for n in order]


WORK: dict[str, Callable[[int], Callable[[], object]]] = {
    "merge fields": lambda n: lambda: merge(fields(n, "a"), fields(n, "b"), {"m": {}}),
    "merge appends": lambda n: lambda: merge([Change("append", ("l",), 1)] * n, [Change("append", ("l",), 2)] * n, {}),
    "merge edits with appends": lambda n: (
        lambda: merge(
            [Change("replace", ("l", at), 1) for at in range(n)], [Change("append", ("l",), 2)] * n, {"l": [0] * n}
        )
    ),
    "put items in front": lambda n: lambda: apply({"l": [0] * 4 * n}, items("add", n)),
    "take items from the front": lambda n: lambda: apply({"l": [0] * 5 * n}, items("remove", n)),
    "replay": lambda n: lambda: replay({"l": [0] * 4 * n}, to_wire(items("add", n))),
    "diff": lambda n: lambda: diff({"l": list(range(n))}, {"l": [*range(n, 0, -1), 7]}),
}


@pytest.mark.parametrize("name", WORK)
def test_four_times_as_many_changes_take_about_four_times_as_long(name: str) -> None:
    assert growth(WORK[name]) < 10


MOVES = st.lists(st.tuples(st.sampled_from(["add", "remove", "replace", "append"]), st.integers(0, 5)), max_size=12)


@given(st.integers(6, 8), MOVES)
def test_moves_of_items_end_as_if_each_were_made_alone(length: int, moves: list[tuple[Any, int]]) -> None:
    expected: list[Any] = list(range(length))
    changes = []
    for number, (op, wish) in enumerate(moves):
        at = min(wish, len(expected) - 1)
        if at < 0 and op in ("remove", "replace"):
            continue
        path = ("l",) if op == "append" else ("l", max(at, 0))
        changes.append(Change(op, path, None if op == "remove" else f"new {number}"))
        if op == "add":
            expected.insert(max(at, 0), f"new {number}")
        elif op == "append":
            expected.append(f"new {number}")
        elif op == "remove":
            del expected[at]
        else:
            expected[at] = f"new {number}"
    before = {"l": list(range(length))}
    assert apply(before, changes) == {"l": expected}
    assert replay(before, to_wire(changes)) == ({"l": expected}, changes)


def test_removing_an_item_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError):
        apply({"l": [1]}, [Change("remove", ("l", 1))])
