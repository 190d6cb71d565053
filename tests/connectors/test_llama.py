"""End to end with a real llama.cpp server: its words mean nothing, but they come as asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pydantic
import pytest

from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.chat.shape import Integer, List, Optional, Text, to_schema
from aloma_cli.connectors.checkup import Checkup
from aloma_cli.connectors.honours import Honours
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import AnswerError, ConnectorError
from tests.connectors.support import Recorder, run
from tests.servers import Llama

pytestmark = pytest.mark.e2e

SHAPE = {
    "summary": Text(max=60),
    "findings": List({"title": Text(max=30), "score": Integer(0, 100), "certain": bool}, max=3),
    "kind": {"$in": ["market", "technology"]},
    "version": "1.0",
    "note": Optional(Text(max=20)),
}


def settings(llama: Llama, **changes: Any) -> ModelSettings:
    return ModelSettings(base_url=llama.base_url, api_key="anything", **changes)


def test_twenty_answers_of_a_real_server_have_the_shape_asked_for(llama: Llama) -> None:
    """Side by side, each answer meets its schema, at the first asking."""
    recorder = Recorder()

    async def ask_all() -> list[Any]:
        connectors = open_connectors(settings(llama), {})
        chat = connectors["openai"]["chat"]
        try:
            return await asyncio.gather(*(recorder.call(chat, shape=SHAPE, **prompt(n)) for n in range(20)))
        finally:
            await connectors.aclose()

    def prompt(number: int) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": f"Research topic {number}"}], "seed": number}

    answers = run(ask_all())

    for answer in answers:
        jsonschema.validate(answer.data, to_schema(SHAPE))
    assert len(recorder.sent) == 20
    assert all(answer.usage["input_tokens"] > 0 for answer in recorder.answers if answer.usage)
    assert all(answer.usage is not None and "cost" not in answer.usage for answer in recorder.answers)


class Finding(pydantic.BaseModel):
    title: str = pydantic.Field(max_length=30)
    score: int = pydantic.Field(ge=0, le=100)
    kind: Literal["market", "technology"]
    note: Annotated[str, pydantic.Field(max_length=20)] | None = None


class Report(pydantic.BaseModel):
    findings: list[Finding] = pydantic.Field(min_length=1, max_length=2)


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}, "minItems": 1, "maxItems": 2}},
    "required": ["tags"],
    "$defs": {"Tag": {"type": "string", "enum": ["red", "green"]}},
}


def test_a_model_and_a_json_schema_are_met_at_the_first_asking(llama: Llama) -> None:
    """The grammar of the server understands references and choices."""
    recorder = Recorder()

    async def ask_both() -> list[Any]:
        connectors = open_connectors(settings(llama), {})
        chat = connectors["openai"]["chat"]
        try:
            return [await recorder.call(chat, messages="Report", shape=one, seed=7) for one in (Report, SCHEMA)]
        finally:
            await connectors.aclose()

    report, tags = run(ask_both())

    assert isinstance(report.data, Report)
    assert set(tags.data["tags"]) <= {"red", "green"}
    assert len(recorder.sent) == 2


def test_a_keyword_that_the_server_cannot_compile_leads_down_the_ladder(llama: Llama) -> None:
    """Its regular expressions must be anchored; it says so in its own words, and then gets the schema in ours."""
    recorder = Recorder()
    shape = {"type": "object", "properties": {"a": {"type": "string", "pattern": "a+"}}, "required": ["a"]}

    async def ask() -> None:
        connectors = open_connectors(settings(llama), {})
        try:
            with contextlib.suppress(AnswerError):  # its words mean nothing
                await recorder.call(connectors["openai"]["chat"], messages="Go", shape=shape, max_tokens=40)
        finally:
            await connectors.aclose()

    run(ask())

    assert recorder.answers


def test_a_server_without_embeddings_says_so(llama: Llama) -> None:
    async def ask() -> None:
        connectors = open_connectors(settings(llama, max_retries=0), {})
        try:
            await Recorder().call(connectors["openai"]["embed"], input=["a", "b"])
        finally:
            await connectors.aclose()

    with pytest.raises(ConnectorError, match="embedding"):
        run(ask())


def test_the_doctor_finds_out_what_it_honours(llama: Llama, tmp_path: Path) -> None:
    given = settings(llama, name="llamacpp", kind="llamacpp", honours=tmp_path / "honours.json")

    async def work() -> dict[str, str]:
        server = ChatServer(given, url=llama.base_url, key_variable="")
        honours = Honours(given.honours, time.time)
        try:
            checkup = Checkup(server, given, llama.base_url, ["tiny"], honours, "a key")
            return {finding.check: finding.state async for finding in checkup.findings()}
        finally:
            await server.aclose()

    found = run(work())

    assert {"reachable", "key", "structured output", "streaming"} <= {check for check in found if found[check] == "ok"}
    assert (found["model"], found["price"]) == ("warning", "warning"), "it answers to any name, and has no price"


def test_vectors_of_a_real_server_are_read_and_counted(llama_embed: Llama) -> None:
    recorder = Recorder()
    texts = ["The cat sat on the mat", "The cat sat on the mat", "12345"]

    async def ask() -> Any:
        connectors = open_connectors(settings(llama_embed), {})
        embed = connectors["openai"]["embed"]
        try:
            return [await recorder.call(embed, input=texts, **how) for how in ({}, {"encoding_format": "base64"})]
        finally:
            await connectors.aclose()

    numbers, packed = run(ask())

    one, same, other = numbers.vectors
    assert len(one) == len(other) == 64
    assert one == pytest.approx(same, abs=1e-5)
    assert one != pytest.approx(other, abs=1e-3)
    assert packed.vectors[0] == pytest.approx(one, abs=1e-5)
    assert all((answer.usage or {})["input_tokens"] > 20 for answer in recorder.answers)
    assert not any("estimated" in (answer.usage or {}) for answer in recorder.answers)
