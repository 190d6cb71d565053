"""The task that a command is about, where its id may be left out."""

from __future__ import annotations

import sys

from aloma_cli.api.reader import Records
from aloma_cli.errors import InputError, NotFoundError
from aloma_cli.view.format import clean

LAST = "@last"


def task_id_of(home: Records, task: str | None, command: str, more: str = "", *, may_be_last: bool = False) -> str:
    """The id of the task that `task` names. Raises NotFoundError, and InputError if it is left out.

    `more`: the arguments that follow it. With `may_be_last` it may be left out at a terminal.
    """
    if task is not None:
        return home.find(task)
    try:
        last = home.task(LAST)
    except NotFoundError as error:
        raise InputError(f"`aloma task {command}` needs a task; {error}", hint=error.hint) from None
    if may_be_last and sys.stdin.isatty() and sys.stderr.isatty():
        return last.id
    raise InputError(
        f"`aloma task {command}` needs a task",
        hint=f'run `aloma task {command} {LAST}{more}` for the last one, "{clean(last.name)}" ({last.id})',
    )
