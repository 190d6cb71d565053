"""A firing's own copy of the document."""

# ruff: noqa: SLF001  (a draft knows the marks of its data)

from __future__ import annotations

import sys

from aloma_cli.document.changes import LARGE, Change
from aloma_cli.document.tracked import EndedDict, TrackedDict
from aloma_cli.jsontext import JsonObject, Path
from aloma_cli.values import dataclass

MOST_READ = 50
"""The most places that are recorded as read."""

_ALONE = 2
"""References to a value that only its draft holds, as Python counts them: one more is counted for the question."""


class Draft:
    """The working copy of one firing: `data` starts equal to the committed document, which it never changes."""

    __slots__ = ("data",)

    def __init__(self, base: JsonObject) -> None:
        self.data = TrackedDict(base)

    def changes(self) -> list[Change]:
        """The changes made to `data`. Raises DocumentError if it is no longer JSON."""
        changes: list[Change] = []
        self.data._collect((), changes)
        return changes

    def reads(self) -> list[Path]:
        """The places that were read in `data`, at most MOST_READ: where there were more, what contains them."""
        found = self.data._reads(()) if self.data._all or self.data._read else []
        while len(found) > MOST_READ:
            depth = max(map(len, found)) - 1
            found = list(dict.fromkeys(path[:depth] for path in found))
        return found

    def close(self) -> None:
        """From here on `data` can be neither read nor written."""
        self.data.__class__ = EndedDict

    def can_renew(self) -> bool:
        """Whether the keys of `data` are in the order that the document has once the changes are committed."""
        return not self.data._removed and all(type(key) is str for key in self.data._written)

    def renew(self, base: JsonObject) -> None:
        """Make a draft of `base` of one whose changes led to `base`, at the cost of these changes."""
        data = self.data
        for key in (*data._written, *data._reached):
            dict.__setitem__(data, key, base[key])
        data.__class__ = TrackedDict
        data._begin(base, {})


@dataclass(slots=True)
class Drafts:
    """Makes drafts. It keeps the last one of a large document, so the next firing needs no new copy."""

    _kept: tuple[int, Draft] | None = None

    def begin(self, base: JsonObject, follows: int | None) -> Draft:
        """A draft of `base`. `follows`: the firing whose changes, as its draft had them, led to `base`."""
        kept, self._kept = self._kept, None
        if kept is None or kept[0] != follows:
            return Draft(base)
        kept[1].renew(base)
        return kept[1]

    def keep(self, firing: int, draft: Draft) -> None:
        """Keep the closed draft of a firing that returned, unless the author's code still holds it."""
        if dict.__len__(draft.data) > LARGE and sys.getrefcount(draft.data) <= _ALONE and draft.can_renew():
            self._kept = firing, draft
