"""A conversation is in a journal once, however many calls were made with it, and every call is read back whole."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli import Step, Workspace
from aloma_cli.errors import JournalDamagedError
from aloma_cli.record import repeats
from aloma_cli.record.events import CallAnswered, CallSent
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.files.journal import read_journal
from tests.store.foreign_calls import calls
from tests.store.test_journal import line
from tests.store.test_stores import AT, created

Message = Any

MESSAGES = st.sampled_from(
    [
        {"role": "system", "content": "s" * 150},
        {"role": "user", "content": "é" * 300},
        {"role": "user", "content": "\ud800" * 90},
        {"n": 1},
        {"n": 1.0},
        {"n": True},
        "a short one",
        [],
    ]
)
SAID = st.tuples(st.integers(0, 6), st.lists(MESSAGES, max_size=2))
"""So many messages of a long conversation, and others that follow."""
LONG = [{"role": "system", "content": "s" * 150}, *({"role": "user", "content": "é" * (90 + n)} for n in range(5))]
LISTS = SAID.map(lambda said: [*LONG[: said[0]], *said[1]])
ASKED = st.dictionaries(st.sampled_from(["messages", "tools", "input"]), LISTS, max_size=2)
ACTS = st.one_of(ASKED, st.sampled_from(["keep", "open"]))


def answered(arguments: dict[str, Any], key: str = "k") -> CallAnswered:
    return CallAnswered(
        at=AT, task="1", firing=1, step="s", call="openai.chat", key=key, arguments=arguments, answer="."
    )


def turn(count: int) -> dict[str, Any]:
    """The arguments of a call with so many messages, each of another text."""
    return {"model": "m", "messages": [{"role": "user", "content": f"{n} {'x' * 2_000}"} for n in range(count)]}


def journal(folder: Path) -> Path:
    return folder / ".aloma" / "tasks" / "1" / "journal.jsonl"


@given(st.lists(st.lists(ACTS, min_size=1, max_size=3), max_size=12), st.sampled_from([2, 5, 1_000]))
def test_what_is_read_back_is_what_was_written(acts: list[list[Any]], block: int) -> None:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "BLOCK", block)
        store = FileStore(Path(name) / ".aloma", fsync=False)
        claim = store.create("1", [created()])
        written: list[list[Any]] = [[created()]]
        for one in acts:
            if "open" in one:
                claim.close()
                claim = store.claim("1")
            events = [answered(asked) for asked in one if isinstance(asked, dict)]
            claim.commit(events)
            written.append(events)
            if "keep" in one:
                claim.keep({})
        claim.close()
        read = list(store.read("1"))
        assert json.dumps([[getattr(e, "arguments", 0) for e in batch.events] for batch in read]) == json.dumps(
            [[getattr(event, "arguments", 0) for event in events] for events in written]
        )
        kept = store.kept("1")
        if kept is not None:
            rest = list(kept.rest)
            assert [batch.events for batch in rest] == [batch.events for batch in read[len(read) - len(rest) :]]
        asked = [event.arguments for events in written for event in events if isinstance(event, CallAnswered)]
        assert calls(journal(Path(name))) == asked


def test_a_longer_conversation_is_written_from_where_it_goes_on(tmp_path: Path) -> None:
    store = FileStore(tmp_path / ".aloma", fsync=False)
    claim = store.create("1", [created()])
    claim.commit([answered(turn(4), "a")])
    claim.commit([answered(turn(5), "b")])
    claim.close()
    [*_, last] = journal(tmp_path).read_bytes().splitlines()
    [event] = json.loads(last)["events"]
    assert event["begins"] == {"messages": {"seq": 1, "event": 0, "items": 4}}
    assert event["arguments"] == {"model": "m", "messages": turn(5)["messages"][4:]}


def test_a_call_that_must_not_be_made_twice_has_its_list_once(tmp_path: Path) -> None:
    store = FileStore(tmp_path / ".aloma", fsync=False)
    claim = store.create("1", [created()])
    sent = CallSent(at=AT, task="1", firing=1, step="s", call="a.b", key="k", effect="once", arguments=turn(9))
    claim.commit([sent])
    size = journal(tmp_path).stat().st_size
    claim.commit([answered(turn(9))])
    assert journal(tmp_path).stat().st_size < size + 500
    assert [event for batch in store.read("1", 1) for event in batch.events] == [sent, answered(turn(9))]


@pytest.mark.parametrize(
    "begins",
    [
        {"messages": {"seq": 7, "event": 0, "items": 1}},
        {"messages": {"seq": 1, "event": 1, "items": 1}},
        {"messages": {"seq": 1, "event": 0, "items": 3}},
        {"messages": {"seq": 1, "event": 0, "items": "1"}},
        {"messages": [1, 0, 1]},
        {"model": {"seq": 1, "event": 0, "items": 1}},
        [],
        7,
    ],
)
def test_a_reference_to_what_no_line_has_is_damage(tmp_path: Path, begins: Any) -> None:
    store = FileStore(tmp_path / ".aloma", fsync=False)
    claim = store.create("1", [created()])
    claim.commit([answered(turn(2))])
    claim.close()
    call = {"event": "call_answered", "at": AT, "task": "1", "firing": 1, "step": "s", "call": "a.b", "key": "k"}
    bad = {"seq": 2, "events": [{**call, "arguments": {"messages": []}, "begins": begins}]}
    with journal(tmp_path).open("ab") as file:
        file.write(line(bad))
    with pytest.raises(JournalDamagedError, match="begins"):
        list(read_journal(journal(tmp_path)))


async def content(data: dict[str, Any], connectors: Any) -> None:
    asked = {"role": "user", "content": f"{data['ask']} {'x' * 1_000}"}
    answer = await connectors.openai.chat(messages=[*data["said"], asked])
    data["said"] += [asked, {"role": "assistant", "content": answer.choices[0].message.content}]


CHAT = Step("chat", {"ask": int}, content, rearm="change")
"""A conversation in the document: each firing asks with all that was said."""


async def conversation(turns: int) -> int:
    """The bytes of a journal with a conversation of so many turns, each in a run of its own."""
    with TemporaryDirectory() as folder:
        workspace = Workspace([CHAT], folder=folder)
        task = await workspace.run("A task", {"said": [], "ask": 0})
        for turn in range(1, turns):
            await Workspace([CHAT], folder=folder).set(task.id, {"ask": turn})
        path = Path(folder) / ".aloma" / "tasks" / task.id / "journal.jsonl"
        asked = calls(path)
        assert [len(arguments["messages"]) for arguments in asked] == list(range(1, 2 * turns, 2))
        assert asked == [event.arguments for event in answers(FileStore(Path(folder) / ".aloma"), task.id)]
        return path.stat().st_size


def answers(store: FileStore, root: str) -> list[CallAnswered]:
    return [one for batch in store.read(root) for one in batch.events if isinstance(one, CallAnswered)]


def test_twice_the_turns_of_a_conversation_take_twice_the_bytes() -> None:
    sizes = [asyncio.run(conversation(turns)) for turns in (10, 20, 40)]
    assert [more / fewer for fewer, more in pairwise(sizes)] == pytest.approx([2, 2], rel=0.1)
