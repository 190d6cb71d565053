"""The fields of a form, from the JSON Schema of an answer.

An object whose properties are all simple has a field for each of them. Anything else is one field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from aloma_cli.document.pointer import keys_of
from aloma_cli.jsontext import Json, JsonObject

Kind = Literal["choice", "boolean", "integer", "number", "text", "json", "any"]
"""`any`: JSON, else the text itself."""

MOST_FIELDS = 30
LONG = 200
"""Characters from which on a text gets several lines."""

_MOST_REFERENCES = 20
_KINDS: dict[str, Kind] = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "text"}


@dataclass(frozen=True, slots=True)
class Field:
    """One value to give. `name`: its key in the answer; "" where it is the whole answer.

    `choices`: the only values there are, for the kind `choice`. `about`: a description for people.
    `longest`: the most characters of a text.
    """

    name: str
    kind: Kind
    schema: JsonObject
    required: bool = True
    choices: tuple[Json, ...] = ()
    title: str = ""
    about: str = ""
    longest: int | None = None

    @property
    def is_long(self) -> bool:
        """Whether a text may be longer than a line."""
        return self.kind in ("json", "any") or (self.kind == "text" and (self.longest is None or self.longest > LONG))


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of an answer. `schema`: None where any answer will do."""

    fields: tuple[Field, ...]
    schema: JsonObject | None = None

    @property
    def is_object(self) -> bool:
        """Whether the answer is an object of the fields; else it is the value of the only one."""
        return bool(self.fields[0].name)


def form_of(schema: JsonObject | None) -> Form:
    """The form for answers that fit `schema`."""
    if schema is None:
        return Form((Field("", "any", {}),))
    fields = _fields(schema)
    if fields and len(fields) <= MOST_FIELDS and all(field.kind != "json" for field in fields):
        return Form(fields, schema)
    return Form((_field("", schema, schema, required=True),), schema)


def _fields(schema: JsonObject) -> tuple[Field, ...]:
    """A field for each property of an object; none where it may have others that must be given."""
    found = _resolved(schema, schema)
    properties, required = found.get("properties"), found.get("required") or ()
    if found.get("type") != "object" or not isinstance(properties, dict) or not set(required) <= properties.keys():
        return ()
    return tuple(_field(name, one, schema, required=name in required) for name, one in properties.items() if name)


def _field(name: str, schema: Json, whole: JsonObject, *, required: bool) -> Field:
    found = _resolved(schema, whole)
    inner, nullable = _without_null(found, whole)
    title, about = (str(found.get(key) or inner.get(key) or "") for key in ("title", "description"))
    choices = _choices(inner)
    kind = "choice" if choices else _KINDS.get(str(inner.get("type")), "json")
    longest = inner.get("maxLength")
    own = schema if isinstance(schema, dict) and "$ref" not in str(schema) else found
    return Field(name, kind, _with_definitions(own, whole), required and not nullable, choices, title, about, longest)


def _choices(schema: JsonObject) -> tuple[Json, ...]:
    if "const" in schema:
        return (schema["const"],)
    values = schema.get("enum")
    return tuple(values) if isinstance(values, list) else ()


def _without_null(schema: JsonObject, whole: JsonObject) -> tuple[JsonObject, bool]:
    """The only alternative to null, where null is one; and whether it is."""
    others = [one for one in schema.get("anyOf") or () if one != {"type": "null"}]
    if len(others) == 1 and len(schema["anyOf"]) > 1:
        return _resolved(others[0], whole), True
    return schema, False


def _resolved(schema: Json, whole: JsonObject) -> JsonObject:
    """What a `$ref` of a schema refers to."""
    for _ in range(_MOST_REFERENCES):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            break
        schema = _referenced(reference, whole)
    return schema if isinstance(schema, dict) else {}


def _referenced(reference: str, whole: JsonObject) -> Json:
    found: Json = whole
    for key in keys_of(unquote(reference)):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _with_definitions(schema: JsonObject, whole: JsonObject) -> JsonObject:
    """`schema` alone, with the definitions that it may refer to."""
    names = ("$defs", "definitions")
    shared: JsonObject = {key: whole[key] for key in names if key in whole and schema is not whole}
    return {**schema, **shared}
