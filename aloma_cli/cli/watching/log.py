"""The log of a task that grows, and the document at each of its entries."""

from __future__ import annotations

from typing import NamedTuple

from aloma_cli.clock import from_iso
from aloma_cli.document.changes import Change, Replay
from aloma_cli.document.paths import MISSING, get, resolve
from aloma_cli.document.pointer import keys_of
from aloma_cli.jsontext import Json, Path
from aloma_cli.record.events import Event
from aloma_cli.record.history import NUMBERED
from aloma_cli.record.states import ACTIVE
from aloma_cli.values import dataclass
from aloma_cli.view.entries import facts, text
from aloma_cli.view.history import HistoryReader, Record


class LoggedEdit(NamedTuple):
    """A change of the document, and the value that it replaced or removed (MISSING: none)."""

    change: Change
    old: Json


@dataclass(frozen=True, slots=True)
class LogMoment:
    """The document after an entry. `edits`: what the entry changed. `touched`: the paths of what it wrote."""

    document: Json
    edits: tuple[LoggedEdit, ...] = ()
    touched: tuple[Path, ...] = ()


class WatchedLog:
    """The entries of one task. `take` gets the events of its tree, from the first on."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.records: list[Record] = []
        self._reader = HistoryReader(task)
        self._numbers = 0
        self._moment: tuple[int, LogMoment] | None = None

    def __len__(self) -> int:
        return len(self.records)

    def take(self, event: Event) -> None:
        """Take in the next event."""
        number = None
        if event.task == self.task and isinstance(event, NUMBERED):
            number, self._numbers = self._numbers, self._numbers + 1
        record = self._reader.read(number, event)
        if record is not None:
            self.records.append(record)

    @property
    def name(self) -> str:
        return self._reader.screen.node(self.task).name

    @property
    def state(self) -> str:
        return self._reader.screen.node(self.task).state

    @property
    def is_active(self) -> bool:
        """Whether it may still grow by itself."""
        return self.state in ACTIVE

    @property
    def running(self) -> list[str]:
        """The steps whose firings are in flight."""
        return [one.step for one in self._reader.screen.running.values() if one.task == self.task]

    @property
    def last_number(self) -> int:
        """The number of the last numbered entry."""
        return self._numbers - 1

    def seconds_before(self, position: int) -> float:
        """The recorded seconds between an entry and the one before it."""
        before, after = (from_iso(self.records[at].entry.at) for at in (max(0, position - 1), position))
        return max(0.0, after - before)

    def position_of(self, number: int) -> int | None:
        """The position of the entry with this number."""
        return next((at for at, record in enumerate(self.records) if record.number == number), None)

    def has(self, position: int, words: str) -> bool:
        """Whether an entry contains `words`, in upper or lower case: its step, its places, its texts."""
        entry = self.records[position].entry
        told = (entry.word, entry.step or "", entry.task or "", *entry.changed.places, *facts(entry), text(entry))
        return words.casefold() in " ".join(told).casefold()

    def moment(self, position: int) -> LogMoment:
        """The document at an entry. Going forward costs what the changes cost."""
        at, moment = self._moment or _NOTHING
        if at > position:
            at, moment = _NOTHING
        for record in self.records[at + 1 : position + 1]:
            moment = _next_moment(moment.document, record)
        self._moment = position, moment
        return moment


_NOTHING = (-1, LogMoment({}))


def _next_moment(document: Json, record: Record) -> LogMoment:
    replay = Replay(document)
    edits: list[LoggedEdit] = []
    touched: list[Path] = []
    for operation in record.changes:
        place = resolve(replay.document, tuple(keys_of(operation["path"])))
        old = MISSING if operation["op"] == "add" else get(replay.document, place)
        change = replay.take(operation)
        edits.append(LoggedEdit(change, old))
        touched = [*_moved_paths(touched, change), *_written_paths(change, replay)]
    return LogMoment(replay.document, tuple(edits), tuple(touched))


def _written_paths(change: Change, replay: Replay) -> list[Path]:
    if change.op == "append":
        return [(*change.path, len(get(replay.document, change.path)) - 1)]
    return [] if change.op == "remove" else [change.path]


def _moved_paths(paths: list[Path], change: Change) -> list[Path]:
    """The paths after `change`, which may shift the items of a list, or remove what was written."""
    if change.op == "remove" and not change.moves_items:
        return [path for path in paths if path[: len(change.path)] != change.path]
    if not change.moves_items:
        return paths
    where, step = change.path, 1 if change.op == "add" else -1
    kept = (path for path in paths if step > 0 or path[: len(where)] != where)
    return [_shifted(path, where, step) for path in kept]


def _shifted(path: Path, where: Path, step: int) -> Path:
    last = len(where) - 1
    is_after = path[:last] == where[:last] and len(path) > last and path[last] >= where[last]  # type: ignore[operator]
    return (*path[:last], int(path[last]) + step, *path[last + 1 :]) if is_after else path
