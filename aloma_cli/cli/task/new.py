"""`aloma task new`"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from aloma_cli.api.orders import limiting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Limits, Models
from aloma_cli.cli.output_options import Output
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.run import queued, run_and_show
from aloma_cli.cli.task_data import read_data
from aloma_cli.cli.workspaces import load_workspace


def new(
    name: Annotated[str, Argument("NAME", "The name of the task.")],
    data: Annotated[str | None, Option(("-d",), "The task's data, a JSON object.", "JSON|@FILE|-")] = None,
    file: Annotated[str | None, Option(("--file", "-f"), "A .json or .yaml file with the data.", "FILE|-")] = None,
    tag: Annotated[list[str] | None, Option(("--tag",), "A tag; may be repeated.", "TAG")] = None,
    wait: options.Wait = False,
    queue: options.Queue = False,
    dry_run: Annotated[
        bool, Option(("--dry-run",), "Show which steps would fire first and what their calls cost.")
    ] = False,
    workspace: options.Workspace = None,
    *,
    output: Output,
    limits: Limits,
    models: Models,
) -> int:
    """
    \b
    Examples:
      aloma task new "Greeting" -d '{"name": "Ada"}'
      aloma task new "Research" -f examples/research.json
      curl -s https://example.com/order | aloma task new "Order" -d -
      aloma task new "Research" -f examples/research.json --json | jq .data

    Prints the task's id on stdout, and the progress on stderr. --json prints the whole
    record instead of the id, --data the document.
    Exit codes: 0 done, 1 error, 5 limit reached, 6 ended without reaching its goal,
    8 waiting, 130 interrupted.
    """
    document = read_data(data, file)
    home = load_workspace(workspace, models)
    if dry_run:
        from aloma_cli.cli.dry_run import show_dry_run  # few commands need it

        return show_dry_run(home, document, as_json=output.as_json)
    notice = home.choice().notice
    claim, created = home.create(name, document, tags=tag or ())
    if queue:
        wanted = limiting({**home.loaded.config.limits.budget, **limits})
        return queued(home, leave_to_worker(home, claim.root, wanted, claim), output, wait=wait)
    work = partial(home.start_created, claim, created, limits=limits, wait=wait)
    return run_and_show(home, claim.root, work, output, notice=notice, wait=wait)
