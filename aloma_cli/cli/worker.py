"""`aloma worker`"""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

from aloma_cli.api.task import Task
from aloma_cli.api.worker import Until, Worker
from aloma_cli.cli import descriptors, exit_codes, options, output
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import no_keyboard
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.engine.shutdown import leave
from aloma_cli.errors import AlomaError, InputError
from aloma_cli.view.format import clean, duration, money, plural


def worker(
    concurrency: Annotated[int, Option(("--concurrency", "-c"), "Tasks at the same time.", "N")] = 20,
    only: Annotated[str | None, Option(("--only",), "Only tasks with this tag.", "TAG", offers="tag")] = None,
    once: Annotated[bool, Option(("--once",), "End when no task is due.")] = False,
    drain: Annotated[bool, Option(("--drain",), "End when no task is due, or will be by a timer.")] = False,
    any_release: Annotated[bool, Option(("--any-release",), "Also tasks of other versions of the steps.")] = False,
    as_json: options.AsJson = False,
    quiet: Annotated[bool, Option(("--quiet", "-q"), "Show only errors on stderr.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma worker
      aloma worker -c 50 --only nightly
      aloma worker --drain --json | jq .state

    Runs each task that has something to do: tasks created with `aloma task new --queue`,
    tasks whose timer has come, tasks that another process left unfinished. Other commands
    work as without a worker.
    SIGTERM and Ctrl-C: takes nothing new, waits up to 30 s for running steps, and ends.
    """
    if concurrency < 1:
        raise InputError(f"-c {concurrency} is not an integer of at least 1")
    if once and drain:
        raise InputError("--once and --drain contradict one another")
    home = load_workspace(workspace)
    until: Until = "idle" if once else "drained" if drain else "stopped"

    def tell(task: Task) -> None:
        if not quiet:
            output.say(_line(task))
        if as_json:
            output.put_json(output.whole_record(task.seen, task.data))
            output.result().flush()

    def refused(root: str, error: AlomaError) -> None:
        output.say(f"aloma: task {root}: {error}")

    if not quiet:
        output.say(f"aloma: worker started, up to {plural(concurrency, 'task')} at the same time; Ctrl-C ends it")
    return _run(Worker(home, tell, refused, concurrency, only, any_release), until)


def _run(worker: Worker, until: Until) -> int:
    """Run the worker; the first signal lets it end in order, the second at once."""
    loop = asyncio.new_event_loop()
    working = loop.create_task(worker.run(until))
    codes: list[int] = []

    def signalled(code: int) -> None:
        if codes:
            working.cancel()
        else:
            output.say("aloma: the worker ends; it waits for running steps (Ctrl-C again: end at once)")
            worker.leave()
        codes.append(code)

    loop.add_signal_handler(signal.SIGINT, signalled, exit_codes.INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, signalled, exit_codes.TERMINATED)
    try:
        with no_keyboard():
            loop.run_until_complete(working)
    except asyncio.CancelledError:
        return codes[-1]
    finally:
        leave(loop)
        descriptors.settle()
    return exit_codes.DONE


def _line(task: Task) -> str:
    usage = task.record["usage"]
    parts = [clean(task.name), task.state, duration(task.record["seconds"])]
    if usage["calls"]:
        parts.append(plural(usage["calls"], "call"))
    if usage.get("cost"):
        parts.append(money(usage["cost"]))
    return f"{task.id}  {', '.join(parts)}"
