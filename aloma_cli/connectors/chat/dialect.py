"""Send the schema of an answer in the best form that a server accepts.

The forms are `response_format` with the schema (strict, then not), `json_object` with words, words alone. A server
refuses a request and names the parameter, or a keyword of the schema, that it does not support (OpenAI's strict mode
refuses `maxLength`). Others refuse in their own words: then the same request in the next form shows whether the schema
was the reason. Others again accept the schema and ignore it: they get it in words as well.
"""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from aloma_cli.connectors.chat.parse import read_object
from aloma_cli.connectors.chat.schemas import parts, resolved
from aloma_cli.jsontext import Json, JsonObject, Path, dumps, text_or_json
from aloma_cli.values import dataclass

Form: TypeAlias = Literal["json_schema", "json_object", "words"]

_BOUND = re.compile(
    r"\b(?:(?:max|min)(?:Length|Items|Properties)|(?:exclusiveM|m)(?:in|ax)imum|multipleOf|uniqueItems)\b"
    r"""|(?<=["'`])(?:format|pattern|default|examples|title|additionalProperties)(?=["'`])"""
)
"""A keyword that a server may refuse, and that can be said in words; a common word only in quotes."""

_NAMES = re.compile(r"grammar|format|schema|guided|structured.?output|json", re.IGNORECASE)
_NO_ROUTE = re.compile(r"no endpoints found", re.IGNORECASE)
_TOO_STRICT = re.compile(
    r"\bstrict\b|invalid schema|too (?:large|complex|many|deep)|compil|features not supported", re.IGNORECASE
)
"""A server that knows schemas, and cannot enforce this one."""

_REFUSALS = (400, 422)
_FAILURES = (500, 501, 502)

_ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "default", "examples", "deprecated", "discriminator"})
_STRICT = _ANNOTATIONS | frozenset({"type", "properties", "required", "additionalProperties", "items", "enum", "const"})
_STRICT |= {"anyOf", "$ref", "$defs", "title", "description", "format", "pattern", "multipleOf", "minLength"}
_STRICT |= {"maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}

_WORDS = "Answer with one JSON object and nothing else. It must match this JSON Schema:\n"

_DEEPEST = 8
"""Choices within choices that are looked into; a schema may contain itself."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form that a server accepts.

    `without`: keywords that it refuses inside a schema. `loose`: it refuses strict schemas. `spoken`: it gets the
    schema in words as well, because it ignored it.
    """

    form: Form = "json_schema"
    without: frozenset[str] = frozenset()
    spoken: bool = False
    loose: bool = False

    def request(self, messages: list[JsonObject], schema: JsonObject) -> JsonObject:
        """The `messages` and, where there is one, the `response_format` that ask for an answer of this schema."""
        if self.form != "json_schema" or self.spoken:
            messages = with_words(messages, _WORDS + dumps(schema))
        if self.form == "words":
            return {"messages": messages}
        if self.form == "json_object":
            return {"messages": messages, "response_format": {"type": "json_object"}}
        return {"messages": messages, "response_format": _response_format(schema, self.without, loose=self.loose)}

    def key_of(self, key: str) -> str:
        """The idempotency key in this dialect: one key must not be sent with two bodies."""
        if self == Dialect():
            return key
        flags = [name for name in ("loose", "spoken") if getattr(self, name)]
        return ".".join([key, self.form, *flags, *sorted(self.without)])

    def may_be_refused(self, status: int, told: str) -> bool:
        """Whether a request may have failed because of the form of its schema."""
        if status in _REFUSALS:
            return True
        words = _NAMES if status in _FAILURES else _NO_ROUTE if status == 404 else None
        return words is not None and words.search(told) is not None

    def after_refusal(self, told: str) -> Dialect | None:
        """The next dialect after a refusal in these words; None if there is none."""
        if self.form == "json_schema":
            refused = set(_BOUND.findall(told)) - self.without
            if refused:
                return replace(self, without=self.without | refused)
            if not self.loose and _TOO_STRICT.search(told):
                return replace(self, loose=True)
            return Dialect("json_object")
        return Dialect("words") if self.form == "json_object" else None

    def after_refusal_in(self, failure: str) -> Dialect | None:
        """The next dialect after a failure that came with status 200; None if it was not about the schema."""
        return self.after_refusal(failure) if _NAMES.search(failure) else None

    def after_answer(self, content: str, schema: JsonObject) -> Dialect:
        """The dialect for later requests: an answer that does not fit shows that the server ignores the schema."""
        if self.form != "json_schema" or self.spoken or not content:
            return self
        reading = read_object(content, schema)
        return replace(self, spoken=True) if reading.complaints or reading.repaired else self


def _response_format(schema: JsonObject, without: frozenset[str], *, loose: bool) -> JsonObject:
    closed = not loose and _is_closed(schema, schema)
    sent = _strict(schema, schema, without | (_ANNOTATIONS if closed else frozenset()), loose=loose)
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": closed, "schema": sent}}


def _is_closed(schema: Json, root: JsonObject) -> bool:
    """Whether a strict server can enforce the schema: it knows all words, objects name their keys and lists their
    elements, and a key that may be missing may be null."""
    if not isinstance(schema, dict) or not schema.keys() <= _STRICT or not _is_definite(schema):
        return False
    if "properties" in schema and not _may_close(schema, root):
        return False
    inner = (part for part in parts(schema) if part.word != "additionalProperties")
    return all(_is_closed(part.schema, root) for part in inner)


def _is_definite(schema: JsonObject) -> bool:
    kind = schema.get("type")
    if kind is None:
        return not schema.keys().isdisjoint(("anyOf", "$ref", "enum", "const"))
    needs = {"object": "properties", "array": "items"}
    return all(word in schema for name, word in needs.items() if name in ([kind] if isinstance(kind, str) else kind))


def _may_close(schema: JsonObject, root: JsonObject) -> bool:
    """Whether an object still means the same if it has no other keys, and all of its own."""
    free = schema["properties"].keys() - schema.get("required", [])
    nullable = all(_allows_null(schema["properties"][key], root) for key in free)
    return nullable and not schema.get("additionalProperties") and "patternProperties" not in schema


def _allows_null(schema: Json, root: JsonObject, depth: int = 0) -> bool:
    schema = resolved(schema, root)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema is True
    kind = schema.get("type")
    named = kind == "null" or (isinstance(kind, list) and "null" in kind)
    return named or any(_allows_null(one, root, depth + 1) for one in schema.get("anyOf", []))


def _strict(schema: Json, root: JsonObject, without: frozenset[str], *, loose: bool) -> Json:
    """`schema` with refused bounds in words and, unless `loose`, for strict servers: no other keys, all required."""
    if not isinstance(schema, dict):
        return schema
    result = {word: part for word, part in schema.items() if word not in without}
    if not loose and isinstance(schema.get("properties"), dict) and _may_close(schema, root):
        result["required"] = list(schema["properties"])
        if "additionalProperties" not in without:
            result["additionalProperties"] = False
    said = [
        f"{word} {text_or_json(bound)}" for word, bound in schema.items() if word in without and word not in _UNSAID
    ]
    if said:
        result["description"] = "; ".join(filter(None, [schema.get("description"), ", ".join(said)]))
    for part in parts(result):
        _put_part(result, part.path, _strict(part.schema, root, without, loose=loose))
    return result


_UNSAID = _ANNOTATIONS | {"title", "additionalProperties"}


def _put_part(schema: JsonObject, path: Path, part: Json) -> None:
    """Replace a part of `schema`, whose containers may be shared with another one."""
    word, *key = path
    if key:
        inner: Any = copy.copy(schema[str(word)])
        inner[key[0]] = part
        part = inner
    schema[str(word)] = part


def may_call_tools(request: JsonObject) -> bool:
    """Whether the model may call tools, rather than answer."""
    return bool(request.get("tools")) and request.get("tool_choice") != "none"


def beside_tools(messages: list[JsonObject], schema: JsonObject) -> list[JsonObject]:
    """`messages` with the schema in words: a server that enforces a schema would let the model call no tool.

    The words are in the last message before the turns with tools, so that the beginning of a conversation stays.
    """
    at = len(messages)
    while at and (messages[at - 1].get("role") == "tool" or messages[at - 1].get("tool_calls")):
        at -= 1
    return with_words(messages[:at], f"When you need no more tools: {_WORDS}{dumps(schema)}") + messages[at:]


def with_words(messages: list[JsonObject], words: str) -> list[JsonObject]:
    """`messages`, continued by `words` of the user.

    Because some chat templates refuse two messages of one role in a row, the words join a last message of the user.
    """
    match messages[-1] if messages else {}:
        case {"role": "user", "content": str(content)} as last:
            return [*messages[:-1], {**last, "content": f"{content}\n\n{words}"}]
        case {"role": "user", "content": list(parts_of_it)} as last:
            return [*messages[:-1], {**last, "content": [*parts_of_it, {"type": "text", "text": words}]}]
    return [*messages, {"role": "user", "content": words}]
