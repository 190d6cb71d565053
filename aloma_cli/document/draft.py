"""A firing's own copy of the document."""

from __future__ import annotations

from aloma_cli.document.changes import Change
from aloma_cli.document.tracked import EndedDict, TrackedDict, changes_of, reads_of
from aloma_cli.jsontext import JsonObject, Path


class Draft:
    """The working copy of one firing: `data` starts equal to the committed document, which never changes."""

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
