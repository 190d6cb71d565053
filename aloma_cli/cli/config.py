"""`aloma config`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.option_groups import Models
from aloma_cli.cli.output import hide, put_json
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.table import put_table
from aloma_cli.jsontext import text_or_json
from aloma_cli.loader.config_files import read_user_config, user_config_path
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.origins import origins
from aloma_cli.loader.workspace import redactor_of
from aloma_cli.view.tables import Column

SCHEMA = 1
"""The version of the JSON that is printed."""

_COLUMNS = (Column("setting"), Column("value"))
_ORIGINS = (*_COLUMNS, Column("from"))


def show_config(
    show_origin: Annotated[bool, Option(("--show-origin",), "Also where each value comes from.")] = False,
    as_json: Annotated[bool, Option(("--json",), "Print the settings with their origins as JSON.")] = False,
    workspace: options.Workspace = None,
    *,
    models: Models,
) -> int:
    """
    \b
    Examples:
      aloma config
      aloma config --show-origin
      aloma config --json | jq '.settings[] | select(.origin == "user")'

    An option wins over the environment, that over aloma.yaml of the workspace, and that
    over your own config.yaml. Secrets are hidden. `aloma help config` explains the settings.
    """
    root, user = find_workspace(workspace, Path.cwd()), user_config_path()
    hide(redactor_of(root, os.environ, read_user_config(user)))
    found = origins(root, models, os.environ, user)
    if as_json:
        put_json({"schema": SCHEMA, "settings": [one._asdict() for one in found]})
        return exit_codes.DONE
    columns = _ORIGINS if show_origin else _COLUMNS
    rows = []
    for one in found:
        value = None if one.value is None else text_or_json(one.value)
        rows.append([one.key, value, ": ".join(filter(None, (one.origin, one.place)))][: len(columns)])
    put_table(columns, rows)
    return exit_codes.DONE
