"""The task that a command is about, where its id may be left out."""

from __future__ import annotations

import shlex
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


def task_id_with(home: Records, task: str | None, second: str | None, command: str, name: str) -> str:
    """As `task_id_of`, for a command with a second argument, called `name`.

    One argument alone is a task. If there is no such task, it is most likely the second one.
    """
    if task is None or second is not None:
        return task_id_of(home, task, command, f" {name}")
    try:
        home.find(task)
    except NotFoundError:
        if task[:1] in "@0123456789":  # it looks like a task
            raise
        hint = f"run `aloma task {command} {LAST} {shlex.quote(clean(task))}` for the last task"
        raise InputError(f"`aloma task {command}` needs a task and {name}", hint=hint) from None
    raise InputError(f"`aloma task {command}` needs {name}", hint=f"run `aloma task {command} {task} {name}`")
