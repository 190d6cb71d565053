"""`aloma task show`"""

from __future__ import annotations

from typing import Annotated

import typer

from aloma_cli.cli import options


def show(
    task: options.LastTask = "@last",
    as_data: options.AsData = False,
    path: Annotated[
        str | None, typer.Option("--path", metavar="a.b.0.c", help="Print one value of the document.")
    ] = None,
    as_json: options.AsJson = False,
    workspace: options.Workspace = None,
) -> None:
    """Show a task: state, agents, subtasks, document.

    \b
    Examples:
      aloma task show
      aloma task show 01jd3k --json | jq .usage
      aloma task show @last --path researchProject.parallelExecution.synthesis
    """
    from aloma_cli.api.records import Records
    from aloma_cli.cli.output import put, put_json, whole_record
    from aloma_cli.cli.task.value import value_at
    from aloma_cli.document.stash import hide_stash

    home = Records.at(workspace)
    found, damage = home.readable(task)
    if path is not None:
        put(value_at(hide_stash(found.data), path, as_json=as_json))
    elif as_data:
        put_json(hide_stash(found.data))
    elif as_json:
        put_json(whole_record(found.record, found.data))
    else:
        from aloma_cli.cli.task.show_text import print_task
        from aloma_cli.ids import root_of
        from aloma_cli.record.states import ACTIVE

        holder = home.store.holder(root_of(found.id)) if found.state in ACTIVE else None
        print_task(found, holder)
    if damage is not None:
        raise damage
