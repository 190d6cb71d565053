"""The decorator of data classes does what the standard one does."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any

import pytest

from aloma_cli import values


def classes(decorator: Any) -> tuple[Any, Any, Any]:
    @decorator(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 0
        secret: str = field(default="", repr=False)
        seen: int = field(default=0, compare=False)

    @decorator(slots=True)
    class Open:
        inner: list[Any] = field(default_factory=list)

    @decorator(frozen=True, slots=True, eq=False)
    class Own:
        x: int = 0

        def __repr__(self) -> str:
            return "own"

    return Point, Open, Own


POINT, OPEN, OWN = classes(values.dataclass)


def test_a_value_is_written_as_by_the_standard_decorator_without_its_hidden_fields() -> None:
    point, opened, own = classes(dataclasses.dataclass)
    assert repr(POINT(1, 2, "key")) == repr(point(1, 2, "key"))
    assert "key" not in repr(POINT(1, 2, "key"))
    assert repr(OPEN()) == repr(opened())
    assert repr(OWN()) == repr(own()) == "own"


def test_values_are_equal_and_hashed_by_their_compared_fields() -> None:
    assert POINT(1, 2, "a", 3) == POINT(1, 2, "a", 4)
    assert len({POINT(1, 2, "a", 3), POINT(1, 2, "a", 4), POINT(1, 3, "a")}) == 2
    assert POINT(1) != OPEN()
    assert OPEN([1]) == OPEN([1]) != OPEN([2])
    assert OWN() != OWN()
    assert len({OWN(), OWN()}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(OPEN())


def test_values_work_with_what_the_standard_library_has_for_data_classes() -> None:
    assert dataclasses.replace(POINT(1, 2), y=3) == POINT(1, 3)
    assert dataclasses.asdict(OPEN([1])) == {"inner": [1]}
    match POINT(1, 2):
        case POINT(x, y):
            assert (x, y) == (1, 2)


def test_a_value_that_contains_itself_can_be_written() -> None:
    one = OPEN()
    one.inner.append(one)
    assert repr(one).endswith("Open(inner=[...])")
