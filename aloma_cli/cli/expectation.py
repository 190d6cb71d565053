"""`--expect`: the goal of a task, as a condition on its document."""

from __future__ import annotations

import re

from aloma_cli.cli import exit_codes
from aloma_cli.cli.output import say
from aloma_cli.condition import compile_condition
from aloma_cli.document.paths import parse_path
from aloma_cli.engine.expectation import distance
from aloma_cli.errors import ConditionError, InputError
from aloma_cli.jsontext import Json, JsonError, JsonObject, JsonSyntaxError, cut, kind_of, loads, with_article

_HINT = "write it as PATH, PATH=VALUE, PATH>=NUMBER, or as a condition in JSON"
_COMPARED = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"=<>!])+)(?:(==?|!=|>=|<=|>|<)(.*))?', re.DOTALL)
_OPERATORS = {"!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte"}
_SHOWN = 60


def expectation(text: str | None) -> JsonObject | None:
    """The condition that `--expect` gives; None without it. Raises InputError."""
    if text is None:
        return None
    pattern = _condition(text) if text.lstrip().startswith("{") else _comparison(text)
    try:
        compile_condition(pattern, name="--expect")
    except ConditionError as error:
        raise InputError(str(error), hint=error.hint) from None
    return pattern


def code_for(record: JsonObject, data: JsonObject, expected: JsonObject | None) -> int:
    """The exit code for a task at rest that another command ran; where it fell short, that is said."""
    short = None if expected is None else distance(expected, data)
    code = exit_codes.code_of_task(record)
    if short is None or code != exit_codes.DONE:
        return code
    say(f"aloma: {short}")
    return exit_codes.SHORT


def _condition(text: str) -> JsonObject:
    try:
        pattern = loads(text)
    except JsonError as error:
        raise InputError(f"--expect is not valid JSON: {error}", hint=_HINT) from None
    if not isinstance(pattern, dict):
        raise InputError(f"--expect is {with_article(kind_of(pattern))}, not a condition", hint=_HINT)
    return pattern


def _comparison(text: str) -> JsonObject:
    """The condition for a path alone (there is a value), or for a path compared with a value."""
    match = _COMPARED.fullmatch(text)
    if match is None:
        raise InputError(f"--expect {cut(text, _SHOWN)!r} is not a pattern", hint=_HINT)
    operator = match[2]
    wanted: Json = {"$ne": None} if operator is None else _expected_value(match[3])
    if operator in _OPERATORS:
        wanted = {_OPERATORS[operator]: wanted}
    for key in reversed(parse_path(match[1].strip())):
        wanted = {key: wanted}
    pattern: JsonObject = wanted
    return pattern


def _expected_value(text: str) -> Json:
    try:
        return loads(text)
    except JsonSyntaxError:
        return text.strip()
    except JsonError as error:
        raise InputError(f"--expect: {cut(text, _SHOWN)} is not allowed: {error}") from None
