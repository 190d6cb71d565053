"""Journals whose checksums fit: of a newer program with further fields, of an older one, or with anything in them."""

from __future__ import annotations

import copy
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.api.reader import Records
from aloma_cli.api.task import read_events
from aloma_cli.cli.main import main
from aloma_cli.clock import SystemClock
from aloma_cli.document import changes
from aloma_cli.document.changes import Change
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import StoreError
from aloma_cli.jsontext import Json, JsonError, JsonObject
from aloma_cli.record import events as ev
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import WireError, checked_text, decode, encode, from_wire, to_wire
from aloma_cli.record.summary import summary
from aloma_cli.store.files.disk import FileStore
from aloma_cli.view.changes import group_totals
from aloma_cli.view.history import History
from aloma_cli.view.log import Details, write_log
from tests.connectors.support import completion

AT = "2026-11-22T08:00:00.000Z"
ROOT = "01jd3k0000abcdef"
CHILD = f"{ROOT}.2.1"
STEP: JsonObject = {"at": AT, "task": ROOT, "step": "s"}

ANSWERING: JsonObject = {
    "server": "http://x/v1",
    "model": "m",
    "models": {"a": "b"},
    "responses": "responses",
    "delay": 0.5,
    "with_key": False,
    "key_check": "0123456789abcdef",
}

EVENTS: list[ev.Event] = [
    ev.TaskCreated(at=AT, task=ROOT, name="a task", data={"a": {"b": 1}}, tags=("x",), answering=ANSWERING),
    ev.LimitsSet(at=AT, task=ROOT, limits={"calls": 5, "tokens": 100, "cost": 1.0, "seconds": 10}),
    ev.FiringStarted(**STEP, firing=1, version=0, condition="c", code="d"),
    ev.TreeOpened(at=AT, task=ROOT),
    ev.CallAnswered(
        **STEP,
        firing=1,
        call="openai.chat",
        key="k.1",
        arguments={"model": "m", "messages": [{"role": "user", "content": "q"}], "schema": {"type": "object"}},
        answer=completion('x {"a": 1}'),
        usage={"input_tokens": 10, "output_tokens": 5, "cost": 0.5, "estimated": True},
        about={"provider": "p", "model": "m", "entry": "s.json#0"},
        seconds=0.5,
    ),
    ev.CallAnswered(
        **STEP,
        firing=1,
        call="openai.chat",
        key="k.2",
        arguments={"model": "m"},
        error={"type": "ConnectorError", "message": "gone", "retryable": True, "status": 500, "hint": "wait"},
    ),
    ev.Logged(**STEP, firing=1, level="info", text="a line"),
    ev.FiringFailed(
        **STEP,
        firing=1,
        error={"type": "E", "message": "m", "place": "s.py:1", "hint": "h", "connector": True, "misfits": ["k.2"]},
        attempt=1,
        retry_at=AT,
    ),
    ev.FiringStarted(**STEP, firing=2, version=0, attempt=2, continues=1),
    ev.CallSent(**STEP, firing=2, call="post.mail", key="k.3", effect="once", arguments={"to": "Ada"}),
    ev.CallSent(
        **STEP,
        firing=2,
        call="person.approve",
        key="k.4",
        effect="once",
        arguments={"question": "May it?", "schema": {"type": "boolean"}},
    ),
    ev.FiringVoided(**STEP, firing=2, reason="unknown", again=True, seconds=1.0),
    ev.NoticeSent(at=AT, task=ROOT, word="question", key=f"question {ROOT} a.b", to="mail ops@example.org"),
    ev.NoticeFailed(at=AT, task=ROOT, key=f"question {ROOT} a.b", to="mail ops@example.org", reason="answered 404"),
    ev.TaskRested(at=AT, task=ROOT, state="unsettled", reason="call 3, post.mail, was sent"),
    ev.CallReleased(**STEP, firing=2, call="post.mail", key="k.3", request="t"),
    ev.CallReleased(**STEP, firing=2, call="person.approve", key="k.4"),
    ev.FiringVoided(**STEP, firing=2, reason="conflict", paths=("a.b",), others=(1,), again=True, seconds=1.0),
    ev.FiringStarted(**STEP, firing=2, version=0, attempt=2, run=2),
    ev.Committed(
        **STEP,
        version=1,
        by="firing",
        changes=({"op": "add", "path": "/c", "value": {"d": 1}},),
        armed=("s",),
        firing=2,
        seconds=1.0,
        name="another name",
        tags=("y",),
        settings={"concurrency": 2, "models": {"m": "n"}, "retries": {"s": 2}},
        asked=({"question": "q?", "into": ["e"], "schema": {"type": "string"}, "default": "x", "until": AT},),
        completed={"result": {"x": 1}},
    ),
    ev.TaskCreated(at=AT, task=CHILD, name="a subtask", data={}, parent=ROOT, into=("f",), group="s", expires_at=AT),
    ev.FiringStarted(**STEP, firing=3, version=1),
    ev.FiringLooked(**STEP, firing=3),
    ev.StepsArmed(at=AT, task=ROOT, steps=("s",), reason="a person asked for it", request="r"),
    ev.AnsweringSet(at=AT, task=ROOT, answering=ANSWERING, reason="model changed: m → n"),
    ev.RequestRefused(at=AT, task=ROOT, request="q", reason="it is not a request"),
    ev.TreeResumed(at=AT, task=ROOT),
    ev.ExpectationSet(at=AT, task=ROOT, pattern={"order": {"paid": True}}),
    ev.LimitReached(at=AT, task=ROOT, reason="5 of 5 calls are made"),
    ev.TaskRested(at=AT, task=CHILD, state="ignored", missing=({"step": "s", "missing": ["a is missing"], "more": 1},)),
    ev.TaskRested(
        at=AT,
        task=ROOT,
        state="incomplete",
        reason="a circle",
        result={"x": 1},
        cycle=({"version": 1, "step": "s", "changes": [{"op": "add", "path": "/c", "value": 1}], "redo": True},),
    ),
]
"""A tree in which everything happens that can be on record."""

