"""End to end with a real llama.cpp server: its words mean nothing, but they come as asked."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema
import pytest

from aloma_cli.connectors.chat.shape import Integer, List, Optional, Text, to_schema
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
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
