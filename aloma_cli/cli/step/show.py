"""`aloma step show`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import put, put_json
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.step.describe import step_named, step_record
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.condition.describe import written
from aloma_cli.jsontext import pretty


def show(
    name: Annotated[str, Argument("NAME", "The name of the step.", "step")],
    as_json: Annotated[bool, Option(("--json",), "Print the step as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma step show research/synthesis
      aloma step show research/synthesis --json | jq .condition
    """
    step = step_named(load_workspace(workspace).steps, name)
    record = step_record(step)
    if as_json:
        put_json(record)
        return exit_codes.DONE
    put(record["name"])
    if record["summary"]:
        put(f"  {record['summary']}")
    for label in ("source", "enabled", "priority", "rearm", "withdraw", "timeout", "retry", "specificity"):
        if record[label] not in (None, False):
            put(f"  {label:<12}{record[label]}")
    put(f"  parameters  {', '.join(record['asks_for']) or 'none'}")
    put("  condition")
    put("".join(f"    {line}\n" for line in written(step.condition.pattern, pretty).splitlines()).rstrip("\n"))
    return exit_codes.DONE
