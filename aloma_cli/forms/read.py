"""The value that a person means by what they typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from aloma_cli.connectors.chat.parse import complaints
from aloma_cli.errors import InputError
from aloma_cli.forms.form import Field, Form
from aloma_cli.jsontext import Json, JsonError, JsonObject, JsonSyntaxError, cut, dumps, loads, text_or_json

WORDS = {"yes": True, "y": True, "on": True, "true": True, "no": False, "n": False, "off": False, "false": False}
"""How people answer a question for a boolean."""

_LONGEST = 60
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")


class Filled(NamedTuple):
    """A form that was filled in: the answer, or what is wrong with each field, by its name ("": with the whole)."""

    value: Json
    wrong: Mapping[str, str]


def read_field(field: Field, text: str) -> Json:
    """The value that `text` gives a field. Raises InputError with the reason, in words, if it gives none."""
    value = _READERS[field.kind](field, text)
    wrong = complaints(value, field.schema) if field.schema else ()
    if wrong:
        raise InputError("; ".join(one.removeprefix("the answer: ") for one in wrong))
    return value


def read_form(form: Form, texts: Mapping[str, str]) -> Filled:
    """The answer that the texts of the fields give. An empty text of an optional field leaves it out."""
    values: JsonObject = {}
    wrong: dict[str, str] = {}
    for field in form.fields:
        text = texts.get(field.name, "")
        if not text and not field.required:
            continue
        try:
            values[field.name] = read_field(field, text)
        except InputError as error:
            wrong[field.name] = str(error)
    value = values if form.is_object else values.get("")
    if not wrong and form.schema is not None and (whole := complaints(value, form.schema)):
        wrong[""] = "; ".join(whole)
    return Filled(value, wrong)


def shown(value: Json) -> str:
    """A value as a person would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return text_or_json(value)


def _boolean(_field: Field, text: str) -> Json:
    word = WORDS.get(text.strip().casefold())
    if word is None:
        raise InputError(f"{cut(text, _LONGEST)!r} is not yes or no" if text.strip() else "answer yes or no")
    return word


def _choice(field: Field, text: str) -> Json:
    typed = text.strip()
    for same in (str.__eq__, lambda one, other: one.casefold() == other.casefold()):
        for choice in field.choices:
            if same(shown(choice), typed) or same(dumps(choice), typed):
                return choice
    if re.fullmatch(r"[1-9][0-9]{0,3}", typed) and int(typed) <= len(field.choices):
        return field.choices[int(typed) - 1]
    raise InputError(f"{cut(typed, _LONGEST)!r} is not one of the choices" if typed else "choose one")


def _number(field: Field, text: str) -> Json:
    typed = text.strip()
    if not _NUMBER.fullmatch(typed):
        what = "an integer" if field.kind == "integer" else "a number"
        raise InputError(f"{cut(typed, _LONGEST)!r} is not {what}" if typed else f"type {what}")
    try:
        return loads(typed.removeprefix("+"))
    except JsonError:  # a leading zero
        return int(typed) if re.fullmatch(r"[+-]?[0-9]+", typed) else float(typed)


def _text(_field: Field, text: str) -> Json:
    _refuse_bytes(text)
    if not text:
        raise InputError("type an answer")
    return text.replace("\r\n", "\n")


def _json(_field: Field, text: str) -> Json:
    _refuse_bytes(text)
    try:
        return loads(text)
    except JsonError as error:
        raise InputError(f"this is not JSON: {error}" if text.strip() else "type JSON") from None


def _any(_field: Field, text: str) -> Json:
    """JSON if it is JSON, else the text."""
    _refuse_bytes(text)
    try:
        return loads(text)
    except JsonSyntaxError:
        return _text(_field, text)
    except JsonError as error:
        raise InputError(f"this is not allowed: {error}; put it in double quotes to give it as a string") from None


def _refuse_bytes(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("this is not UTF-8") from None


_READERS = {
    "boolean": _boolean,
    "choice": _choice,
    "integer": _number,
    "number": _number,
    "text": _text,
    "json": _json,
    "any": _any,
}
