"""`aloma trigger list`"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import tell_all
from aloma_cli.cli.output import put_json, result, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.table import put_table
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.clock import to_iso
from aloma_cli.errors import AlomaError
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.triggers import TriggerConfig
from aloma_cli.triggers.cron import Cron
from aloma_cli.triggers.trigger import Trigger
from aloma_cli.triggers.triggers import opened
from aloma_cli.view.tables import Column

_COLUMNS = (
    Column("trigger"),
    Column("kind"),
    Column("on"),
    Column("next", "time"),
    Column("last", "time", dispensable=True),
    Column("last task", "id", dispensable=True),
    Column("errors", "count"),
    Column("last error", dispensable=True),
)


def list_triggers(
    as_json: Annotated[bool, Option(("--json",), "Print the triggers as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma trigger list
      aloma trigger list --json | jq -r '.[] | select(.error).name'

    Lists the triggers of aloma.yaml: when each fires next, the last task that it made,
    and how often it failed to make one.
    """
    home = load_workspace(workspace)
    problems: list[AlomaError] = []
    records = [_trigger_record(home, config, problems.append) for config in home.loaded.config.triggers]
    if as_json:
        put_json(records)
    else:
        put_table(_COLUMNS, map(_trigger_row, records))
        if not records and result().isatty():
            say("no triggers yet; write them under `triggers:` in aloma.yaml")
    return tell_all(problems)


def _trigger_record(home: Workspace, config: TriggerConfig, wrong: Callable[[AlomaError], object]) -> JsonObject:
    """What is known of a trigger; `wrong` gets what keeps it from running."""
    noted, coming, problem = Trigger(home, config).read(), None, None
    try:
        source = opened(home, config)
        coming = to_iso(source.next(home.clock.now())) if isinstance(source, Cron) else None
    except AlomaError as error:
        wrong(error)
        problem = str(error)
    return {
        "name": config.name,
        "kind": config.kind,
        "on": _on(config),
        "next": coming,
        "last_at": noted.get("last_at"),
        "last_task": noted.get("last_task"),
        "errors": noted.get("errors", 0),
        "error": noted.get("error"),
        "problem": problem,
    }


def _on(config: TriggerConfig) -> str:
    said = config.said
    match config.kind:
        case "cron":
            return f"{said['at']} ({said.get('timezone', 'UTC')})"
        case "files":
            return f"{said['folder']}/{said.get('match', '*')}"
        case "webhook":
            return f"POST /hooks/{config.name}"
    filters = [f"{name} {said[name]}" for name in ("tag", "name") if name in said]
    return ", ".join([*said.get("state", ("done",)), *filters])


def _trigger_row(record: JsonObject) -> list[Any]:
    last = record["error"]["message"] if record["error"] else None
    return [
        *(record[key] for key in ("name", "kind", "on", "next", "last_at", "last_task")),
        record["errors"] or None,
        last,
    ]
