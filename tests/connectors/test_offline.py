"""Answers without a model: they have the shape, are the same each time, and say what they are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.shape import Integer, List, Optional, Text, to_schema
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.simulated.fill import Filler
from aloma_cli.connectors.simulated.offline import Offline
from aloma_cli.connectors.simulated.prompt_facts import topic
from aloma_cli.jsontext import loads
from tests.connectors.support import run
from tests.connectors.test_shape import SHAPES

PROMPT = """Research this domain.

Domain: market_trends
Research Scope: {
  "focus": "direct_competitors",
  "depth": {"level": 3}
}
- Deadline: 2026-12-31
Created At: 2026-11-22T08:00:00.000Z
Coordination: coord_1795000000000
"""


def send(prompt: str = PROMPT, shape: Any = None, settings: ModelSettings | None = None) -> Answer:
    arguments: dict[str, Any] = {"model": "gpt-4", "messages": [{"role": "user", "content": prompt}]}
    if shape is not None:
        arguments["schema"] = to_schema(shape)
    offline = Offline(settings or ModelSettings(offline=True), {})
    return run(offline.send(Call("openai.chat", arguments, "key", "task", "step", 1, {})))


def data(prompt: str = PROMPT, shape: Any = None) -> Any:
    return loads(send(prompt, shape).value["choices"][0]["message"]["content"])


@given(SHAPES, st.text(max_size=60), st.integers(0, 2**64 - 1))
def test_whatever_the_shape_the_filling_is_valid_and_the_same_each_time(
    shape: dict[str, Any], fact: str, seed: int
) -> None:
    schema = to_schema(shape)

    filled = Filler(seed, fact).fill(schema)

    jsonschema.validate(filled, schema)
    assert Filler(seed, fact).fill(schema) == filled


@given(SHAPES, st.data())
def test_what_a_script_leaves_out_is_filled_and_what_it_says_stands(shape: dict[str, Any], draw: st.DataObject) -> None:
    schema = to_schema(shape)
    whole = Filler(1).fill(schema)
    given_keys = draw.draw(st.sets(st.sampled_from(sorted(whole))))
    part = {key: whole[key] for key in given_keys}

    completed = Filler(2).complete(part, schema)

    jsonschema.validate(completed, schema)
    assert {key: completed[key] for key in part} == part
    assert set(completed) == set(part) | set(schema["required"])


def test_gaps_are_filled_at_any_depth() -> None:
    schema = to_schema({"agents": [{"name": str, "task": {"goal": str}}], "note": Optional({"text": str, "why": str})})

    completed = Filler(1).complete({"agents": [{"name": "a", "task": {}}], "note": {"why": "b"}}, schema)

    assert completed["agents"] == [{"name": "a", "task": {"goal": "(simulated) goal"}}]
    assert completed["note"] == {"text": "(simulated) text", "why": "b"}


def test_prose_is_marked_speaks_of_the_topic_and_quotes_no_prompt() -> None:
    answer = data(shape={"executiveSummary": str, "keyInsights": List(str, min=3), "greeting": str})

    texts = [answer["executiveSummary"], *answer["keyInsights"]]
    assert all(text.startswith("(simulated) ") and "market trends" in text.lower() for text in texts)
    assert all(text.endswith(".") and "=" not in text and len(text) < 100 for text in texts)
    assert answer["greeting"] == "(simulated) greeting for market trends"


def test_the_texts_of_a_list_differ() -> None:
    insights = data(shape={"keyInsights": List(str, min=3, max=3)})["keyInsights"]

    assert len(set(insights)) == 3


def test_a_short_text_is_a_name_numbered_and_without_a_mark() -> None:
    agent = {"agentType": Text(60), "task": {"domain": Text(60)}}
    answer = data(shape={"phases": [{"name": Text(80)}], "agents": [agent], "tags": List(Text(20))})

    assert [phase["name"] for phase in answer["phases"]] == ["phase 1", "phase 2"]
    assert [entry["agentType"] for entry in answer["agents"]] == ["agent type 1", "agent type 2"]
    assert [entry["task"]["domain"] for entry in answer["agents"]] == ["domain 1", "domain 2"]
    assert answer["tags"] == ["tag 1", "tag 2"]


def test_what_is_not_text_claims_nothing() -> None:
    """No measurement is invented: percentages are 100, other numbers the least, booleans false, ids distinct."""
    answer = data(
        shape={
            "sourcesCount": int,
            "score": Integer(10, 100),
            "loss": Integer(max=-1),
            "confidence": Integer(0, 100),
            "escalate": bool,
            "agents": List({"agentId": str}, min=0, max=9),
            "extra": dict,
            "kind": {"$in": ["a", "b"]},
            "flag": Optional(bool),
        }
    )

    assert (answer["sourcesCount"], answer["score"], answer["loss"], answer["escalate"]) == (0, 10, -1, False)
    assert answer["confidence"] == 100
    assert answer["agents"] == [{"agentId": "agent_1"}, {"agentId": "agent_2"}]
    assert answer["extra"]["note"].startswith("(simulated)")
    assert answer["kind"] in {"a", "b"}
    assert answer["flag"] is False


@pytest.mark.parametrize(("most", "text"), [(3, "not"), (20, "note 1"), (81, "(simulated) note for market trends")])
def test_a_text_keeps_to_its_bound(most: int, text: str) -> None:
    assert data(shape={"note": Text(most)}) == {"note": text}
    assert len(data(shape={"summary": Text(81)})["summary"]) <= 81


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Started 2026-11-22T08:00:00.000Z", "Started 2027-01-02T03:04:05+01:00"),
        ("See coord_1795000000000", "See coord_1799999999999"),
        ("Task 01kb7dq0sv7m3x9z", "Task 01kc000000000000.12.3"),
    ],
)
def test_times_and_ids_do_not_change_the_answer(one: str, other: str) -> None:
    shape = {"summary": str, "kind": {"$in": list(range(1000))}}

    assert data(one, shape) == data(other, shape)
    assert send(one).value["id"] == send(other).value["id"]
    assert send(one).value["choices"] == send(other).value["choices"]


def test_another_prompt_or_shape_is_another_answer() -> None:
    kinds = {"kind": {"$in": list(range(1000))}}

    assert data("A", kinds) != data("B", kinds)
    assert send("A", {"a": int}).value["id"] != send("A", {"b": int}).value["id"]


def test_the_topic_is_the_first_labelled_text_that_stays_the_same() -> None:
    asked = 'Created At: 2026-11-22T08:00:00.000Z\nScope: {\n  "focus": 1\n}\nCoordination: coord_1795000000000\n'

    assert topic([{"role": "user", "content": PROMPT}]) == "market trends"
    assert topic([{"role": "user", "content": asked}]) is None
    assert topic([{"role": "user", "content": f"{asked}\n- Deadline: 2026-12-31"}]) == "2026-12-31"


def test_the_topic_comes_from_the_users_messages_also_in_parts() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Role: analyst"},
        {"role": "user", "content": [{"type": "text", "text": "Topic: bees"}, {"type": "image_url"}]},
    ]

    assert topic(messages) == "bees"


@given(st.text())
def test_a_topic_is_short_whatever_the_text(text: str) -> None:
    assert len(topic([{"role": "user", "content": f"A: {text}\n{text}"}]) or "") <= 60


def test_all_labels_are_there() -> None:
    answer = send(shape={"a": str})

    assert answer.value["model"] == "aloma-offline"
    assert answer.value["id"].startswith("offline-")
    assert answer.value["system_fingerprint"] == "simulated"
    assert answer.about == {"provider": "aloma.offline", "model": "aloma-offline", "simulated": True}
    assert answer.usage is not None
    assert (answer.usage["cost"], answer.usage.get("estimated")) == (0.0, None)
    assert answer.value["usage"]["prompt_tokens"] == answer.usage["input_tokens"] > 0


@pytest.mark.parametrize("prompt", [PROMPT, "just words", ""])
def test_without_a_shape_the_answer_is_a_labelled_line(prompt: str) -> None:
    content = send(prompt).value["choices"][0]["message"]["content"]

    assert content.startswith("(simulated) no model was asked")
    assert "\n" not in content


def test_the_delay_is_spread_around_the_value() -> None:
    settings = ModelSettings(offline=True, delay=0.02)
    before = time.monotonic()

    send(settings=settings)

    assert 0.009 < time.monotonic() - before < 1


def test_it_loads_no_library_of_a_real_server() -> None:
    program = """
import asyncio, sys
from aloma_cli.connectors.base import Call
from aloma_cli.connectors.chat.shape import to_schema
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
connectors = open_connectors(ModelSettings(offline=True), {})
arguments = {"model": "m", "messages": [], "schema": to_schema({"a": str})}
asyncio.run(connectors["openai"]["chat"].send(Call("openai.chat", arguments, "k", "t", "s", 1, {})))
loaded = {"openai", "httpx2", "pydantic", "genai_prices", "jsonschema", "yaml", "rich"} & set(sys.modules)
assert not loaded, loaded
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
