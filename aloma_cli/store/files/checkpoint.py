"""`checkpoint.json`: what the beginning of a journal adds up to. It is used only if the journal matches it.

    {"format":1,"lines":20000,"bytes":9120456,"journal_sum":1562460202,"state":{…},"sum":"0c9e7f11"}

`bytes` and `journal_sum` (CRC-32) are of the journal's first `lines` lines; `sum` is of this line, as in the journal.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from aloma_cli.jsontext import JsonError, JsonObject, dumps, reload
from aloma_cli.store.files.atomic import replace_file
from aloma_cli.store.files.os_errors import refusing

_FORMAT = 1
_NAME = "checkpoint.json"
_TAIL = len(',"sum":"00000000"}\n')
_PIECE = 1 << 20
"""Bytes of a journal that are read at a time."""


class Mark(NamedTuple):
    """The end of a line of a journal: how many lines and bytes lead up to it, and the CRC-32 of these bytes."""

    lines: int = 0
    size: int = 0
    sum: int = 0


START = Mark()
"""The beginning of a journal."""


class Checkpoint(NamedTuple):
    """A state, and the mark up to which it adds the journal up."""

    mark: Mark
    state: JsonObject


def mark_at(journal: Path, lines: int, size: int, since: Mark) -> Mark:
    """The mark after `size` bytes; up to `since` they are as they were. Raises StoreError."""
    with refusing(journal, "read"):
        return Mark(lines, size, _sum_of(journal, since.size, size, since.sum))


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of the task in `folder`. Raises StoreError."""
    mark = checkpoint.mark
    head = {"format": _FORMAT, "lines": mark.lines, "bytes": mark.size, "journal_sum": mark.sum}
    body = dumps({**head, "state": checkpoint.state})[:-1].encode()
    replace_file(folder / _NAME, b'%s,"sum":"%08x"}\n' % (body, crc32(body)))


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint of a task; None if there is none, if it is damaged, or if it is not of this journal."""
    try:
        checkpoint = _parsed((folder / _NAME).read_bytes())
        if checkpoint is None:
            return None
        size, journal = checkpoint.mark.size, folder / "journal.jsonl"
        whole = journal.stat().st_size >= size and _sum_of(journal, 0, size, 0) == checkpoint.mark.sum
    except OSError:
        return None
    return checkpoint if whole else None


def _parsed(text: bytes) -> Checkpoint | None:
    body = text[:-_TAIL]
    if text[-_TAIL:] != b',"sum":"%08x"}\n' % crc32(body):
        return None
    try:
        written = reload(body + b"}")
    except JsonError:
        return None
    match written:
        case {"format": 1, "lines": int(lines), "bytes": int(size), "journal_sum": int(found), "state": dict(state)}:
            return Checkpoint(Mark(lines, size, found), state)
    return None


def _sum_of(journal: Path, start: int, end: int, sum_: int) -> int:
    """The CRC-32 after the bytes from `start` to `end`; `sum_` is that of those before."""
    with journal.open("rb") as file:
        file.seek(start)
        while start < end and (piece := file.read(min(_PIECE, end - start))):
            start, sum_ = start + len(piece), crc32(piece, sum_)
    return sum_
