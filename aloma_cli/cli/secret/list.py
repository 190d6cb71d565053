"""`aloma secret list`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import put_json, result, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.table import put_table
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.secrets import files_using, read_secrets
from aloma_cli.view.tables import Column

_COLUMNS = (Column("name"), Column("value from"), Column("set", "time"), Column("used in"))


def list_secrets(
    as_json: Annotated[bool, Option(("--json",), "Print a JSON list, without the values.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma secret list
      aloma secret list --json | jq -r '.[] | select(.from == null).name'

    Lists the secrets of this workspace, and those that aloma.yaml declares.
    """
    secrets = _records(find_workspace(workspace, Path.cwd()))
    if as_json:
        put_json(secrets)
        return exit_codes.DONE
    rows = ([one["name"], one["from"] or "not set", one["set_at"], one["used_in"]] for one in secrets)
    put_table(_COLUMNS, rows)
    if not secrets and result().isatty():
        say("no secrets yet; to set one: aloma secret set NAME")
    return exit_codes.DONE


def _records(root: Path) -> list[JsonObject]:
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
