"""Hide `$stash`: the keys below it are shown, and the type of each value in place of the value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aloma_cli.document.reserved import STASH
from aloma_cli.jsontext import Json, JsonObject, kind_of


def hide_stash(value: Json, path: Sequence[str | int] = ()) -> Json:
    """`value`, found at `path`, with each value below a `$stash` replaced by its type: `«hidden string»`."""
    if STASH in path:
        return _hidden(value)
    if isinstance(value, dict):
        return {key: hide_stash(item, (key,)) for key, item in value.items()}
    return [hide_stash(item) for item in value] if isinstance(value, list) else value


def hide_in_changes(changes: Iterable[JsonObject]) -> list[JsonObject]:
    """RFC 6902 operations, with what they write below a `$stash` hidden."""
    return [
        {**change, "value": hide_stash(change["value"], change["path"].split("/"))} if "value" in change else change
        for change in changes
    ]


def _hidden(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    return None if value is None else f"«hidden {kind_of(value)}»"
