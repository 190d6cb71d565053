"""The journal on disk: torn ends, damage, a full disk."""

from __future__ import annotations

import errno
import io
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.store.files import journal as journal_module
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.files.journal import read_journal
from tests.store.test_stores import AT, created, logged, texts

LINES = [["é"], [], ["b", "c"], ["the last one"]]
"""What is logged, by batch, after the first."""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / ".aloma", fsync=False)


@pytest.fixture
def journal(store: FileStore, tmp_path: Path) -> Path:
    """A small journal that nobody holds."""
    claim = store.create("1", [created()])
    for line in LINES:
        claim.commit([logged(text) for text in line])
    claim.close()
    return tmp_path / ".aloma" / "tasks" / "1" / "journal.jsonl"


def line(record: dict[str, object]) -> bytes:
    """A journal line with a checksum that fits, whatever it contains."""
    body = json.dumps(record, separators=(",", ":"))[:-1].encode()
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


# -- torn ends ---------------------------------------------------------------------------------------------------------


def test_cut_at_any_byte_a_journal_holds_its_whole_lines_and_can_be_gone_on_with(
    store: FileStore, journal: Path
) -> None:
    """The third opening proves that what was written after the repair can be read."""
    whole = journal.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(ends[0], len(whole) + 1):
        journal.write_bytes(whole[:length])
        kept = [[], *LINES][: sum(end <= length for end in ends)]
        assert texts(store) == kept
        claim = store.claim("1")
        assert texts(store) == kept
        claim.commit([logged("after")])
        claim.commit([logged("and on")])
        claim.close()
        again = store.claim("1")
        again.commit([logged("third")])
        again.close()
        assert texts(store) == [*kept, ["after"], ["and on"], ["third"]]


@pytest.mark.parametrize("block", [1, 40, 65_536])
def test_read_from_its_end_a_journal_holds_the_same_lines(
    store: FileStore, journal: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(journal_module, "_BLOCK", block)
    lines = list(store.read("1"))[::-1]
    assert len(lines) > 2
    assert list(store.read_back("1")) == lines
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-1])
    assert list(store.read_back("1")) == lines[1:]
    journal.write_bytes(whole.replace(b'"seq":1', b'"seq":7'))
    assert list(store.read_back("1")) == lines[:-2]


def test_reading_a_torn_journal_leaves_it_as_it_is(store: FileStore, journal: Path) -> None:
    """It may be another process that is just writing there."""
    torn = journal.read_bytes()[:-4]
    journal.write_bytes(torn)
    list(store.read("1"))
    assert journal.read_bytes() == torn


class Growing(io.RawIOBase):
    """A file that is written, piece by piece, while it is read."""

    parent = Path("1")

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def open(self, mode: str) -> Any:
        assert mode == "rb"
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._pieces.pop(0) if self._pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_line_that_is_being_written_while_it_is_read_is_not_damage(journal: Path) -> None:
    """What is read is half of it, then the end of the file, and then the other half."""
    whole = journal.read_bytes()
    for length in range(whole.index(b"\n") + 1, len(whole)):
        growing = cast("Path", Growing(whole[:length], b"", whole[length:]))
        assert len(list(read_journal(growing))) == whole.count(b"\n", 0, length)


def test_zeros_that_a_loss_of_power_left_at_the_end_are_cut_off(store: FileStore, journal: Path) -> None:
    whole = journal.read_bytes()
    for end in (b"\0" * 50, b"\0" * 50 + b'cf3"}\n'):
        journal.write_bytes(whole + end)
        claim = store.claim("1")
        claim.commit([logged("after")])
        claim.close()
        assert texts(store) == [[], *LINES, ["after"]]


def test_a_journal_cut_while_it_was_begun_is_no_task(store: FileStore, journal: Path) -> None:
    """A kill in the middle of `create` must not prevent listing the others."""
    folder = journal.parents[1] / "2"
    (folder / "inbox").mkdir(parents=True)
    assert store.roots() == ["1"]