WIRES: list[JsonObject] = [json.loads(json.dumps(to_wire(event))) for event in EVENTS]

MAPS = ("stopped", "models", "retries", "pattern", "order")
"""Objects whose keys are names: a key more is no field that was added."""


def line(seq: int, wires: list[Json]) -> bytes:
    """A journal line with a checksum that fits, whatever it contains."""
    record = {"seq": seq, "format": 1, "events": wires}
    body = json.dumps(record, separators=(",", ":"))[:-1].encode()
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


def journal(folder: File, wires: list[Json], root: str = ROOT) -> FileStore:
    """A task with one line for each event."""
    task = folder / ".aloma" / "tasks" / root
    (task / "inbox").mkdir(parents=True, exist_ok=True)
    (task / "journal.jsonl").write_bytes(b"".join(line(seq, [wire]) for seq, wire in enumerate(wires)))
    return FileStore(folder / ".aloma", fsync=False)


def looked_at(store: FileStore) -> WorkingTree:
    """Whatever shows a task does to it. Raises StoreError."""
    events, damage = read_events(store, ROOT)
    tree = WorkingTree.of(events)
    for task in tree.tasks.values():
        summary(tree, task.id, task.document)
    details = Details(changes=True, logs=True, calls=True)
    write_log(History(events, ROOT), io.StringIO(), environ={}, clock=SystemClock(), details=details)
    if damage is not None:
        raise damage
    return tree


def complaint(store: FileStore) -> str | None:
    """Why a task cannot be looked at, or run; None where it can."""
    try:
        looked_at(store)
        store.claim(ROOT).close()
    except StoreError as error:
        return str(error)
    return None


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


def at(value: Json, path: tuple[str | int, ...]) -> Json:
    for key in path:
        value = value[key]
    return value


