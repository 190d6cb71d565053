"""Shapes: the form of a model's answer, written with the markers of conditions.

A shape becomes a JSON Schema, which is sent to the server, checked against the answer, and filled when there is no
server. Every shape has bounds, because code reads the answer: a list has one to five elements and a string at most 400
characters unless the shape says otherwise. `docs/shapes.md` has the table.

A JSON Schema and a pydantic model are shapes as well, with the bounds that they give themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from aloma_cli.connectors.chat.pydantic_model import is_model, schema_of
from aloma_cli.connectors.chat.schemas import checked, is_json_schema
from aloma_cli.errors import ShapeError, did_you_mean
from aloma_cli.jsontext import JsonObject, Path, is_integer, kind_of, show_path
from aloma_cli.values import dataclass

Shape: TypeAlias = Any
"""A marker of this module, a type, a literal, `{"$in": [...]}`, `[shape]`, or a dict from names to shapes.

The whole shape may be a JSON Schema or a pydantic model instead.
"""

TEXT_MAX = 400
LIST_MIN, LIST_MAX = 1, 5


@dataclass(frozen=True, slots=True)
class List:
    """A list of `min` to `max` elements, each of the shape `item`."""

    item: Shape
    min: int = LIST_MIN
    max: int = LIST_MAX


@dataclass(frozen=True, slots=True)
class Optional:
    """A key of an object that may be missing or null."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most `max` characters."""

    max: int = TEXT_MAX


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer from `min` to `max`, both included; None means no bound."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `min` to `max`, both included; None means no bound."""

    min: float | None = None
    max: float | None = None


def to_schema(shape: Shape, *, whole: bool = True) -> JsonObject:
    """The JSON Schema (draft 2020-12) of `shape`.

    Raises ShapeError, with the path, for an invalid shape. The root of a `whole` answer must be an object, because
    servers accept nothing else.
    """
    if is_model(shape):
        return schema_of(shape, whole=whole)
    if is_json_schema(shape):
        return checked(shape, whole=whole)
    if not whole:
        return _schema(shape, ())
    if shape is not dict and not isinstance(shape, dict):
        raise ShapeError(
            f"the shape of an answer is an object, not {_shape_text(shape)}", hint='wrap it: {"items": ...}'
        )
    schema = _schema(shape, ())
    if schema.get("type") != "object":
        raise ShapeError("the shape of an answer is an object, not a choice", hint='wrap it: {"choice": ...}')
    return schema


_KINDS: dict[type, JsonObject] = {
    str: {"type": "string", "maxLength": TEXT_MAX},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list: {"type": "array", "minItems": LIST_MIN, "maxItems": LIST_MAX},
    dict: {"type": "object"},
}


def _schema(shape: Shape, path: Path) -> JsonObject:
    match shape:
        case type() if shape in _KINDS:
            return dict(_KINDS[shape])
        case List(item, least, most):
            return _array(item, least, most, path)
        case Text(most):
            return _string_schema(most, path)
        case Integer(least, most):
            return {"type": "integer", **_range(least, most, int, path)}
        case Number(least, most):
            return {"type": "number", **_range(least, most, float, path)}
        case list():
            return _list_schema(shape, path)
        case dict():
            return _object_schema(shape, path)
        case str() | bool() | int() | float():
            return _values([shape], path) | {"const": shape}
    raise _not_a_shape(shape, path)


def _not_a_shape(shape: Shape, path: Path) -> ShapeError:
    hint = None
    if shape is None:
        hint = "write Optional(...) for a key that may be null"
    elif isinstance(shape, Optional):
        hint = "only a key of an object can be Optional"
    elif isinstance(shape, type) and issubclass(shape, List | Optional | Text | Integer | Number):
        hint = f"write it with brackets: {shape.__name__}(...)"
    elif is_model(shape):
        hint = "only a whole shape can be a pydantic model: give the outer one as a model, too"
    return ShapeError(f"{_shape_text(shape)} at {_place_name(path)} is not a shape", path=path, hint=hint)


