"""`aloma step show`"""

from __future__ import annotations

from typing import Annotated

import typer

from aloma_cli.cli import options
from aloma_cli.cli.step.describe import step_record


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The step's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the step as JSON.")] = False,
    workspace: options.Workspace = None,
) -> None:
    """Show a step: when it fires, what it asks for, where it stands.

    \b
    Examples:
      aloma step show research/synthesis
      aloma step show research/synthesis --json | jq .condition
    """
    from aloma_cli.cli.output import put, put_json
    from aloma_cli.cli.workspaces import load_workspace
    from aloma_cli.jsontext import pretty

    record = step_record(load_workspace(workspace).step(name))
    if as_json:
        put_json(record)
        return
    put(record["name"])
    if record["summary"]:
        put(f"  {record['summary']}")
    for label in ("source", "enabled", "priority", "rearm", "withdraw", "timeout", "retry", "specificity"):
        if record[label] not in (None, False):
            put(f"  {label:<12}{record[label]}")
    put(f"  asks for    {', '.join(record['asks_for']) or 'nothing'}")
    put("  condition")
    put("".join(f"    {line}\n" for line in pretty(record["condition"]).splitlines()).rstrip("\n"))