PLACES = [(number, path) for number, wire in enumerate(WIRES) for path in places(wire)]
OBJECTS = [
    (number, path)
    for number, path in PLACES
    if isinstance(at(WIRES[number], path), dict) and (not path or path[-1] not in MAPS)
]


def test_every_kind_of_event_is_in_the_journal(tmp_path: File) -> None:
    assert {event.KIND for event in EVENTS} == ev.KINDS.keys() - {"call_progress"}
    tree = looked_at(journal(tmp_path, WIRES))
    assert tree.root.state == "incomplete"
    assert (tree.spent.calls, tree.spent.tokens, tree.spent.cost) == (2, 15, 0.5)


@pytest.mark.parametrize(("number", "path"), OBJECTS)
def test_a_field_that_a_newer_program_added_is_passed_over_at_every_depth(
    tmp_path: File, number: int, path: tuple[str | int, ...]
) -> None:
    wires = copy.deepcopy(WIRES)
    at(wires[number], path)["added_later"] = [{"x": 1}]

    tree = looked_at(journal(tmp_path, wires))

    assert tree.root.state == "incomplete"
    assert (tree.spent.calls, tree.limits.most["calls"]) == (2, 5)


@given(st.sampled_from(PLACES), st.sampled_from([5, -1, "x", "", None, True, 1e300, [1], ["x"], {"a": 1}, {}, [[]]]))
def test_anything_at_any_place_is_read_or_refused_naming_the_line(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[int, tuple[str | int, ...]], odd: Json
) -> None:
    number, path = place
    wires: list[Json] = copy.deepcopy(WIRES)
    if path:
        at(wires[number], path[:-1])[path[-1]] = odd
    else:
        wires[number] = odd
    told = complaint(journal(tmp_path_factory.mktemp("odd"), wires))

    assert told is None or f"{ROOT}/journal.jsonl is damaged: " in told or "it holds an event that" in told, told


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({**WIRES[7], "error": "gone"}, id="a wrong type"),
        pytest.param({**WIRES[7], "firing": 99}, id="an unknown firing"),
        pytest.param({**WIRES[7], "task": f"{ROOT}.9.9"}, id="an unknown task"),
        pytest.param({**WIRES[7], "at": "yesterday"}, id="no time"),
        pytest.param([], id="no event"),
        pytest.param({**WIRES[7], "at": "9999-12-31T23:59:59.999Z"}, id="no time left"),
        pytest.param({"event": "task_rested", "at": AT, "task": ROOT, "state": "asleep"}, id="no state"),
        pytest.param(
            {
                "event": "committed",
                "at": AT,
                "task": ROOT,
                "version": 1,
                "by": "person",
                "changes": [{"op": "replace", "path": "", "value": 5}],
            },
            id="no document",
        ),
        pytest.param(
            {
                "event": "committed",
                "at": AT,
                "task": ROOT,
                "version": 1,
                "by": "person",
                "changes": [{"op": "replace", "path": "a", "value": {}}],
            },
            id="no pointer",
        ),
    ],
)
def test_one_odd_task_is_told_with_its_line_and_does_not_hide_the_others(
    tmp_path: File, capsys: pytest.CaptureFixture[str], odd: Json
) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "s.py").write_text('condition = {"never": 1}\n\n\ndef content(data):\n    pass\n')
    journal(tmp_path, [*WIRES[:7], odd, *WIRES[8:]])
    journal(tmp_path, [{**WIRES[0], "task": "01jd3k0000abcdeg"}], root="01jd3k0000abcdeg")
    for command in (["show", ROOT], ["log", ROOT], ["resume", ROOT], ["set", ROOT, "a=1"], ["stop", ROOT]):
        assert main(["task", *command, "--workspace", str(tmp_path)]) == 1, command
        assert f"line 8 of {tmp_path}" in capsys.readouterr().err, command
    assert main(["task", "list", "--json", "--workspace", str(tmp_path)]) == 1
    assert "01jd3k0000abcdeg" in capsys.readouterr().out
    main(["task", "resume", ROOT, "--from-last-good", "--workspace", str(tmp_path)])
    assert f"7 lines of the journal kept, {len(WIRES) - 7} lost" in capsys.readouterr().err
    assert Records.at(tmp_path).task(ROOT).name == "a task"


