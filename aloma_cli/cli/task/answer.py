"""`aloma task answer`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.request_options import Running
from aloma_cli.cli.task.requests import json_or_text, request_and_run
from aloma_cli.cli.task.which import task_id_with
from aloma_cli.cli.workspaces import open_records


def answer(
    task: options.TaskId = None,
    value: Annotated[str | None, Argument("VALUE", "The answer: JSON, else text; yes or no for true or false.")] = None,
    into: Annotated[str | None, Option(("--into",), "Which question, if there are several.", "PATH")] = None,
    call: Annotated[int | None, Option(("--call",), "Which call, if several wait for approval.", "N", min=1)] = None,
    *,
    running: Running,
) -> int:
    """
    \b
    Examples:
      aloma task answer @last true
      aloma task answer 01jd3k "next week" --into delivery.date
      aloma task answer @last no --call 7

    Prints and exits as `task new`.
    """
    task_id = task_id_with(open_records(running.workspace)[0], task, value, "answer", "VALUE")
    request = {"kind": "answer", "value": json_or_text(value or ""), "text": value}
    request |= {"into": into} if into else {}
    request |= {"call": call} if call else {}
    return request_and_run(running, task_id, request)
