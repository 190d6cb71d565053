"""A change finds the conditions it concerns: every one whose verdict it alters, and few others."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli import Step
from aloma_cli.document.changes import Change
from aloma_cli.document.diff import diff
from aloma_cli.engine.index import Index
from tests.condition.test_laws import CONDITIONS, DOCUMENTS


def content() -> None:
    """Does nothing."""


def index(*conditions: dict[str, Any]) -> Index:
    return Index(Step(f"s{at}", condition, content) for at, condition in enumerate(conditions))


@given(st.lists(CONDITIONS, min_size=1, max_size=4), DOCUMENTS, DOCUMENTS)
def test_a_condition_whose_verdict_changes_is_always_found(conditions: list[Any], before: Any, after: Any) -> None:
    steps = [Step(f"s{at}", condition, content) for at, condition in enumerate(conditions)]
    changes = diff(before, after)
    found = Index(steps).concerned(changes, before, after)
    altered = {step.name for step in steps if step.condition.matches(before) != step.condition.matches(after)}
    assert altered <= found <= Index(steps).readers(changes)


def test_of_many_values_of_one_field_only_the_old_and_the_new_are_concerned() -> None:
    states = index(*({"stage": at} for at in range(1000)))
    change = Change("replace", ("stage",), 7)
    assert states.concerned([change], {"stage": 3}, {"stage": 7}) == {"s3", "s7"}
    assert len(states.readers([change])) == 1000


def test_values_that_are_no_literal_of_a_condition_concern_those_that_ask_for_more() -> None:
    states = index({"stage": 1}, {"stage": True}, {"stage": {"$gt": 5}}, {"other": 1}, {"stage": None})
    change = Change("replace", ("stage",), True)
    assert states.concerned([change], {"stage": 1.0}, {"stage": True}) == {"s0", "s1", "s2", "s4"}


def test_a_change_of_what_holds_a_field_concerns_its_readers() -> None:
    states = index({"order": {"state": "paid"}}, {"order": {"state": "open"}}, {"order": {"state": "void"}})
    change = Change("replace", ("order",), {"state": "paid"})
    assert states.concerned([change], {"order": {"state": "open"}}, {"order": {"state": "paid"}}) == {"s0", "s1"}
