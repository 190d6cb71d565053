"""What to set and what to remove, so that one document becomes another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aloma_cli.document.diff import same
from aloma_cli.document.paths import MISSING, get
from aloma_cli.jsontext import Json, Path, dumps, show_path
from aloma_cli.values import dataclass

_UNLIKELY = 8


@dataclass(frozen=True, slots=True)
class Edit:
    """A value to write at `path`; MISSING: remove the value."""

    path: Path
    value: Json

    @property
    def removes(self) -> bool:
        return self.value is MISSING

    @property
    def size(self) -> int:
        """How much is to be typed; an empty string is possible, but hardly what is meant."""
        value = 0 if self.removes else _UNLIKELY if self.value == "" else len(dumps(self.value))
        return len(show_path(self.path)) + value


def edits(before: Any, after: Any, path: Path = ()) -> Iterator[Edit]:
    """The fewest edits that make `after` from `before`; either may be MISSING."""
    if before is after or (before is not MISSING and after is not MISSING and same(before, after)):
        return
    if isinstance(after, dict) and isinstance(before, dict):
        yield from _of_object(before, after, path)
    elif isinstance(after, dict) and len(after) == 1 and (before is MISSING or before is None):
        yield from _of_object({}, after, path)  # the parents are made with the value
    elif isinstance(after, list) and isinstance(before, list) and len(before) <= len(after):
        for at, value in enumerate(after):
            yield from edits(before[at] if at < len(before) else MISSING, value, (*path, at))
    else:
        yield Edit(path, after)


def _of_object(before: dict[str, Any], after: dict[str, Any], path: Path) -> Iterator[Edit]:
    for key in before.keys() - after.keys():
        yield Edit((*path, key), MISSING)
    for key, value in after.items():
        yield from edits(before.get(key, MISSING), value, (*path, key))


def cost(before: Any, after: Any) -> tuple[int, int]:
    """How large a change is: its edits and the values that are lost with an object or a list; then what is typed."""
    made = list(edits(before, after))
    lost = sum(_leaf_count(get(before, edit.path)) for edit in made) if before is not MISSING else 0
    return len(made) + lost, sum(edit.size for edit in made)


def _leaf_count(value: Any) -> int:
    """The values in an object or a list; 0 for any other."""
    if not isinstance(value, dict | list):
        return 0
    return sum(_leaf_count(part) or 1 for part in (value.values() if isinstance(value, dict) else value))
