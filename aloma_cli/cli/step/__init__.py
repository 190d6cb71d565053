"""`aloma step …`"""

import typer

from aloma_cli.cli.step.list import list_steps
from aloma_cli.cli.step.show import show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the steps (agents) of the workspace.")
app.command("list")(list_steps)
app.command("show")(show)
