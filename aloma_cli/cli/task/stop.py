"""`aloma task stop`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.api.handover import hand_over
from aloma_cli.api.reader import Records
from aloma_cli.api.session import stop as stop_claimed
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import put, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.task.requests import say_handed, waiting_for
from aloma_cli.cli.task.task_id import task_id_of
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject
from aloma_cli.redact import Redactor


def stop(
    task: options.TaskId = None,
    reason: Annotated[str, Option(("--reason",), "The reason, for the record.", "TEXT")] = "stopped by a person",
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task stop @last
      aloma task stop 01jd3k --reason "wrong data"

    If another process runs the task, that process stops it at once. `aloma task
    resume` continues it from where it was. A subtask that is stopped alone stays
    stopped.
    """
    home, redactor = open_records(workspace)
    task_id = task_id_of(home, task, "stop")
    found = home.task(task_id)
    if found.record["closed"]:
        say(f"aloma: task {task_id} is already closed ({found.state})")
    elif found.state == "stopped":
        say(f"aloma: task {task_id} is already stopped")
    else:
        _stop(home, redactor, workspace, task_id, {"kind": "stop", "task": task_id, "reason": reason})
    put(task_id)
    return exit_codes.DONE


def _stop(home: Records, redactor: Redactor, workspace: str | None, task_id: str, request: JsonObject) -> None:
    """Stop a task here, or in the process that runs it. Only the landing of a subtask in its parent needs the steps."""
    root = root_of(task_id)
    handed = hand_over(home.store, redactor, root, request, waiting=waiting_for(home, root))
    if handed.claim is None:
        say_handed(home, root, handed)
    elif task_id == root:
        stop_claimed(handed.claim, home.clock, redactor, handed.own)
    else:
        try:
            loaded = load_workspace(workspace)
        except BaseException:
            handed.claim.close()
            raise
        loaded.write(handed.claim, task_id, handed.own)
