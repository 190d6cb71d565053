"""What `task set`, `answer` and `redo` have in common: a request, carried out here or by whoever runs the task."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from aloma_cli.errors import InputError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import Json, JsonError, JsonObject, JsonSyntaxError, Path, cut, loads

if TYPE_CHECKING:
    from aloma_cli.api.handover import Handed
    from aloma_cli.api.records import Records
    from aloma_cli.api.task import Task
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.cli.output_options import Telling
    from aloma_cli.loader.models import ModelFlags
    from aloma_cli.store.protocol import Claim

_SHOWN = 60
_ASSIGNMENT = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"=])*)=(.*)', re.DOTALL)

NoRun = Annotated[bool, typer.Option("--no-run", help="Only write it; do not run the task on.")]


_SOON = 1.0
"""Seconds after which a person is told why nothing happens."""


def ask_of(
    workspace: str | None,
    flags: ModelFlags,
    task_id: str,
    request: JsonObject,
    telling: Telling,
    *,
    no_run: bool,
    home: Workspace | None = None,
) -> None:
    """Carry `request` out and run the task on; where another process runs it, that process does both.

    What is wrong with the request is found before any step is loaded.
    """
    from aloma_cli.api.records import Records
    from aloma_cli.api.task import read_tree
    from aloma_cli.cli.workspaces import load_workspace
    from aloma_cli.engine.requests import checked, read_request

    records, root = Records.at(workspace), root_of(task_id)
    tree = read_tree(records.store, root)
    checked(tree, read_request({**request, "task": task_id}))
    home = home or load_workspace(workspace, flags)
    runs = not no_run and tree.stopped is None
    handed = home.hand_over(task_id, request, waiting_for(records, root))
    if handed.claim is None:
        tell_handed(records, root, handed)
        telling.print(home.task(task_id))
    elif runs:
        _run_on(home, task_id, handed.claim, handed.own, telling)
    else:
        written = home.write(handed.claim, task_id, handed.own)
        _tell_written(written, telling)
        telling.print(written)


def _run_on(home: Workspace, task_id: str, claim: Claim, request: JsonObject | None, telling: Telling) -> NoReturn:
    from aloma_cli.cli.run import run_and_tell
    from aloma_cli.record.tree import Tree

    with contextlib.ExitStack() as refused:
        refused.callback(claim.close)
        home.loaded.check()
        before = home.task(task_id).tree_journal
        notice = home.choice(Tree.of(before)).notice
        refused.pop_all()
    work = partial(home.carry_out, claim, task_id, request)
    run_and_tell(home, task_id, work, telling, before=before, notice=notice)


def waiting_for(records: Records, root: str) -> Callable[[float], None]:
    """What tells a person, once, which process a request waits for."""
    from aloma_cli.api.handover import PATIENCE
    from aloma_cli.cli.output import say

    told: list[str] = []

    def tell(left: float) -> None:
        if not told and left < PATIENCE - _SOON:
            told.append(records.store.holder(root) or "another process")
            say(f"aloma: {told[0]} runs the task; waiting until it takes the request")

    return tell


def tell_handed(records: Records, root: str, handed: Handed) -> None:
    """Say what became of a request to a task that another process runs."""
    from aloma_cli.cli.output import say

    if handed.taken:
        say("aloma: the process that runs the task has taken the request")
    else:
        holder = records.store.holder(root) or "another process"
        say(f"aloma: {holder} holds the task and does not take the request; it is filed, and waits for the next run")


def _tell_written(task: Task, telling: Telling) -> None:
    from aloma_cli.cli.output import say

    if not telling.quiet:
        say(f"aloma: written; to run the task on: aloma task resume {root_of(task.id)}")


def assignment(text: str) -> tuple[Path, Json]:
    """`path=value` as keys and value: JSON where it is JSON, else the text itself. Raises InputError."""
    from aloma_cli.document.paths import parse_path

    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise InputError(
            f"{cut(text, _SHOWN)!r} is not an assignment", hint="write it as path=value, such as approval.granted=true"
        )
    return parse_path(match[1]), json_or_text(match[2])


def json_or_text(text: str) -> Json:
    """The JSON that `text` is, or `text` where it is none. Raises InputError for JSON that cannot be taken."""
    try:
        text.encode()
        return loads(text)
    except JsonSyntaxError:
        return text
    except UnicodeEncodeError:  # what the shell passed on is turned into halves of surrogate pairs
        raise InputError(f"the value {cut(text, _SHOWN)!r} is not UTF-8") from None
    except JsonError as error:
        raise InputError(
            f"{cut(text, _SHOWN)} cannot be taken: {error}", hint="to write it as a text, put it in double quotes"
        ) from None
