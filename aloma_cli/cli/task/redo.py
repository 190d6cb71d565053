"""`aloma task redo`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Limits, Models
from aloma_cli.cli.output import say
from aloma_cli.cli.output_options import Output
from aloma_cli.cli.parameters import Argument
from aloma_cli.cli.step.describe import step_named
from aloma_cli.cli.task.requests import request_and_run
from aloma_cli.cli.task.which import task_id_of
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.engine.rest import nearest_misses
from aloma_cli.view.entries import explained


def redo(
    task: options.TaskId = None,
    step: Annotated[str | None, Argument("STEP", "The name of the step.")] = None,
    no_run: options.NoRun = False,
    wait: options.Wait = False,
    workspace: options.Workspace = None,
    *,
    output: Output,
    limits: Limits,
    models: Models,
) -> int:
    """
    \b
    Examples:
      aloma task redo @last research/synthesis

    Prints and exits as `task new`.
    """
    task_id = task_id_of(open_records(workspace)[0], task if step is not None else None, "redo", " STEP")
    home = load_workspace(workspace, models)
    wanted = step_named(home.steps, step or "")
    missing = explained(nearest_misses([wanted], home.task(task_id).data), ())
    for line in () if output.quiet else missing:
        say(f"aloma: the condition of {wanted.name} does not hold; it fires when it does ({line})")
    request = {"kind": "redo", "step": wanted.name}
    return request_and_run(
        workspace, models, task_id, request, output, limits=limits, no_run=no_run, wait=wait, home=home
    )
