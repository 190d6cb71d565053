"""Two firings at once leave what they would have left one after the other, at each place of the document."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document.diff import same
from tests.support.stage import Stage
from tests.support.steps import does, step

Object = dict[str, Any]
Edit = Callable[[Any], object]
"""Alters the value that it is given: an object or a list."""

MISSING = object()


# -- edits -------------------------------------------------------------------------------------------------------------
#
# One edit of each place, and none that appends where it only might: reads do not conflict, and an edit that leaves no
# trace in what it does is one. A value put at the end of a list is an append, whatever position it was meant for.


def fields(keys: list[str], fresh: int, most: int = 3) -> st.SearchStrategy[Edit]:
    """Edits of at most so many fields of an object."""
    edits: list[st.SearchStrategy[Callable[[Object, str], object]]] = [
        st.sampled_from([0, 1, fresh]).map(lambda value: lambda owner, key: owner.update({key: value})),
        st.sampled_from([0, 1, 2]).map(lambda by: lambda owner, key: owner.update({key: number(owner, key) + by})),
        st.just(lambda owner, key: owner.pop(key, None)),
        st.sampled_from([1, fresh]).map(lambda value: lambda owner, key: owner.setdefault(key, value)),
        st.sampled_from([1, fresh]).map(lambda value: lambda owner, key: items(owner, key).append(value)),
    ]
    chosen = st.dictionaries(st.sampled_from(keys), st.one_of(edits), max_size=most)
    return chosen.map(lambda drawn: lambda owner: [edit(owner, key) for key, edit in drawn.items()])


def number(owner: Object, key: str) -> int:
    value = owner.get(key, 0)
    return value if isinstance(value, int) else 0


def items(owner: Object, key: str) -> list[Any]:
    """`setdefault(key, [])`, also where something else is there."""
    if not isinstance(owner.get(key), list):
        owner[key] = []
    made: list[Any] = owner[key]
    return made


def at(edit: Callable[[list[Any], int], object]) -> Callable[[int], Edit]:
    """An edit of a list at a position that it has; none of an empty list."""
    return lambda position: lambda found: edit(found, position % len(found)) if found else None


def put(value: Callable[[], Any]) -> Callable[[list[Any], int], object]:
    def edit(found: list[Any], position: int) -> None:
        found[position] = value()

    return edit


def swap(found: list[Any], one: int) -> None:
    other = (one + 1) % len(found)
    found[one], found[other] = found[other], found[one]


def slide(found: list[Any], more: list[Any]) -> None:
    """The first item goes, others come."""
    if found:
        found[:] = [*found[1:], *more]


def replace_last(found: list[Any], more: list[Any]) -> None:
    if found:
        found[-1:] = more


def lists(make: Callable[[int], Any], order: Callable[[Any], Any], fresh: int) -> list[st.SearchStrategy[Edit]]:
    """Edits of a list. `make` gives an item that is equal to others of this number; one of `fresh` is new."""
    position = st.integers(0, 4)
    new = make(fresh)
    return [
        st.sampled_from([0, 1, fresh]).map(lambda n: lambda found: found.append(make(n))),
        st.sampled_from([[0, 0], [fresh, 1]]).map(lambda some: lambda found: found.extend(map(make, some))),
        position.map(at(lambda found, place: found.insert(place, copy.copy(new)))),
        position.map(at(put(lambda: copy.copy(new)))),
        position.map(at(lambda found, place: found.pop(place))),
        position.map(at(swap)),
        st.just(lambda found: found.pop() if found else None),
        st.just(lambda found: found.sort(key=order)),
        st.just(lambda found: found.reverse()),
        st.just(lambda found: slide(found, found[:1])),
        st.just(lambda found: slide(found, [make(fresh), make(fresh + 1)])),
        st.just(lambda found: replace_last(found, [make(fresh), make(fresh + 1)])),
        st.just(lambda found: found.clear()),
    ]


def make_object(n: int) -> Object:
    return {"id": n, "v": -n}


def edit_all(found: list[Object]) -> None:
    for item in found:
        item["v"] = number(item, "v") + 1


def rank(found: list[Object]) -> None:
    ordered = sorted(found, key=by_value)
    if ordered != found:  # else it only reads what it does not alter
        for place, item in enumerate(ordered):
            item["place"] = place
        found[:] = ordered


def rebuild(found: list[Object]) -> None:
    ordered = sorted(found, key=by_value)
    if ordered != found:
        found[:] = [{**item, "seen": True} for item in ordered]


def grow_and_edit(found: list[Object], fresh: int) -> None:
    if found:
        found.insert(0, make_object(fresh))
        found[-1]["v"] = fresh


def by_value(item: Object) -> int:
    return number(item, "v")


def objects(fresh: int) -> list[st.SearchStrategy[Edit]]:
    """Edits of a list of objects."""
    inside = st.tuples(st.integers(0, 4), fields(["v", "w", "tags"], fresh, most=1))
    return [
        *lists(make_object, by_value, fresh),
        *[inside.map(lambda drawn: at(lambda found, place: drawn[1](found[place]))(drawn[0]))] * 6,
        st.just(edit_all),
        st.just(rank),
        st.just(rebuild),
        st.just(lambda found: grow_and_edit(found, fresh)),
    ]


def programs(fresh: int) -> st.SearchStrategy[dict[str, Edit]]:
    """One edit for each of some of the document's places."""
    return st.fixed_dictionaries(
        {},
        optional={
            "n": fields(["n", "m"], fresh),
            "l": st.one_of(lists(lambda n: n, lambda n: n, fresh)),
            "o": st.one_of(objects(fresh)),
            "t": fields(["x", "y", "z"], fresh),
        },
    )


def run(program: dict[str, Edit], data: Object) -> None:
    for place, edit in program.items():
        if place == "n":
            edit(data)
        elif place == "t":
            edit(data.setdefault("t", {}))
        else:
            edit(data[place])


# -- the law -----------------------------------------------------------------------------------------------------------

NUMBERS = st.lists(st.integers(0, 3), max_size=5)
DOCUMENTS = st.fixed_dictionaries(
    {"n": st.integers(0, 2), "l": NUMBERS, "o": NUMBERS.map(lambda some: [{"id": n, "v": n % 2} for n in some])},
    optional={"t": st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 1) | st.builds(list))},
)


def places(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """What stands at each place, down to the first list on the way."""
    if not isinstance(value, dict):
        return {path: value}
    found: dict[tuple[str, ...], Any] = {path: dict}
    for key, item in value.items():
        found |= places(item, (*path, key))
    return found


def in_order(document: Object, *programs: dict[str, Edit]) -> dict[tuple[str, ...], Any]:
    data = copy.deepcopy(document)
    for program in programs:
        run(program, data)
    return places(data)


@given(DOCUMENTS, programs(100), programs(200))
def test_two_edits_at_once_are_at_each_place_as_one_after_the_other(
    document: Object, one: dict[str, Edit], other: dict[str, Edit]
) -> None:
    steps = [step("a", {}, does(lambda data: run(one, data))), step("b", {}, does(lambda data: run(other, data)))]
    stage = Stage(steps, copy.deepcopy(document))
    stage.end("a", "b")
    stage.end_all()
    assert "$errors" not in stage.data
    result, first, second = places(stage.data), in_order(document, one, other), in_order(document, other, one)
    for place in result.keys() | first.keys() | second.keys():
        there = result.get(place, MISSING)
        assert any(same(there, order.get(place, MISSING)) for order in (first, second)), place
