"""How people name a task: its id, any beginning of it that is unique, `@last`, or `@-2` for the last but one."""

from __future__ import annotations

import re

from aloma_cli.api.task import read_events
from aloma_cli.errors import NotFoundError
from aloma_cli.ids import is_task_id
from aloma_cli.store import Store

_RECENT = re.compile(r"@(?:last|-([1-9][0-9]{0,5}))")
_SHOWN = 4


def find_task(store: Store, text: str) -> str:
    """The id of the task that `text` names. Raises NotFoundError, also where it names several."""
    recent = _RECENT.fullmatch(text)
    if recent is not None:
        return _recent(store, int(recent[1] or 1), text)
    text = text.lower()
    if not is_task_id(text):
        raise NotFoundError(f"{text!r} is no task id", hint="aloma task list shows the ids")
    start, dot, rest = text.partition(".")
    root = _only([root for root in store.roots() if root.startswith(start)], start)
    if not dot:
        return root
    # Also where the record is damaged further on: what can be read can be named.
    tasks = list(dict.fromkeys(event.task for event in read_events(store, root)[0]))
    wanted = f"{root}.{rest}"
    return wanted if wanted in tasks else _only([task for task in tasks if task.startswith(wanted)], wanted)


def _recent(store: Store, back: int, text: str) -> str:
    roots = store.roots()
    if back > len(roots):
        if not roots:
            raise NotFoundError(f"{text} names no task: there are none yet", hint="aloma task new NAME makes one")
        have = "there is only one" if len(roots) == 1 else f"there are only {len(roots)}"
        raise NotFoundError(f"{text} names no task: {have}", hint="aloma task list shows the ids")
    return roots[-back]


def _only(found: list[str], text: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"there is no task {text}", hint="aloma task list shows the ids")
    shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    raise NotFoundError(f"{text} is the beginning of {len(found)} task ids: {shown}", hint="type one character more")
