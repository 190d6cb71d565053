"""`aloma task stop`"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from aloma_cli.cli import options
from aloma_cli.cli.task.which import named
from aloma_cli.ids import root_of

if TYPE_CHECKING:
    from aloma_cli.api.records import Records
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.redact import Redactor


def stop(
    task: options.TaskId = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the record.")] = (
        "stopped by a person"
    ),
    workspace: options.Workspace = None,
) -> None:
    """Stop a task and its subtasks.

    \b
    Examples:
      aloma task stop @last
      aloma task stop 01jd3k --reason "wrong data"

    A task that runs in another process is stopped there, at once. `aloma task resume` continues it from where it was;
    a subtask that is stopped by itself stays stopped.
    """
    from aloma_cli.cli.output import put, say
    from aloma_cli.cli.workspaces import open_records

    home, scrubber = open_records(workspace)
    task_id = named(home, task, "stop")
    found = home.task(task_id)
    if found.record["closed"]:
        say(f"aloma: task {task_id} is closed already ({found.state})")
    elif found.state == "stopped":
        say(f"aloma: task {task_id} is stopped already")
    else:
        _stop(home, scrubber, workspace, task_id, {"kind": "stop", "task": task_id, "reason": reason})
    put(task_id)


def _stop(home: Records, scrubber: Redactor, workspace: str | None, task_id: str, request: JsonObject) -> None:
    """Stop a task, by whoever runs it. None of its steps is loaded, but where a subtask is to land in its parent."""
    from aloma_cli.api.handover import hand_over
    from aloma_cli.api.session import stop as stop_claimed
    from aloma_cli.cli.task.requests import tell_handed, waiting_for
    from aloma_cli.cli.workspaces import load_workspace

    root = root_of(task_id)
    handed = hand_over(home.store, scrubber, root, request, waiting=waiting_for(home, root))
    if handed.claim is None:
        tell_handed(home, root, handed)
    elif task_id == root:
        stop_claimed(handed.claim, home.clock, scrubber, handed.own)
    else:
        with ExitStack() as refused:
            refused.callback(handed.claim.close)
            loaded = load_workspace(workspace)
            refused.pop_all()
        loaded.write(handed.claim, task_id, handed.own)
