"""Chunks of a streamed answer add up to the answer, in whatever order and pieces they come."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.chat.stream import Assembly, Events, begins_stream
from aloma_cli.jsontext import Json, JsonObject
from tests.servers.streams import chunk, event


def assembled(chunks: Sequence[Json]) -> Assembly:
    assembly = Assembly()
    for one in chunks:
        assembly.add(json.dumps(one))
    return assembly


def message(*deltas: JsonObject) -> JsonObject:
    found: JsonObject = assembled([chunk(delta) for delta in deltas]).completion()["choices"][0]["message"]
    return found


def tool(
    index: int | None = None, key: str | None = None, name: str | None = None, arguments: Json = None
) -> JsonObject:
    function = {"name": name, "arguments": arguments}
    given = {
        "index": index,
        "id": key,
        "function": {field: value for field, value in function.items() if value is not None},
    }
    return {"tool_calls": [{field: value for field, value in given.items() if value is not None}]}


def calls(*parts: JsonObject) -> list[tuple[Json, str, Json]]:
    made = message(*parts)["tool_calls"]
    return [(call.get("id"), call["function"]["name"], json.loads(call["function"]["arguments"])) for call in made]


@pytest.mark.parametrize(
    "parts",
    [
        [tool(0, "a", "add", ""), tool(0, None, None, '{"x"'), tool(1, "b", "sub", "{}"), tool(0, None, None, ": 1}")],
        [tool(0, "a", "add", '{"x"'), tool(1, "b", "sub", "{}"), tool(0, "a", "add", ": 1}")],
        [tool(0, "a", "ad", '{"x"'), tool(0, None, "d", ": 1}"), tool(1, "b", "sub", "{}")],
        [tool(None, "a", "add", '{"x": 1}'), tool(None, "b", "sub", "{}")],
        [tool(None, "a", "add", '{"x"'), tool(None, None, None, ": 1}"), tool(None, "b", "sub", "{}")],
        [tool(0, "a", "add", '{"x": 1}'), tool(0, "b", "sub", "{}")],
        [tool(0, "a", "add", {"x": 1}), tool(1, "b", "sub", {})],
    ],
    ids=["usual", "id and name again", "name in pieces", "no index", "no index in pieces", "one index", "objects"],
)
def test_calls_of_tools_are_put_together_from_their_parts(parts: list[JsonObject]) -> None:
    assert calls(*parts) == [("a", "add", {"x": 1}), ("b", "sub", {})]


def test_all_fields_of_a_message_are_kept() -> None:
    parts: list[JsonObject] = [
        {"role": "assistant"},
        {"reasoning_content": "Hm"},
        {"reasoning_content": "m."},
        {"content": "A"},
    ]
    parts += [{"content": "B", "annotations": [1]}, {"annotations": [2], "audio": None}]
    assert message(*parts) == {"role": "assistant", "content": "AB", "reasoning_content": "Hmm.", "annotations": [1, 2]}
    thought = {"type": "thinking", "thinking": "Hm"}
    assert message({"content": [thought]}, {"content": "A"})["content"] == [thought, {"type": "text", "text": "A"}]


def test_log_probabilities_and_other_fields_are_kept() -> None:
    parts = [
        chunk({"content": "A"}, provider="x", system_fingerprint="f"),
        {"choices": [{"index": 0, "delta": {"content": "B"}, "logprobs": {"content": [{"token": "B"}]}}]},
        {
            "choices": [{"index": 0, "delta": {"content": "C"}, "logprobs": {"content": [{"token": "C"}]}}],
            "timings": {"n": 1},
        },
    ]
    whole = assembled(parts).completion()
    assert (whole["provider"], whole["system_fingerprint"], whole["timings"]) == ("x", "f", {"n": 1})
    assert whole["choices"][0]["logprobs"] == {"content": [{"token": "B"}, {"token": "C"}]}


# -- laws ---------------------------------------------------------------------------------------------------------

PIECES = st.lists(st.text(max_size=4), min_size=1, max_size=4)
TOOLS = st.lists(PIECES, max_size=3)
CHOICES = st.lists(st.tuples(PIECES, PIECES, TOOLS), min_size=1, max_size=3)


def lanes(choices: list[tuple[list[str], list[str], list[list[str]]]]) -> list[list[JsonObject]]:
    """The chunks of each text of each choice; those of one lane must stay in their order."""
    made = []
    for index, (said, thought, tools) in enumerate(choices):
        made.append([_of(index, {"content": piece}) for piece in said])
        made.append([_of(index, {"reasoning": piece}) for piece in thought])
        for number, pieces in enumerate(tools):
            first = {"id": f"t{number}", "function": {"name": f"f{number}"}}
            parts = [{"index": number, **(first if at == 0 else {})} for at in range(len(pieces))]
            for part, piece in zip(parts, pieces, strict=True):
                part["function"] = {**part.get("function", {}), "arguments": piece}  # type: ignore[dict-item]
            made.append([_of(index, {"tool_calls": [part]}) for part in parts])
    return made


def _of(index: int, delta: JsonObject) -> JsonObject:
    return {"id": "c", "choices": [{"index": index, "delta": delta}]}


@given(CHOICES, st.data())
def test_chunks_add_up_to_the_same_in_every_order_that_keeps_each_text_in_order(
    choices: Any, data: st.DataObject
) -> None:
    waiting = [lane for lane in lanes(choices) if lane]
    shuffled = []
    while waiting:
        lane = data.draw(st.sampled_from(waiting))
        shuffled.append(lane.pop(0))
        waiting = [lane for lane in waiting if lane]
    whole = assembled(shuffled).completion()["choices"]
    assert [choice["index"] for choice in whole] == list(range(len(choices)))
    for choice, (said, thought, tools) in zip(whole, choices, strict=True):
        found = choice["message"]
        assert (found["content"], found["reasoning"]) == ("".join(said), "".join(thought))
        made = {call["id"]: call["function"] for call in found.get("tool_calls", ())}
        assert made == {f"t{at}": {"name": f"f{at}", "arguments": "".join(pieces)} for at, pieces in enumerate(tools)}


@given(st.lists(st.text(max_size=6), max_size=5), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_events_are_the_same_however_their_bytes_are_cut(texts: list[str], end: str, data: st.DataObject) -> None:
    sent = b"".join(b": comment\n" + event(text) for text in texts).replace(b"\n", end.encode())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    events = Events()
    found: list[str] = []
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        found += events.feed(sent[start:stop])
    found += events.finish()
    assert [json.loads(one) for one in found] == texts


@given(st.binary(max_size=60))
def test_bytes_that_are_no_stream_break_nothing(sent: bytes) -> None:
    events, assembly = Events(), Assembly()
    for one in [*events.feed(sent), *events.finish()]:
        assembly.add(one)
    assert not assembly.is_complete or assembly.done


ODD: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "index", "delta", "content", "tool_calls", "function", "name", "arguments", "id", "error"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.lists(ODD, max_size=4))
def test_odd_chunks_break_nothing_and_leave_json(chunks: list[Json]) -> None:
    assembly = assembled([{"choices": [{"index": 0, "delta": one}]} for one in chunks] + chunks)
    assert isinstance(assembly.text, str)
    json.dumps(assembly.completion())


@pytest.mark.parametrize(
    ("begun", "is_stream"),
    [
        (b"", None),
        (b" \n", None),
        (b"da", None),
        (b"data: {", True),
        (b": comment", True),
        (b"\xef\xbb\xbfdata:", True),
        (b"{", False),
        (b"<html>", False),
        (b"date", False),
    ],
)
def test_a_stream_is_known_by_its_beginning(begun: bytes, is_stream: bool | None) -> None:
    assert begins_stream(begun) is is_stream


def test_a_very_long_line_is_read_in_time_that_follows_its_length() -> None:
    began = time.perf_counter()
    events, line = Events(), b"data: " + b"x" * 4_000_000
    found = [one for at in range(0, len(line), 1000) for one in events.feed(line[at : at + 1000])]
    assert found == []
    assert len(next(iter(events.feed(b"\n\n")))) == 4_000_000
    assert time.perf_counter() - began < 2
