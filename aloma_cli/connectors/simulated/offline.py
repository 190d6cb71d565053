"""Answers without a model: scripted if a script applies, else a filled shape; always labelled."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import cast

from aloma_cli.connectors.base import Answer, Call, is_retryable
from aloma_cli.connectors.chat.usage import estimated_usage, recorded_usage
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.simulated.embed import MODEL, PROVIDER, embedded
from aloma_cli.connectors.simulated.fill import MARK, Filler
from aloma_cli.connectors.simulated.prompt_facts import steady, text_of, topic
from aloma_cli.connectors.simulated.scripted import Error, Reply, Scripts, ToolCalls
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import JsonObject, cut, dumps


class Offline:
    """A stand-in for a model server. `used` counts the calls that each scripted entry answered before."""

    def __init__(self, settings: ModelSettings, used: Mapping[str, int]) -> None:
        self._delay = settings.delay
        folder = settings.responses
        self._scripts = Scripts(folder, used) if folder is not None and folder.is_dir() else None

    async def send(self, call: Call) -> Answer:
        """A completion in the OpenAI form, or vectors. Raises ConnectorError if the script says so."""
        return await self.answer(call, *self._scripted(call))

    async def answer(self, call: Call, entry: str | None, reply: Reply | None) -> Answer:
        """`reply`, of the script's `entry`, as a completion; without one the shape is filled. Raises as `send`."""
        if "input" in call.arguments:
            return embedded(call)
        messages, schema = call.arguments["messages"], call.arguments.get("schema")
        seed = _seed(messages, schema)
        about: JsonObject = {"provider": PROVIDER, "model": MODEL, "simulated": True}
        if entry is not None:
            about["entry"] = entry
        await self._delay_answer(reply.delay if reply else None, seed)
        if reply is not None and isinstance(reply.content, Error):
            raise _failure(reply.content, about)
        if reply is not None and isinstance(reply.content, ToolCalls):
            content, message = dumps([*reply.content.calls]), _calling(reply.content, messages)
        else:
            content = _simulated_content(call, seed, reply)
            message = {"content": content}
        completion = _completion(message, seed, estimated_usage(messages, content))
        usage = recorded_usage(completion["usage"]) | {"cost": 0.0}
        return Answer(completion, usage, about)

    async def price(self, asked: str, input_tokens: int, output_tokens: int) -> float:  # noqa: ARG002  (as `chat.Price`)
        """As `chat.Price`."""
        return 0.0

    async def aclose(self) -> None:
        """Nothing is open."""

    def _scripted(self, call: Call) -> tuple[str, Reply] | tuple[None, None]:
        found = self._scripts.next_reply(call.step, call.document) if self._scripts else None
        return found or (None, None)

    async def _delay_answer(self, scripted: float | None, seed: int) -> None:
        # Spread from 0.5 to 1.5 times, so that parallel agents do not all end at one moment.
        seconds = scripted if scripted is not None else self._delay * (0.5 + seed % 1000 / 1000)
        if seconds:
            import asyncio

            await asyncio.sleep(seconds)


def _seed(messages: list[JsonObject], schema: JsonObject | None) -> int:
    """A number derived from the request without times and task ids, which differ in every run."""
    text = steady(dumps([messages, schema]))
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def _calling(scripted: ToolCalls, messages: list[JsonObject]) -> JsonObject:
    """The message of a model that calls tools. The ids of the calls are unique in the conversation."""
    turn = 1 + sum(message.get("role") == "assistant" for message in messages)
    asked = [
        {
            "id": f"call_{turn}_{number}",
            "type": "function",
            "function": {"name": one["name"], "arguments": dumps(one.get("arguments", {}))},
        }
        for number, one in enumerate(scripted.calls, 1)
    ]
    return {"content": None, "tool_calls": asked}


def _simulated_content(call: Call, seed: int, reply: Reply | None) -> str:
    messages, schema = call.arguments["messages"], call.arguments.get("schema")
    filler = Filler(seed, topic(messages))
    if reply is not None:
        if isinstance(reply.content, str):
            return reply.content
        return dumps(filler.complete(cast("JsonObject", reply.content), schema or {}))
    return dumps(filler.fill(schema)) if schema is not None else _simulated_line(call)


def _simulated_line(call: Call) -> str:
    """The answer to a prompt without a shape; it says what to do if the step expects JSON."""
    messages = call.arguments["messages"]
    prompt = cut(" ".join(steady(text_of(messages[-1]) if messages else "").split()), 80)
    hint = f"give the call a shape=, or write responses/{call.step}.json"
    asked = "no model was asked, and no tool called" if call.arguments.get("tools") else "no model was asked"
    return f"{MARK} {asked} ({hint}); the prompt says: {prompt}"


def _completion(message: JsonObject, seed: int, usage: JsonObject) -> JsonObject:
    finish = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "id": f"offline-{seed:016x}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "system_fingerprint": "simulated",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": usage,
    }


def _failure(error: Error, about: JsonObject) -> ConnectorError:
    return ConnectorError(
        f"scripted by {about['entry']}: {error.message} (status {error.status})",
        retryable=is_retryable(error.status),
        status=error.status,
        about=about,
    )
