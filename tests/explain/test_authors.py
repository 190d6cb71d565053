"""The index of authors says, for every value of every version, which version wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document.changes import Change, to_wire
from aloma_cli.document.paths import MISSING, get
from aloma_cli.explain.ledger import Ledger
from aloma_cli.jsontext import Path
from aloma_cli.record.events import Committed, Event, TaskCreated

TASK, AT = "01jd3k0000000000", "2026-01-01T00:00:00.000Z"
START = {"a": {"b": 0}, "list": [0, 0, {"x": 0, "items": [0, 0]}], "1": 0}


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield from leaves(part, (*path, key))
    if not isinstance(value, dict | list):
        yield path, value


def containers(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        yield path
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from containers(part, (*path, key))


def value_of(version: int, draw: st.DrawFn) -> Any:
    """A value all of whose scalars are the version that writes it."""
    return draw(st.sampled_from([version, {"x": version}, [version, version], {"items": [version]}]))


@st.composite
def changes(draw: st.DrawFn, document: Any, version: int) -> Change:
    path = draw(st.sampled_from(list(containers(document))))
    here = get(document, path)
    if isinstance(here, list):
        kind: Any = draw(st.sampled_from(["append", "add", *(["remove", "replace"] if here else [])]))
        if kind == "append":
            return Change("append", path, value_of(version, draw))
        at = draw(st.integers(0, len(here) - (kind != "add")))
        return Change(kind, (*path, at), None if kind == "remove" else value_of(version, draw))
    key = draw(st.sampled_from(["a", "b", "list", "x", "1"]))
    if key not in here:
        return Change("add", (*path, key), value_of(version, draw))
    kind = draw(st.sampled_from(["replace", "remove"]))
    return Change(kind, (*path, key), None if kind == "remove" else value_of(version, draw))


@given(st.data())
def test_the_author_of_a_value_is_the_version_that_wrote_it(data: st.DataObject) -> None:
    ledger = Ledger.of([TaskCreated(at=AT, task=TASK, name="t", data=START)])
    task = ledger.tasks[TASK]
    for version in range(1, data.draw(st.integers(1, 12))):
        [operation] = to_wire([data.draw(changes(task.document, version))])
        event: Event = Committed(at=AT, task=TASK, version=version, by="person", changes=(operation,))
        ledger.take(event)
    for version in task.writes:
        document = task.document_at(version)
        for path, value in leaves(document):
            assert task.authors.whole(path, version) == value, (path, version)
            assert task.authors.whole(tuple(map(str, path)), version) == value, "a path as typed"
            if value:
                assert task.writes[value].value_at(path) in (value, MISSING)


@given(st.data())
def test_the_last_author_of_an_object_is_the_last_that_wrote_in_it(data: st.DataObject) -> None:
    ledger = Ledger.of([TaskCreated(at=AT, task=TASK, name="t", data={"a": {}, "b": {}})])
    task, last = ledger.tasks[TASK], {"a": 0, "b": 0}
    for version, key in enumerate(data.draw(st.lists(st.sampled_from("ab"), max_size=8)), 1):
        change = {"op": "add", "path": f"/{key}/{version}", "value": version}
        ledger.take(Committed(at=AT, task=TASK, version=version, by="person", changes=(change,)))
        last[key] = version
        assert {key: task.authors.last((key,), version) for key in "ab"} == last
    assert dict(task.authors.parts((), task.version)) == {
        (key, at): int(at) for key in "ab" for at in task.document[key]
    }
