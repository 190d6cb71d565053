"""What `task set`, `answer` and `redo` have in common: a request, carried out here or by whoever runs the task."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aloma_cli.errors import InputError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import Json, JsonError, JsonObject, JsonSyntaxError, Path, cut, loads

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.cli.telling import Telling

_SHOWN = 60
_ASSIGNMENT = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"=])*)=(.*)', re.DOTALL)

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

    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise InputError(
            f"{cut(text, _SHOWN)!r} is no assignment", hint="write it as path=value, such as approval.granted=true"
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