def _object_schema(shape: dict[Any, Shape], path: Path) -> JsonObject:
    if path and is_json_schema(shape):
        raise ShapeError(
            f"the dict at {_place_name(path)} is a JSON Schema, and only a whole shape can be one",
            path=path,
            hint='write the whole shape as a JSON Schema; for a literal `type` in a shape write {"$in": […]}',
        )
    if any(isinstance(key, str) and key.startswith("$") for key in shape):
        return _choice_schema(shape, path)
    if not shape:
        raise ShapeError(f"{{}} at {_place_name(path)} is an empty shape", path=path, hint="use `dict` for any object")
    properties: JsonObject = {}
    required: list[str] = []
    for key, item in shape.items():
        if not isinstance(key, str):
            raise ShapeError(f"the key {key!r} at {_place_name(path)} is not a string", path=path)
        if isinstance(item, Optional):
            properties[key] = {"anyOf": [_schema(item.item, (*path, key)), {"type": "null"}]}
        else:
            properties[key] = _schema(item, (*path, key))
            required.append(key)
    return {"type": "object", "properties": properties, "required": required}


def _choice_schema(shape: dict[str, Shape], path: Path) -> JsonObject:
    if set(shape) != {"$in"}:
        word = next((key for key in shape if key != "$in"), "$in")
        raise ShapeError(f"{word} at {_place_name(path)} is not a shape", path=path, hint=_instead_of(word))
    values = shape["$in"]
    if not isinstance(values, list | tuple) or not values:
        raise ShapeError(f"$in at {_place_name(path)} must be a list of values, got {values!r}", path=path)
    return _values(values, path) | {"enum": list(values)}


def _instead_of(word: str) -> str | None:
    if word in {"$gt", "$gte", "$lt", "$lte"}:
        return "write bounds as Integer(min, max) or Number(min, max)"
    if not word.startswith("$"):
        return "$in must be the only key of its object"
    return did_you_mean(word, ["$in"])


def _values(values: Sequence[Any], path: Path) -> JsonObject:
    """The common type of some literals, which strict servers require."""
    for value in values:
        if not isinstance(value, str | bool | int | float | None) or not _is_bounded(value):
            raise ShapeError(f"{_shape_text(value)} at {_place_name(path)} is not a value to choose from", path=path)
    kinds = {kind_of(value) for value in values}
    return {"type": kinds.pop()} if len(kinds) == 1 else {}


def _list_schema(shape: list[Shape], path: Path) -> JsonObject:
    if len(shape) != 1:
        raise ShapeError(
            f"the list at {_place_name(path)} has {len(shape)} shapes; a list has one shape for all its elements",
            path=path,
            hint="[str] is a list of strings; use `list` for any list",
        )
    return _array(shape[0], LIST_MIN, LIST_MAX, path)


def _array(item: Shape, least: int, most: int, path: Path) -> JsonObject:
    if not (is_integer(least) and is_integer(most) and 0 <= least <= most and most > 0):
        raise ShapeError(f"the list at {_place_name(path)} cannot have {least!r} to {most!r} elements", path=path)
    return {"type": "array", "items": _schema(item, (*path, 0)), "minItems": least, "maxItems": most}


def _string_schema(most: int, path: Path) -> JsonObject:
    if not is_integer(most) or most < 1:
        raise ShapeError(f"the string at {_place_name(path)} cannot have at most {most!r} characters", path=path)
    return {"type": "string", "maxLength": most}


def _range(least: Any, most: Any, kind: type[int | float], path: Path) -> JsonObject:
    for bound in (least, most):
        if bound is not None and not (
            is_integer(bound) or (kind is float and isinstance(bound, float) and _is_bounded(bound))
        ):
            raise ShapeError(f"the number at {_place_name(path)} cannot be bounded by {bound!r}", path=path)
    if least is not None and most is not None and least > most:
        raise ShapeError(f"the number at {_place_name(path)} cannot be from {least!r} to {most!r}", path=path)
    bounds = {"minimum": least, "maximum": most}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _is_bounded(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _place_name(path: Path) -> str:
    return show_path(path) if path else "the root"


def _shape_text(shape: Shape) -> str:
    return shape.__name__ if isinstance(shape, type) else repr(shape)[:80]
