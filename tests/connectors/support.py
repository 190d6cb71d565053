"""What the engine is to a connector, in miniature: it records each request and sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aloma_cli.connectors.base import Answer, Call, Function, Progress, unwatched
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import Json, JsonObject, dumps

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run asynchronous work to its end."""
    return asyncio.run(work)


@dataclass
class Recorder:
    """Calls functions as the engine does; `sent` and `answers` are the record. `progress` watches the calls."""

    step: str = "a step"
    document: JsonObject = field(default_factory=dict)
    sent: list[JsonObject] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    progress: Progress = unwatched

    async def call(self, function: Function, *args: Any, **kwargs: Any) -> Any:
        return await function(Asking(self, "openai.chat", function), *args, **kwargs)

    async def ask(self, name: str, function: Function, arguments: JsonObject) -> Json:
        """One request of a function."""
        dumps(arguments)
        self.sent.append(arguments)
        answer = await function.send(self._call(name, arguments))
        self.answers.append(answer)
        return answer.value

    def _call(self, name: str, arguments: JsonObject) -> Call:
        return Call(name, arguments, f"key-{len(self.sent)}", "task", self.step, 1, self.document, self.progress)


@dataclass
class Asking:
    """The Ask of one call. No person is there to ask."""

    recorder: Recorder
    name: str
    function: Function

    async def __call__(self, request: JsonObject) -> Json:
        return await self.recorder.ask(self.name, self.function, request)

    async def call(self, name: str, function: Function, arguments: JsonObject) -> Any:
        return await function(Asking(self.recorder, name, function), **arguments)

    async def approve(self, question: str, call: str, arguments: JsonObject, *, needed: bool) -> bool:
        assert not needed, question
        return True


def completion(content: str | None, **choice: Any) -> JsonObject:
    """A chat completion in the OpenAI form."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content},
                **choice,
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


class Model:
    """A model that answers with the given contents in turn, the last one repeating."""

    def __init__(self, *contents: str | JsonObject | ConnectorError) -> None:
        self._contents = contents
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Answer:
        content = self._contents[min(len(self.calls), len(self._contents) - 1)]
        self.calls.append(call)
        if isinstance(content, ConnectorError):
            raise content
        return Answer(completion(content) if isinstance(content, str) else content)
