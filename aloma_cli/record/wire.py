"""Events read back from JSON, checked at every depth for what their readers rely on.

What a newer program of the same format version added is passed over; what has another type than it must have is
refused. Events are checked here before they are written as well, so that a record can be read by its writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from aloma_cli.jsontext import Json, kind_of
from aloma_cli.record.counts import sound_usage
from aloma_cli.record.events import Event, class_of

Fits = Callable[[Any], bool]


class WireError(ValueError):
    """A JSON value is not the event that it says it is."""


class UnknownEventError(ValueError):
    """An event has a kind that this program does not know."""


class Reader(NamedTuple):
    """How one field of an event is read."""

    fits: Fits
    required: bool
    is_tuple: bool


def from_wire(wire: Json) -> Event:
    """The event that `events.to_wire` wrote. Raises UnknownEventError, and WireError naming the field."""
    kind = wire.get("event") if isinstance(wire, dict) else None
    if not isinstance(kind, str):
        raise WireError("an event has no kind")
    cls, readers = _readers(kind)
    values = {}
    for name, reader in readers.items():
        if name in wire:
            values[name] = _read(f"{kind}.{name}", wire[name], reader)
        elif reader.required:
            raise WireError(f"{kind} lacks {name}")
    return cls(**values)


def _read(place: str, value: Json, reader: Reader) -> Any:
    if reader.is_tuple and isinstance(value, list):
        value = tuple(value)
    if place == "call_answered.usage":
        value = sound_usage(value)
    if not reader.fits(value):
        raise WireError(f"{place} has the wrong type ({kind_of(value)}), or something in it has")
    return value


@cache
def _readers(kind: str) -> tuple[type[Event], dict[str, Reader]]:
    cls = class_of(kind)
    if cls is None:
        raise UnknownEventError(kind)
    hints = get_type_hints(cls)
    return cls, {field.name: _reader(cls, field.name, hints[field.name], field.default) for field in fields(cls)}


def _reader(cls: type[Event], name: str, hint: Any, default: object) -> Reader:
    fits = _fits(hint)
    part = _PARTS.get(f"{cls.KIND}.{name}")
    if part is not None:
        fits = _both(fits, _has(part))
    if name in _TIMES:
        fits = _both(fits, _is_time)
    alternatives = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return Reader(fits, default is MISSING, any(get_origin(one) is tuple for one in alternatives))


def _fits(hint: Any) -> Fits:
    """Whether a value has the type that `hint` names."""
    inner = [_fits(one) for one in get_args(hint) if one is not Ellipsis]
    match get_origin(hint):
        case origin if origin is UnionType:
            return lambda value: any(fits(value) for fits in inner)
        case origin if origin in (tuple, list):
            return lambda value: isinstance(value, tuple | list) and all(map(inner[0], value))
        case origin if origin is dict:
            return lambda value: isinstance(value, dict) and all(map(inner[1], value.values()))
    if hint is Any:
        return lambda _: True
    if hint is bool:
        return lambda value: isinstance(value, bool)
    kinds = (int, float) if hint is float else (hint,)
    return lambda value: isinstance(value, kinds) and not isinstance(value, bool)


def _is_time(value: str | None) -> bool:
    """Whether this is a time in ISO 8601, or no time."""
    try:
        return value is None or datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _both(one: Fits, other: Fits) -> Fits:
    return lambda value: one(value) and other(value)


def _has(part: Mapping[str, Any]) -> Fits:
    """Whether an object, or each in a tuple of objects, has fields of these types. Other fields are free, null too."""
    tests = {name: _fits(hint) for name, hint in part.items()}

    def fits(value: Any) -> bool:
        if isinstance(value, tuple):
            return all(map(fits, value))
        if not isinstance(value, dict):
            return True
        return all(test(value.get(name)) for name, test in tests.items())

    return fits


_TIMES = ("at", "retry_at", "parked_until", "expires_at")

_ANSWERING: Mapping[str, Any] = {
    "server": str | None,
    "model": str | None,
    "models": dict[str, str] | None,
    "responses": str | None,
    "delay": float | None,
    "with_key": bool | None,
}

_PARTS: Mapping[str, Mapping[str, Any]] = {
    "task_created.answering": _ANSWERING,
    "answering_set.answering": _ANSWERING,
    "call_answered.error": {
        "type": str,
        "message": str,
        "retryable": bool,
        "status": int | None,
        "hint": str | None,
    },
    "call_answered.about": {"provider": str | None, "model": str | None, "entry": str | None},
    "firing_failed.error": {
        "type": str,
        "message": str,
        "place": str | None,
        "hint": str | None,
        "misfits": list[str] | None,
    },
    "committed.changes": {"op": str, "path": str},
    "committed.settings": {
        "concurrency": int | None,
        "models": dict[str, str] | None,
        "retries": dict[str, int] | None,
    },
    "committed.asked": {"question": str, "into": list[str | int], "until": str | None},
    "limits_set.limits": {
        "calls": int | None,
        "tokens": int | None,
        "cost": float | None,
        "seconds": float | None,
    },
    "task_rested.missing": {"step": str, "missing": list[str], "more": int},
    "task_rested.cycle": {"version": int, "step": str | None, "changes": list[dict[str, Any]]},
}
"""What readers look for inside of the fields that hold objects."""
