"""What may be at a place, where steps copy places into each other."""

from __future__ import annotations

from aloma_cli.checking.values import STAR, Doc, Known, Write, Writes


def test_a_value_that_comes_by_many_ways_is_known_once() -> None:
    copied = Doc(("order", STAR))
    writes = Writes([Write(("total",), Known(1), "add"), *(Write((STAR,), copied, name) for name in ("once", "again"))])
    assert len(writes.values_at(("total",))) == 2
