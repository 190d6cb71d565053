"""`aloma task …`"""

import typer

from aloma_cli.cli.task.list import list_tasks
from aloma_cli.cli.task.log import log
from aloma_cli.cli.task.new import new
from aloma_cli.cli.task.resume import resume
from aloma_cli.cli.task.show import show
from aloma_cli.cli.task.stop import stop

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Create tasks, watch them, look into them.")
app.command("new")(new)
app.command("list")(list_tasks)
app.command("show")(show)
app.command("log")(log)
app.command("resume")(resume)
app.command("stop")(stop)
