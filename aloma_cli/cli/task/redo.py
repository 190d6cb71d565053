"""`aloma task redo`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.spelled import spelled_out
from aloma_cli.cli.task.requests import NoRun, ask_of
from aloma_cli.cli.telling import Telling

if TYPE_CHECKING:
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.step import Step


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
    wanted = home.step(step)
    if not telling.quiet:
        _tell_what_is_missing(wanted, home.task(task).data)
    ask_of(home, task, {"kind": "redo", "step": wanted.name}, telling, no_run=no_run)


def _tell_what_is_missing(step: Step, document: JsonObject) -> None:
    from aloma_cli.cli.output import say
    from aloma_cli.engine.nearest import nearest_misses
    from aloma_cli.view.tell import explained

    for line in explained(nearest_misses([step], document), ()):
        say(f"aloma: its condition does not hold; it fires when it does ({line})")
