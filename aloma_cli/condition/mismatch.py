"""One reason why a condition does not match, as data and as a sentence."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from aloma_cli.document.paths import MISSING
from aloma_cli.document.reserved import STASH
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import Path, cut, show_path
from aloma_cli.values import dataclass

_VALUE_WIDTH = 60
_WANTED_WIDTH = 120
_ENCODER = json.JSONEncoder(ensure_ascii=False)


Found: TypeAlias = Any
"""A value in the document: JSON, or MISSING."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """At `path` the document holds `found`, which does not match.

    `wanted`: in words (`"paid"`, `a number`, `>= 3`, `missing or null`). `found`: the document's own value, not a copy,
    or MISSING; values of `$stash` are replaced by their types. `alternatives`: for a `$or` its branches, for a list the
    elements that match in part; each is a tuple of the remaining mismatches, the closest alternative first.
    """

    path: Path
    wanted: str
    found: Found
    alternatives: tuple[tuple[Mismatch, ...], ...] = ()

    @property
    def missing(self) -> bool:
        """Whether the document has no value at `path`."""
        return self.found is MISSING

    @property
    def nearest(self) -> tuple[Mismatch, ...]:
        """The mismatches of the closest alternative; this mismatch itself if there are no alternatives."""
        return self.alternatives[0] if self.alternatives else (self,)

    def __str__(self) -> str:
        if any(mismatch.path != self.path for mismatch in self.nearest):
            return " and ".join(map(str, self.nearest)) + " (the closest alternative)"
        return sentence(self.path, self.found, self.wanted)


def sentence(path: Path, found: Found, wanted: str) -> str:
    """`order.total is 80, wanted >= 100`."""
    return f"{show_path(path)} is {show(found)}, wanted {cut(wanted, _WANTED_WIDTH)}"


def show(value: Found) -> str:
    """`value` as JSON, cut to 60 characters; `missing` for MISSING."""
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
    """The beginning of `value` as JSON: documents may be large."""
    text = ""
    try:
        for piece in _ENCODER.iterencode(value):
            text += piece
            if len(text) > _VALUE_WIDTH:
                break
    except ValueError:  # Python does not convert integers of over 4300 digits
        text += "…"
    return text
