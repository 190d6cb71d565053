"""The batches of a tree in the database: each is a line of the journal, with its checksum."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import reload
from aloma_cli.record.codec import BrokenLineError, UnknownLineError, decode
from aloma_cli.record.repeats import BLOCK, Earlier
from aloma_cli.store.protocol import Kept, no_such_task

if TYPE_CHECKING:
    from aloma_cli.record.batch import Batch
    from aloma_cli.store.postgres.database import Database

_PAGE = 500
"""How many batches are read at a time."""

_FORWARD = "select seq, line from aloma.batch where tree = %s and seq >= %s order by seq limit %s"
_BACK = "select seq, line from aloma.batch where tree = %s and seq <= %s order by seq desc limit %s"
_CALLS = (
    "select line from aloma.batch where tree = %s and seq >= %s and seq < %s and position(%s in line) > 0 order by seq"
)
_CALL = b'"event":"call_'
"""What every line contains to which a later line may refer."""


def batches(
    database: Database, tree: int, root: str, since: int = 0, *, page: list[tuple[int, bytes]] | None = None
) -> Iterator[Batch]:
    """The batches from number `since` on. The first page is read at once, unless it is known: all numbers and lines.

    Raises JournalDamagedError for a broken, foreign or missing one, StoreError for one of a newer program.
    """
    if page is not None:
        return (batch for _, batch in _decoded(database, tree, root, since, page, Earlier()))
    return (batch for _, batch in written(database, tree, root, since))


def written(database: Database, tree: int, root: str, since: int = 0) -> Iterator[tuple[bytes, Batch]]:
    """The same, each with its line."""
    page = database.rows(_FORWARD, tree, since, _PAGE)
    if not page and not since:
        raise no_such_task(root)
    earlier = _earlier(database, tree, since) if page else Earlier()
    return _decoded(database, tree, root, since, page, earlier)


def _earlier(database: Database, tree: int, since: int) -> Earlier:
    """What the lines from number `since` on may refer to."""
    earlier = Earlier()
    for (line,) in database.rows(_CALLS, tree, since - since % BLOCK, since, _CALL) if since % BLOCK else ():
        with suppress(BrokenLineError, UnknownLineError):  # who refers to it is damaged as well
            earlier.learn(decode(line, earlier))
    return earlier


def _decoded(
    database: Database, tree: int, root: str, since: int, page: list[tuple[int, bytes]], earlier: Earlier
) -> Iterator[tuple[bytes, Batch]]:
    while page:
        for number, line in page:
            if number != since:
                raise _damaged_line(root, since, "it is missing")
            batch = _batch(root, number, line, earlier)
            earlier.learn(batch)
            yield line, batch
            since += 1
        page = database.rows(_FORWARD, tree, since, _PAGE) if len(page) == _PAGE else []


def batches_back(database: Database, tree: int, last: int) -> Iterator[Batch]:
    """The batches, newest first, up to one that cannot be read; lists in `arguments` may lack their beginnings."""
    while page := database.rows(_BACK, tree, last, _PAGE):
        for number, line in page:
            try:
                yield decode(line)
            except (BrokenLineError, UnknownLineError):
                return
            last = number - 1


def kept_of(database: Database, tree: int, root: str) -> tuple[int, Kept] | None:
    """What was last kept of a tree, and the batches after it; before it how many batches it adds up."""
    rows = database.rows("select seq, state from aloma.kept where tree = %s", tree)
    if not rows:
        return None
    ((seq, state),) = rows
    return seq, Kept(reload(state), batches(database, tree, root, seq))


def _batch(root: str, number: int, line: bytes, earlier: Earlier) -> Batch:
    try:
        batch = decode(line, earlier)
    except BrokenLineError as error:
        raise _damaged_line(root, number, str(error)) from None
    except UnknownLineError as error:
        place = f"line {number + 1} of task {root}"
        raise StoreError(f"{place} cannot be read: {error}", hint="update aloma: a newer version wrote it") from None
    if batch.seq != number:
        raise _damaged_line(root, number, f"it has number {batch.seq}, and {number} was expected")
    stranger = next((event.task for event in batch.events if root_of(event.task) != root), None)
    if stranger is not None:
        raise _damaged_line(root, number, f"it belongs to task {stranger}")
    return replace(batch, damaged=partial(_damaged_line, root, number))


def _damaged_line(root: str, number: int, why: str) -> JournalDamagedError:
    recover = f"aloma task resume {root} --from-last-good   (keeps the lines before it, and a copy of the others)"
    hint = recover if number else "this journal cannot be recovered"
    return JournalDamagedError(f"line {number + 1} of task {root} is damaged: {why}", hint=hint)
