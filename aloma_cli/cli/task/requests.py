"""The shared part of `task set`, `answer` and `redo`: a request, for this process or the one that runs the task."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import partial

from aloma_cli.api.handover import PATIENCE, Handed, hand_over
from aloma_cli.api.reader import Records
from aloma_cli.api.task import read_tree
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import exit_codes
from aloma_cli.cli.asking.who import typed_by
from aloma_cli.cli.option_groups import RequestOptions
from aloma_cli.cli.output import say
from aloma_cli.cli.run import run_and_show
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.document.paths import parse_path
from aloma_cli.engine.requests import checked, read_request
from aloma_cli.errors import InputError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import Json, JsonError, JsonObject, JsonSyntaxError, Path, cut, loads
from aloma_cli.store.protocol import Claim

_SHOWN = 60
_ASSIGNMENT = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"=])*)=(.*)', re.DOTALL)
_SOON = 1.0
"""Seconds after which the command says what it waits for."""


def request_and_run(
    running: RequestOptions,
    task_id: str,
    request: JsonObject,
    home: Workspace | None = None,
    *,
    check: Callable[[Workspace], None] = lambda _: None,
) -> int:
    """Carry out `request` and run the task; if another process runs it, that process does both. Gives the exit code.

    An invalid request is found before any step is loaded. `check` may refuse it by what the workspace has.
    """
    records, root = Records.at(running.workspace), root_of(task_id)
    tree, output = read_tree(records.store, root), running.output
    request = {**request, "task": task_id, "who": typed_by()}
    checked(tree, read_request(request))
    home = home or load_workspace(running.workspace, running.models)
    check(home)
    handed = hand_over(home.store, home.setup.redactor, root, request, waiting=waiting_for(records, root))
    if handed.claim is None:
        say_handed(records, root, handed)
        output.print(home.task(task_id))
    elif running.no_run or tree.stopped is not None:
        written = home.write(handed.claim, task_id, handed.own)
        if not output.quiet:
            say(f"aloma: written; to run the task: aloma task resume {root}")
        output.print(written)
    else:
        return _run_claimed(home, task_id, handed.claim, handed.own, running)
    return exit_codes.DONE


def _run_claimed(
    home: Workspace, task_id: str, claim: Claim, request: JsonObject | None, running: RequestOptions
) -> int:
    with contextlib.ExitStack() as refused:
        refused.callback(claim.close)
        home.loaded.check()
        before = read_tree(home.store, root_of(task_id))
        notice = home.setup.choice(before).notice
        refused.pop_all()
    work = partial(home.apply_and_run, task_id, request, claim=claim, limits=running.limits, wait=running.wait)
    return run_and_show(home, task_id, work, running.output, before=before, notice=notice, wait=running.wait)


def waiting_for(records: Records, root: str) -> Callable[[float], None]:
    """What says once which process a request waits for; it is called with the seconds left."""
    said: list[str] = []

    def waiting(left: float) -> None:
        if not said and left < PATIENCE - _SOON:
            said.append(records.store.holder(root) or "another process")
            say(f"aloma: {said[0]} is running the task; waiting until it takes the request")

    return waiting


def say_handed(records: Records, root: str, handed: Handed) -> None:
    """Say what happened to a request to a task that another process runs."""
    if handed.taken:
        say("aloma: the process that runs the task has taken the request")
    else:
        holder = records.store.holder(root) or "another process"
        say(f"aloma: {holder} is running the task and did not take the request; the next run will apply it")


def assignment(text: str) -> tuple[Path, Json]:
    """`path=value` as keys and value: JSON if it is JSON, else the text itself. Raises InputError."""
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise InputError(
            f"{cut(text, _SHOWN)!r} is not an assignment", hint="write it as path=value, such as approval.granted=true"
        )
    return parse_path(match[1]), json_or_text(match[2])


def json_or_text(text: str) -> Json:
    """`text` as JSON, or `text` itself if it is not JSON. Raises InputError for JSON that is not allowed."""
    try:
        text.encode()
        return loads(text)
    except JsonSyntaxError:
        return text
    except UnicodeEncodeError:  # the shell's invalid bytes arrive as halves of surrogate pairs
        raise InputError(f"the value {cut(text, _SHOWN)!r} is not UTF-8") from None
    except JsonError as error:
        hint = "put it in double quotes to write it as a string"
        raise InputError(f"{cut(text, _SHOWN)} is not allowed: {error}", hint=hint) from None
