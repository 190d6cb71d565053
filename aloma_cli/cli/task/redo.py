"""`aloma task redo`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.option_groups import spelled_out
from aloma_cli.cli.output_options import Telling
from aloma_cli.cli.task.requests import NoRun, ask_of
from aloma_cli.cli.task.which import named

if TYPE_CHECKING:
    from aloma_cli.content.step import Step
    from aloma_cli.jsontext import JsonObject


@spelled_out(telling=Telling, flags=model_flags)
def redo(
    task: options.TaskId = None,
    step: Annotated[str | None, typer.Argument(metavar="STEP", help="The step's name.")] = None,
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
    from aloma_cli.cli.workspaces import load_workspace, open_records

    task_id = named(open_records(workspace)[0], task if step is not None else None, "redo", " STEP")
    home = load_workspace(workspace, flags)
    wanted = home.step(step or "")
    if not telling.quiet:
        _tell_what_is_missing(wanted, home.task(task_id).data)
    ask_of(workspace, flags, task_id, {"kind": "redo", "step": wanted.name}, telling, no_run=no_run, home=home)


def _tell_what_is_missing(step: Step, document: JsonObject) -> None:
    from aloma_cli.cli.output import say
    from aloma_cli.engine.rest import nearest_misses
    from aloma_cli.view.entries import explained

    for line in explained(nearest_misses([step], document), ()):
        say(f"aloma: its condition does not hold; it fires when it does ({line})")
