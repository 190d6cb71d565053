"""The unit that is written to a record at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from aloma_cli.errors import JournalDamagedError
from aloma_cli.record.events import Event
from aloma_cli.values import dataclass


def _damaged(why: str) -> JournalDamagedError:
    return JournalDamagedError(f"the record is damaged: {why}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that were committed as one. `seq` counts the batches of a tree from 0.

    `damaged` makes the error, with the place, for a batch that does not follow from those before it.
    """

    seq: int
    events: tuple[Event, ...]
    damaged: Callable[[str], JournalDamagedError] = field(default=_damaged, compare=False, repr=False)
