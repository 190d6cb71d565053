"""A firing's own copy of the document."""

from __future__ import annotations

from aloma_cli.document.changes import Change
from aloma_cli.document.tracked import TrackedDict, changes_of
from aloma_cli.jsontext import JsonObject


class Draft:
    """What one firing works on: `data` starts equal to the committed document, which stays as it is."""

    __slots__ = ("data",)

    def __init__(self, base: JsonObject) -> None:
        self.data = TrackedDict(base)

    def changes(self) -> list[Change]:
        """What `data` has become, as changes. Raises DocumentError where that is not JSON."""
        return changes_of(self.data)
