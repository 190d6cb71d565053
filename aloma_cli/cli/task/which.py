"""Which task a command is about, where it may go without an id, and the record that it needs first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aloma_cli.errors import InputError, NotFoundError
from aloma_cli.view.format import clean

if TYPE_CHECKING:
    from aloma_cli.api.records import Records

LAST = "@last"


def named(home: Records, task: str | None, command: str, more: str = "", *, may_be_last: bool = False) -> str:
    """The id of the task that is meant. Raises NotFoundError, and InputError where it is left out.

    `more` are the arguments that follow it. With `may_be_last` a person at a terminal may leave it out.
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
