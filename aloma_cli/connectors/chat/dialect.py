"""Send the schema of an answer in the best form that a server accepts.

The forms are `response_format` with the schema, then `json_object` with words, then words alone. A server refuses a
request and names the parameter, or a keyword of the schema, that it does not support (OpenAI's strict mode refuses
`maxLength`). Others refuse in their own words: then the same request in the next form shows whether the schema was the
reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from aloma_cli.jsontext import Json, JsonObject, dumps

_BOUND = re.compile(r"\b(?:maxLength|minItems|maxItems|minimum|maximum)\b")
_NAMES = re.compile(r"grammar|format|schema|guided", re.IGNORECASE)
_REFUSALS = (400, 422)
_FAILURES = (500, 501)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form that a server accepts. `without`: keywords that it refuses inside a schema."""

    form: Literal["json_schema", "json_object", "words"] = "json_schema"
    without: frozenset[str] = frozenset()

    def request(self, messages: list[JsonObject], schema: JsonObject) -> JsonObject:
        """The `messages` and, where there is one, the `response_format` that ask for an answer of this schema."""
        if self.form == "json_schema":
            return {"messages": messages, "response_format": _response_format(schema, self.without)}
        asked = {"messages": _with_schema(messages, schema)}
        return asked if self.form == "words" else asked | {"response_format": {"type": "json_object"}}

    def key_of(self, key: str) -> str:
        """The idempotency key in this dialect: one key must not be sent with two bodies."""
        return key if self == Dialect() else ".".join([key, self.form, *sorted(self.without)])

    def may_be_refused(self, status: int, told: str) -> bool:
        """Whether a request may have failed because of the form of its schema."""
        return status in _REFUSALS or (status in _FAILURES and _NAMES.search(told) is not None)

    def after_refusal(self, told: str) -> Dialect | None:
        """The next dialect after a refusal in these words; None if there is none."""
        if self.form == "json_schema":
            refused = set(_BOUND.findall(told)) - self.without
            return replace(self, without=self.without | refused) if refused else Dialect("json_object")
        return Dialect("words") if self.form == "json_object" else None


def _response_format(schema: JsonObject, without: frozenset[str]) -> JsonObject:
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": _is_closed(schema), "schema": _strict(schema, without)},
    }


def _is_closed(schema: JsonObject) -> bool:
    """Whether each object names its keys and each list its elements, as a strict schema must."""
    kind = schema.get("type")
    if (kind == "object" and "properties" not in schema) or (kind == "array" and "items" not in schema):
        return False
    return all(_is_closed(inner) for inner in _inner(schema))


def _inner(schema: JsonObject) -> list[JsonObject]:
    items = [schema["items"]] if "items" in schema else []
    return [*schema.get("properties", {}).values(), *items, *schema.get("anyOf", [])]


def _strict(schema: JsonObject, without: frozenset[str]) -> JsonObject:
    """`schema` for strict servers: no other keys, all required, and refused bounds in words."""
    refused = {word: bound for word, bound in schema.items() if word in without}
    result = {word: _strict_part(word, part, without) for word, part in schema.items() if word not in refused}
    if refused:
        result["description"] = ", ".join(f"{word} {bound}" for word, bound in refused.items())
    if "properties" in schema:
        result |= {"required": list(schema["properties"]), "additionalProperties": False}
    return result


def _strict_part(word: str, part: Json, without: frozenset[str]) -> Json:
    match word:
        case "properties":
            return {key: _strict(inner, without) for key, inner in part.items()}
        case "anyOf":
            return [_strict(inner, without) for inner in part]
        case "items":
            return _strict(part, without)
    return part


def _with_schema(messages: list[JsonObject], schema: JsonObject) -> list[JsonObject]:
    words = f"Answer with one JSON object and nothing else. It must match this JSON Schema:\n{dumps(schema)}"
    return with_words(messages, words)


def with_words(messages: list[JsonObject], words: str) -> list[JsonObject]:
    """`messages`, continued by `words` of the user.

    Because some chat templates refuse two messages of one role in a row, the words join a last message of the user.
    """
    match messages[-1] if messages else {}:
        case {"role": "user", "content": str(content)} as last:
            return [*messages[:-1], {**last, "content": f"{content}\n\n{words}"}]
        case {"role": "user", "content": list(parts)} as last:
            return [*messages[:-1], {**last, "content": [*parts, {"type": "text", "text": words}]}]
    return [*messages, {"role": "user", "content": words}]
