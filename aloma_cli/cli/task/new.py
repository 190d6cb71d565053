"""`aloma task new`"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from aloma_cli.budget import Wish
from aloma_cli.cli import options
from aloma_cli.cli.limits import limit_wishes
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.option_groups import spelled_out
from aloma_cli.cli.output_options import Telling


@spelled_out(telling=Telling, limits=limit_wishes, flags=model_flags)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the task is called.")],
    data: Annotated[
        str | None, typer.Option("-d", metavar="JSON|@FILE|-", help="The task's data, a JSON object.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE|-", help="A .json or .yaml file with the data.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; may be repeated.")] = None,
    *,
    flags: Any,
    limits: dict[str, Wish],
    telling: Telling,
    wait: options.Wait = False,
    workspace: options.Workspace = None,
) -> None:
    """Create a task and run it until nothing is left to do.

    \b
    Examples:
      aloma task new "Greeting" -d '{"name": "Ada"}'
      aloma task new "Research" -f examples/research.json
      curl -s https://example.com/order | aloma task new "Order" -d -
      aloma task new "Research" -f examples/research.json --json | jq .data

    Prints the task's id; --json the whole record, --data the document. What happens meanwhile is shown on stderr.
    Exit codes: 0 done, 1 error, 5 limit reached, 6 short of its goal, 8 waiting, 130 interrupted.
    """
    from aloma_cli.cli.task_data import read_data

    document = read_data(data, file)
    from aloma_cli.cli.run import run_and_tell
    from aloma_cli.cli.workspaces import load_workspace

    home = load_workspace(workspace, flags)
    notice = home.choice().notice
    claim, created = home.create(name, document, tags=tag or ())
    work = partial(home.begin, claim, created, limits=limits, wait=wait)
    run_and_tell(home, claim.root, work, telling, notice=notice, wait=wait)
