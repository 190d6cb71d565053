"""What a firing read is on record, beside the values that its condition names."""

from __future__ import annotations

from typing import Any

import pytest

from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import decode, encode, to_wire
from aloma_cli.record.events import Committed, Event, FiringFailed, FiringLooked
from aloma_cli.redact import Redactor
from tests.support.stage import Stage
from tests.support.steps import does, step

CANARY = "canary-5f3a91c07be24d68"


def write(data: dict[str, Any]) -> None:
    data["sum"] = data["n"] + data["other"]


def look(data: dict[str, Any]) -> None:
    assert data["n"] + data["other"] == 3


def fail(data: dict[str, Any]) -> None:
    raise ValueError(data["n"] + data["other"])


@pytest.mark.parametrize(
    ("act", "kind"), [(write, Committed), (look, FiringLooked), (fail, FiringFailed)], ids=lambda one: one.__name__
)
def test_what_a_firing_read_is_on_record(act: Any, kind: type[Event]) -> None:
    stage = Stage([step("act", {"n": int}, does(act))], {"n": 1, "other": 2})
    stage.end("act")
    ended = next(event for event in stage.events if isinstance(event, kind))
    assert to_wire(ended)["read"] == ["other"]
    assert decode(encode(Batch(1, (ended,)))).events == (ended,)


def test_a_firing_that_read_what_its_condition_names_says_nothing() -> None:
    stage = Stage([step("act", {"n": int}, does(lambda data: data.update(m=data["n"])))], {"n": 1})
    stage.end("act")
    (ended,) = (event for event in stage.events if isinstance(event, Committed))
    assert "read" not in to_wire(ended)


def test_a_secret_that_was_asked_for_as_a_key_is_not_told() -> None:
    act = does(lambda data: data.update(m=data.get(CANARY)))
    stage = Stage([step("act", {"n": int}, act)], {"n": 1}, scrubber=Redactor([("TOKEN", CANARY)]))
    stage.end("act")
    (ended,) = (event for event in stage.events if isinstance(event, Committed))
    assert ended.read == ("«secret:TOKEN»",)
