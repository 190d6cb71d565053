"""A tree as JSON: what is read is what was written, whatever happened in it."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings

from aloma_cli.engine.working import WorkingTree
from aloma_cli.jsontext import dumps
from aloma_cli.record import checkpoint
from aloma_cli.record.checkpoint import from_checkpoint, to_checkpoint
from aloma_cli.record.events import Event
from aloma_cli.record.tree import Tree
from tests.engine.test_laws import RUNS, perform
from tests.support.deeply import differences
from tests.support.stage import Stage
from tests.support.steps import step
from tests.view.story import is_recorded, research

AnyTree = TypeVar("AnyTree", bound=Tree)


def read_again(tree: AnyTree) -> AnyTree | None:
    return from_checkpoint(type(tree), json.loads(dumps(to_checkpoint(tree))))


def check(kind: type[Tree], events: list[Event], end: int) -> None:
    """A tree that is read from a checkpoint is the same, and continues in the same way."""
    whole = kind.of(events[:end])
    read = read_again(whole)
    assert read is not None
    assert differences(whole, read) == []
    for event in events[end:]:
        whole.apply(event)
        read.apply(event)
    # A search for cycles starts over.
    assert [one for one in differences(whole, read) if ".trail." not in one] == []


@given(**RUNS)
@settings(max_examples=30)
def test_a_tree_is_the_same_and_continues_alike_after_any_event_of_any_run(**run: Any) -> None:
    stage, _ = perform(run["drawn"], run["document"], run["order"], run["concurrency"])
    events = stage.journal()
    for end in range(1, len(events), max(1, len(events) // 5)):
        check(WorkingTree, events, end)


def test_calls_retries_and_subtasks_are_kept() -> None:
    events = list(filter(is_recorded, research().events))
    for end in range(1, len(events)):
        check(Tree, events, end)


def test_documents_that_firings_share_are_written_once() -> None:
    stage = Stage([step("one", {"n": int}, nothing), step("other", {"n": int}, nothing)], {"n": 1})
    read = read_again(stage.tree)
    assert read is not None
    assert [flight.base is read.root.document for flight in read.root.flights.values()] == [True, True]


def nothing() -> None:
    """The content of a step."""


def written() -> dict[str, Any]:
    return to_checkpoint(Tree.of(filter(is_recorded, research().events)))


def test_what_another_version_of_the_program_added_up_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = written()
    assert from_checkpoint(Tree, kept) is not None
    monkeypatch.setattr(checkpoint, "program", lambda: "another")
    assert from_checkpoint(Tree, kept) is None


@pytest.mark.parametrize("change", [{"tree": {}}, {"tree": None}, {"objects": []}, {"objects": None}])
def test_what_does_not_fit_is_not_used(change: dict[str, Any]) -> None:
    assert from_checkpoint(Tree, written() | change) is None
