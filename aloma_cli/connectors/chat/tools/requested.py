"""The tool calls that a model asks for, whatever it sends, and what is sent back for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aloma_cli.connectors.chat.completion import content_of, message_of
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, kind_of, loads, text_or_json, with_article
from aloma_cli.values import dataclass

MOST_CALLS = 64
"""The calls of one turn that are carried out; a model that asks for more gets a message."""

MOST_TEXT = 50_000
"""Characters of a result that a model gets."""

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Requested:
    """One call: `id` is unique in the turn, `arguments` an object. `problem`: why it cannot be made, for the model."""

    id: str
    name: str
    arguments: JsonObject
    problem: str | None = None

    def asked(self) -> JsonObject:
        """As the turn of the assistant holds it."""
        name = re.sub(r"[^A-Za-z0-9_-]", "_", self.name)[:64] or "unknown"
        return {"id": self.id, "type": "function", "function": {"name": name, "arguments": dumps(self.arguments)}}

    def answered(self, text: str) -> JsonObject:
        """The message with the result."""
        return {"role": "tool", "tool_call_id": self.id, "content": text}


def requested_calls(completion: JsonObject, turn: int) -> list[Requested]:
    """The calls that a model asks for in its `turn` (from 1); none if it answers."""
    asked = message_of(completion).get("tool_calls")
    given = [asked] if isinstance(asked, dict) else asked if isinstance(asked, list) else []
    return list(_read_all(given, turn))


def _read_all(given: list[Any], turn: int) -> Iterator[Requested]:
    ids: set[str] = set()
    for number, call in enumerate(given, 1):
        one: JsonObject = call if isinstance(call, dict) else {}
        inner = one.get("function")
        function: JsonObject = inner if isinstance(inner, dict) else one
        own, name = one.get("id"), function.get("name")
        named = own if isinstance(own, str) and own and own not in ids else f"call_{turn}_{number}"
        ids.add(named)
        arguments, problem = _arguments(function.get("arguments"))
        if not isinstance(name, str) or not name:
            name, problem = "", "The call names no tool."
        if number > MOST_CALLS:
            problem = f"At most {MOST_CALLS} calls can be made at once. Make this one later."
        yield Requested(named, name, arguments, problem)


def _arguments(given: Json) -> tuple[JsonObject, str | None]:
    """The arguments as an object, or what is wrong with them."""
    try:
        value = _parsed_arguments(given)
    except JsonError as error:
        return {}, f"The arguments are not JSON ({error}): {cut(str(given), _SHOWN)}"
    if isinstance(value, dict):
        return value, None
    return {}, f"The arguments must be a JSON object, not {with_article(kind_of(value))}: {cut(dumps(value), _SHOWN)}"


def _parsed_arguments(given: Json) -> Json:
    if given is None or (isinstance(given, str) and not given.strip()):
        return {}
    value = loads(given) if isinstance(given, str) else given
    return loads(value) if isinstance(value, str) else value  # some servers encode them twice


def turn_of(completion: JsonObject, calls: list[Requested]) -> JsonObject:
    """The assistant's turn that asks for `calls`, as it is sent back."""
    return {"role": "assistant", "content": content_of(completion), "tool_calls": [call.asked() for call in calls]}


def as_text(result: Any) -> str:
    """A result as a model gets it: a string as it is, all else as JSON; cut where it is very long."""
    text = text_or_json(result)
    if len(text) <= MOST_TEXT:
        return text
    return f"{text[:MOST_TEXT]}\n(cut: the first {MOST_TEXT:,} of {len(text):,} characters)"
