"""Tasks as plain files: one folder a tree, `.aloma/tasks/<root id>/` in the workspace.

    journal.jsonl   the truth: all events, appended
    task.json       the root's record, the size of the journal it was made from, and a small document
    data.json       a document that is not in task.json
    lock, holder    the operating system's lock, freed when its process dies, and a description of that process
    checkpoint.json what the beginning of a long journal adds up to
    inbox/          requests of other processes, made by the first

`.aloma/states.json` and `changed` are an index of tasks by state (`states.py`).

A folder whose name begins with a dot is the rest of a deletion that was killed. `docs/format.md` describes all files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from aloma_cli.errors import StoreError
from aloma_cli.ids import is_root_id
from aloma_cli.jsontext import Json, JsonObject, dumps, reload
from aloma_cli.later import Later
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.os_errors import refused, refusing
from aloma_cli.store.protocol import Newest, Published, no_such_task

if TYPE_CHECKING:
    from aloma_cli.record.batch import Batch
    from aloma_cli.record.events import CallAnswered, Event
    from aloma_cli.store.files import answers, atomic, changes, dotfolder, journal, keys, notes
    from aloma_cli.store.files import claim as claiming
    from aloma_cli.store.files import salvage as salvaging
    from aloma_cli.store.files import states as indexed
    from aloma_cli.store.files.changes import Changes
    from aloma_cli.store.files.claim import FileClaim
    from aloma_cli.store.protocol import Kept, Salvage, Waiting
else:
    atomic = Later("aloma_cli.store.files.atomic")
    dotfolder = Later("aloma_cli.store.files.dotfolder")
    changes = Later("aloma_cli.store.files.changes")
    answers = Later("aloma_cli.store.files.answers")
    claiming = Later("aloma_cli.store.files.claim")
    journal = Later("aloma_cli.store.files.journal")
    salvaging = Later("aloma_cli.store.files.salvage")
    keys = Later("aloma_cli.store.files.keys")
    notes = Later("aloma_cli.store.files.notes")
    indexed = Later("aloma_cli.store.files.states")

# Most commands only read what was published and must answer at once. So what writes, and what reads the journal, is
# imported when it is used.

_ABANDONED = 3600
"""Seconds after which a folder without a journal is no longer being made."""

_PAGE = 256
"""How many of the newest names are sorted at a time."""

_ENVELOPE = ("journal_bytes", "data_sum", "data")
"""The keys that only the file has, and not the record in it."""


class FileStore:
    """The tasks below one `.aloma` folder, a path or a `file:` URL. The first task makes it."""

    def __init__(self, folder: str | Path, _release: object = None, *, fsync: bool = True) -> None:
        self._folder = folder if isinstance(folder, Path) else Path(folder.removeprefix("file:"))
        self._tasks = self._folder / "tasks"
        self._notes = self._folder / "notes"
        self._fsync = fsync

    def create(self, root: str, events: Sequence[Event]) -> FileClaim:
        self._prepare()
        return claiming.FileClaim.begin(self._tasks / root, events=events, fsync=self._fsync)

    def restore(self, root: str, lines: Sequence[bytes]) -> FileClaim:
        self._prepare()
        return claiming.FileClaim.begin(self._tasks / root, lines=lines, fsync=self._fsync)

    def claim(self, root: str) -> FileClaim:
        return claiming.FileClaim.take(self._existing(root), fsync=self._fsync)

    def salvage(self, root: str, take: Callable[[Batch], object]) -> Salvage | None:
        return salvaging.salvage(self._existing(root), take, fsync=self._fsync)

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        path = self._existing(root) / "journal.jsonl"
        return (batch for batch, _ in journal.read_journal(path, since=since))

    def lines(self, root: str) -> Iterator[bytes]:
        return journal.read_lines(self._existing(root) / "journal.jsonl")

    def kept(self, root: str) -> Kept | None:
        return journal.read_kept(self._existing(root) / "journal.jsonl")

    def read_back(self, root: str) -> Iterator[Batch]:
        return journal.read_back(self._existing(root) / "journal.jsonl")

    def holder(self, root: str) -> str | None:
        folder = self._existing(root)
        # With patience, because another process may hold the lock for a moment only to look whether it is free.
        # One that has just taken it has not written its description yet.
        return claiming.holder_of(folder) or "another process" if claiming.is_held(folder, patience=0.2) else None

    def is_held(self, root: str) -> bool:
        return claiming.is_held(self._existing(root), patience=0)

    def reserve(self, key: str, root: str) -> str:
        self._prepare()
        return keys.reserve(self._folder / "keys", key, root, fsync=self._fsync)

    def note(self, name: str) -> JsonObject | None:
        return notes.read_note(self._notes, name)

    def write_note(self, name: str, note: JsonObject) -> None:
        self._prepare()
        notes.write_note(self._notes, name, note, fsync=self._fsync)

    def stamp(self, root: str) -> int:
        try:
            return os.stat(f"{self._tasks}/{root}/journal.jsonl").st_size  # noqa: PTH116  (a third of the time)
        except OSError:
            raise no_such_task(root) from None

    def answered(self, since: float = 0.0, seen: dict[str, int] | None = None) -> Iterator[tuple[str, CallAnswered]]:
        places, tasks = {} if seen is None else seen, str(self._tasks)
        for root in self._names():
            with contextlib.suppress(OSError):  # deleted meanwhile, or made right now
                found, places[root] = answers.answers_in(f"{tasks}/{root}/journal.jsonl", since, places.get(root, 0))
                yield from ((root, call) for call in found)

    def roots(self, start: str = "") -> list[str]:
        names = [start] if is_root_id(start) else sorted(name for name in self._names() if name.startswith(start))
        return list(filter(self._is_task, names))

    def changed(self, since: float) -> list[str]:
        found, tasks = [], str(self._tasks)
        for root in self._names():
            with contextlib.suppress(OSError):  # deleted meanwhile, or made right now
                if os.stat(f"{tasks}/{root}/journal.jsonl").st_mtime >= since:  # noqa: PTH116  (a third of the time)
                    found.append(root)
        return sorted(found)

    def changes(self) -> Changes:
        return changes.Changes(self._folder)

    def newest_first(self, states: Collection[str] = ()) -> Newest:
        names = cache(partial(self._names, hidden=True))
        found = self._in_states(states, names) if states else None
        if found is None:  # hidden ones come last, so they are passed over only if they are reached
            found = Newest(len(names()), (name for name in _descending(names()) if name[0] != "."))
        return found._replace(ids=filter(self._is_task, found.ids))

    def _in_states(self, states: Collection[str], names: Callable[[], list[str]]) -> Newest | None:
        return indexed.in_states(self._folder, states, names, self._state_at_rest)

    def _state_at_rest(self, root: str) -> str | None:
        record = None if self._has_file(root, "holder") else self.record(root)
        return None if record is None else str(record.get("state"))

    def record(self, root: str) -> JsonObject | None:
        written = self._published_body(root)
        return None if written is None else _record_in(written)

    def published(self, root: str) -> Published | None:
        written = self._published_body(root)
        if written is None:
            return None
        data = written["data"] if "data" in written else self._document(root, written.get("data_sum"))
        return Published(_record_in(written), data) if isinstance(data, dict) else None

    def _published_body(self, root: str) -> JsonObject | None:
        """What `task.json` holds, if it was made from the journal as it is now."""
        folder = self._tasks / root
        try:
            written = reload((folder / "task.json").read_bytes())
            current = (folder / "journal.jsonl").stat().st_size
        except (OSError, ValueError):
            return None
        return written if isinstance(written, dict) and written.get("journal_bytes") == current else None

    def _document(self, root: str, data_sum: Json) -> Json:
        try:
            text = (self._tasks / root / "data.json").read_bytes()
            # Because neither file is synced, and a run may replace both between the two reads.
            return reload(text) if checksum(text) == data_sum else None
        except (OSError, ValueError):
            return None

    def size(self, root: str) -> int:
        size = _bytes_in(self._existing(root))
        self._existing(root)  # else it was deleted meanwhile, and the size is of a part
        return size

    def post(self, root: str, body: JsonObject) -> str:

        # Names sort by time, so that requests are carried out in the order they were made.
        name = f"{time.time_ns():020}-{os.getpid()}-{os.urandom(3).hex()}.json"
        while True:
            folder = self._existing(root)
            inbox = folder / "inbox"
            atomic.refuse_links(self._tasks, folder, inbox)
            with refusing(inbox, "made"):
                inbox.mkdir(mode=0o700, exist_ok=True)
            try:
                atomic.replace_file(inbox / name, dumps(body).encode(), durable=self._fsync)
            except StoreError:
                if inbox.exists():
                    raise
                continue  # a claim that was being closed has removed it, because it was still empty
            with refusing(inbox, "written"):
                self._sync(folder)
            return name

    def is_waiting(self, root: str, request: str) -> bool:
        return (self._existing(root) / "inbox" / request).exists()

    def due(self, *_: object, **__: object) -> None:
        """None: a worker reads the records."""

    def waiting(self, root: str | None = None) -> list[Waiting]:
        del root
        return []

    def sweep(self) -> None:
        import shutil

        indexed.drop_index(self._folder)
        for name in self._names(hidden=True):
            folder = self._tasks / name
            if folder.is_symlink() and name.startswith("."):
                folder.unlink(missing_ok=True)
            elif name.startswith(".") or (not self._is_task(name) and _age(folder) > _ABANDONED):
                shutil.rmtree(folder, ignore_errors=True)
        for path in (*self._folder.glob(".*.new"), *self._notes.glob(".*.new")):
            if _age(path) > _ABANDONED:
                path.unlink(missing_ok=True)

    def _names(self, *, hidden: bool = False) -> list[str]:
        try:
            names = os.listdir(self._tasks)  # noqa: PTH208  (it takes a fifth less time for very many)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise refused(self._tasks, "read", error) from error
        return names if hidden else [name for name in names if name[0] != "."]

    def _is_task(self, name: str) -> bool:
        """A folder with neither file is being made, or was when the program was killed; one without journal lost it."""
        return self._has_file(name, "journal.jsonl") or self._has_file(name, "task.json")

    def _has_file(self, name: str, file: str) -> bool:
        try:
            return S_ISREG(os.stat(f"{self._tasks}/{name}/{file}").st_mode)  # noqa: PTH116  (a third of the time)
        except ValueError:  # no file has such a name
            return False
        except OSError as error:
            # For any other reason reading it raises that reason, and the other tasks can be read.
            return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

    def _existing(self, root: str) -> Path:
        if not self._is_task(root):
            raise no_such_task(root)
        return self._tasks / root

    def _prepare(self) -> None:
        if not self._tasks.exists():
            # One by one, because parents that are made along the way would be open to all.
            dotfolder.prepare_folder(self._folder, durable=self._fsync)
            dotfolder.make_folder(self._tasks, durable=self._fsync)
        atomic.refuse_links(self._tasks)

    def _sync(self, *folders: Path) -> None:

        for folder in folders if self._fsync else ():
            atomic.sync_folder(folder)


def _descending(names: list[str]) -> Iterator[str]:
    """Names in descending order. The first ones come without sorting all."""
    import heapq

    first = heapq.nlargest(_PAGE, names)
    yield from first
    if len(first) < len(names):
        yield from sorted(names, reverse=True)[_PAGE:]


def _record_in(written: JsonObject) -> JsonObject:
    return {key: value for key, value in written.items() if key not in _ENVELOPE}


def _bytes_in(folder: Path | str) -> int:
    """The bytes of the files below a folder. A file that is removed meanwhile counts as none."""
    size = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                size += _bytes_in(entry.path) if entry.is_dir(follow_symlinks=False) else entry.stat().st_size
    return size


def _age(path: Path) -> float:
    """Seconds since a file, or the names in a folder, changed; 0 if it is gone."""

    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
