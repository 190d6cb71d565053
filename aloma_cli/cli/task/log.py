"""`aloma task log`"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from aloma_cli.cli import options
from aloma_cli.cli.output import result


def log(
    task: options.LastTask = "@last",
    changes: Annotated[bool, typer.Option("--changes", help="What each entry changed in the document.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="What the agents logged.")] = False,
    calls: Annotated[bool, typer.Option("--calls", help="What the agents called.")] = False,
    step: Annotated[
        int | None,
        typer.Option("--step", metavar="N", help="Details of entry N only; all of them unless some are named."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> None:
    """Tell what happened to a task, entry by entry.

    \b
    Examples:
      aloma task log
      aloma task log @last --changes --logs
      aloma task log 01jd3k --step 3
    """
    from aloma_cli.api.records import Records
    from aloma_cli.api.task import read_events
    from aloma_cli.ids import root_of

    home = Records.at(workspace)
    found = home.find(task)
    events, damage = read_events(home.store, root_of(found))
    if as_json:
        from aloma_cli.cli.output import put_json, visible_record
        from aloma_cli.record.codec import to_wire

        put_json([visible_record(to_wire(event)) for event in events if event.task == found])
    else:
        from aloma_cli.clock import SystemClock
        from aloma_cli.view.history import read_history
        from aloma_cli.view.log import Details, write_log

        everything = step is not None and not (changes or logs or calls)
        details = Details(changes=changes or everything, logs=logs or everything, calls=calls or everything, step=step)
        history = read_history(events, found)
        write_log(history, result(), environ=os.environ, clock=SystemClock(), details=details)
    if damage is not None:
        raise damage
