"""`aloma step list`"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.output import result
from aloma_cli.cli.step.describe import NO_STEPS, step_record

if TYPE_CHECKING:
    from aloma_cli.content.step import Step


def list_steps(
    as_json: Annotated[bool, typer.Option("--json", help="Print the steps as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> None:
    """List the steps, in the order in which they start when several may.

    \b
    Examples:
      aloma step list
      aloma step list --json | jq -r '.[].name'

    Files that cannot be used are reported on stderr, and the command exits with 3.
    """
    from aloma_cli.cli.exit_codes import code_of_error, tell
    from aloma_cli.cli.output import put_json, say
    from aloma_cli.cli.workspaces import load_workspace

    home = load_workspace(workspace)
    steps = home.ordered_steps()
    if as_json:
        put_json([step_record(step) for step in steps])
    else:
        _print(steps)
    if not steps and not home.loaded.broken and result().isatty():
        say(NO_STEPS)
    for error in home.loaded.broken:
        tell(error)
    if home.loaded.broken:
        raise typer.Exit(code_of_error(home.loaded.broken[0]))


def _print(steps: list[Step]) -> None:
    from aloma_cli.clock import SystemClock
    from aloma_cli.view.tables import Column, write_table

    columns = (
        Column("step"),
        Column("priority", "count"),
        Column("specificity", "count"),
        Column("options"),
        Column("about"),
    )
    write_table(columns, map(_row, steps), result(), environ=os.environ, clock=SystemClock())


def _row(step: Step) -> list[Any]:
    marks = [] if step.enabled else ["disabled"]
    if step.rearm != "edge":
        marks.append(f"rearm={step.rearm}")
    if step.withdraw:
        marks.append("withdraw")
    if step.retry is not None:
        marks.append(f"{step.retry.times} tries")
    if step.timeout is not None:
        marks.append(f"timeout {step.timeout:g}s")
    return [step.name, step.priority or None, step.condition.specificity, marks, step.content.summary]
