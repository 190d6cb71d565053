"""`aloma task answer`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aloma_cli.api.inbox import answer_to
from aloma_cli.api.task import Task
from aloma_cli.cli import options
from aloma_cli.cli.asking.who import typed_by
from aloma_cli.cli.exit_codes import code_of_task
from aloma_cli.cli.option_groups import Request, RequestOptions
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task.requests import json_or_text, request_and_run
from aloma_cli.cli.task.task_id import task_id_of, task_id_with
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.jsontext import JsonObject
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.cli.asking import keyboard
    from aloma_cli.cli.asking import round as asking
else:
    keyboard = Later("aloma_cli.cli.asking.keyboard")
    asking = Later("aloma_cli.cli.asking.round")


def answer(
    task: options.TaskId = None,
    value: Annotated[str | None, Argument("VALUE", "The answer: JSON, else text; yes or no for true or false.")] = None,
    into: Annotated[str | None, Option(("--into",), "Which question, if there are several.", "PATH")] = None,
    call: Annotated[int | None, Option(("--call",), "Which call, if several wait for approval.", "N", min=1)] = None,
    *,
    running: Request,
) -> int:
    """
    \b
    Examples:
      aloma task answer
      aloma task answer @last true
      aloma task answer 01jd3k "next week" --into delivery.date
      aloma task answer @last no --call 7

    Without VALUE it asks at the terminal: each open question with its choices, default
    and deadline. Ctrl-D leaves a question open. Prints and exits as `task new`.
    """
    records, _ = open_records(running.workspace)
    which = ({"into": into} if into else {}) | ({"call": call} if call else {})
    if value is None and keyboard.can_ask():
        found = records.task(task_id_of(records, task, "answer", may_be_last=True))
        return _ask_open(found, which, running)
    task_id = task_id_with(records, task, value, "answer", "VALUE")
    request = {"kind": "answer", "value": json_or_text(value or ""), "text": value, **which}
    return request_and_run(running, task_id, request)


def _ask_open(task: Task, which: JsonObject, running: RequestOptions) -> int:
    """Ask the open questions of a task one after the other, and run it with the answers."""
    open_ones = [one for one in task.record["questions"] if all(one.get(name) == which[name] for name in which)]
    if not open_ones:  # it says why
        return request_and_run(running, task.id, {"kind": "answer", "value": None, **which})
    answered = asking.ask_each([{**one, "name": task.name} for one in open_ones])
    if not answered:
        say("aloma: nothing was answered")
        return code_of_task(task.record)
    home = load_workspace(running.workspace, running.models)
    *earlier, (last, value) = answered
    for asked, given in earlier:
        home.submit(asked["task"], answer_to(asked, given, typed_by()))
    return request_and_run(running, last["task"], answer_to(last, value, typed_by()), home)
