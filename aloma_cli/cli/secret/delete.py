"""`aloma secret delete`"""

from __future__ import annotations

from typing import Annotated

import typer

from aloma_cli.cli import options


def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The secret's name.")],
    workspace: options.Workspace = None,
) -> None:
    """Forget a secret of this workspace.

    \b
    Examples:
      aloma secret delete CRM_TOKEN
    """
    from pathlib import Path

    from aloma_cli.cli.output import say
    from aloma_cli.loader.layout import find_workspace
    from aloma_cli.loader.secrets import delete_secret

    delete_secret(find_workspace(workspace, Path.cwd()), name)
    say(f"aloma: {name} is deleted")
