"""`aloma task resume`"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.budget import Wish
from aloma_cli.cli import options
from aloma_cli.cli.exits import code_of_task
from aloma_cli.cli.limits import limit_wishes
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.spelled import spelled_out
from aloma_cli.cli.telling import Telling

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.events import Event


@spelled_out(telling=Telling, limits=limit_wishes, flags=model_flags)
def resume(
    task: options.TaskId,
    from_last_good: Annotated[
        bool, typer.Option("--from-last-good", help="Where the record is damaged, go back to what stands before that.")
    ] = False,
    *,
    flags: Any,
    limits: dict[str, Wish],
    telling: Telling,
    wait: options.Wait = False,
    workspace: options.Workspace = None,
) -> None:
    """Go on with a task that was interrupted, paused or failed.

    \b
    Examples:
      aloma task resume @last
      aloma task resume 01jd3k --json | jq .state
      aloma task resume @last --max-cost +0.50

    It may also be one that made no progress, or whose record is damaged. What was committed stays, and answers that
    were paid for are not asked for again. Prints and exits as `task new`.
    """
    from aloma_cli.cli.opening import open_workspace
    from aloma_cli.cli.output import say
    from aloma_cli.cli.running import run_and_tell

    home = open_workspace(workspace, flags)
    if from_last_good:
        _go_back(home, task)
    found = home.task(task)
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
    work = partial(home.resume, found.id, limits=limits, wait=wait)
    run_and_tell(home, found.id, work, telling, before=journal, wait=wait)


def _go_back(home: Workspace, task: str) -> None:
    """Salvage what stands before the damage in a task's record, and say what is lost."""
    from aloma_cli.cli.output import say
    from aloma_cli.view.wording import plural

    salvage = home.salvage(task)
    if salvage is None:
        say("aloma: the journal is not damaged: nothing is lost")
        return
    say(f"aloma: {plural(salvage.kept, 'line')} of the journal kept, {salvage.lost:,} lost; all are in {salvage.aside}")
    lost = _what(salvage.readable)
    say(f"  lost, as far as it can be read: {lost}" if lost else "  nothing of what is lost can be read")


def _what(events: tuple[Event, ...]) -> str:
    """Events in words: `1 commit (greet), 2 answers of connectors, which will be asked for again, 1 start`."""
    from aloma_cli.events import CallAnswered, Committed, FiringStarted
    from aloma_cli.view.wording import clean, plural

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
