"""A tree as one file: the lines of its journal, byte for byte, and a last line that vouches for them.

    {"export":1,"lines":214}

Each line of a journal has a checksum and a number, so nothing else is needed to find damage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.api.resume import publish
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import InputError, JournalDamagedError, StoreError
from aloma_cli.ids import is_root_id, new_task_id, root_of
from aloma_cli.jsontext import Json, dumps, reload
from aloma_cli.record.codec import BrokenLineError, UnknownLineError, decode, renamed
from aloma_cli.record.repeats import Earlier

if TYPE_CHECKING:
    from aloma_cli.clock import Clock
    from aloma_cli.redact import Redactor
    from aloma_cli.store.protocol import Store

VERSION = 1

_DAMAGED = "export the task again, or copy the file again"
_NEWER = "update aloma: a newer version wrote it"


class Archive(NamedTuple):
    """The root of a tree, and the lines of its journal."""

    root: str
    lines: Sequence[bytes]


def exported(store: Store, root: str) -> Iterator[bytes]:
    """The lines of an exported tree. Raises NotFoundError, JournalDamagedError, StoreError."""
    count = 0
    for line in store.lines(root):
        count += 1
        yield line
    yield f"{dumps({'export': VERSION, 'lines': count})}\n".encode()


def read_archive(lines: Iterable[bytes], name: str) -> Archive:
    """The tree of an exported file, called `name` in errors.

    Raises InputError for another file, StoreError for a damaged one and for one of a newer program.
    """
    *journal, last = [*lines] or [b""]
    count = _batch_count(last, name)
    tree, earlier, root = WorkingTree(), Earlier(), ""
    for number, line in enumerate(journal, 1):
        place = f"line {number} of {name}"
        try:
            batch = decode(line, earlier)
        except BrokenLineError as error:
            raise _damaged(place, str(error)) from None
        except UnknownLineError as error:
            raise StoreError(f"{place} cannot be read: {error}", hint=_NEWER) from None
        root = root or (root_of(batch.events[0].task) if batch.events else "")
        if batch.seq != number - 1 or any(root_of(event.task) != root for event in batch.events):
            raise _damaged(place, "it does not belong there")
        earlier.learn(batch)
        tree.take(replace(batch, damaged=partial(_damaged, place)))
    if count != len(journal):
        raise _damaged(name, f"it has {len(journal):,} lines, and {count} were written")
    if not is_root_id(root) or tree.root_id != root:
        raise _damaged(name, "it has no task")
    return Archive(root, journal)


def restored(store: Store, archive: Archive, clock: Clock, redactor: Redactor, *, as_new: bool = False) -> str:
    """Put a tree into a store, with a new id if `as_new`; returns its id.

    Raises InputError if the task exists, StoreError if the store refuses it, or if it has a secret of the workspace.
    """
    root, lines = archive
    if as_new:
        root = new_task_id(clock.now())
        lines = [renamed(line, archive.root, root) for line in lines]
    elif root in store.roots(root):
        raise InputError(f"task {root} already exists", hint="use --as-new to import it with another id")
    for number, line in enumerate(lines, 1):
        text = line.decode(errors="replace")
        if redactor and redactor.text(text) != text:
            hint = "export it from a workspace that knows the secret"
            raise StoreError(f"line {number} has the value of a secret of this workspace", hint=hint)
    with closing(store.restore(root, lines)) as claim:
        publish(claim, clock)
    return root


def _batch_count(line: bytes, name: str) -> Json:
    try:
        end = reload(line)
    except ValueError:
        end = None
    if line.startswith(b'{"seq":'):
        raise JournalDamagedError(f"{name} is damaged: its end is missing", hint=_DAMAGED)
    if not isinstance(end, dict) or "export" not in end:
        raise InputError(f"{name} is not an exported task", hint="make one: aloma task export ID -o FILE")
    if end["export"] != VERSION:
        raise StoreError(f"{name} has version {end['export']}, and this program reads version {VERSION}", hint=_NEWER)
    return end.get("lines")


def _damaged(place: str, why: str) -> JournalDamagedError:
    return JournalDamagedError(f"{place} is damaged: {why}", hint=_DAMAGED)
