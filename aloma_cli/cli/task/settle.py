"""`aloma task settle`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.api.task import read_tree
from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Request
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task.call_number import call_number
from aloma_cli.cli.task.requests import json_or_text, request_and_run
from aloma_cli.cli.task.task_id import task_id_of
from aloma_cli.cli.workspaces import open_records
from aloma_cli.engine.unsettled import unknown_call, which_unsettled
from aloma_cli.errors import InputError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject


def settle(
    task: options.TaskId = None,
    call: Annotated[str | None, Argument("CALL", "The number of the call.")] = None,
    done: Annotated[str | None, Option(("--done",), "It was carried out, with this answer.", "VALUE")] = None,
    failed: Annotated[str | None, Option(("--failed",), "It failed, for this reason.", "REASON")] = None,
    again: Annotated[bool, Option(("--again",), "It was not carried out: send it again.")] = False,
    *,
    running: Request,
) -> int:
    """
    \b
    Examples:
      aloma task settle @last 4 --done '{"id": 17}'
      aloma task settle @last 4 --again

    A call that must not be sent twice is never repeated automatically. If its outcome is
    unknown, its firing waits for this command. `aloma task show` lists such calls.
    Prints and exits as `task new`.
    """
    home = open_records(running.workspace)[0]
    # One number alone is a call: no task has such an id.
    alone = call is None and task is not None and task.isdecimal() and not task.startswith("0")
    task_id = task_id_of(home, None if alone else task, "settle", f" {task if alone else 'CALL'} --again")
    tree = read_tree(home.store, root_of(task_id))
    if call is None:
        hint = which_unsettled(tree, tree.tasks[task_id])
        raise InputError("`aloma task settle` needs the number of a call after the task", hint=hint)
    number = call_number(call)
    unknown_call(tree, tree.tasks[task_id], number)  # before the message asks how it ended
    request = {"kind": "settle", "call": number, **_outcome(done, failed, again=again)}
    return request_and_run(running, task_id, request)


def _outcome(done: str | None, failed: str | None, *, again: bool) -> JsonObject:
    given: list[JsonObject] = [{"done": json_or_text(done)}] if done is not None else []
    given += [{"failed": failed}] if failed is not None else []
    given += [{"again": True}] if again else []
    if len(given) != 1:
        raise InputError("say how the call ended", hint="use one of --done VALUE, --failed REASON, --again")
    return given[0]
