"""`aloma task new`"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from aloma_cli.api.once import create_once
from aloma_cli.api.orders import starting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import code_of_task
from aloma_cli.cli.option_groups import Each, OutputOptions, Run
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.run import queued, run_and_show
from aloma_cli.cli.task_data import read_data
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.errors import InputError
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.cli import dry_run as dry_running
    from aloma_cli.cli.task import each as bulk
else:
    dry_running = Later("aloma_cli.cli.dry_run")
    bulk = Later("aloma_cli.cli.task.each")


def new(
    name: Annotated[str, Argument("NAME", "The name of the task.")],
    data: Annotated[str | None, Option(("-d",), "The task's data, a JSON object.", "JSON|@FILE|-")] = None,
    file: Annotated[str | None, Option(("--file", "-f"), "A .json or .yaml file with the data.", "FILE|-")] = None,
    tag: Annotated[list[str] | None, Option(("--tag",), "A tag; may be repeated.", "TAG", offers="tag")] = None,
    key: Annotated[
        str | None,
        Option(("--key",), "If a task with this key exists, show it and make none.", "KEY", part=options.RUN),
    ] = None,
    queue: options.Queue = False,
    dry_run: Annotated[bool, Option(("--dry-run",), "Show which steps would fire first, and their cost.")] = False,
    *,
    each: Each,
    running: Run,
) -> int:
    """
    \b
    Examples:
      aloma task new "Greeting" -d '{"name": "Ada"}'
      aloma task new "Research" -f examples/research.json --json | jq .data
      curl -s https://example.com/order | aloma task new "Order" -d -
      aloma task new "Lead" --each leads.jsonl -j 20 > results.jsonl

    Prints the task's id on stdout, and the progress on stderr. --json prints the whole
    record instead of the id, --data the document.
    --each prints a line of JSON for each task that ends. The same command again
    continues: lines that have ended are skipped, failed ones are tried again.
    Exit codes: 0 done, 1 error, 5 limit reached, 6 ended without reaching its goal,
    8 waiting, 130 interrupted.
    """
    expected = running.expected
    if each.lines is not None:
        _refuse_beside_each(data=data, file=file, key=key, wait=running.wait, queue=queue, dry_run=dry_run)
        return bulk.run_each(
            load_workspace(running.workspace, running.models),
            name,
            each,
            running.output,
            tags=tag or (),
            limits=running.limits,
            expect=expected,
        )
    if each.jobs is not None or each.key_field is not None:
        raise InputError(f"{'-j' if each.jobs is not None else '--key-field'} needs --each")
    document = read_data(data, file)
    home = load_workspace(running.workspace, running.models)
    if dry_run:
        return dry_running.show_dry_run(home, document, as_json=running.output.as_json)
    tags = tag or ()
    made = home.create(name, document, tags=tags) if key is None else create_once(home, key, name, document, tags)
    if isinstance(made, str):
        home.setup.choice()  # so that wrong options are refused here too
        return _existing(home, made, running.output)
    if queue:
        order = starting(home.setup, running.limits, expected)
        return queued(
            home, leave_to_worker(home, made.claim.root, order, made.claim), running.output, wait=running.wait
        )
    work = partial(home.start, made, limits=running.limits, expect=expected, wait=running.wait)
    return run_and_show(home, made.claim.root, work, running.output, notice=made.choice.notice, wait=running.wait)


def _existing(home: Workspace, root: str, output: OutputOptions) -> int:
    task = home.task(root)
    if not output.quiet:
        say(f"aloma: there is a task with this key: {root} ({task.state})")
    output.print(task)
    return code_of_task(task.record)


def _refuse_beside_each(**others: object) -> None:
    for name, value in others.items():
        if value:
            option = "-d" if name == "data" else f"--{name.replace('_', '-')}"
            raise InputError(f"--each and {option} cannot be used together")
