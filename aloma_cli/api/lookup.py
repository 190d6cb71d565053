"""How people name a task: its id, any beginning of it that is unique, `@last`, or `@-2` for the last but one."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from aloma_cli.api.task import read_events
from aloma_cli.errors import JournalDamagedError, NotFoundError
from aloma_cli.ids import is_task_id

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Store

_RECENT = re.compile(r"@(?:last|-([1-9][0-9]{0,5}))")
_SHOWN = 4


def find_task(store: Store, text: str) -> str:
    """The id of the task that `text` names. Raises NotFoundError, also where it names several.

    Raises JournalDamagedError where a subtask may stand behind the damage.
    """
    root, rest = find_root(store, text)
    if not rest:
        return root
    # Also where the record is damaged further on: what can be read can be named.
    events, damage = read_events(store, root)
    return find_subtask({event.task for event in events}, f"{root}.{rest}", damage)


def find_root(store: Store, text: str) -> tuple[str, str]:
    """The id of the root that `text` begins with, and what it says of a subtask after the dot. Raises NotFoundError."""
    recent = _RECENT.fullmatch(text)
    if recent is not None:
        return _recent(store, int(recent[1] or 1), text), ""
    text = text.lower()
    if not is_task_id(text):
        raise NotFoundError(f"{text!r} is no task id", hint="aloma task list shows the ids")
    start, _, rest = text.partition(".")
    return _only(store.roots(start), start), rest


def find_subtask(tasks: Collection[str], text: str, damage: JournalDamagedError | None) -> str:
    """The one of the ids `tasks` that `text`, an id or the beginning of one, names.

    Raises NotFoundError; where there is `damage`, behind which it may stand, that.
    """
    try:
        return text if text in tasks else _only(sorted(task for task in tasks if task.startswith(text)), text)
    except NotFoundError as missing:
        raise damage or missing from None


def _recent(store: Store, back: int, text: str) -> str:
    roots = list(islice(store.newest_first().ids, back))
    if back > len(roots):
        if not roots:
            raise NotFoundError(f"{text} names no task: there are none yet", hint="aloma task new NAME makes one")
        have = "there is only one" if len(roots) == 1 else f"there are only {len(roots)}"
        raise NotFoundError(f"{text} names no task: {have}", hint="aloma task list shows the ids")
    return roots[-1]


def _only(found: list[str], text: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"there is no task {text}", hint="aloma task list shows the ids")
    shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    raise NotFoundError(f"{text} is the beginning of {len(found)} task ids: {shown}", hint="type more of it")
