"""The calls of a tree and their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.record.calls import RecordedCall, calls_of, failing_call
from aloma_cli.record.events import CallAnswered, CallSent, Event, FiringVoided, TreeOpened
from tests.support.record import ROOT

AT = "2026-11-22T12:00:00.000Z"


def sent(firing: int, key: str, effect: str = "once", call: str = "bank.pay") -> CallSent:
    return CallSent(at=AT, task=ROOT, firing=firing, step="s", call=call, key=key, effect=effect)


def answered(firing: int, key: str, **fields: Any) -> CallAnswered:
    return CallAnswered(at=AT, task=ROOT, firing=firing, step="s", call="bank.pay", key=key, arguments={}, **fields)


def told(*events: Event) -> list[tuple[int, str, str]]:
    found = sorted(calls_of(events), key=lambda call: call.number)
    return [(call.number, call.key, call.state) for call in found]


def test_calls_are_numbered_over_all_firings_in_the_order_of_the_record() -> None:
    failed = answered(1, "b", error={"type": "ConnectorError", "message": "no", "retryable": False})
    assert told(answered(1, "a"), answered(2, "a"), failed) == [
        (1, "a", "answered"),
        (2, "a", "answered"),
        (3, "b", "failed"),
    ]


def test_a_call_has_its_place_where_it_was_sent() -> None:
    assert told(sent(1, "a"), sent(2, "b"), answered(2, "b"), answered(1, "a")) == [
        (1, "a", "answered"),
        (2, "b", "answered"),
    ]


def test_a_call_without_an_answer_is_in_flight_until_its_firing_or_its_process_ends() -> None:
    opened = TreeOpened(at=AT, task=ROOT)
    voided = FiringVoided(at=AT, task=ROOT, firing=1, step="s", reason="stopped")
    assert told(sent(1, "a"), sent(2, "b")) == [(1, "a", "in flight"), (2, "b", "in flight")]
    assert told(sent(1, "a"), sent(2, "b"), voided) == [(1, "a", "outcome unknown"), (2, "b", "in flight")]
    assert told(sent(1, "a"), opened) == [(1, "a", "outcome unknown")]
    assert told(sent(1, "a", "idempotent"), opened) == [(1, "a", "interrupted")]
    assert told(sent(1, "a", call="person.approve"), opened) == [(1, "a", "waits for a person")]
    assert told(sent(1, "a"), opened, sent(1, "a")) == [(1, "a", "in flight")]
    assert told(sent(1, "a"), opened, sent(1, "a"), answered(1, "a")) == [(1, "a", "answered")]


def test_a_call_whose_sending_is_only_for_views_has_its_place_where_its_answer_is() -> None:
    one, other = sent(1, "a", "read"), sent(2, "b", "read")
    assert told(one, other, answered(2, "b"), answered(1, "a")) == [(1, "b", "answered"), (2, "a", "answered")]


@dataclass(frozen=True)
class Act:
    kind: str
    firing: int
    key: str

    @property
    def event(self) -> Event:
        if self.kind == "opened":
            return TreeOpened(at=AT, task=ROOT)
        return sent(self.firing, self.key) if self.kind == "sent" else answered(self.firing, self.key)


ACTS = st.builds(Act, st.sampled_from(["sent", "answered", "opened"]), st.integers(1, 3), st.sampled_from("abc"))


@given(st.lists(ACTS, max_size=20))
def test_a_number_never_changes_while_the_record_grows(acts: list[Act]) -> None:
    before: dict[int, RecordedCall] = {}
    for end in range(len(acts) + 1):
        now = {call.number: call for call in calls_of(act.event for act in acts[:end])}
        assert sorted(now) == list(range(1, len(now) + 1))
        assert all((now[number].firing, now[number].key) == (call.firing, call.key) for number, call in before.items())
        before = now


def test_the_call_to_look_at_first_is_the_one_that_the_error_is_about() -> None:
    error = {"type": "ConnectorError", "message": "no", "retryable": True}
    made = [*calls_of([answered(1, "a"), answered(1, "b", error=error), answered(1, "c")])]

    def first(**fields: Any) -> int | None:
        found = failing_call({"type": "E", "message": "", **fields}, made)
        return found.number if found is not None else None

    assert (first(), first(connector=True), first(misfits=["a"], connector=True)) == (3, 2, 1)
    assert failing_call(error, []) is None