def test_a_task_appears_whole(store: FileStore, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists while one is created sees no task, or one with its first line."""
    seen: list[tuple[list[str], list[int]]] = []
    write = os.write

    def watched(file: int, data: bytes) -> int:
        done = write(file, data[:10])
        roots = store.roots()
        seen.append((roots, [len(list(store.read(root))) for root in roots]))
        return done

    monkeypatch.setattr(os, "write", watched)
    store.create("2", [created("2")]).close()
    others = len(LINES) + 1
    assert {tuple(counts) for _, counts in seen} == {(others,), (others, 1)}, seen
    assert store.roots() == ["1", "2"]


# -- damage ------------------------------------------------------------------------------------------------------------


def test_any_single_wrong_byte_before_the_last_line_is_refused_naming_the_line(store: FileStore, journal: Path) -> None:
    whole = journal.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for at in range(last):
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        number = whole.count(b"\n", 0, at) + 1
        with pytest.raises(JournalDamagedError, match=rf"line {number} of .*journal\.jsonl"):
            list(store.read("1"))
        with pytest.raises(JournalDamagedError):
            store.claim("1")
    journal.write_bytes(whole)
    assert texts(store) == [[], *LINES], "a refusal changes nothing, and holds no lock"
    store.claim("1").close()


def test_a_missing_line_is_refused_naming_its_place(store: FileStore, journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(JournalDamagedError, match=r"line 3 of .*number 3, and 2 was expected"):
        list(store.read("1"))


def test_a_missing_line_before_the_last_is_refused_too(store: FileStore, journal: Path) -> None:
    """What is whole is not torn: it must not be cut off."""
    lines = journal.read_bytes().splitlines(keepends=True)
    cut = b"".join([*lines[:3], lines[4]])
    journal.write_bytes(cut)
    with pytest.raises(JournalDamagedError, match="line 4"):
        store.claim("1")
    assert journal.read_bytes() == cut


def test_a_line_that_stands_twice_is_refused(store: FileStore, journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[whole.rindex(b"\n", 0, -1) + 1 :])
    with pytest.raises(JournalDamagedError, match="line 6"):
        store.claim("1")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"seq": 5, "events": [{"event": "telepathy", "at": "", "task": "1"}]}, "telepathy"),
        ({"seq": 5, "events": [{"event": "logged", "task": "1"}]}, "at"),
    ],
    ids=["an unknown event", "a field missing"],
)
def test_a_last_line_that_a_newer_program_wrote_is_refused_and_not_cut_off(
    store: FileStore, journal: Path, record: dict[str, object], why: str
) -> None:
    with journal.open("ab") as file:
        file.write(line(record))
    before = journal.read_bytes()
    for ask in (lambda: list(store.read("1")), lambda: store.claim("1")):
        with pytest.raises(StoreError, match=rf"line 6 of .*{why}"):
            ask()
    assert journal.read_bytes() == before


def test_a_journal_of_a_newer_format_is_refused_and_not_cut_off(store: FileStore, journal: Path) -> None:
    journal.write_bytes(line({"seq": 0, "format": 2, "events": []}))
    before = journal.read_bytes()
    with pytest.raises(StoreError, match="format 2"):
        store.claim("1")
    assert journal.read_bytes() == before


def test_the_checksum_can_be_checked_with_any_crc32(journal: Path) -> None:
    for text in journal.read_bytes().splitlines():
        body, _, tail = text.rpartition(b',"sum":')
        assert tail == b'"%08x"}' % zlib.crc32(body)
        json.loads(text)


def test_fields_that_a_newer_program_added_are_passed_over(store: FileStore, journal: Path) -> None:
    with journal.open("ab") as file:
        event = {"event": "logged", "at": AT, "task": "1", "firing": 1, "step": "a", "level": "info", "text": "x"}
        file.write(line({"seq": 5, "events": [{**event, "mood": "good"}]}))
    assert texts(store)[-1] == ["x"]


# -- a disk that refuses -----------------------------------------------------------------------------------------------


def full_after(count: int) -> Callable[[int, bytes], int]:
    """`os.write` of a disk that has room for so many bytes more."""
    write, room = os.write, [count]

    def refuse(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(file, data[: room[0]])
        room[0] -= written
        return written

    return refuse


def test_a_disk_that_fills_up_at_any_byte_leaves_the_journal_as_it_was(store: FileStore, journal: Path) -> None:
    before = journal.read_bytes()
    claim = store.claim("1")
    for room in (0, 1, 20, 100):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", full_after(room))
            with pytest.raises(StoreError, match="No space left") as refusal:
                claim.commit([logged("x" * 200)])
        assert refusal.value.hint
        assert journal.read_bytes() == before
    claim.commit([logged("there is room again")])
    claim.close()
    assert texts(store) == [[], *LINES, ["there is room again"]]


def test_a_sync_that_fails_takes_the_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / ".aloma")
    claim = store.create("1", [created()])

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError):
            claim.commit([logged("lost")])
    claim.commit([logged("kept")])
    assert texts(store) == [[], ["kept"]]


def test_an_interrupt_in_the_middle_of_a_commit_takes_the_line_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, twice, while the disk is slow."""
    store = FileStore(tmp_path / ".aloma")
    claim = store.create("1", [created()])

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            claim.commit([logged("lost")])
    claim.commit([logged("kept")])
    assert texts(store) == [[], ["kept"]]


def test_nothing_is_written_behind_a_line_that_could_not_be_taken_back(
    store: FileStore, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a torn line it would be lost, or damage."""
    claim = store.claim("1")

    def refuse(_: int, __: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_after(20))
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(StoreError):
            claim.commit([logged("torn")])
    with pytest.raises(StoreError):
        claim.commit([logged("behind")])
    claim.close()
    assert texts(store) == [[], *LINES]
    store.claim("1").close()


def test_a_task_that_could_not_be_created_leaves_nothing(store: FileStore, journal: Path) -> None:
    descriptors = Path("/proc/self/fd")
    count = len(list(descriptors.iterdir())) if descriptors.exists() else 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", full_after(10))
        with pytest.raises(StoreError):
            store.create("2", [created("2")])
    assert (store.roots(), [path.name for path in journal.parents[1].iterdir()]) == (["1"], ["1"])
    if descriptors.exists():
        assert len(list(descriptors.iterdir())) == count
    store.create("2", [created("2")]).close()
