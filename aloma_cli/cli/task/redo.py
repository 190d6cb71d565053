"""`aloma task redo`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.spelled import spelled_out
from aloma_cli.cli.task.requests import NoRun, ask_of
from aloma_cli.cli.telling import Telling


@spelled_out(telling=Telling, flags=model_flags)
def redo(
    task: options.TaskId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step's name.")],
    no_run: NoRun = False,
    *,
    flags: Any,
    telling: Telling,
    workspace: options.Workspace = None,
) -> None:
    """Let a step fire once more, at once if its condition holds.

    \b
    Examples:
      aloma task redo @last research/synthesis

    Prints and exits as `task new`.
    """
    from aloma_cli.cli.opening import open_workspace

    home = open_workspace(workspace, flags)
    ask_of(home, task, {"kind": "redo", "step": home.step(step).name}, telling, no_run=no_run)
