"""Find a task by its id, a unique beginning of it, `@last`, or `@-2` for the last but one."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from aloma_cli.api.task import read_sound_part
from aloma_cli.errors import JournalDamagedError, NotFoundError
from aloma_cli.ids import is_task_id
from aloma_cli.jsontext import first_few

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Store

_RECENT = re.compile(r"@(?:last|-([1-9][0-9]{0,5}))")
_SHOWN = 4
_LIST = "run `aloma task list` for the ids"


def find_task(store: Store, text: str) -> str:
    """The id of the task that `text` names. Raises NotFoundError, also if it names several.

    Raises JournalDamagedError if a subtask of that id may be behind the damage.
    """
    root, rest = find_root(store, text)
    if not rest:
        return root
    # A task can be named even if its record is damaged further on.
    tree, damage = read_sound_part(store, root)
    return find_subtask(tree.tasks, f"{root}.{rest}", damage)


def find_root(store: Store, text: str) -> tuple[str, str]:
    """The id of the root in `text`, and the part for a subtask after the dot. Raises NotFoundError."""
    recent = _RECENT.fullmatch(text)
    if recent is not None:
        return _recent(store, int(recent[1] or 1), text), ""
    text = text.lower()
    if not is_task_id(text):
        raise NotFoundError(f"{text!r} is not a task id", hint=_LIST)
    start, _, rest = text.partition(".")
    return _only(store.roots(start), start), rest


def find_subtask(tasks: Collection[str], text: str, damage: JournalDamagedError | None) -> str:
    """The id among `tasks` that `text` names, an id or the beginning of one.

    Raises NotFoundError, or `damage` if there is any, because the task may be behind it.
    """
    try:
        return text if text in tasks else _only(sorted(task for task in tasks if task.startswith(text)), text)
    except NotFoundError as missing:
        raise damage or missing from None


def _recent(store: Store, back: int, text: str) -> str:
    roots = list(islice(store.newest_first().ids, back))
    if back > len(roots):
        if not roots:
            raise NotFoundError(
                f"there is no task {text}: the workspace has no tasks yet", hint="run `aloma task new NAME` to make one"
            )
        have = "there is only one" if len(roots) == 1 else f"there are only {len(roots)}"
        raise NotFoundError(f"there is no task {text}: {have}", hint=_LIST)
    return roots[-1]


def _only(found: list[str], text: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"there is no task {text}", hint=_LIST)
    shown = first_few(found, _SHOWN)
    raise NotFoundError(f"{len(found)} task ids begin with {text}: {shown}", hint="type more of the id")
