"""`aloma task set`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.request_options import Running
from aloma_cli.cli.task.requests import assignment, request_and_run
from aloma_cli.cli.task.which import task_id_of
from aloma_cli.cli.workspaces import open_records
from aloma_cli.errors import InputError


def set_values(
    task: options.TaskId = None,
    values: Annotated[
        list[str] | None, Argument("PATH=VALUE…", "What to write: JSON, else text.", "assignment")
    ] = None,
    unset: Annotated[
        list[str] | None, Option(("--unset",), "What to remove first; may be repeated.", "PATH", offers="place")
    ] = None,
    *,
    running: Running,
) -> int:
    """
    \b
    Examples:
      aloma task set @last approval.granted=true
      aloma task set 01jd3k 'order.items=["a", "b"]' --unset order.hold
      aloma task set 01jd3k --unset '$errors.research/agent'  # fire it again

    If another process runs the task, that process writes it. Prints and exits as
    `task new`.
    """
    task_id = task_id_of(open_records(running.workspace)[0], task, "set", " PATH=VALUE")
    if not values and not unset:
        raise InputError("there is nothing to set", hint="run `aloma task set ID path=value`")
    request = {"kind": "set", "set": [assignment(text) for text in values or ()], "unset": unset or []}
    return request_and_run(running, task_id, request)
