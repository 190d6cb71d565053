"""`aloma task resume`"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from aloma_cli.api.orders import resuming
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.api.reader import Records
from aloma_cli.api.resume import changed_steps, is_over, republish
from aloma_cli.api.task import read_tree
from aloma_cli.cli import options
from aloma_cli.cli.expectation import code_for
from aloma_cli.cli.option_groups import Run
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import queued, run_and_show
from aloma_cli.cli.task.task_id import LAST, task_id_of
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.errors import TaskLockedError
from aloma_cli.ids import root_of
from aloma_cli.record.events import CallAnswered, Committed, Event, FiringStarted
from aloma_cli.view.format import clean, plural


def resume(
    task: options.TaskId = None,
    from_last_good: Annotated[
        bool, Option(("--from-last-good",), "Cut a damaged record before the damage first.")
    ] = False,
    retry_failed: Annotated[
        bool, Option(("--retry-failed",), "Retry failed steps even if the task is not in error.")
    ] = False,
    queue: options.Queue = False,
    *,
    running: Run,
) -> int:
    """
    \b
    Examples:
      aloma task resume @last
      aloma task resume 01jd3k --json | jq .state
      aloma task resume @last --max-cost +0.50

    Also continues a task that made no progress, or whose record is damaged. Commits
    stay, and answered model calls are not repeated. If the task is in error, its failed
    steps are tried again. The task keeps its model server, unless you choose another
    one. Prints and exits as `task new`.
    """
    expected = running.expected
    records, _ = open_records(running.workspace)
    if from_last_good:
        _go_back(records, task or LAST)
    task_id = task_id_of(records, task, "resume", may_be_last=True)
    records.task(task_id)  # so that a damaged record is reported first
    _refuse_held(records, root_of(task_id))
    home = load_workspace(running.workspace, running.models)
    found = home.task(task_id)
    tree = read_tree(home.store, root_of(found.id))
    if found.record["closed"] and is_over(tree):
        republish(home.store, root_of(found.id), home.clock)
        say(f"aloma: task {found.id} is closed ({found.state}): there is nothing to resume")
        running.output.print(found)
        return code_for(found.record, found.data, expected)
    home.loaded.check()
    changed = changed_steps(home.steps, tree)
    if changed and not running.output.quiet:
        what = ", ".join(f"{step} ({part})" for step, part in changed.items())
        say(f"aloma: the code of these steps has changed since they ran: {what}")
    notice = home.setup.choice(tree).notice
    if queue:
        order = resuming(home.setup, running.limits, expected, retry_failed=retry_failed)
        return queued(home, leave_to_worker(home, found.id, order), running.output, wait=running.wait)
    work = partial(
        home.resume, found.id, limits=running.limits, expect=expected, wait=running.wait, retry_failed=retry_failed
    )
    return run_and_show(home, found.id, work, running.output, before=tree, notice=notice, wait=running.wait)


def _refuse_held(records: Records, root: str) -> None:
    """Raise TaskLockedError if another process runs the task, before anything is loaded."""
    holder = records.store.holder(root)
    if holder is not None:
        hint = f"run `aloma task stop {root}`, or wait until it ends"
        raise TaskLockedError(f"{holder} is running task {root}", hint=hint)


def _go_back(home: Records, task: str) -> None:
    """Cut a task's record before its damage, and say what is lost."""
    salvage = home.salvage(task)
    if salvage is None:
        say("aloma: the journal is not damaged: nothing is lost")
        return
    say(f"aloma: {plural(salvage.kept, 'line')} of the journal kept, {salvage.lost:,} lost; all are in {salvage.aside}")
    lost = _what(salvage.readable)
    say(f"  lost (as far as readable): {lost}" if lost else "  the lost lines are not readable")


def _what(events: tuple[Event, ...]) -> str:
    """Events in words: `1 commit (greet), 2 answers of connectors, to be asked for again, 1 start (greet)`."""
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
