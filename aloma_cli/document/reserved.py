"""The reserved fields at the top of every document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonObject, show_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aloma_cli.document.changes import Change

VIA = "$via"
ERRORS = "$errors"
CHILDREN = "$children"
STASH = "$stash"

RESERVED = (VIA, ERRORS, CHILDREN, STASH)

READ_ONLY = (ERRORS, CHILDREN)
"""Only the engine writes these."""

_CURE = "remove an entry, or set `handled` in it"


def refuse_engine_fields(changes: Iterable[Change]) -> None:
    """Raise InputError where a step or a person writes `$children`."""
    for change in changes:
        if change.path and change.path[0] == CHILDREN:
            raise InputError(f"{show_path(change.path)} is managed by the engine and read-only")


def refuse_false_errors(before: JsonObject, after: JsonObject) -> None:
    """Raise InputError where a person makes `$errors`, or one of its entries, what the engine never writes."""
    old, new = before.get(ERRORS, {}), after.get(ERRORS, {})
    if new == old:
        return
    if not isinstance(new, dict):
        raise InputError(f"{ERRORS} must be an object", hint=_CURE)
    for key, entry in new.items():
        match entry:
            case {"type": str(), "message": str()}:
                continue
        if not isinstance(old, dict) or key not in old or old[key] != entry:
            place = show_path((ERRORS, key))
            raise InputError(f"{place} must be an object with the strings type and message", hint=_CURE)


def unhandled_errors(document: JsonObject) -> dict[str, JsonObject]:
    """The entries of `$errors` that are not marked as handled."""
    errors = document.get(ERRORS)
    if not isinstance(errors, dict):
        return {}
    return {
        key: entry for key, entry in errors.items() if not (isinstance(entry, dict) and entry.get("handled") is True)
    }
