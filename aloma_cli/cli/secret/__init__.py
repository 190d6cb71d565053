"""`aloma secret …`"""

import typer

from aloma_cli.cli.secret.delete import delete
from aloma_cli.cli.secret.list import list_secrets
from aloma_cli.cli.secret.set import set_value

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Keep keys and passwords for the steps, and out of every record."
)
app.command("set")(set_value)
app.command("list")(list_secrets)
app.command("delete")(delete)
