"""`aloma task watch` and `aloma task wait`"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from aloma_cli.api.explaining import question
from aloma_cli.api.task import Task, read_batches
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE
from aloma_cli.cli.expectation import code_for, expectation
from aloma_cli.cli.option_groups import Output, OutputOptions, number
from aloma_cli.cli.output import say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import Emit, Work, following, run_and_show
from aloma_cli.cli.task.why import lines
from aloma_cli.cli.watching.full import watch_full
from aloma_cli.cli.watching.replay import FASTEST, SLOWEST, EventReplay, split_at
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import JournalDamagedError
from aloma_cli.explain.why import why
from aloma_cli.ids import root_of
from aloma_cli.record.batch import Batch
from aloma_cli.record.states import ACTIVE


def watch(
    task: options.LastTask = "@last",
    wait: Annotated[bool, Option(("--wait",), "Keep watching until open questions are answered.")] = False,
    speed: Annotated[
        str | None, Option(("--speed",), "Replay what is on record, N times as fast as it ran.", "N")
    ] = None,
    entry: Annotated[int | None, Option(("--from",), "Replay from entry N of `aloma task log` on.", "N")] = None,
    full: Annotated[bool, Option(("--full",), "Step through the run in a full-screen view.")] = False,
    workspace: options.Workspace = None,
    *,
    output: Output,
) -> int:
    """
    \b
    Examples:
      aloma task watch
      aloma task watch 01jd3k --events | jq .kind
      aloma task watch 01jd3k --speed 4 --from 12
      aloma task watch --full

    Shows the run of a task that another process runs, such as a worker. Ctrl-C ends the
    view, and the task continues. Prints and exits as `task new`.

    A replay follows the record, of a task at rest too; waits over 2 s are shortened to
    2 s. --full shows the log beside the document of each entry: see
    `aloma help pictures`.
    """
    home = load_workspace(workspace)
    pace = 1.0 if speed is None else number(speed, "--speed", least=SLOWEST, most=FASTEST)
    if full:
        _check_alone(output, wait=wait)
        task = home.find(task)
        return watch_full(
            home, task, lambda step, at: [*lines(why(question(home, task), step, at))], entry=entry, speed=pace
        )
    if speed is None and entry is None:
        return _follow_task(home, task, output, wait=wait)
    return _replay(home, task, entry or 0, pace, output, wait=wait)


def wait(
    task: options.LastTask = "@last",
    as_json: options.AsJson = False,
    as_data: options.AsData = False,
    as_result: options.AsResult = False,
    expect: options.Expect = None,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task wait && echo done
      aloma task wait 01jd3k --data
      aloma task wait --expect order.paid=true --result | jq .total

    Waits until a task that another process runs is at rest. Prints and exits as
    `task new`.
    """
    expected = expectation(expect)
    output = OutputOptions(as_json, as_data, as_result, quiet=True)
    home = load_workspace(workspace)
    code = _follow_task(home, task, output, wait=False)
    found = home.task(task) if expected is not None else None
    return code if found is None or code != DONE else code_for(found.record, found.data, expected)


def _replay(home: Workspace, text: str, entry: int, speed: float, output: OutputOptions, *, wait: bool) -> int:
    task_id = home.find(text)
    batches, damage = read_batches(home.store, root_of(task_id))
    events = [event for batch in batches for event in batch.events]
    replay = EventReplay(events, split_at(events, task_id, entry), speed, home.clock)
    tell = (lambda _: None) if output.quiet or output.events else say

    async def then(emit: Emit) -> Task:
        if damage is not None:
            raise damage
        if home.task(task_id).state in ACTIVE:
            replay.clock.release()
        return await following(home, task_id, output, since=len(batches), wait=wait)(emit)

    async def work(emit: Emit) -> Task:
        tell(f"aloma: replaying task {task_id}, {speed:g} times as fast as it ran")
        return await replay.run(emit, then=then, say=tell)

    before = replay.before
    return run_and_show(home, task_id, work, output, before=before, wait=wait, follows=True, clock=replay.clock)


def _readable(batches: Iterable[Batch], damage: JournalDamagedError) -> Work:
    """Work for `run_and_show`: what can be read of a record, and its damage."""

    async def work(emit: Emit) -> Task:
        for event in (event for batch in batches for event in batch.events):
            emit(event)
        raise damage

    return work


def _check_alone(output: OutputOptions, *, wait: bool) -> None:
    """Raise InputError where --full is given with an option for what is printed."""
    printed = {"--json": output.as_json, "--data": output.as_data, "--result": output.as_result}
    others = {"--wait": wait, "--events": output.events, "--quiet": output.quiet, **printed}
    options.check_one_format({"--full": True, **others})


def _follow_task(home: Workspace, text: str, output: OutputOptions, *, wait: bool) -> int:
    task_id = home.find(text)
    task, _ = home.readable(task_id)
    if task.state not in ACTIVE and not output.quiet:
        say(f"aloma: task {task_id} is at rest: {task.state}")
    # Read once: what is recalled and what is followed must meet without a gap.
    batches, damage = read_batches(home.store, root_of(task_id))
    if damage is not None:
        return run_and_show(home, task_id, _readable(batches, damage), output, follows=True)
    work = following(home, task_id, output, since=len(batches), wait=wait)
    before = WorkingTree.of(event for batch in batches for event in batch.events)
    return run_and_show(home, task_id, work, output, before=before, wait=wait, follows=True)
