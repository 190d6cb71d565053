"""Room in a document for what is to land there: results of subtasks, answers of people."""

from __future__ import annotations

from collections.abc import Container, Mapping

from aloma_cli.document.changes import Change, apply
from aloma_cli.document.paths import make_room
from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonObject, Path, show_path


class Room:
    """`changes` make the room in `document`. `taken`: the places that are held, and by whom."""

    def __init__(self, document: JsonObject, taken: Mapping[Path, str]) -> None:
        self.document = document
        self.changes: list[Change] = []
        self._taken: dict[Path, str] = {}
        self._inside: dict[Path, Path] = {}
        for place, who in taken.items():
            self._hold(place, who)

    def take(self, into: Path, who: str, renewed: Container[Path] = ()) -> Path:
        """The place that `into` leads to, held from here on. `renewed`: places that may be taken once more.

        Raises InputError where no value can be, and where a place that is held contains it, or is in it.
        """
        place, room = make_room(self.document, into)
        self._refuse_overlap(place, who, renewed)
        self._hold(place, who)
        self.make(room)
        return place

    def make(self, changes: list[Change]) -> None:
        """Change the document."""
        self.document = apply(self.document, changes)
        self.changes += changes

    def _refuse_overlap(self, place: Path, who: str, renewed: Container[Path]) -> None:
        above = (place[:end] for end in range(len(place) + 1))
        other = next((one for one in above if one in self._taken), self._inside.get(place))
        if other is not None and not (other == place and place in renewed):
            raise InputError(
                f"{who} would land at {show_path(place)}, and {self._taken[other]} at {show_path(other)}",
                hint="use places of which none contains another",
            )

    def _hold(self, place: Path, who: str) -> None:
        self._taken[place] = who
        for end in range(len(place)):
            self._inside.setdefault(place[:end], place)
