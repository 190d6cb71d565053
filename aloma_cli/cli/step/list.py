"""`aloma step list`"""

from __future__ import annotations

from typing import Annotated, Any

from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import tell_all
from aloma_cli.cli.output import put_json, result, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.step.describe import NO_STEPS, step_record
from aloma_cli.cli.table import put_table
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.content.step import Step
from aloma_cli.engine.plan import start_order
from aloma_cli.view.tables import Column

_COLUMNS = (
    Column("step"),
    Column("priority", "count"),
    Column("specificity", "count"),
    Column("options"),
    Column("about"),
)


def list_steps(
    as_json: Annotated[bool, Option(("--json",), "Print the steps as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma step list
      aloma step list --json | jq -r '.[].name'

    Invalid step files are reported on stderr, and the command exits with 3.
    """
    home = load_workspace(workspace)
    steps = sorted(home.steps.values(), key=start_order)
    broken = home.loaded.broken
    if as_json:
        put_json([step_record(step) for step in steps])
    else:
        put_table(_COLUMNS, map(_step_row, steps))
    if not steps and not broken and result().isatty():
        say(NO_STEPS)
    return tell_all(broken)


def _step_row(step: Step) -> list[Any]:
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
