"""Write the JSON Schema of the events that `aloma task log --json` and `--events` print.

.venv/bin/python -m tools.event_schema
"""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from aloma_cli.record.codec import readers_of
from aloma_cli.record.events import KINDS, Event

PATH = Path(__file__).parents[1] / "docs/schemas/event.json"

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null", dict: "object"}


def schema() -> dict[str, Any]:
    """One alternative for each kind of event."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "event.json",
        "title": "Event",
        "description": "One event of a task: format.md describes its fields.",
        "oneOf": [_kind(kind, cls) for kind, cls in KINDS.items()],
    }


def _kind(kind: str, cls: type[Event]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    own = {key: _type(hints[reader.name]) for key, reader in readers_of(kind).items()}
    required = [field.name for field in fields(cls) if field.default is MISSING]
    properties = {"event": {"const": kind}, **own}
    return {"type": "object", "properties": properties, "required": ["event", *required]}


def _type(hint: Any) -> dict[str, Any]:
    origin, parts = get_origin(hint), [one for one in get_args(hint) if one is not Ellipsis]
    if origin is UnionType:
        types = [_type(one) for one in parts]
        simple = [one["type"] for one in types if set(one) == {"type"}]
        return {"type": simple} if len(simple) == len(types) else {"anyOf": types}
    if origin in (tuple, list):
        return {"type": "array", "items": _type(parts[0])}
    if hint is Any:
        return {}
    return {"type": _TYPES[origin or hint]}


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {PATH}\n")
