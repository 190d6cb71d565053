"""What `task set`, `answer` and `redo` have in common: a request, carried out here or by whoever runs the task."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aloma_cli.errors import InputError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import Json, JsonError, JsonObject, Path, loads

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.cli.telling import Telling

NoRun = Annotated[bool, typer.Option("--no-run", help="Only write it; do not run the task on.")]


def ask_of(home: Workspace, task: str, request: JsonObject, telling: Telling, *, no_run: bool) -> None:
    """Carry `request` out and run the task on; where another process runs it, that process does both."""
    from aloma_cli.cli.output import say
    from aloma_cli.cli.running import run_and_tell

    found = home.task(task)
    holder = home.store.holder(root_of(found.id))
    if holder is None and not no_run:
        run_and_tell(home, found.id, partial(home.go_on, found.id, request), telling, before=found.tree_journal)
    written = home.submit(found.id, request)
    if written is None:
        say(f"aloma: {holder or 'another process'} runs the task and will do it")
    telling.print(written or found)


def assignment(text: str) -> tuple[Path, Json]:
    """`path=value` as keys and value: JSON where it is JSON, else the text itself. Raises InputError."""
    from aloma_cli.document import parse_path

    path, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{text!r} is no assignment", hint="write it as path=value, such as approval.granted=true")
    return parse_path(path), json_or_text(value)


def json_or_text(text: str) -> Json:
    """The JSON that `text` is, or `text`."""
    try:
        return loads(text)
    except JsonError:
        return text
