"""The reserved fields at the top of every document."""

from __future__ import annotations

from aloma_cli.jsontext import JsonObject

VIA = "$via"
ERRORS = "$errors"
CHILDREN = "$children"
STASH = "$stash"

RESERVED = (VIA, ERRORS, CHILDREN, STASH)

READ_ONLY = (ERRORS, CHILDREN)
"""Only the engine writes these."""


def unhandled_errors(document: JsonObject) -> dict[str, JsonObject]:
    """The entries of `$errors` that are not marked as handled."""
    errors = document.get(ERRORS)
    if not isinstance(errors, dict):
        return {}
    return {
        key: entry for key, entry in errors.items() if not (isinstance(entry, dict) and entry.get("handled") is True)
    }
