"""The JSON Schema of a function's arguments, from its signature and docstring."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from aloma_cli.connectors.chat.pydantic_model import is_model
from aloma_cli.connectors.injected import is_injected
from aloma_cli.errors import PermanentError
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, kind_of

_KINDS: Mapping[Any, JsonObject] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    list: {"type": "array"},
    dict: {"type": "object"},
    Any: {},
    object: {},
    inspect.Parameter.empty: {},
}
_LISTS = (list, tuple, set, frozenset, Sequence, AbstractSet)
_SECTION = re.compile(
    r"^\s*(Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?|Notes?)\s*:?\s*$", re.IGNORECASE
)
_GOOGLE = re.compile(r"^\s+\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.+)$")
_FIELD = re.compile(r"^\s*:param\s+(?:[\w\[\], ]+\s)?(\w+)\s*:\s*(.+)$")
_LONGEST = 1000


def described(function: Callable[..., Any], name: str) -> tuple[str, JsonObject, dict[str, Any]]:
    """The description of a function, the schema of its arguments, and their types by name.

    Raises PermanentError for a parameter that cannot be given by name or as JSON.
    """
    hints = _hints(function)
    description, told = _docstring(inspect.getdoc(function) or "")
    properties: JsonObject = {}
    kinds: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if is_injected(parameter):
            continue
        _refuse_unnamed(parameter, name)
        kind = kinds[parameter.name] = hints.get(parameter.name, parameter.annotation)
        schema = _type_schema(kind, f"the parameter {parameter.name} of {name}")
        if parameter.name in told:
            schema = {"description": told[parameter.name], **schema}
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        else:
            schema |= _default_schema(parameter.default)
        properties[parameter.name] = schema
    return description, _closed_object(properties, required), kinds


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    target = getattr(function, "__func__", function)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, AttributeError):  # a name that is known in another function alone
        return {}


def _refuse_unnamed(parameter: inspect.Parameter, name: str) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise PermanentError(f"{name} cannot be a tool: a model gives its arguments by name, and {parameter} has none")


def _default_schema(value: Any) -> JsonObject:
    try:
        return {"default": to_json(value)} if dumps(to_json(value)) else {}
    except (JsonError, TypeError, ValueError):
        return {}


def _closed_object(properties: JsonObject, required: list[str]) -> JsonObject:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _type_schema(kind: Any, place: str) -> JsonObject:
    """The JSON Schema of a type. Raises PermanentError for one without."""
    if isinstance(kind, typing.Hashable) and kind in _KINDS:
        return dict(_KINDS[kind])
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        words = [one for one in inner[1:] if isinstance(one, str)]
        return _type_schema(inner[0], place) | ({"description": words[0]} if words else {})
    if origin is typing.Literal:
        return _enum(inner)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type_schema(one, place) for one in inner]}
    if origin in _LISTS or kind in _LISTS:
        items = [one for one in inner if one is not Ellipsis]
        return {"type": "array"} | ({"items": _type_schema(items[0], place)} if len(items) == 1 else {})
    if origin in (dict, Mapping) or kind is Mapping:
        return {"type": "object"} | ({"additionalProperties": _type_schema(inner[1], place)} if inner else {})
    return _class_schema(kind, place)


def _class_schema(kind: Any, place: str) -> JsonObject:
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return _enum([one.value for one in kind])
    if is_model(kind):
        return kind.model_json_schema()
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        fields = {one.name: _type_schema(hints[one.name], place) for one in dataclasses.fields(kind)}
        return _closed_object(fields, [one.name for one in dataclasses.fields(kind) if _is_required(one)])
    if typing.is_typeddict(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        fields = {key: _type_schema(_bare(hint), place) for key, hint in hints.items()}
        return _closed_object(fields, [key for key, hint in hints.items() if _is_needed(hint, total=kind.__total__)])
    named = kind if isinstance(kind, str) else getattr(kind, "__name__", repr(kind))
    raise PermanentError(
        f"{place} has the type {cut(str(named), 100)}, which has no JSON Schema",
        hint="use str, int, float, bool, list, dict, Literal, a dataclass, a TypedDict or a pydantic model",
    )


def _is_needed(hint: Any, *, total: bool) -> bool:
    # `__required_keys__` takes annotations that are strings for required ones.
    origin = typing.get_origin(hint)
    return origin is typing.Required or (total and origin is not typing.NotRequired)


def _bare(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (typing.Required, typing.NotRequired) else hint


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _enum(values: Sequence[Any]) -> JsonObject:
    kinds = {kind_of(value) for value in values}
    return ({"type": kinds.pop()} if len(kinds) == 1 else {}) | {"enum": list(values)}


def from_json(kind: Any, value: Json) -> Any:
    """`value`, which fits the schema of `kind`, as a function with this type expects it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return from_json(inner[0], value)
    if origin in (typing.Union, types.UnionType):
        alternatives = [one for one in inner if one is not type(None)]
        return value if value is None or len(alternatives) != 1 else from_json(alternatives[0], value)
    if origin in _LISTS and isinstance(value, list):
        items = [from_json(inner[0], one) for one in value] if inner else value
        return origin(items) if origin in (tuple, set, frozenset) else items
    if is_model(kind):
        return kind.model_validate_json(dumps(value))
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return kind(value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        hints = typing.get_type_hints(kind, include_extras=True)
        return kind(**{name: from_json(hints[name], one) for name, one in value.items()})
    if kind is float and isinstance(value, int):
        return float(value)
    return value


def to_json(value: Any) -> Any:
    """What a function returned, with dataclasses, models and enums as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_json(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(one) for one in value]
    return {key: to_json(one) for key, one in value.items()} if isinstance(value, dict) else value


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description in a docstring, and what it says of each parameter (Google's style, or `:param name:`)."""
    description: list[str] = []
    told: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        heading, named = _SECTION.match(line), _FIELD.match(line)
        if heading:
            section = heading[1].lower()
        elif named:
            section, told[named[1]] = "fields", named[2]
        elif section.startswith(("arg", "param")) and (found := _GOOGLE.match(line)):
            told[found[1]] = found[2]
        elif not section:
            description.append(line)
    return cut("\n".join(description).strip(), _LONGEST), {name: cut(words, _LONGEST) for name, words in told.items()}
