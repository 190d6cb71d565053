"""What the keywords of a JSON Schema mean for a value that is made up."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aloma_cli.connectors.chat.schemas import resolved
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import Json, JsonObject, dumps

FORMATS: Mapping[str, str] = {
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "date-time": "2000-01-01T00:00:00Z",
    "duration": "P1D",
    "email": "simulated@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "path": "simulated",
    "file-path": "simulated",
    "password": "simulated",
    "binary": "simulated",
}
"""A text of each format; dates are in the past, addresses are those reserved for examples."""

_UNFILLABLE = ("pattern", "not", "if", "contains", "propertyNames", "dependentSchemas", "minProperties")
_IMPLIED = {"properties": "object", "items": "array", "prefixItems": "array", "minItems": "array"}
_IMPLIED |= {"minimum": "number", "maximum": "number", "multipleOf": "number"}
_MOST_CHOICES = 20


def merged(schema: Json, root: JsonObject, *, shortest: bool = False) -> JsonObject:
    """`schema` without references and choices: the first choice of each, or null with `shortest` where it is one."""
    for _ in range(_MOST_CHOICES):
        schema = resolved(schema, root)
        if not isinstance(schema, dict):
            return {}
        word = next((word for word in ("anyOf", "oneOf", "allOf") if schema.get(word)), None)
        if word is None:
            return schema
        rest = {key: part for key, part in schema.items() if key != word}
        branches = schema[word] if word == "allOf" else [_chosen_branch(schema[word], shortest=shortest)]
        for branch in branches:
            rest = _both(rest, resolved(branch, root))
        schema = rest
    return {}


def kind_in(schema: JsonObject) -> str:
    """The type to fill in: the first that is named, else the one that the keywords suggest, else a string."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    return str(kind or next((_IMPLIED[word] for word in schema if word in _IMPLIED), "string"))


def refuse_unfillable(schema: JsonObject, name: str) -> None:
    """Raise ConnectorError for a keyword that only a model, or a script, can meet."""
    word = next((word for word in _UNFILLABLE if schema.get(word)), None)
    if word is None and schema.get("format") in {None, *FORMATS}:
        return
    raise _unfillable(f"`{word}`" if word else f"the format {schema['format']!r}", name)


def _unfillable(what: str, name: str) -> ConnectorError:
    return ConnectorError(
        f"a simulated answer cannot have {what} (at {name})",
        hint="give that part of the schema `examples`, or write the answer into responses/STEP.json",
    )


def distinct(values: list[Json], schema: JsonObject, name: str) -> list[Json]:
    """As many different values as `uniqueItems` and `minItems` want. Raises ConnectorError if there are too few."""
    found = list({dumps(value): value for value in values}.values()) if schema.get("uniqueItems") else values
    missing = schema.get("minItems", 0) - len(found)
    if missing > 0 and isinstance(found[0], int):
        return [*found, *range(max(found) + 1, max(found) + 1 + missing)]
    if missing > 0:
        raise _unfillable("`uniqueItems` with that many values", name)
    return found


def number_for(schema: JsonObject) -> Json:
    """A percentage is 100; any other number is 0 if it may be, else the one nearest to it."""
    least, most = _bound(schema, "minimum", "exclusiveMinimum", 1), _bound(schema, "maximum", "exclusiveMaximum", -1)
    if (least, most) == (0, 100):
        return most
    found = min(0, most or 0) if least is None else least
    step = schema.get("multipleOf")
    return found if not step else (math.ceil if least is not None else math.floor)(found / step) * step


def _bound(schema: JsonObject, name: str, exclusive: str, away: int) -> Json:
    """The bound of a number, or a number safely inside an exclusive one."""
    if exclusive not in schema:
        return schema.get(name)
    limit = schema[exclusive]
    if kind_in(schema) == "integer":
        return math.floor(limit) + 1 if away > 0 else math.ceil(limit) - 1
    return math.nextafter(limit, math.inf * away)


def _chosen_branch(branches: list[Json], *, shortest: bool) -> Json:
    null = [one for one in branches if isinstance(one, dict) and one.get("type") == "null"]
    others = [one for one in branches if one not in null]
    return (null + others if shortest else others + null)[0]


def _both(left: JsonObject, right: Json) -> JsonObject:
    """What both schemas require, for the keywords where this is not simply the later one."""
    if not isinstance(right, dict):
        return left
    properties = {**left.get("properties", {}), **right.get("properties", {})}
    required = [*left.get("required", []), *right.get("required", [])]
    return {**left, **right, **({"properties": properties, "required": required} if properties else {})}