@pytest.mark.parametrize(
    ("usage", "tokens", "cost"),
    [
        ({"input_tokens": "10", "output_tokens": "5", "cost": "0.5"}, 15, 0.5),
        ({"input_tokens": [10], "output_tokens": {"a": 1}, "cost": None}, 0, 0.0),
        ({"input_tokens": -3, "output_tokens": 5.0}, 5, 0.0),
        ("none", 0, 0.0),
    ],
)
def test_a_usage_that_an_older_program_took_for_numbers_is_read(
    tmp_path: File, usage: Json, tokens: int, cost: float
) -> None:
    tree = looked_at(journal(tmp_path, [*WIRES[:4], {**WIRES[4], "usage": usage}, *WIRES[5:]]))

    assert (tree.spent.calls, tree.spent.tokens, tree.spent.cost) == (2, tokens, cost)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.KIND)
def test_what_is_written_is_what_is_read(event: ev.Event) -> None:
    batch = Batch(0, (event,))

    assert decode(encode(batch)) == batch


@pytest.mark.parametrize(
    "event",
    [
        ev.LimitsSet(at=AT, task=ROOT, limits={"calls": "5"}),
        ev.ExpectationSet(at=AT, task=ROOT, pattern=["paid"]),  # type: ignore[arg-type]
        ev.Logged(at=AT, task=ROOT, firing="1", step="s", level="info", text="x"),  # type: ignore[arg-type]
        ev.FiringFailed(**STEP, firing=1, error={"type": "E"}, attempt=1),
    ],
    ids=lambda event: event.KIND,
)
def test_what_no_reader_would_take_is_not_written(tmp_path: File, event: ev.Event) -> None:
    store = journal(tmp_path, WIRES)
    before = (tmp_path / ".aloma" / "tasks" / ROOT / "journal.jsonl").read_bytes()
    claim = store.claim(ROOT)

    with pytest.raises(WireError):
        claim.commit([event])

    claim.close()
    assert (tmp_path / ".aloma" / "tasks" / ROOT / "journal.jsonl").read_bytes() == before


@given(
    st.sampled_from(["", "/g", "/g/total", "/g/total/x"]),
    st.sampled_from([5, None, "x", [1], {}, {"g": 1}, {"total": "x"}]),
)
def test_groups_of_subtasks_are_counted_only_where_they_are_numbers(place: str, odd: Json) -> None:
    counted = [*group_totals([{"op": "replace", "path": f"/$children{place}", "value": odd}])]
    assert counted == ([("g", 5)] if (place, odd) == ("/g/total", 5) else [])


@given(
    st.sampled_from(["trace", "notes", "parts", "cause"]),
    st.sampled_from([5, "x", [5], ["\x1b[31m"], {"parts": 5}, [{"notes": 5}]]),
)
def test_an_error_is_shown_whatever_its_parts_are(
    tmp_path_factory: pytest.TempPathFactory, name: str, odd: Json
) -> None:
    folder, out = tmp_path_factory.mktemp("odd"), io.StringIO()
    (folder / "steps").mkdir()
    failed: JsonObject = {**WIRES[7], "error": {**WIRES[7]["error"], name: odd}, "retry_at": None}
    errors: JsonObject = {"event": "committed", "at": AT, "task": ROOT, "version": 1, "by": "engine"}
    errors["changes"] = [{"op": "add", "path": "/$errors", "value": {"s": {"type": "E", "message": "m"}}}]
    journal(folder, [*WIRES[:7], failed, errors])
    with redirect_stdout(out):
        assert main(["task", "show", ROOT, "--workspace", str(folder)]) == 0
    assert "error in s: E: m" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_an_entry_of_errors_that_is_none_is_shown(tmp_path: File, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "steps").mkdir()
    errors: JsonObject = {"event": "committed", "at": AT, "task": ROOT, "version": 1, "by": "engine"}
    errors["changes"] = [{"op": "add", "path": "/$errors", "value": {"s": 5}}]
    logged: JsonObject = {
        "event": "logged",
        "at": AT,
        "task": ROOT,
        "firing": 99,
        "step": "s",
        "level": "info",
        "text": "",
    }
    rested: JsonObject = {"event": "task_rested", "at": AT, "task": ROOT, "state": "error"}
    journal(tmp_path, [*WIRES[:2], errors, logged, rested])
    for command in (["show"], ["report", "-o", "-"], ["record-test", "--name", "case"]):
        assert main(["task", command[0], ROOT, *command[1:], "--workspace", str(tmp_path)]) == 0
        assert "s failed: 5" in capsys.readouterr().out or command[0] != "report"


