"""Going back to the last good line of a damaged journal. A copy of the damaged one is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aloma_cli.errors import JournalDamagedError
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import decode_readable
from aloma_cli.store.files.atomic import private, sync_folder
from aloma_cli.store.files.claim import lock_folder
from aloma_cli.store.files.journal import read_journal
from aloma_cli.store.files.os_errors import refusing
from aloma_cli.store.files.states import note_change
from aloma_cli.store.protocol import Salvage


def salvage(folder: Path, take: Callable[[Batch], object], *, fsync: bool) -> Salvage | None:
    """Recover the journal of a task as `Store.salvage` says."""
    lock = lock_folder(folder)
    try:
        note_change(folder)
        found = _salvage_journal(folder / "journal.jsonl", take)
        with refusing(folder, "written"):
            if fsync:
                sync_folder(folder)
        return found
    finally:
        note_change(folder)  # an index may have been made meanwhile
        lock.release()


def _salvage_journal(path: Path, take: Callable[[Batch], object]) -> Salvage | None:
    """Cut a journal off before its first damaged line. Returns None, and does nothing, if no line is damaged.

    A line that `take` refuses is damaged too. Raises JournalDamagedError if it is the first line.
    """
    size = kept = 0
    try:
        for batch, end in read_journal(path):
            take(batch)
            size, kept = end, batch.seq + 1
    except JournalDamagedError:
        if not kept:
            raise
    else:
        return None
    with refusing(path, "read"):
        damaged = path.read_bytes()
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    _write_new(aside, damaged)
    good = path.with_name(f".{path.name}.good")
    _write_new(good, damaged[:size])
    with refusing(path, "replaced"):
        good.replace(path)
    lost = damaged[size:].removesuffix(b"\n").split(b"\n")
    return Salvage(kept=kept, lost=len(lost), readable=tuple(decode_readable(lost)), aside=str(aside))


def _write_new(path: Path, data: bytes) -> None:
    with refusing(path, "written"):
        path.unlink(missing_ok=True)  # an attempt that was killed may have left one
        with open(path, "xb", opener=private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
