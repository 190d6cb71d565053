"""A firing's own copy of the document."""

from __future__ import annotations

import sys

from aloma_cli.document.changes import LARGE, Change
from aloma_cli.document.tracked import EndedDict, TrackedDict, can_renew, changes_of, reads_of, renew
from aloma_cli.jsontext import JsonObject, Path

_ALONE = 2
"""References to a value that only its draft holds, as Python counts them: one more is counted for the question."""


class Draft:
    """The working copy of one firing: `data` starts equal to the committed document, which it never changes."""

    __slots__ = ("data",)

    def __init__(self, base: JsonObject) -> None:
        self.data = TrackedDict(base)

    def changes(self) -> list[Change]:
        """The changes made to `data`. Raises DocumentError if it is not JSON any more."""
        return changes_of(self.data)

    def reads(self) -> list[Path]:
        """The places of the document that were read in `data`, as `reads_of` gives them."""
        return reads_of(self.data)

    def close(self) -> None:
        """From here on `data` can be neither read nor written."""
        self.data.__class__ = EndedDict


class Drafts:
    """Makes drafts. It keeps the last one of a large document, so the next firing needs no new copy."""

    def __init__(self) -> None:
        self._kept: tuple[int, Draft] | None = None

    def begin(self, base: JsonObject, follows: int | None) -> Draft:
        """A draft of `base`. `follows`: the firing whose changes, as its draft had them, led to `base`."""
        kept, self._kept = self._kept, None
        if kept is None or kept[0] != follows:
            return Draft(base)
        renew(kept[1].data, base)
        return kept[1]

    def keep(self, firing: int, draft: Draft) -> None:
        """Keep the closed draft of a firing that returned, unless the author's code still holds it."""
        if dict.__len__(draft.data) > LARGE and sys.getrefcount(draft.data) <= _ALONE and can_renew(draft.data):
            self._kept = firing, draft
