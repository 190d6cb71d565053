"""Where a replay differs from the record: what, where, and as a diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from aloma_cli.document.changes import Change
from aloma_cli.document.diff import diff
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.stash import hide_stash
from aloma_cli.explain.replay.tape import Changed, Tape
from aloma_cli.jsontext import Json, JsonObject, Path, pretty, show_path
from aloma_cli.values import dataclass

KINDS = ("condition", "prompt", "call", "field", "gone")
"""In this order: a condition, a prompt, another call or the result of a firing differs; the step no longer exists."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """`kind`: one of KINDS. `where`: the place, in words. `recorded` and `today`: MISSING where there is nothing.

    `entry` and `firing`: None for a firing that is not on record; then `after` is the entry after which it would come.
    `order`: divergences are listed in this order, that of the record.
    """

    kind: str
    task: str
    step: str
    where: str
    recorded: Json = MISSING
    today: Json = MISSING
    entry: int | None = None
    firing: int | None = None
    after: int | None = None
    order: int = 0

    @property
    def lines(self) -> list[str]:
        """A diff of both values: the recorded one after `-`, today's after `+`."""
        both = (_text_lines(self.recorded), _text_lines(self.today))
        return [line for line in difflib.unified_diff(*both, lineterm="", n=1) if not line.startswith(("---", "+++"))]

    def to_json(self) -> JsonObject:
        told: JsonObject = {"kind": self.kind, "task": self.task, "step": self.step, "where": self.where}
        told |= {"entry": self.entry, "firing": self.firing, "after": self.after}
        values = {"recorded": self.recorded, "today": self.today}
        return told | {key: hide_stash(value) for key, value in values.items() if value is not MISSING}


def of_calls(tape: Tape) -> Iterator[tuple[str, str, Json, Json]]:
    """How the calls of today differ from those on record: kind, where, and both values."""
    for changed in tape.changed:
        yield from _of_call(changed)
    for call in tape.missed:
        kind = "prompt" if "messages" in call.arguments else "call"
        yield kind, f"{call.call} is no longer called", call.arguments, MISSING


def _of_call(changed: Changed) -> Iterator[tuple[str, str, Json, Json]]:
    kind = "prompt" if "messages" in changed.arguments else "call"
    name = f"{changed.name}, call {changed.position}"
    if changed.recorded is None:
        yield kind, f"{name} is not on record", MISSING, changed.arguments
        return
    for path, before, after in differences(changed.recorded.arguments, changed.arguments):
        yield kind, f"{name}: {show_path(path)}", before, after


def differences(on_record: JsonObject, today: JsonObject) -> list[tuple[Path, Json, Json]]:
    """The places at which two objects differ, each with both values; MISSING where there is none."""
    places = dict.fromkeys(_changed_place(change, on_record) for change in diff(on_record, today))
    return [(place, get(on_record, place), get(today, place)) for place in places]


def _changed_place(change: Change, on_record: JsonObject) -> Path:
    """Where a change is; of one that appends, the position."""
    return (*change.path, len(get(on_record, change.path))) if change.op == "append" else change.path


def _text_lines(value: Json) -> list[str]:
    if value is MISSING:
        return []
    return (value if isinstance(value, str) else pretty(value)).splitlines()


def place_of(path: Path) -> str:
    """A place of what a firing left, in words: a path of the document, or what it asked of its task."""
    if path[:1] == ("data",):
        return show_path(path[1:])
    return f"task: {show_path(path)}"
