"""One reason why a condition does not hold, as data and as a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from aloma_cli.document.paths import MISSING
from aloma_cli.document.reserved import STASH
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import Path, cut, show_path

_VALUE_WIDTH = 60
_WANTED_WIDTH = 120
_ENCODER = json.JSONEncoder(ensure_ascii=False)


Found: TypeAlias = Any
"""What stands at a place of the document: a JSON value, or MISSING."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """At `path` the document has `found`, and the condition wanted something else.

    `wanted` is in words (`"paid"`, `a number`, `>= 3`, `missing or null`). `found` is the document's own value, not
    a copy, or MISSING; values of `$stash` are replaced by their kind. `alternatives` are the ways to meet a `$or`,
    or the list elements that meet part of what some element should meet: each the mismatches left on that way,
    the nearest first.
    """

    path: Path
    wanted: str
    found: Found
    alternatives: tuple[tuple[Mismatch, ...], ...] = ()

    @property
    def missing(self) -> bool:
        """Whether there is nothing at `path`."""
        return self.found is MISSING

    @property
    def nearest(self) -> tuple[Mismatch, ...]:
        """What is left to meet on the nearest way: this mismatch itself where there is only one way."""
        return self.alternatives[0] if self.alternatives else (self,)

    def __str__(self) -> str:
        if any(mismatch.path != self.path for mismatch in self.nearest):
            return " and ".join(map(str, self.nearest)) + " (the nearest alternative)"
        return f"{show_path(self.path)} is {show(self.found)}, wanted {cut(self.wanted, _WANTED_WIDTH)}"


def show(value: Found) -> str:
    """`value` as JSON, cut to 60 characters; nothing there is `missing`."""
    if value is MISSING:
        return "missing"
    # Half a surrogate pair cannot be printed.
    return cut(_beginning(value), _VALUE_WIDTH).encode("utf-8", "backslashreplace").decode()


def visible(found: Found, path: Path) -> Found:
    """`found` at `path` with the values of `$stash` hidden."""
    if found is MISSING or (path and path[0] != STASH):
        return found
    return hide_stash(found, path)


def _beginning(value: Found) -> str:
    """Enough of `value` as JSON to be cut, since a document may be large."""
    text = ""
    try:
        for piece in _ENCODER.iterencode(value):
            text += piece
            if len(text) > _VALUE_WIDTH:
                break
    except ValueError:  # Python has no text for integers of over 4300 digits
        text += "…"
    return text
