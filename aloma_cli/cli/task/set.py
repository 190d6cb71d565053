"""`aloma task set`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.option_groups import spelled_out
from aloma_cli.cli.output_options import Telling
from aloma_cli.cli.task.requests import NoRun, ask_of, assignment
from aloma_cli.cli.task.which import named


@spelled_out(telling=Telling, flags=model_flags)
def set_values(
    task: options.TaskId = None,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="PATH=VALUE…", help="What to write; JSON, else taken as text.")
    ] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="PATH", help="What to remove first.")] = None,
    no_run: NoRun = False,
    *,
    flags: Any,
    telling: Telling,
    workspace: options.Workspace = None,
) -> None:
    """Write into a task's document; the task runs on.

    \b
    Examples:
      aloma task set @last approval.granted=true
      aloma task set 01jd3k 'order.items=["a", "b"]' --unset order.hold
      aloma task set 01jd3k --unset '$errors.research/agent'      a failed step fires again

    A task that runs in another process is written to there. Prints and exits as `task new`.
    """
    from aloma_cli.cli.workspaces import open_records
    from aloma_cli.errors import InputError

    task_id = named(open_records(workspace)[0], task, "set", " PATH=VALUE")
    if not values and not unset:
        raise InputError("there is nothing to set", hint="run `aloma task set ID path=value`")
    request = {"kind": "set", "set": [assignment(text) for text in values or ()], "unset": unset or []}
    ask_of(workspace, flags, task_id, request, telling, no_run=no_run)