def test_an_event_is_read_from_an_object_with_a_kind() -> None:
    odds: list[Json] = [5, [], {}, {"event": 5}]
    for odd in odds:
        with pytest.raises(WireError):
            from_wire(odd)


NAMES = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
CHANGES = st.builds(
    Change, st.sampled_from(["add", "replace", "append"]), st.tuples(NAMES, NAMES | st.integers(0, 9)), JSON
) | st.tuples(NAMES).map(lambda path: Change("remove", path))
COUNTS = st.integers(1, 3)
STARTS = st.builds(
    partial(ev.FiringStarted, at=AT, task=CHILD),
    firing=COUNTS,
    step=NAMES,
    version=COUNTS,
    attempt=COUNTS,
    run=COUNTS,
    continues=st.none() | COUNTS,
    condition=NAMES,
    code=NAMES,
)
SOME = st.none() | NAMES
COMMITS = st.builds(
    partial(ev.Committed, at=AT, task=CHILD),
    version=COUNTS,
    by=st.sampled_from(["firing", "person"]),
    changes=st.lists(CHANGES, max_size=3).map(changes.to_wire),
    armed=st.lists(NAMES, max_size=2).map(tuple),
    firing=st.none() | COUNTS,
    step=SOME,
    seconds=st.floats(0, 9) | st.just(0),
    redo=st.booleans(),
    name=SOME,
    completed=st.none() | st.just({}) | st.builds(lambda result: {"result": result}, JSON),
    settings=st.none() | st.just({}),
    answers=st.just(()) | st.just(("a",)),
    figures=st.booleans(),
) | st.builds(
    partial(ev.Committed, at=AT, task=CHILD, by="firing", firing=1),
    version=COUNTS,
    changes=st.lists(CHANGES, max_size=3).map(changes.to_wire),
    armed=st.lists(NAMES, max_size=2).map(tuple),
    step=NAMES,
    seconds=st.floats(0, 9),
    redo=st.booleans(),
    completed=st.none() | st.dictionaries(st.just("result"), CHANGES.map(lambda change: change.value)),
    read=st.lists(NAMES, max_size=2).map(tuple),
)
LANDINGS = st.builds(
    partial(ev.Committed, at=AT, task=ROOT, by="landing"),
    version=COUNTS,
    changes=st.lists(CHANGES, max_size=3).map(changes.to_wire),
    armed=st.lists(NAMES, max_size=2).map(tuple),
    child=st.none() | st.just(CHILD),
)


@given(STARTS | COMMITS | LANDINGS)
def test_what_is_written_fast_is_what_is_written_slowly(event: ev.Event) -> None:
    slowly = f'{{"seq":1,"events":[{checked_text(event)}]'.encode()

    assert encode(Batch(1, (event,))) == slowly + b',"sum":"%08x"}\n' % zlib.crc32(slowly)


def test_a_number_that_json_lacks_is_not_written() -> None:
    change = {"op": "add", "path": "/a", "value": float("nan")}
    commit = ev.Committed(at=AT, task=ROOT, version=1, by="firing", firing=1, step="s", changes=(change,))
    with pytest.raises(JsonError):
        encode(Batch(1, (commit,)))
