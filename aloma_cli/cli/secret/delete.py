"""`aloma secret delete`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Argument
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.secrets import delete_secret


def delete(
    name: Annotated[str, Argument("NAME", "The name of the secret.", "secret")],
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma secret delete CRM_TOKEN
    """
    delete_secret(find_workspace(workspace, Path.cwd()), name)
    say(f"aloma: {name} is deleted")
    return exit_codes.DONE
