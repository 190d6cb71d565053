"""Read the JSON object in a model's text, and check it against a schema.

For any text, the time is proportional to its length, and nothing raises.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from aloma_cli.connectors.chat.completion import content_of
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonError, JsonObject, cut, dumps, kind_of, loads, show_path
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from jsonschema import ValidationError

_BEGIN = re.compile(r"""\{(?=\s*+(?:["'}{/]|\w++\s*+:))""")
"""Where an object begins; a brace in prose, as in {you}, does not count."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
"""A string, whose brackets do not count, or a bracket."""

_HOLE = re.compile(r'"(?:[^"\\]|\\.)*+"?|:\s*+[,}\]]', re.DOTALL)
"""A string, or a key without a value."""

_MOST_OBJECTS = 20
"""Of many objects in one text only the last ones are read."""

_LONGEST_REPAIRED = 20_000
"""Characters. Repairing is slow; a long broken answer is better requested again."""

_MOST_COMPLAINTS = 10
_LONGEST_COMPLAINT = 200
_KEYS_SHOWN = 8

_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


@dataclass(frozen=True, slots=True)
class Reading:
    """The value in a text. `repaired`: it was not plain JSON. `complaints`: why it cannot be used, if it cannot."""

    value: Json = None
    repaired: bool = False
    complaints: tuple[str, ...] = ()


def read_object(text: str, schema: JsonObject) -> Reading:
    """The last JSON object in `text` that fits `schema`; else the last one, with complaints."""
    try:
        return _parsed_answer(text, schema)
    except Exception as error:  # noqa: BLE001  (no text of a model may end a step in an unknown way)
        return Reading(complaints=(f"the answer cannot be read ({type(error).__name__})",))


def was_repaired(arguments: JsonObject, answer: Json) -> bool:
    """Whether a recorded call used an answer that was not plain JSON."""
    match arguments, answer:
        case {"schema": dict() as schema}, {"choices": [{"message": dict()}, *_]}:
            content = content_of(answer)
            if next(_plain_objects([content]), None) is None:
                reading = read_object(content, schema)
                return reading.repaired and not reading.complaints
    return False


def _parsed_answer(text: str, schema: JsonObject) -> Reading:
    try:
        value = loads(text)
    except JsonError as error:
        return _dig_out(text, schema, str(error))
    if isinstance(value, dict):
        return Reading(value, complaints=complaints(value, schema))
    return Reading(complaints=(f"the answer is a JSON {kind_of(value)}, not an object",))


def _dig_out(text: str, schema: JsonObject, complaint: str) -> Reading:
    """An object in prose, in a fence, or with small faults."""
    try:
        found = _complete_objects(text)
    except JsonError as error:
        return Reading(complaints=(f"the answer is not JSON: {error}",))
    misfit = None
    for reader in (_plain_objects, _repair):
        # If there is a draft, it comes before the answer.
        for value in reader(reversed(found)):
            reading = Reading(value, repaired=True, complaints=complaints(value, schema))
            if not reading.complaints:
                return reading
            misfit = misfit or reading
    return misfit or Reading(complaints=(f"the answer is not JSON: {complaint}",))


def _complete_objects(text: str) -> deque[str]:
    """The last complete objects in a text. Raises JsonError if one is not closed, because then the text was cut."""
    found: deque[str] = deque(maxlen=_MOST_OBJECTS)
    place = _after_thought(text)
    while begin := _BEGIN.search(text, place):
        place = _end_of_value(text, begin.start())
        found.append(text[begin.start() : place])
    return found


def _after_thought(text: str) -> int:
    """Where the answer begins: after a thought before the first object, if there is one."""
    brace = text.find("{")
    opened = text.find("<think>", 0, None if brace < 0 else brace)
    if opened < 0:
        return 0
    closed = text.find("</think>", opened)
    return len(text) if closed < 0 else closed


def _end_of_value(text: str, start: int) -> int:
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
    raise JsonError(f"the object that begins at character {start + 1} is not closed")


def _plain_objects(texts: Iterable[str]) -> Iterator[JsonObject]:
    for text in texts:
        try:
            value = loads(text)
        except JsonError:
            continue
        if isinstance(value, dict):
            yield value


def _repair(texts: Iterable[str]) -> Iterator[JsonObject]:
    """Objects with commas, comments or quotes that JSON does not allow. Missing values are not invented."""
    from json_repair import repair_json

    for text in texts:
        if len(text) <= _LONGEST_REPAIRED and not _has_hole(text):
            with contextlib.suppress(ValueError, RecursionError):
                yield from _plain_objects([dumps(repair_json(text, return_objects=True))])


def _has_hole(text: str) -> bool:
    return any(token[0][0] == ":" for token in _HOLE.finditer(text))


def complaints(value: Json, schema: JsonObject) -> tuple[str, ...]:
    """At most ten violations of `schema` in `value`, with their places, in the order of the schema."""
    from jsonschema import Draft202012Validator
    from referencing.jsonschema import EMPTY_REGISTRY  # the default one would fetch what a $ref names

    errors = Draft202012Validator(schema, registry=EMPTY_REGISTRY).iter_errors(value)
    said = dict.fromkeys(_say(error) for error, _ in zip(errors, range(_MOST_COMPLAINTS), strict=False))
    return tuple(said)


def _say(error: ValidationError) -> str:
    while error.context:  # the branch that fits best describes the fault; of an Optional the other one is null
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    place = show_path(tuple(error.absolute_path)) if error.absolute_path else "the answer"
    if error.validator == "required":
        return f"{place} lacks {_lacking(error)}"
    message = error.message
    if error.instance is None or isinstance(error.instance, bool):
        message = dumps(error.instance) + message.removeprefix(repr(error.instance))
    return f"{place}: {cut(message, _LONGEST_COMPLAINT)}"


def _lacking(error: ValidationError) -> str:
    """The missing keys, and the given ones."""
    wanted, given = cast("list[str]", error.validator_value), cast("JsonObject", error.instance)
    lacking = ", ".join(dumps(key) for key in wanted if key not in given)
    has = ", ".join([*given][:_KEYS_SHOWN]) or "no keys"
    return f"{cut(lacking, _LONGEST_COMPLAINT)} (it has: {cut(has, _LONGEST_COMPLAINT)})"
