"""A draft knows which values of the document its author read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from aloma_cli.document.draft import Draft
from aloma_cli.jsontext import show_path

BIG = {f"k{at}": at for at in range(300)}
DOCUMENT = {
    "a": 1,
    "b": {"x": 1},
    "big": {**BIG, "deep": {**BIG}, "l": [1, 2]},
    "rows": [{"cells": {**BIG}} for _ in range(3)],
    "numbers": list(range(300)),
}


def reads(draft: Draft) -> list[str]:
    return list(map(show_path, draft.reads()))


def _loop(data: Any) -> None:
    for row in data["rows"]:
        row["seen"] = True


def _match(data: Any) -> None:
    match data:
        case {"a": 1, "b": {"x": _}}:
            pass


@pytest.mark.parametrize(
    ("read", "places"),
    [
        (lambda _: None, []),
        (lambda data: data["a"], ["a"]),
        (lambda data: data.get("a"), ["a"]),
        (lambda data: data.get("absent"), ["absent"]),
        (lambda data: "absent" in data, ["absent"]),
        (lambda data: data.setdefault("a", 2), ["a"]),
        (lambda data: data.pop("a"), ["a"]),
        (lambda data: data["b"]["x"], ["b"]),
        (lambda data: data["big"]["k1"], ["big.k1"]),
        (lambda data: data["big"]["deep"]["k2"], ["big.deep.k2"]),
        (lambda data: data["big"]["l"][0], ["big.l"]),
        (lambda data: data["big"].items(), ["big"]),
        (lambda data: (data["big"]["k1"], str(data["big"])), ["big"]),
        (lambda data: data["rows"][1]["cells"]["k3"], ["rows.1.cells.k3"]),
        (lambda data: data["rows"][-1], ["rows.2"]),
        (_loop, ["rows"]),
        (lambda data: data["numbers"][7], ["numbers"]),
        (lambda data: data["numbers"].append(7), ["numbers"]),
        (_match, ["a", "b"]),
        (lambda data: [data[key] for key in ("b", "a", "b")], ["b", "a"]),
        *(
            (whole, ["(document)"])
            for whole in (json.dumps, dict, list, str, copy.deepcopy, lambda data: {**data}, lambda data: data == {})
        ),
    ],
)
def test_what_was_read_is_known_as_far_as_it_was_not_handed_out_whole(
    read: Callable[[Any], Any], places: list[str]
) -> None:
    draft = Draft(DOCUMENT)
    read(draft.data)
    assert reads(draft) == places


@pytest.mark.parametrize(
    "write",
    [
        lambda data: data.update(new=1, a=2),
        lambda data: data.__setitem__("a", 3),
        lambda data: (data.__setitem__("a", 3), data["a"]),
        lambda data: data["big"].update(k1=2),
        lambda data: data.clear(),
    ],
)
def test_a_write_reads_nothing(write: Callable[[Any], Any]) -> None:
    draft = Draft(DOCUMENT)
    write(draft.data)
    assert reads(draft) == []


def test_of_many_places_those_that_contain_them_are_told() -> None:
    draft = Draft(DOCUMENT)
    for at in range(60):
        assert draft.data["big"][f"k{at}"] + draft.data["a"]
    assert reads(draft) == ["big", "a"]


def test_of_many_fields_the_whole_document_is_told() -> None:
    draft = Draft({f"f{at}": at for at in range(60)})
    for at in range(60):
        assert draft.data[f"f{at}"] >= 0
    assert reads(draft) == ["(document)"]
