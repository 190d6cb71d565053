"""Reading the JSON object out of a model's text, and holding it against a schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, kind_of, loads, show_path

if TYPE_CHECKING:
    from jsonschema import ValidationError

_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_MOST_COMPLAINTS = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says. `repaired`: it was not plain JSON. `complaint`: why there is no object to be had from it."""

    value: Json = None
    repaired: bool = False
    complaint: str | None = None


def read_object(text: str) -> Reading:
    """The JSON object in `text`: the text itself, or one in a fence or between words, or a broken one mended."""
    try:
        value = loads(text)
    except JsonError as error:
        return _dig_out(text, str(error))
    if isinstance(value, dict):
        return Reading(value)
    return Reading(complaint=f"the answer is a JSON {kind_of(value)}, not an object")


def _dig_out(text: str, complaint: str) -> Reading:
    for candidate in _candidates(text):
        try:
            value = loads(candidate)
        except JsonError:
            continue
        if isinstance(value, dict):
            return Reading(value, repaired=True)
    mended = _mend(text)
    if isinstance(mended, dict):
        return Reading(mended, repaired=True)
    return Reading(complaint=f"the answer is not JSON: {complaint}")


def _candidates(text: str) -> Iterator[str]:
    text = _THOUGHT.sub("", text, count=1)
    yield from _FENCE.findall(text)
    yield text[text.find("{") : text.rfind("}") + 1]


def _mend(text: str) -> Json:
    start = _THOUGHT.sub("", text, count=1)
    if "{" not in start:
        return None
    from json_repair import repair_json

    value = repair_json(start[start.index("{") :], return_objects=True)
    try:
        return loads(dumps(value))
    except JsonError:
        return None


def complaints(value: Json, schema: JsonObject) -> list[str]:
    """What is wrong with `value` by `schema`, as `place: complaint`, in the order of the schema; at most ten."""
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(schema).iter_errors(value)
    return [_say(error) for error, _ in zip(errors, range(_MOST_COMPLAINTS), strict=False)]


def _say(error: ValidationError) -> str:
    while error.context:  # an alternative, of an Optional: its first branch can say what is wrong, the other is null
        error = error.context[0]
    place = show_path(tuple(error.absolute_path)) if error.absolute_path else "the answer"
    return f"{place}: {cut(error.message, 200)}"
