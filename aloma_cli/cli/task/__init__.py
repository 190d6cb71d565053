"""`aloma task …`"""

import typer

from aloma_cli.cli.task.answer import answer
from aloma_cli.cli.task.clone import clone
from aloma_cli.cli.task.gc import gc
from aloma_cli.cli.task.list import list_tasks
from aloma_cli.cli.task.log import log
from aloma_cli.cli.task.new import new
from aloma_cli.cli.task.redo import redo
from aloma_cli.cli.task.resume import resume
from aloma_cli.cli.task.set import set_values
from aloma_cli.cli.task.show import show
from aloma_cli.cli.task.stop import stop

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Create tasks, watch them, look into them.")
app.command("new")(new)
app.command("list")(list_tasks)
app.command("show")(show)
app.command("log")(log)
app.command("resume")(resume)
app.command("answer")(answer)
app.command("set")(set_values)
app.command("redo")(redo)
app.command("clone")(clone)
app.command("stop")(stop)
app.command("gc")(gc)
