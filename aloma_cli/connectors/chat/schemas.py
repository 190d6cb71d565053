"""JSON Schemas (draft 2020-12) as shapes: how they are recognised, checked, and walked.

Nothing is fetched: a `$ref` must lead into the schema itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from aloma_cli.document.diff import clean_copy
from aloma_cli.document.pointer import keys_of
from aloma_cli.errors import DocumentError, ShapeError
from aloma_cli.jsontext import Json, JsonError, JsonObject, Path, cut, dumps, loads, show_path, text_or_json

_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_IN_LIST = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLE = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
_REFERENCES = ("$ref", "$dynamicRef")
_MARKS = frozenset({"$schema", "$id", "$defs", *_REFERENCES})
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MOST_STEPS = 20
"""A `$ref` to a `$ref` to a `$ref` …: no schema needs more."""


class Subschema(NamedTuple):
    """A schema within a schema. `word`: the keyword that it belongs to."""

    word: str
    path: Path
    schema: Json


def is_json_schema(shape: object) -> bool:
    """Whether a dict is a JSON Schema and not a shape with markers.

    It is one if it has a keyword such as `$schema` or `$defs`, or if its `type` is the name of a type of JSON.
    """
    if not isinstance(shape, dict):
        return False
    kinds = shape.get("type")
    named = kinds if isinstance(kinds, list) else [kinds]
    return not _MARKS.isdisjoint(shape) or (bool(named) and all(kind in _TYPES for kind in named))


def checked(schema: JsonObject, *, whole: bool) -> JsonObject:
    """A JSON Schema as it is recorded. Raises ShapeError, with the path, if it is invalid or leads outside.

    The root of a `whole` answer must be an object; a `$ref` there is replaced by what it refers to.
    """
    try:
        made: JsonObject = loads(dumps(clean_copy(schema, ("schema",))))
    except (DocumentError, JsonError) as error:
        hint = 'for a literal `type` in a shape write {"$in": […]}'
        raise ShapeError(f"the shape is a JSON Schema, and not JSON: {error}", hint=hint) from None
    _check_draft(made)
    _check_words(made)
    _check_references(made)
    return _as_object(made) if whole else made


def parts(schema: Json, path: Path = ()) -> Iterator[Subschema]:
    """The schemas directly within a schema."""
    for word, inner in schema.items() if isinstance(schema, dict) else ():
        if word in _BY_NAME and isinstance(inner, dict):
            yield from (Subschema(word, (*path, word, key), one) for key, one in inner.items())
        elif word in _IN_LIST and isinstance(inner, list):
            yield from (Subschema(word, (*path, word, at), one) for at, one in enumerate(inner))
        elif word in _SINGLE:
            yield Subschema(word, (*path, word), inner)


def referred(reference: str, root: JsonObject) -> Json:
    """The part of `root` that a `$ref` such as `#/$defs/Item` leads to. Raises LookupError if there is none."""
    if reference != "#" and not reference.startswith("#/"):
        raise LookupError(reference)
    found: Json = root
    for key in keys_of(unquote(reference)):
        found = found[int(key)] if isinstance(found, list) and key.isdecimal() else found[key]
    if not isinstance(found, dict | bool):
        raise LookupError(reference)
    return found


def resolved(schema: Json, root: JsonObject) -> Json:
    """`schema`, or what its `$ref` leads to, with the other keywords that stand beside the `$ref`.

    Raises LookupError if that leads in a cycle.
    """
    for _ in range(_MOST_STEPS):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        target = referred(schema["$ref"], root)
        beside = {word: part for word, part in schema.items() if word != "$ref"}
        schema = {**target, **beside} if isinstance(target, dict) else target
    raise LookupError("$ref leads in a cycle")


def _check_draft(schema: JsonObject) -> None:
    draft = schema.get("$schema", _DRAFT)
    if not isinstance(draft, str) or draft.rstrip("#").replace("http:", "https:") != _DRAFT:
        raise ShapeError(
            f"$schema is {cut(str(draft), 100)!r}, and only draft 2020-12 is supported",
            hint="remove $schema if the schema uses nothing that later drafts changed",
        )


def _check_words(schema: JsonObject) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = tuple(error.absolute_path)
        place = f" at {show_path(path)}" if path else ""
        raise ShapeError(f"the JSON Schema is invalid{place}: {cut(error.message, 200)}", path=path) from None


def _check_references(root: JsonObject) -> None:
    waiting = [Subschema("", (), root)]
    for part in waiting:
        waiting += parts(part.schema, part.path)
        for word in _REFERENCES if isinstance(part.schema, dict) else ():
            if word in part.schema:
                _check_reference(part.schema, word, root, (*part.path, word))


def _check_reference(schema: JsonObject, word: str, root: JsonObject, path: Path) -> None:
    reference = schema[word]
    why = "leads nowhere" if reference.startswith("#") else "leads out of the schema, and nothing is fetched"
    try:
        referred(reference, root)
        why = "leads in a cycle"
        resolved(schema, root)
    except (LookupError, TypeError):
        raise ShapeError(
            f"the {word} {cut(reference, 100)!r} at {show_path(path)} {why}",
            path=path,
            hint="put the part under $defs, and refer to it as #/$defs/NAME",
        ) from None


def _as_object(schema: JsonObject) -> JsonObject:
    root = resolved(schema, schema)
    if isinstance(root, dict) and (root.get("type") == "object" or ("type" not in root and "properties" in root)):
        return {**root, "type": "object"}
    kind = root.get("type") if isinstance(root, dict) else root
    found = "" if kind is None else f", not {text_or_json(kind)}"
    raise ShapeError(
        f"the JSON Schema of an answer has the type object at its root{found}",
        hint='wrap it: {"type": "object", "properties": {"items": …}, "required": ["items"]}',
    )
