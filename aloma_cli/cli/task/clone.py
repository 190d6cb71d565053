"""`aloma task clone`"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from aloma_cli.api.copies import document_for_copy
from aloma_cli.api.task import read_tree
from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Run
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import run_and_show
from aloma_cli.cli.task.requests import assignment
from aloma_cli.cli.task.task_id import task_id_of
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.ids import root_of


def clone(
    task: options.TaskId = None,
    at: Annotated[int | None, Option(("--at",), "Copy the document after entry N of `aloma task log`.", "N")] = None,
    values: Annotated[
        list[str] | None, Option(("--set",), "A value to change in the copy.", "PATH=VALUE", offers="assignment")
    ] = None,
    name: Annotated[str | None, Option(("--name",), "A new name for the copy.", "NAME")] = None,
    *,
    running: Run,
) -> int:
    """
    \b
    Examples:
      aloma task clone @last
      aloma task clone 01jd3k --at 3 --set order.total=120

    Subtasks are not copied. The copy uses the model server of the original. Prints
    and exits as `task new`.
    """
    expected = running.expected
    task_id = task_id_of(open_records(running.workspace)[0], task, "clone")
    home = load_workspace(running.workspace, running.models)
    found, like = home.task(task_id), read_tree(home.store, root_of(task_id))
    document = document_for_copy(found, at=at, assignments=[assignment(text) for text in values or ()])
    made = home.create(name or found.name, document, tags=found.record["tags"], like=like)
    work = partial(home.start, made, limits=running.limits, expect=expected, wait=running.wait)
    return run_and_show(home, made.claim.root, work, running.output, notice=made.choice.notice, wait=running.wait)
