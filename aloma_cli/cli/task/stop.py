"""`aloma task stop`"""

from __future__ import annotations

from typing import Annotated

import typer

from aloma_cli.cli import options


def stop(
    task: options.TaskId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the record.")] = (
        "stopped by a person"
    ),
    workspace: options.Workspace = None,
) -> None:
    """Stop a task and its subtasks for good.

    \b
    Examples:
      aloma task stop @last
      aloma task stop 01jd3k --reason "wrong data"

    A task that runs in another process is stopped there, at once.
    """
    from aloma_cli.cli.opening import load_workspace
    from aloma_cli.cli.output import put, say

    home = load_workspace(workspace)
    found = home.task(task)
    if found.record["closed"]:
        say(f"aloma: task {found.id} is closed already ({found.state})")
    elif home.stop(found.id, reason) is None:
        say("aloma: the process that runs it was asked to stop it")
    put(found.id)
