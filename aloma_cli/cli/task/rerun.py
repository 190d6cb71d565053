"""`aloma task rerun`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.api.copies import document_for_copy
from aloma_cli.api.explaining import continue_with_answers, question
from aloma_cli.api.task import Task
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.option_groups import Run
from aloma_cli.cli.output import put_json, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import Emit, run_and_show
from aloma_cli.cli.task.task_id import task_id_of
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.errors import InputError
from aloma_cli.explain.ledger import Ledger
from aloma_cli.explain.replay.forecast import Forecast, forecast
from aloma_cli.explain.replay.people import KnownPeople
from aloma_cli.explain.replay.reuse import KnownAnswers
from aloma_cli.record.states import ASKING
from aloma_cli.record.tree import Tree
from aloma_cli.testing.replay import replayed
from aloma_cli.view.format import clean, money, plural


def rerun(
    task: options.TaskId = None,
    changed: Annotated[bool, Option(("--changed",), "Reuse recorded answers while the calls stay the same.")] = False,
    start: Annotated[
        int | None, Option(("--from",), "Start from the document after entry N of `aloma task log`.", "N")
    ] = None,
    dry_run: Annotated[bool, Option(("--dry-run",), "Only show which calls would be repeated, as JSON.")] = False,
    *,
    running: Run,
) -> int:
    """
    \b
    Examples:
      aloma task rerun @last --changed
      aloma task rerun 01jd3k --changed --dry-run | jq .again
      aloma task rerun 01jd3k --from 3

    Runs a copy of a task, from its first document, with today's steps. With --changed
    it pays only for calls whose prompt or arguments have changed, and says first how
    many these are. A question to a person that has not changed keeps its answer. Prints and
    exits as `task new`.
    """
    expected = running.expected
    task_id = task_id_of(open_records(running.workspace)[0], task, "rerun")
    home = load_workspace(running.workspace, running.models)
    found = home.task(task_id)
    if found.record["parent"] is not None:
        raise InputError(f"{task_id} is a subtask", hint=f"run `aloma task rerun {task_id.partition('.')[0]}`")
    asked = question(home, task_id)
    tree = Tree.of(asked.events)
    notice = home.setup.choice(tree).notice
    document = document_for_copy(found, at=start or 0)
    if changed or dry_run:
        told = forecast(Ledger.of(asked.events), home.steps, replayed(home, task_id))
        if dry_run:
            put_json({"schema": 1, "task": task_id, **told.to_json()})
            return exit_codes.DONE
        if not running.output.quiet:
            say(f"aloma: {_forecast_words(told)}")
        home.setup.intercept = KnownAnswers.of(task_id, asked.events).intercept
    made = home.create(found.name, document, tags=found.record["tags"], like=tree)
    people = KnownPeople.of(asked.events)

    async def work(emit: Emit) -> Task:
        first = home.start(made, emit, limits=running.limits, expect=expected or tree.expected)
        task = await continue_with_answers(home, first, people, emit)
        waits = running.wait and task.state in ASKING
        return await home.apply_and_run(task.id, None, emit, wait=True) if waits else task

    return run_and_show(home, made.claim.root, work, running.output, notice=notice, wait=running.wait)


def _forecast_words(told: Forecast) -> str:
    """`2 of 9 calls are asked again (research/synthesis, about $0.03); 3 more may follow (about $0.05)`."""
    if not told.again and not told.perhaps:
        return f"none of {plural(told.calls, 'call')} is repeated"
    steps = f"{clean(', '.join(told.steps))}, " if told.steps else ""
    verb = "is" if told.again == 1 else "are"
    first = f"{told.again} of {plural(told.calls, 'call')} {verb} repeated ({steps}about {money(told.again_cost)})"
    more = f"; {told.perhaps} more may follow (about {money(told.perhaps_cost)})" if told.perhaps else ""
    return f"{first}{more}"
