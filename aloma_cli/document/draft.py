"""A firing's own copy of the document."""

from __future__ import annotations

from aloma_cli.document.changes import Change
from aloma_cli.document.diff import diff
from aloma_cli.jsontext import Json, JsonObject

_CONTAINERS = (dict, list)


class Draft:
    """What one firing works on: `data` starts equal to the committed document and is nobody else's.

    Steps are promised plain dicts and lists, so the draft is a whole copy and its changes a whole comparison; nothing
    outside this class knows that.
    """

    __slots__ = ("_base", "data")

    def __init__(self, base: JsonObject) -> None:
        self._base = base
        self.data: JsonObject = _copy(base)

    def changes(self) -> list[Change]:
        """What `data` has become, as changes. Raises DocumentError where that is not JSON."""
        return diff(self._base, self.data)


def _copy(value: Json) -> Json:
    if type(value) is dict:
        return {key: _copy(item) if type(item) in _CONTAINERS else item for key, item in value.items()}
    return [_copy(item) if type(item) in _CONTAINERS else item for item in value]
