"""`aloma task set`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Request, RequestOptions
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task.requests import assignment, request_and_run
from aloma_cli.cli.task.task_id import task_id_of
from aloma_cli.cli.workspaces import open_records
from aloma_cli.document.reserved import ERRORS
from aloma_cli.errors import InputError, did_you_mean
from aloma_cli.jsontext import JsonObject, show_path


def set_values(
    task: options.TaskId = None,
    values: Annotated[
        list[str] | None, Argument("PATH=VALUE…", "What to write: JSON, else text.", "assignment")
    ] = None,
    unset: Annotated[
        list[str] | None, Option(("--unset",), "What to remove first; may be repeated.", "PATH", offers="place")
    ] = None,
    *,
    running: Request,
) -> int:
    """
    \b
    Examples:
      aloma task set @last approval.granted=true
      aloma task set 01jd3k 'order.items=["a", "b"]' --unset order.hold
      aloma task set 01jd3k --unset '$errors.research/agent'  # fire it again

    If another process runs the task, that process writes it. Prints and exits as
    `task new`.
    """
    task_id = task_id_of(open_records(running.workspace)[0], task, "set", " PATH=VALUE")
    if not values and not unset:
        raise InputError("there is nothing to set", hint="run `aloma task set ID path=value`")
    request = {"kind": "set", "set": [assignment(text) for text in values or ()], "unset": unset or []}
    return request_and_run(running, task_id, request, check=lambda home: _check_fields(home, task_id, request, running))


def _check_fields(home: Workspace, task_id: str, request: JsonObject, running: RequestOptions) -> None:
    """Raise InputError for an error of a step that does not exist; say it of a new field that no condition reads."""
    document = home.task(task_id).data
    errors = document.get(ERRORS)
    known = {*home.steps, *(errors if isinstance(errors, dict) else ())}
    for path, value in request["set"]:
        steps = [path[1]] if len(path) > 1 else [*value] if isinstance(value, dict) else []
        for step in steps if path[0] == ERRORS else ():
            if step not in known:
                hint = did_you_mean(step, home.steps) or "run `aloma step list` for the steps"
                raise InputError(f"{show_path((ERRORS, step))}: there is no step {step!r}", hint=hint)
    read = {path[0] for step in home.steps.values() for path in step.condition.paths if path}
    for name in dict.fromkeys(path[0] for path, _ in request["set"]):
        if name not in document and name not in read and not str(name).startswith("$") and not running.output.quiet:
            near = did_you_mean(name, [*document, *read])
            say(f"aloma: {show_path((name,))} is new, and no condition reads it{f'; {near}' if near else ''}")
