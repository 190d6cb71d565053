"""`aloma task clone`"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.option_groups import spelled_out
from aloma_cli.cli.output_options import Telling
from aloma_cli.cli.task.requests import assignment
from aloma_cli.cli.task.which import named


@spelled_out(telling=Telling, flags=model_flags)
def clone(
    task: options.TaskId = None,
    at: Annotated[
        int | None, typer.Option("--at", metavar="N", help="Its document after entry N of `aloma task log`.")
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="A value to change in the copy.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name for the copy.")] = None,
    *,
    flags: Any,
    telling: Telling,
    wait: options.Wait = False,
    workspace: options.Workspace = None,
) -> None:
    """Make a new task from the document of another, and run it.

    \b
    Examples:
      aloma task clone @last
      aloma task clone 01jd3k --at 3 --set order.total=120

    Subtasks are not copied. Model calls are answered as those of the other task. Prints and exits as `task new`.
    """
    from aloma_cli.api.task import read_tree
    from aloma_cli.cli.run import run_and_tell
    from aloma_cli.cli.workspaces import load_workspace, open_records
    from aloma_cli.ids import root_of

    task_id = named(open_records(workspace)[0], task, "clone")
    home = load_workspace(workspace, flags)
    found, like = home.task(task_id), read_tree(home.store, root_of(task_id))
    notice = home.choice(like).notice
    document = home.document_of(found, at=at, assignments=[assignment(text) for text in values or ()])
    claim, created = home.create(name or found.name, document, tags=found.record["tags"], like=like)
    work = partial(home.begin, claim, created, wait=wait)
    run_and_tell(home, claim.root, work, telling, notice=notice, wait=wait)
