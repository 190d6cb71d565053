"""Reading the JSON object out of a model's text, and holding it against a schema.

All of this takes time in proportion to the text, whatever the text is, and none of it raises.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aloma_cli.connectors.chat.completion import content_of
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonError, JsonObject, cut, dumps, kind_of, loads, show_path

if TYPE_CHECKING:
    from jsonschema import ValidationError

_BEGIN = re.compile(r"""\{(?=\s*+(?:["'}{/]|\w++\s*+:))""")
"""Where an object begins; a brace in prose, as in {you}, is not one."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
"""A text, whose brackets do not count, or a bracket."""

_HOLE = re.compile(r'"(?:[^"\\]|\\.)*+"?|:\s*+[,}\]]', re.DOTALL)
"""A text, or a key without a value."""

_MOST_OBJECTS = 20
"""Of many objects in one text only the last ones are looked at."""

_LONGEST_MENDED = 20_000
"""Characters. Mending is slow, and a long answer that is broken is better asked for again."""

_MOST_COMPLAINTS = 10
_LONGEST_COMPLAINT = 200
_KEYS_SHOWN = 8

_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says. `repaired`: it was not plain JSON. `complaints`: why it cannot be used; empty where it can."""

    value: Json = None
    repaired: bool = False
    complaints: tuple[str, ...] = ()


def read_object(text: str, schema: JsonObject) -> Reading:
    """The last JSON object in `text` that fits `schema`, or the last one, with what is wrong with it."""
    try:
        return _read(text, schema)
    except Exception as error:  # noqa: BLE001  (a model's text must not be able to end a step in an unknown way)
        return Reading(complaints=(f"the answer cannot be read ({type(error).__name__})",))


def was_repaired(arguments: JsonObject, answer: Json) -> bool:
    """Whether the answer that a recorded call asked an object of was used, though it was not plain JSON."""
    match arguments, answer:
        case {"schema": dict() as schema}, {"choices": [{"message": dict()}, *_]}:
            content = content_of(answer)
            if next(_plain([content]), None) is None:
                reading = read_object(content, schema)
                return reading.repaired and not reading.complaints
    return False


def _read(text: str, schema: JsonObject) -> Reading:
    try:
        value = loads(text)
    except JsonError as error:
        return _dig_out(text, schema, str(error))
    if isinstance(value, dict):
        return Reading(value, complaints=complaints(value, schema))
    return Reading(complaints=(f"the answer is a JSON {kind_of(value)}, not an object",))


def _dig_out(text: str, schema: JsonObject, complaint: str) -> Reading:
    """An object among words, in a fence, or with something in it that is too much."""
    try:
        found = _objects(text)
    except JsonError as error:
        return Reading(complaints=(f"the answer is not JSON: {error}",))
    misfit = None
    for reader in (_plain, _mend):
        # The draft, where there is one, comes before the answer.
        for value in reader(reversed(found)):
            reading = Reading(value, repaired=True, complaints=complaints(value, schema))
            if not reading.complaints:
                return reading
            misfit = misfit or reading
    return misfit or Reading(complaints=(f"the answer is not JSON: {complaint}",))


def _objects(text: str) -> deque[str]:
    """The last whole objects in a text. Raises JsonError where one never closes: it was cut, whatever came before."""
    found: deque[str] = deque(maxlen=_MOST_OBJECTS)
    place = _after_thought(text)
    while begin := _BEGIN.search(text, place):
        place = _end(text, begin.start())
        found.append(text[begin.start() : place])
    return found


def _after_thought(text: str) -> int:
    """Where the answer begins: behind a thought, if one stands before the first object."""
    brace = text.find("{")
    opened = text.find("<think>", 0, None if brace < 0 else brace)
    if opened < 0:
        return 0
    closed = text.find("</think>", opened)
    return len(text) if closed < 0 else closed


def _end(text: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        bracket = token[0]
        if bracket in "{[":
            depth += 1
        elif bracket in "}]":
            depth -= 1
        if not depth:
            return token.end()
        if depth > MAX_DEPTH:
            raise JsonError(_TOO_DEEP)
    raise JsonError(f"the object that begins at character {start + 1} does not end")


def _plain(texts: Iterable[str]) -> Iterator[JsonObject]:
    for text in texts:
        try:
            value = loads(text)
        except JsonError:
            continue
        if isinstance(value, dict):
            yield value


def _mend(texts: Iterable[str]) -> Iterator[JsonObject]:
    """Objects with commas, comments or quotes that JSON does not know. Nothing that is missing is made up."""
    from json_repair import repair_json

    for text in texts:
        if len(text) <= _LONGEST_MENDED and not _has_hole(text):
            with contextlib.suppress(ValueError, RecursionError):
                yield from _plain([dumps(repair_json(text, return_objects=True))])


def _has_hole(text: str) -> bool:
    return any(token[0][0] == ":" for token in _HOLE.finditer(text))


def complaints(value: Json, schema: JsonObject) -> tuple[str, ...]:
    """What is wrong with `value` by `schema`, with the places, in the order of the schema; at most ten."""
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(schema).iter_errors(value)
    said = dict.fromkeys(_say(error) for error, _ in zip(errors, range(_MOST_COMPLAINTS), strict=False))
    return tuple(said)


def _say(error: ValidationError) -> str:
    while error.context:  # an alternative, of an Optional: its first branch can say what is wrong, the other is null
        error = error.context[0]
    place = show_path(tuple(error.absolute_path)) if error.absolute_path else "the answer"
    if error.validator == "required":
        return f"{place} lacks {_lacking(error)}"
    return f"{place}: {cut(error.message, _LONGEST_COMPLAINT)}"


def _lacking(error: ValidationError) -> str:
    """The keys that are missing, and those that are there."""
    wanted, given = cast("list[str]", error.validator_value), cast("JsonObject", error.instance)
    lacking = ", ".join(dumps(key) for key in wanted if key not in given)
    has = ", ".join([*given][:_KEYS_SHOWN]) or "no keys"
    return f"{cut(lacking, _LONGEST_COMPLAINT)} (it has: {cut(has, _LONGEST_COMPLAINT)})"
