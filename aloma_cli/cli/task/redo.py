"""`aloma task redo`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Request
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Argument
from aloma_cli.cli.step.describe import step_named
from aloma_cli.cli.task.requests import request_and_run
from aloma_cli.cli.task.task_id import task_id_with
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.engine.rest import nearest_misses
from aloma_cli.view.entries import explained


def redo(
    task: options.TaskId = None,
    step: Annotated[str | None, Argument("STEP", "The name of the step.", "step")] = None,
    *,
    running: Request,
) -> int:
    """
    \b
    Examples:
      aloma task redo @last research/synthesis

    Prints and exits as `task new`.
    """
    task_id = task_id_with(open_records(running.workspace)[0], task, step, "redo", "STEP")
    home = load_workspace(running.workspace, running.models)
    wanted = step_named(home.steps, step or "")
    missing = explained(nearest_misses([wanted], home.task(task_id).data), ())
    for line in () if running.output.quiet else missing:
        say(f"aloma: the condition of {wanted.name} does not hold; it fires as soon as it holds ({line})")
    request = {"kind": "redo", "step": wanted.name}
    return request_and_run(running, task_id, request, home)
