"""A draft behaves as plain dicts and lists would, and its changes are those of a whole comparison."""

from __future__ import annotations

import bisect
import collections
import copy
import heapq
import json
import operator
import pickle
import pprint
import random
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document import tracked
from aloma_cli.document.changes import apply
from aloma_cli.document.diff import diff
from aloma_cli.document.draft import Draft
from aloma_cli.document.tracked import TrackedDict, TrackedList, plain

BASE = {"a": 1, "b": {"x": 1, "y": {"z": [1, {"q": 2}]}}, "l": [3, 1, {"k": 1}, [1]], "s": "t", "n": [4, 2, 9]}


@pytest.fixture(autouse=True, params=[0, 3, 256])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hand out tracked containers nearly everywhere, here and there, and hardly anywhere."""
    monkeypatch.setattr(tracked, "SMALL", request.param)


def _keywords(**fields: Any) -> Any:
    return fields


def _starred(*values: Any) -> Any:
    return values


def _updated(data: Any) -> Any:
    other: dict[str, Any] = {}
    other.update(data)
    return other


def _matched(data: Any) -> Any:
    match data:
        case {"a": 1, **rest}:
            return rest
    raise AssertionError


def _extended(items: Any) -> Any:
    other: list[Any] = []
    other.extend(items)
    other += items
    return other


def _assigned(items: Any) -> Any:
    other = [0]
    other[:] = items
    return other


READS: dict[str, Callable[[Any], Any]] = {
    "json": json.dumps,
    "json indented": lambda data: json.dumps(data, indent=1, sort_keys=True),
    "json by pure Python": lambda data: "".join(json.JSONEncoder().iterencode(data)),
    "repr": repr,
    "str": lambda data: f"{data} {data['l']}",
    "pprint": pprint.pformat,
    "equal": lambda data: (data == BASE, data == BASE, data != BASE, data["l"] == BASE["l"], data["b"] == BASE["b"]),
    "isinstance": lambda data: [isinstance(data, dict), isinstance(data["l"], list), isinstance(data["b"]["y"], dict)],
    "class name": lambda data: [type(value).__name__ for value in (data, data["b"], data["l"])],
    "keys": lambda data: (list(data), list(reversed(data)), "a" in data, "q" in data, data.keys() & {"a", "q"}),
    "values": lambda data: (list(data.values()), list(reversed(data.values()))),
    "items": lambda data: (list(data.items()), list(data["b"].items())),
    "get": lambda data: (data.get("a"), data.get("b"), data.get("q"), data.get("q", 1)),
    "get with a default": lambda data: (data.get("q", {}), data.get("q", [])),
    "length": lambda data: (len(data), len(data["l"]), bool(data)),
    "list reads": lambda data: (data["l"][1:3], data["l"][-1], data["l"].index(1), data["l"].count(1), 3 in data["l"]),
    "comprehension": lambda data: [{key: value} for key, value in data.items() if key != "a"],
    "sorted": lambda data: sorted(data["n"]),
    "min, max, sum": lambda data: (min(data["n"]), max(data["n"]), sum(data["n"])),
    "format_map": lambda data: "{s}".format_map(data) + "%(s)s" % data,  # noqa: UP031
    "schema": lambda data: jsonschema.validate(data, {"type": "object", "properties": {"l": {"type": "array"}}}),
}

COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda data: pickle.loads(pickle.dumps(data)),  # noqa: S301
    "json": lambda data: json.loads(json.dumps(data)),
}

SHALLOW: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "unpacking": lambda data: {**data},
    "copy": copy.copy,
    "copy method": lambda data: data.copy(),
    "or": lambda data: data | {"m": 1},
    "or from the left": lambda data: {"m": 1} | data,
    "update": _updated,
    "keywords": lambda data: _keywords(**data),
    "chain": collections.ChainMap,
    "items": lambda data: dict(data.items()),
    "match": _matched,
}

LISTS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "unpacking": lambda items: [*items],
    "starred": lambda items: _starred(*items),
    "slice": lambda items: items[:],
    "copy": copy.copy,
    "copy method": lambda items: items.copy(),
    "plus": lambda items: items + [],  # noqa: RUF005
    "plus from the left": lambda items: [] + items,  # noqa: RUF005
    "times": lambda items: items * 2,
    "extend": _extended,
    "slice assignment": _assigned,
    "deque": collections.deque,
    "iteration": lambda items: [item for item in items],  # noqa: C416
    "reversed": lambda items: list(reversed(items))[::-1],
}


@pytest.mark.parametrize("name", READS)
def test_what_reads_a_dict_reads_a_draft(name: str) -> None:
    assert READS[name](TrackedDict(BASE)) == READS[name](copy.deepcopy(BASE))


@pytest.mark.parametrize("name", COPIES)
def test_a_deep_copy_is_plain_and_shares_nothing(name: str) -> None:
    draft = Draft(BASE)
    data = draft.data
    other = COPIES[name](data)
    other["b"]["y"]["z"][1]["q"] = 0
    assert (type(other), type(other["b"]), type(other["l"])) == (dict, dict, list)
    assert draft.changes() == []


@pytest.mark.parametrize("name", SHALLOW)
def test_a_shallow_copy_of_an_object_shares_what_is_in_it(name: str) -> None:
    before = json.dumps(BASE)
    draft = Draft(BASE)
    data = draft.data
    SHALLOW[name](data)["b"]["x"] = 9
    assert (data["b"]["x"], [change.path for change in draft.changes()]) == (9, [("b", "x")])
    assert json.dumps(BASE) == before


@pytest.mark.parametrize("name", LISTS)
def test_a_shallow_copy_of_a_list_shares_what_is_in_it(name: str) -> None:
    before = json.dumps(BASE)
    draft = Draft(BASE)
    data = draft.data
    LISTS[name](data["l"])[2]["k"] = 9
    assert (data["l"][2]["k"], [change.path for change in draft.changes()]) == (9, [("l", 2, "k")])
    assert json.dumps(BASE) == before


@pytest.mark.parametrize(
    "write",
    [
        lambda data: heapq.heappush(data["n"], 0),
        lambda data: heapq.heapify(data["n"]),
        lambda data: heapq.heappop(data["n"]),
        lambda data: bisect.insort(data["n"], 5),
        lambda data: random.Random(1).shuffle(data["n"]),
        lambda data: operator.setitem(data, "a", 2),
        lambda data: operator.itemgetter("b")(data).update(x=2),
        lambda data: data.__ior__({"a": 2}),
        lambda data: data["l"].__iadd__([1]),
    ],
)
def test_a_write_through_a_library_is_seen(write: Callable[[Any], Any]) -> None:
    draft, twin = Draft(BASE), copy.deepcopy(BASE)
    data = draft.data
    write(data)
    write(twin)
    assert apply(BASE, draft.changes()) == twin == data


def test_a_draft_is_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(TrackedDict(BASE))


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: data["q"],
        lambda data: data.pop("q"),
        lambda data: data["l"][9],
        lambda data: data["l"].remove("q"),
        lambda data: data.invoice,
        lambda data: data["l"]["q"],
    ],
)
def test_errors_are_those_of_a_dict(broken: Callable[[Any], Any]) -> None:
    with pytest.raises((KeyError, IndexError, ValueError, AttributeError, TypeError)) as raised:
        broken(TrackedDict(BASE))
    with pytest.raises(type(raised.value)) as wanted:
        broken(copy.deepcopy(BASE))
    assert str(raised.value) == str(wanted.value)


VALUES = st.recursive(
    st.sampled_from([1, 2, True, False, None, 1.0, "x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdef"), inner, max_size=3),
    max_leaves=10,
)


def _containers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        if isinstance(item, dict | list):
            yield from _containers(item, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _on_object(chance: random.Random, here: dict[str, Any]) -> Any:
    key, value = chance.choice("abcdef"), _value(chance)
    acts: list[Callable[[], Any]] = [
        lambda: here.__setitem__(key, value),
        lambda: here.pop(key, None),
        lambda: here.setdefault(key, value),
        lambda: here.update({key: value}),
        lambda: here.get(key),
        lambda: list(here.items()),
        lambda: here.popitem() if here else None,
        lambda: here.__delitem__(key) if key in here else None,
        here.clear,
        lambda: here.__setitem__(key, here.get(chance.choice("abcdef"))),
    ]
    return chance.choice(acts)()


def _on_list(chance: random.Random, here: list[Any]) -> Any:
    value, at = _value(chance), chance.randrange(len(here)) if here else 0
    acts: list[Callable[[], Any]] = [
        lambda: here.append(value),
        lambda: here.__setitem__(at, value) if here else None,
        lambda: here.pop(at) if here else None,
        lambda: here.insert(at, value),
        here.reverse,
        lambda: here.sort(key=str),
        lambda: here.extend([value, value]),
        lambda: list(here),
        lambda: here.__delitem__(slice(at, None)),
        lambda: here.__setitem__(slice(at, at + 1), [value, 1]),
        lambda: here.__setitem__(-1, value) if here else None,
        lambda: here.append(here[at]) if here else None,
        lambda: here.remove(here[at]) if here else None,
        lambda: here.__imul__(2) if len(here) < 8 else None,
    ]
    return chance.choice(acts)()


def _value(chance: random.Random) -> Any:
    return copy.deepcopy(chance.choice([1, True, None, "x", {"a": 1}, [1, {"b": 2}], {"c": [1]}, []]))


@given(st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4), st.integers(1, 8), st.integers(0, 2**32))
def test_any_program_leaves_what_it_leaves_of_plain_values(base: Any, writes: int, seed: int) -> None:
    copies: dict[int, list[Any]] = {}
    before, draft, twin = json.dumps(base), Draft(base), plain(base, copies)
    data = draft.data
    chance = random.Random(seed)
    for _ in range(writes):
        path, again = chance.choice(list(_containers(twin))), chance.random()
        here, there = _at(data, path), _at(twin, path)
        act = _on_object if isinstance(there, dict) else _on_list
        assert act(random.Random(again), here) == act(random.Random(again), there)
    assert data == twin
    assert json.dumps(data) == json.dumps(twin)
    changes = draft.changes()
    assert json.dumps(base) == before
    assert apply(base, changes) == twin
    assert len(changes) == len(diff(base, twin, copies))


def test_a_large_container_is_copied_where_it_is_reached_and_nowhere_else() -> None:
    base = {"big": [{"row": row, "cells": list(range(300))} for row in range(300)], "other": {"x": [0] * 300}}
    draft = Draft(base)
    data = draft.data
    data["big"][7]["cells"].append(1)
    assert [change.path for change in draft.changes()] == [("big", 7, "cells")]
    untouched = [row for row in list.__iter__(data["big"]) if any(row is committed for committed in base["big"])]
    assert isinstance(data["big"], TrackedList)
    assert len(untouched) == 299
    assert dict.__getitem__(data, "other") is base["other"]


@pytest.mark.parametrize("default", [[], {}, [[1]], {"a": {"b": 1}}, 1, None])
def test_a_default_that_is_got_is_the_given_object_and_no_change(default: Any) -> None:
    draft = Draft(BASE)
    data = draft.data
    assert data.get("missing", default) is default
    assert draft.changes() == []
    assert "missing" not in plain(data)
