"""`aloma task watch` and `aloma task wait`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE
from aloma_cli.cli.expectation import code_for, expectation
from aloma_cli.cli.output import say
from aloma_cli.cli.output_options import Output, OutputOptions
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import following, run_and_show
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.engine.working import WorkingTree
from aloma_cli.ids import root_of
from aloma_cli.record.states import ACTIVE


def watch(
    task: options.LastTask = "@last",
    wait: Annotated[bool, Option(("--wait",), "Stay while a question waits for an answer.")] = False,
    workspace: options.Workspace = None,
    *,
    output: Output,
) -> int:
    """
    \b
    Examples:
      aloma task watch
      aloma task watch 01jd3k --events | jq .kind

    Shows the run of a task that another process runs, such as a worker. Ctrl-C ends the
    view, and the task continues. Prints and exits as `task new`.
    """
    return _follow(load_workspace(workspace), task, output, wait=wait)


def wait(
    task: options.LastTask = "@last",
    as_json: options.AsJson = False,
    as_data: options.AsData = False,
    as_result: options.AsResult = False,
    expect: options.Expect = None,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task wait && echo done
      aloma task wait 01jd3k --data
      aloma task wait --expect order.paid=true --result | jq .total

    Waits until a task that another process runs is at rest. Prints and exits as
    `task new`.
    """
    expected = expectation(expect)
    output = OutputOptions(as_json, as_data, as_result, quiet=True)
    home = load_workspace(workspace)
    code = _follow(home, task, output, wait=False)
    found = home.task(task) if expected is not None else None
    return code if found is None or code != DONE else code_for(found.record, found.data, expected)


def _follow(home: Workspace, text: str, output: OutputOptions, *, wait: bool) -> int:
    task_id = home.find(text)
    task = home.task(task_id)
    if task.state not in ACTIVE and not output.quiet:
        say(f"aloma: task {task_id} is at rest: {task.state}")
    # Read once: what is recalled and what is followed must meet without a gap.
    batches = [*home.store.read(root_of(task_id))]
    work = following(home, task_id, output, since=len(batches), wait=wait)
    return run_and_show(home, task_id, work, output, before=WorkingTree.read(batches), wait=wait, follows=True)
