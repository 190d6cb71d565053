"""`aloma task resume`"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.budget import Wish
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import code_of_task
from aloma_cli.cli.limits import limit_wishes
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.option_groups import spelled_out
from aloma_cli.cli.output_options import Telling
from aloma_cli.cli.task.which import LAST, named
from aloma_cli.errors import TaskLockedError
from aloma_cli.ids import root_of

if TYPE_CHECKING:
    from aloma_cli.api.records import Records
    from aloma_cli.record.events import Event


@spelled_out(telling=Telling, limits=limit_wishes, flags=model_flags)
def resume(
    task: options.TaskId = None,
    from_last_good: Annotated[
        bool, typer.Option("--from-last-good", help="Where the record is damaged, go back to what stands before that.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try failed steps again also where the task had not ended in error.")
    ] = False,
    *,
    flags: Any,
    limits: dict[str, Wish],
    telling: Telling,
    wait: options.Wait = False,
    workspace: options.Workspace = None,
) -> None:
    """Continue a task that was interrupted, stopped, paused or failed.

    \b
    Examples:
      aloma task resume @last
      aloma task resume 01jd3k --json | jq .state
      aloma task resume @last --max-cost +0.50

    It may also be one that made no progress, or whose record is damaged. What was committed stays, and model calls
    that were answered are not repeated. Failed steps are tried again where the task had ended in error. Model calls
    are answered as before: the options for models change that. Prints and exits as `task new`.
    """
    from aloma_cli.cli.output import say
    from aloma_cli.cli.run import run_and_tell
    from aloma_cli.cli.workspaces import load_workspace, open_records
    from aloma_cli.record.tree import Tree

    records, _ = open_records(workspace)
    if from_last_good:
        _go_back(records, task or LAST)
    task_id = named(records, task, "resume", may_be_last=True)
    records.task(task_id)  # what is wrong with its record goes first
    _refuse_held(records, root_of(task_id))
    home = load_workspace(workspace, flags)
    found = home.task(task_id)
    if found.record["closed"] and home.is_over(found):
        home.republish(found)
        say(f"aloma: task {found.id} is closed ({found.state}): there is nothing to resume")
        telling.print(found)
        raise typer.Exit(code_of_task(found.record))
    home.loaded.check()
    journal = found.tree_journal
    changed = home.changed_steps(journal)
    if changed and not telling.quiet:
        say(f"aloma: changed since they fired: {', '.join(f'{step} ({what})' for step, what in changed.items())}")
    notice = home.choice(Tree.of(journal)).notice
    work = partial(home.resume, found.id, limits=limits, wait=wait, retry_failed=retry_failed)
    run_and_tell(home, found.id, work, telling, before=journal, notice=notice, wait=wait)


def _refuse_held(records: Records, root: str) -> None:
    """Raise TaskLockedError where another process runs a task, before anything is loaded."""
    holder = records.store.holder(root)
    if holder is not None:
        hint = f"run `aloma task stop {root}`, or wait until it ends"
        raise TaskLockedError(f"{holder} is running task {root}", hint=hint)


def _go_back(home: Records, task: str) -> None:
    """Salvage what stands before the damage in a task's record, and say what is lost."""
    from aloma_cli.cli.output import say
    from aloma_cli.view.format import plural

    salvage = home.salvage(task)
    if salvage is None:
        say("aloma: the journal is not damaged: nothing is lost")
        return
    say(f"aloma: {plural(salvage.kept, 'line')} of the journal kept, {salvage.lost:,} lost; all are in {salvage.aside}")
    lost = _what(salvage.readable)
    say(f"  lost, as far as it can be read: {lost}" if lost else "  nothing of what is lost can be read")


def _what(events: tuple[Event, ...]) -> str:
    """Events in words: `1 commit (greet), 2 answers of connectors, which will be asked for again, 1 start`."""
    from aloma_cli.record.events import CallAnswered, Committed, FiringStarted
    from aloma_cli.view.format import clean, plural

    commits = [event.step or event.by for event in events if isinstance(event, Committed)]
    answers = sum(isinstance(event, CallAnswered) for event in events)
    starts = [event.step for event in events if isinstance(event, FiringStarted)]
    others = len(events) - len(commits) - answers - len(starts)
    parts = (
        commits and f"{plural(len(commits), 'commit')} ({clean(', '.join(commits))})",
        answers and f"{plural(answers, 'answer')} of connectors, to be asked for again",
        starts and f"{plural(len(starts), 'start')} ({clean(', '.join(starts))})",
        others and plural(others, "other event"),
    )
    return ", ".join(part for part in parts if part)
