"""Each field of each event is in the journal, whichever way its event is written."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

import pytest

from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import WireType, decode, encode, readers_of
from aloma_cli.record.events import KINDS

TEXT = "2026-11-22T08:00:00.000Z"
"""A string that is a time too."""

CHOSEN: dict[str, Any] = {
    "committed.by": "firing",  # the one of a commit that is written by hand
    "committed.changes": ({"op": "add", "path": "/a", "value": 1},),
    "task_rested.state": "question",
}


def value_of(wanted: WireType, *, inside: bool = False) -> Any:
    """A value of this type, which is the default of no field."""
    kind = float if float in wanted.kinds else wanted.kinds[0]
    if kind is tuple or kind is list:
        assert wanted.inner
        return (list if inside else kind)([value_of(wanted.inner, inside=True)])
    if kind is dict:
        parts = wanted.fields or {"x": wanted.inner or WireType((int,))}
        return {name: value_of(part, inside=True) for name, part in parts.items()}
    return {str: TEXT, int: 7, float: 7.5, bool: True, object: {"x": 7}}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_of_an_event_is_read_as_it_was_written(kind: str) -> None:
    readers = readers_of(kind).values()
    values = {one.name: CHOSEN.get(one.place, value_of(one.wanted)) for one in readers}
    assert [one.name for one in readers if values[one.name] == one.default] == []
    required = {one.name: values[one.name] for one in readers if one.default is MISSING}
    # A commit with all of its fields is not written by hand, and one with few is.
    for given in (values, *({**required, name: value} for name, value in values.items())):
        event = KINDS[kind](**given)
        assert decode(encode(Batch(1, (event,)))).events == (event,)
