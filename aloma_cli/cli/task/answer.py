"""`aloma task answer`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.option_groups import spelled_out
from aloma_cli.cli.output_options import Telling
from aloma_cli.cli.task.requests import NoRun, ask_of, json_or_text
from aloma_cli.cli.task.which import named


@spelled_out(telling=Telling, flags=model_flags)
def answer(
    task: options.TaskId = None,
    value: Annotated[
        str | None, typer.Argument(metavar="VALUE", help="The answer: JSON, else text; yes or no for true or false.")
    ] = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="PATH", help="Which question, if there are several.")
    ] = None,
    no_run: NoRun = False,
    *,
    flags: Any,
    telling: Telling,
    workspace: options.Workspace = None,
) -> None:
    """Answer a question that a task asks; the task runs on.

    \b
    Examples:
      aloma task answer @last true
      aloma task answer 01jd3k "next week" --into delivery.date

    Prints and exits as `task new`.
    """
    from aloma_cli.cli.workspaces import open_records

    task_id = named(open_records(workspace)[0], task if value is not None else None, "answer", " VALUE")
    given = {"value": json_or_text(value or ""), "text": value}
    request = {"kind": "answer", **given} | ({"into": into} if into else {})
    ask_of(workspace, flags, task_id, request, telling, no_run=no_run)
