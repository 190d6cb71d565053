"""`aloma secret list`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from aloma_cli.cli import options
from aloma_cli.cli.output import result
from aloma_cli.jsontext import JsonObject


def list_secrets(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the secrets, without their values, as a JSON list.")
    ] = (False),
    workspace: options.Workspace = None,
) -> None:
    """List the secrets by name, never a value.

    \b
    Examples:
      aloma secret list
      aloma secret list --json | jq -r '.[] | select(.from == null).name'      what is missing

    There are those that are kept here, and those that aloma.yaml declares.
    """
    from aloma_cli.cli.output import put_json, say
    from aloma_cli.loader.layout import find_workspace

    secrets = _records(find_workspace(workspace, Path.cwd()))
    if as_json:
        put_json(secrets)
        return
    _print(secrets)
    if not secrets and result().isatty():
        say("no secrets yet; to keep one: aloma secret set NAME")


def _records(root: Path) -> list[JsonObject]:
    from aloma_cli.loader.config import read_config
    from aloma_cli.loader.secrets import files_using, read_secrets

    stored, declared = read_secrets(root), read_config(root).secrets
    using = files_using(root, sorted({*stored, *declared}))
    return [
        {
            "name": name,
            "from": "environment" if os.environ.get(name) else "workspace" if name in stored else None,
            "set_at": stored[name].set_at if name in stored else None,
            "declared": name in declared,
            "used_in": files,
        }
        for name, files in using.items()
    ]


def _print(secrets: list[JsonObject]) -> None:
    from aloma_cli.clock import SystemClock
    from aloma_cli.view.tables import Column, write_table

    columns = (Column("name"), Column("value from"), Column("set", "time"), Column("used in"))
    rows = ([one["name"], one["from"] or "nowhere yet", one["set_at"], one["used_in"]] for one in secrets)
    write_table(columns, rows, result(), environ=os.environ, clock=SystemClock())
