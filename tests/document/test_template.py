"""Templates: places of an event, with their types, and nothing that is evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document.template import check_template, fill, fill_text
from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json

EVENT: Json = {"id": 7, "body": {"items": [{"n": 1.5}], "a.b": None, "text": "ü", "yes": True}}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{event.id}", 7),
        ("{event}", EVENT),
        ("{event.body.items}", [{"n": 1.5}]),
        ("{event.body.items.0.n}", 1.5),
        ('{event.body."a.b"}', None),
        ("{event.body.yes}", True),
        ("{event.missing?}", None),
        ("{event.missing.deeper?}", None),
        ("no {event.id} of {event.body.text}, {event.body.items}, {event.body.yes}", 'no 7 of ü, [{"n":1.5}], true'),
        ("[{event.missing?}]", "[]"),
        ("{{event.id}} is {event.id}", "{event.id} is 7"),
        ("{{event.id}}", "{event.id}"),
        ('{"a": 1, "b": {}} { } {a: 1} {}', '{"a": 1, "b": {}} { } {a: 1} {}'),
        ({"a": ["{event.id}", 1, None]}, {"a": [7, 1, None]}),
        ({"{event.id}": 1}, {"{event.id}": 1}),
    ],
)
def test_a_place_is_the_value_of_the_event(template: Json, filled: Json) -> None:
    check_template(template)
    assert fill(template, EVENT) == filled


@pytest.mark.parametrize(
    "template", ["{event.nothing}", "a {event.body.items.1}", "{event.id.x}", "{event.body.text.0}"]
)
def test_what_the_event_has_not_is_an_error(template: str) -> None:
    check_template(template)
    with pytest.raises(InputError, match=r"the event has nothing at event\.") as refused:
        fill(template, EVENT)
    assert "?}" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{evnt.id}", "did you mean `event`?"),
        ("{name}", "begin with `event.`, or write {{name}} for the text itself"),
        ("a {event..id}", None),
        ({"a": [{"b": "{$event}"}]}, "did you mean `event`?"),
        ({"a": {"event.body.id": None}}, 'put it in quotes: "{event.body.id}"'),
    ],
)
def test_a_place_that_is_none_is_refused_before_any_event(template: Json, hint: str | None) -> None:
    with pytest.raises(InputError) as refused:
        check_template(template)
    assert refused.value.hint == hint


@given(values, values)
def test_what_an_event_brings_is_never_a_template_itself(value: Json, other: Json) -> None:
    event: Json = {"a": value, "b": other, "c": "{event.b}"}
    assert fill("{event.a}", event) == value
    assert fill(["{event.c}", "{event.b}"], event) == ["{event.b}", other]
    assert fill_text("x{event.c}", {"c": "{event.c}"}) == "x{event.c}"


def test_a_filled_value_is_a_copy() -> None:
    event = {"items": [1]}
    filled = fill("{event.items}", event)
    filled.append(2)
    assert event == {"items": [1]}
