"""`aloma inbox`"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from aloma_cli.api.inbox import answer_to, is_same, open_questions
from aloma_cli.api.reader import Records
from aloma_cli.api.task import read_tree
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.asking.keyboard import can_ask
from aloma_cli.cli.asking.round import ask_each
from aloma_cli.cli.asking.who import typed_by
from aloma_cli.cli.option_groups import OutputOptions
from aloma_cli.cli.output import put_json, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import run_and_show
from aloma_cli.cli.table import put_table
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.document.stash import hide_stash
from aloma_cli.engine.loop import Stay
from aloma_cli.errors import AlomaError, InputError, TaskLockedError
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.view.tables import Column

_COLUMNS = (
    Column("task", "id"),
    Column("name"),
    Column("question"),
    Column("asked", "time"),
    Column("until", dispensable=True),
)


def inbox(
    only: Annotated[str | None, Option(("--only",), "Only tasks with this tag.", "TAG", offers="tag")] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the open questions as a JSON list.")] = False,
    no_run: options.NoRun = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma inbox
      aloma inbox --only invoices
      aloma inbox --json | jq '.[].question'

    Shows all open questions of the workspace: first those with a deadline, then the
    oldest. At a terminal it asks them one after the other, and runs the tasks with the
    answers. :s skips a question, :q or Ctrl-D ends.
    """
    records, _ = open_records(workspace)
    questions = _open_questions(records, only)
    if as_json:
        put_json([hide_stash(asked) for asked in questions])
    elif not questions:
        say("aloma: no open question")
    elif can_ask():
        return _ask_until_done(records, questions, only, no_run=no_run, workspace=workspace)
    else:
        rows = [[asked[name] for name in ("task", "name", "question", "asked_at", "until")] for asked in questions]
        put_table(_COLUMNS, rows)
    return exit_codes.DONE


def _open_questions(records: Records, only: str | None) -> list[JsonObject]:
    return open_questions(records, only=only, unreadable=lambda error: say(f"aloma: {error}"))


def _ask_until_done(
    records: Records, questions: list[JsonObject], only: str | None, *, no_run: bool, workspace: str | None
) -> int:
    """Ask until nothing is open that was not skipped: a task that runs on may ask more."""
    seen: list[JsonObject] = []
    home: Workspace | None = None
    while questions:
        answered = ask_each(questions)
        if not answered:
            return exit_codes.DONE
        home = home or load_workspace(workspace)
        roots = dict.fromkeys(asked["root"] for asked, value in answered if _submitted(home, asked, value))
        if no_run:
            say(
                f"aloma: written; to run the tasks: aloma worker --once, or aloma task resume {next(iter(roots), 'ID')}"
            )
            return exit_codes.DONE
        for root in roots:
            _run_answered(home, root)
        seen += questions
        questions = [one for one in _open_questions(records, only) if not any(is_same(one, known) for known in seen)]
    return exit_codes.DONE


def _submitted(home: Workspace, asked: JsonObject, value: Json) -> bool:
    """Whether the answer was written: the question may have been answered meanwhile."""
    try:
        home.submit(asked["task"], answer_to(asked, value, typed_by()))
    except InputError as error:
        say(f"aloma: {error}")
        return False
    return True


def _run_answered(home: Workspace, root: str) -> None:
    """Run a task with its answers, unless a worker does."""
    if home.store.holder(root) is not None:
        say(f"aloma: another process runs task {root}")
        return
    try:
        before = read_tree(home.store, root)
        notice = home.setup.choice(before).notice
        work = partial(home.work_on, home.store.claim(root), Stay())
        run_and_show(home, root, work, OutputOptions(), before=before, notice=notice)
    except TaskLockedError:
        say(f"aloma: another process runs task {root}")
    except AlomaError as error:
        exit_codes.tell(error)
