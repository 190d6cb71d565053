"""The batches of a tree in the database: each is a line of the journal, with its checksum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import reload
from aloma_cli.record.codec import BrokenLineError, UnknownLineError, decode
from aloma_cli.store.protocol import Kept, no_such_task

if TYPE_CHECKING:
    from aloma_cli.record.batch import Batch
    from aloma_cli.store.postgres.database import Database

_PAGE = 500
"""How many batches are read at a time."""

_FORWARD = "select seq, line from aloma.batch where tree = %s and seq >= %s order by seq limit %s"
_BACK = "select seq, line from aloma.batch where tree = %s and seq <= %s order by seq desc limit %s"


def batches(database: Database, tree: int, root: str, since: int = 0) -> Iterator[Batch]:
    """The batches from number `since` on. The first page is read at once.

    Raises JournalDamagedError for a broken, foreign or missing one, StoreError for one of a newer program.
    """
    page = database.rows(_FORWARD, tree, since, _PAGE)
    if not page and not since:
        raise no_such_task(root)
    return _decoded(database, tree, root, since, page)


def _decoded(database: Database, tree: int, root: str, since: int, page: list[tuple[int, bytes]]) -> Iterator[Batch]:
    while page:
        for number, line in page:
            if number != since:
                raise _damaged(root, since, "it is missing")
            yield _batch(root, number, line)
            since += 1
        page = database.rows(_FORWARD, tree, since, _PAGE) if len(page) == _PAGE else []


def batches_back(database: Database, tree: int, last: int) -> Iterator[Batch]:
    """The batches, newest first, up to one that cannot be read."""
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


def _batch(root: str, number: int, line: bytes) -> Batch:
    try:
        batch = decode(line)
    except BrokenLineError as error:
        raise _damaged(root, number, str(error)) from None
    except UnknownLineError as error:
        place = f"line {number + 1} of task {root}"
        raise StoreError(f"{place} cannot be read: {error}", hint="a newer aloma wrote it: update") from None
    if batch.seq != number:
        raise _damaged(root, number, f"it has number {batch.seq}, and {number} was expected")
    stranger = next((event.task for event in batch.events if root_of(event.task) != root), None)
    if stranger is not None:
        raise _damaged(root, number, f"it belongs to task {stranger}")
    return replace(batch, damaged=partial(_damaged, root, number))


def _damaged(root: str, number: int, why: str) -> JournalDamagedError:
    recover = f"aloma task resume {root} --from-last-good   (keeps the lines before it, and a copy of the others)"
    hint = recover if number else "this journal cannot be recovered"
    return JournalDamagedError(f"line {number + 1} of task {root} is damaged: {why}", hint=hint)
