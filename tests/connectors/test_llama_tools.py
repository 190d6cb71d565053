"""Tools with a real llama.cpp server: it holds each call to the names and schemas of the tools while it is made.

The model calls tools without sense (`tests/servers/tiny_model.py`): by chance it begins a call, or ends its answer. So
many loops are run, and each is another one. A turn makes one call: where several are allowed, llama.cpp's grammar lets
this model begin one after the other until its tokens are used up.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest

from aloma_cli.connectors.base import Function, Progress, unwatched
from aloma_cli.connectors.chat.completion import Completion
from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.chat.shape import Integer
from aloma_cli.connectors.checkup import Checkup
from aloma_cli.connectors.honours import Honours
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import AnswerError
from tests.connectors.support import Recorder, run
from tests.servers import Llama

pytestmark = pytest.mark.e2e

SIDE_BY_SIDE, ROUNDS = 8, 12
"""Loops of a round, and the most rounds. Four of ten turns call tools, and about every fourth loop calls some and then
answers."""

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
WRITE = {"type": "function", "function": {"name": "write_down", "description": "Write.", "parameters": SCHEMA}}


def look_up(name: str, kind: Literal["person", "firm"]) -> dict[str, str]:
    """Find somebody."""
    assert kind in ("person", "firm")
    return {"name": name, "town": "Porto"}


async def count(number: int, certain: bool = False) -> str:
    """Count."""
    return f"{number + 1}{'!' if certain else ''}"


class Loop:
    """One loop: its record, and how it ended."""

    def __init__(self, progress: Progress) -> None:
        self.recorder = Recorder(progress=progress)
        self.end: Completion | AnswerError | None = None

    async def run(self, chat: Function, **arguments: Any) -> None:
        try:
            self.end = await self.recorder.call(chat, messages="Who?", max_tokens=600, **arguments)
        except AnswerError as error:
            self.end = error

    @property
    def results(self) -> list[str]:
        """What the tools gave in all turns, as the model was told."""
        last = [sent["messages"] for sent in self.recorder.sent if "messages" in sent][-1]
        return [message["content"] for message in last if message["role"] == "tool"]


def rounds(llama: Llama, **options: Any) -> list[Loop]:
    """Loops, until one of them has called tools, taken in what they gave, and answered."""
    made: list[Loop] = []
    for _ in range(ROUNDS):
        made += loops(llama, **options)
        if any(isinstance(one.end, Completion) and one.results for one in made):
            return made
    raise AssertionError("no loop called tools and then answered")


def loops(llama: Llama, *, progress: Progress = unwatched, **arguments: Any) -> list[Loop]:
    """A few loops side by side."""
    made = [Loop(progress) for _ in range(SIDE_BY_SIDE)]

    async def work() -> None:
        connectors = open_connectors(ModelSettings(base_url=llama.base_url, api_key="anything"), {})
        try:
            chat = connectors["openai"]["chat"]
            await asyncio.gather(*(one.run(chat, parallel_tool_calls=False, **arguments) for one in made))
        finally:
            await connectors.aclose()

    run(work())
    return made


def heard(*_: Any, **__: Any) -> None:
    """Somebody watches, so answers are received as streams."""


@pytest.mark.parametrize("progress", [unwatched, heard], ids=["whole", "streamed"])
def test_loops_call_tools_and_end_with_an_answer(llama_tools: Llama, progress: Progress) -> None:
    made = rounds(llama_tools, tools=[look_up, count], max_turns=4, progress=progress)
    for one in made:
        assert all('"town":"Porto"' in told or told.strip("!").lstrip("-").isdigit() for told in one.results), (
            one.results
        )
        assert all((answer.usage or {"input_tokens": 1})["input_tokens"] > 0 for answer in one.recorder.answers)
        assert not isinstance(one.end, AnswerError) or "turns" in str(one.end) or "token limit" in str(one.end)


def test_a_call_that_is_required_has_the_name_and_the_arguments_of_a_tool(llama_tools: Llama) -> None:
    whole: list[Any] = []
    for one in loops(llama_tools, tools=[WRITE], tool_choice="required"):
        assert isinstance(one.end, Completion)
        choice = one.end.choices[0]
        whole += choice.message.tool_calls if choice.finish_reason == "tool_calls" else []
    assert whole
    for call in whole:
        assert call.function.name == "write_down"
        jsonschema.validate(json.loads(call.function.arguments), SCHEMA)


def test_an_answer_has_its_shape_after_calls_of_tools(llama_tools: Llama) -> None:
    """The last question is asked without tools, so the server can hold the answer to the schema."""
    made = rounds(llama_tools, tools=[look_up, count], shape={"sum": Integer(0, 9)})
    assert {type(one.end.data["sum"]) for one in made if isinstance(one.end, Completion)} == {int}


def test_the_doctor_finds_out_that_it_calls_tools(llama_tools: Llama, tmp_path: Path) -> None:
    given = ModelSettings(base_url=llama_tools.base_url, api_key="anything", name="llamacpp", kind="llamacpp")

    async def work() -> list[str]:
        server = ChatServer(given, url=llama_tools.base_url, key_variable="")
        honours = Honours(tmp_path / "honours.json", time.time)
        states: list[str] = []
        try:
            while len(states) < 40 and "ok" not in states:
                checkup = Checkup(server, given, llama_tools.base_url, ["tiny"], honours, "a key")
                states += [found.state async for found in checkup.findings() if found.check == "tools"]
        finally:
            await server.aclose()
        return states

    assert run(work())[-1] == "ok"
